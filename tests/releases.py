"""Releases for tests: archives as the builder writes them, small."""

import io
from collections.abc import Mapping
from typing import Any

import msgspec

from wayside.release_manifest import FORMAT, Component, Manifest
from wayside.release_packing import counter_of, write_release


def draft(version: str = "1.1.0", **fields: Any) -> Manifest:  # noqa: ANN401  # fields of a manifest
    """A manifest for any hardware; `fields` override."""
    said: dict[str, Any] = {
        "format": FORMAT,
        "version": version,
        "counter": counter_of(version),
        "tree_sha256": "0" * 64,
        "components": (Component(name="agent", version=version, driver="slot"),),
        "provides": ("agent",),
    }
    return Manifest(**(said | fields))


def archive(
    version: str = "1.1.0",
    files: Mapping[str, bytes] | None = None,
    *,
    schema: bytes = b"",
    **fields: Any,  # noqa: ANN401  # fields of a manifest
) -> bytes:
    """A release; one tiny file of the agent unless others are given."""
    buffer = io.BytesIO()
    whole = {"site/wayside_agent/__init__.py": f"V = {version!r}\n".encode()} if files is None else files
    write_release(buffer, draft(version, **fields), whole, schema=schema)
    return buffer.getvalue()


def manifest(version: str = "1.1.0", **fields: Any) -> bytes:  # noqa: ANN401  # fields of a manifest
    """`release.json` alone."""
    return msgspec.json.encode(draft(version, **fields))
