"""Makes the CycloneDX document: the same bytes for the same lock and packages.

Usage: `text = document(Product("wayside-agent", "0.1.0", "Apache-2.0", "..."), components)`
"""

import json
import uuid
from collections.abc import Iterable
from dataclasses import dataclass

from cyclonedx.factory.license import LicenseFactory
from cyclonedx.model import HashAlgorithm, HashType, Property
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentScope, ComponentType
from cyclonedx.model.license import DisjunctiveLicense
from cyclonedx.output.json import JsonV1Dot6
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from packageurl import PackageURL

from wayside_sbom.installed import Installed
from wayside_sbom.lock import Locked

_NAMESPACE = uuid.UUID("8d3bb4d8-6f4f-5a0c-9d0f-5d8a3c1f6b55")  # of our serial numbers; any fixed one would do


@dataclass(frozen=True, slots=True)
class Product:
    """What the document is about, or one of our own parts in it."""

    name: str
    version: str
    licence: str  # SPDX
    summary: str
    requires: tuple[str, ...]  # normalised names


def document(
    product: Product, own_parts: Iterable[Product], packages: Iterable[tuple[Locked, Installed | None]]
) -> str:
    """The document as JSON.

    Raises: ValueError: it does not follow the CycloneDX schema.
    """
    bom = Bom()
    root = _own(product, ComponentType.APPLICATION)
    root.properties.add(Property(name="wayside:ai-components", value="none"))
    bom.metadata.component = root
    components = {product.name: root}
    components |= {part.name: _own(part, ComponentType.LIBRARY) for part in own_parts}
    requires = {part.name: part.requires for part in (product, *own_parts)}
    for locked, installed in packages:
        component = _component(locked, installed)
        bom.components.add(component)
        if installed is None:
            bom.register_dependency(component)
        else:  # a name locked in two versions is required in the one that is installed
            components[locked.name] = component
            requires[locked.name] = installed.requires
    bom.components.update(component for component in components.values() if component is not root)
    for name, component in components.items():
        bom.register_dependency(component, [components[other] for other in requires[name] if other in components])
    return _fixed(JsonV1Dot6(bom).output_as_string())


def _own(part: Product, kind: ComponentType) -> Component:
    return Component(
        name=part.name,
        version=part.version,
        type=kind,
        bom_ref=f"{part.name}@{part.version}",
        description=part.summary,
        licenses=[LicenseFactory().make_from_string(part.licence)],
    )


def _component(locked: Locked, installed: Installed | None) -> Component:
    purl = PackageURL(type="pypi", name=locked.name, version=locked.version)
    component = Component(
        name=locked.name,
        version=locked.version,
        type=ComponentType.LIBRARY,
        bom_ref=purl.to_string(),
        purl=purl,
        # locked for another kind of machine: named, and not in the package
        scope=ComponentScope.REQUIRED if installed else ComponentScope.EXCLUDED,
        description=installed.summary if installed else None,
        hashes=[HashType(alg=HashAlgorithm.SHA_256, content=sha256) for sha256 in locked.sha256],
    )
    if locked.marker:
        component.properties.add(Property(name="wayside:marker", value=locked.marker))
    if installed and installed.licence:
        if installed.licence_source == "License-Expression":
            component.licenses.add(LicenseFactory().make_from_string(installed.licence))
        else:
            component.licenses.add(DisjunctiveLicense(name=installed.licence))
    return component


def _fixed(text: str) -> str:
    """The text without what the library makes anew each time, checked against the schema."""
    content = json.loads(text)
    content["metadata"].pop("timestamp", None)
    content.pop("serialNumber", None)
    bare = json.dumps(content, indent=2, sort_keys=True, ensure_ascii=False)
    content["serialNumber"] = f"urn:uuid:{uuid.uuid5(_NAMESPACE, bare)}"
    fixed = json.dumps(content, indent=2, sort_keys=True, ensure_ascii=False) + "\n"
    error = JsonStrictValidator(SchemaVersion.V1_6).validate_str(fixed)
    if error is not None:
        raise ValueError(f"the document does not follow the CycloneDX schema: {error}")
    return fixed
