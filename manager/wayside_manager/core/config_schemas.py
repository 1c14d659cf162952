"""JSON schemas of configurations: which one counts for a node, what it knows, and its defaults.

A release may publish the schema of the agent in it; for every other version the manager's own counts. Usage:

    schemas = Schemas({"1.2.0": text})
    schema = schemas.of(running_release="1.2.0", running_version="1.2.0")
    schema.version, schema.known_names(("telemetry",)), schema.defaults()
"""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from importlib.metadata import version as version_of
from typing import Any

from jsonschema import Draft202012Validator, ValidationError
from jsonschema.validators import extend

from wayside import node_config
from wayside.errors import InvalidArgumentError
from wayside_manager.core.config_diff import Path
from wayside_manager.core.configs import MISSING
from wayside_manager.core.schema_patterns import TEXT_LENGTH_MAX

_STEPS_MAX = 64
"""References followed from one value: more than any schema needs."""


@dataclass(frozen=True, slots=False)
class ConfigSchema:
    """The schema of one version of the agent. Equal texts share what is made of them."""

    version: str
    text: str
    """JSON Schema, draft 2020-12."""
    is_surely_sound: Callable[[bytes], bool] | None = None
    """Says fast of canonical JSON that it is sound; a `False` says nothing."""

    @property
    def validator(self) -> Draft202012Validator:
        """What checks a configuration."""
        return _validator(self.text)

    @cached_property
    def root(self) -> Mapping[str, Any]:
        """The schema itself."""
        root = self.validator.schema
        return root if isinstance(root, Mapping) else {}

    def parts_at(self, path: Path) -> tuple[Mapping[str, Any], ...]:
        """Everything the schema says directly of the value at a path. Empty: it knows no such value."""
        found = tuple(self._resolved(self.root))
        for name in path:
            found = tuple(part for outer in found for inner in _below(outer, name) for part in self._resolved(inner))
        return found

    def known_names(self, path: Path) -> tuple[str, ...]:
        """Names of the fields of the object at a path, sorted."""
        return tuple(sorted({name for part in self.parts_at(path) for name in part.get("properties", {})}))

    def says_secret(self, path: Path) -> bool:
        """Whether the value at a path is the name of a secret."""
        return any(part.get("x-wayside-secret") is True for part in self.parts_at(path))

    @cached_property
    def secrets(self) -> bool:
        """Whether any value is the name of a secret."""
        return "x-wayside-secret" in self.text

    def default_at(self, path: Path) -> object:
        """What the agent uses when nothing is set; `MISSING`: the schema does not say."""
        return next((part["default"] for part in self.parts_at(path) if "default" in part), MISSING)

    @cached_property
    def defaults(self) -> Mapping[Path, object]:
        """Every value that has a default, with it."""
        return dict(self._defaults((), 0))

    def _defaults(self, path: Path, depth: int) -> Iterator[tuple[Path, object]]:
        names = self.known_names(path) if depth < _STEPS_MAX else ()
        for name in names:
            yield from self._defaults((*path, name), depth + 1)
        default = self.default_at(path) if path and not names else MISSING
        if default is not MISSING:
            yield path, default

    def _resolved(self, part: object, steps: int = 0) -> Iterator[Mapping[str, Any]]:
        """The part, what it refers to, and what it is put together of."""
        if not isinstance(part, Mapping) or steps > _STEPS_MAX:
            return
        yield part
        reference = part.get("$ref")
        if isinstance(reference, str) and reference.startswith("#"):
            yield from self._resolved(_at_pointer(self.root, reference), steps + 1)
        for key in ("allOf", "anyOf", "oneOf"):
            for each in part.get(key, ()):
                yield from self._resolved(each, steps + 1)


class Schemas:
    """The schemas releases publish, and the manager's own."""

    def __init__(self, published: Mapping[str, str]) -> None:
        self._published = published
        self._made: dict[str, ConfigSchema] = {}

    @property
    def versions(self) -> tuple[str, ...]:
        """Versions that releases publish a schema for."""
        return tuple(self._published)

    def of(self, *, running_release: str, running_version: str) -> ConfigSchema:
        """The schema for a node by what it says it runs."""
        for version in (running_release, running_version):
            if self._published.get(version):
                return self.find(version) or own_schema()
        return own_schema()

    def find(self, version: str) -> ConfigSchema | None:
        """The schema of a version, empty: the manager's own; `None`: nobody knows it."""
        text = self._published.get(version)
        if text:
            if version not in self._made:
                self._made[version] = ConfigSchema(version, text)
            return self._made[version]
        own = own_schema()
        return own if version in {"", own.version} else None


@lru_cache(maxsize=1)
def own_schema() -> ConfigSchema:
    """The schema of the agent the manager was made with."""
    text = json.dumps(node_config.schema(), separators=(",", ":"), ensure_ascii=False)
    return ConfigSchema(version_of("wayside-proto"), text, _is_decoded)


def _is_decoded(content: bytes) -> bool:
    # the agent's own decoder, whose types the schema is made of; a hundred times as fast
    try:
        node_config.decoded(content)
    except InvalidArgumentError:
        return False
    return True


@lru_cache(maxsize=64)
def _validator(text: str) -> Draft202012Validator:
    made: Draft202012Validator = _Validator(json.loads(text))
    return made


def _pattern(validator: Any, pattern: str, instance: Any, schema: Any) -> Iterator[ValidationError]:  # noqa: ANN401  # of jsonschema
    if isinstance(instance, str) and len(instance) > TEXT_LENGTH_MAX:
        yield ValidationError(f"longer than {TEXT_LENGTH_MAX} characters")
        return
    yield from Draft202012Validator.VALIDATORS["pattern"](validator, pattern, instance, schema)


_Validator: Any = extend(Draft202012Validator, {"pattern": _pattern})  # type: ignore[no-untyped-call]  # it has no types
"""Matches short texts only: see `schema_patterns`."""


def _below(part: Mapping[str, Any], name: str) -> Iterator[object]:
    properties = part.get("properties", {})
    if name in properties:
        yield properties[name]
    elif isinstance(part.get("additionalProperties"), Mapping):
        yield part["additionalProperties"]


def _at_pointer(root: object, reference: str) -> object:
    for step in reference.removeprefix("#").split("/")[1:]:
        name = step.replace("~1", "/").replace("~0", "~")
        if not isinstance(root, Mapping):
            return None
        root = root.get(name)
    return root
