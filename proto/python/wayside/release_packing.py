"""Writes release archives: the same inputs give the same bytes.

    with output.open("wb") as file:
        manifest = write_release(file, draft, {"site/a.py": b"…", "payload/radio.bin": Path("radio.bin")})

A `.tar.gz`: `release.json`, perhaps `config.schema.json`, then the files by name; owners, modes and times are fixed.
"""

import gzip
import hashlib
import io
import tarfile
from collections.abc import Mapping
from pathlib import Path
from typing import BinaryIO

import msgspec

from wayside import release_manifest
from wayside.release_manifest import Manifest
from wayside.release_tree import TreeFile, tree_sha256

SCHEMA_NAME = "config.schema.json"
FILE_TIME_S = 315_532_800  # 1980-01-01, the earliest a ZIP can hold, should anybody zip it
READ_ONCE_BYTES = 16 * 1024 * 1024
COMPRESSION_LEVEL = 6  # 9 takes three times as long for 1 % less

Content = bytes | Path


def write_release(file: BinaryIO, draft: Manifest, files: Mapping[str, Content], *, schema: bytes = b"") -> Manifest:
    """Writes an archive; the manifest as it stands in it, tree and sizes filled in.

    Raises: InvalidArgumentError: the manifest is none, or names a file that is not there. OSError.
    """
    files = {name: _taken(content) for name, content in files.items()}
    tree = [_tree_file(name, files[name]) for name in sorted(files)]
    sizes = {entry.name: entry.size_bytes for entry in tree}
    components = tuple(
        msgspec.structs.replace(each, size_bytes=sizes.get(each.file, each.size_bytes)) for each in draft.components
    )
    whole = msgspec.structs.replace(draft, tree_sha256=tree_sha256(tree), components=components)
    stated = msgspec.json.format(msgspec.json.encode(whole, order="sorted"), indent=1) + b"\n"
    manifest = release_manifest.parsed(stated)
    with (
        gzip.GzipFile(fileobj=file, mode="wb", filename="", mtime=0, compresslevel=COMPRESSION_LEVEL) as stream,
        tarfile.open(fileobj=stream, mode="w", format=tarfile.USTAR_FORMAT) as archive,
    ):
        _add(archive, release_manifest.NAME, stated)
        if schema:
            _add(archive, SCHEMA_NAME, schema)
        for name in sorted(files):
            _add(archive, name, files[name])
    return manifest


def counter_of(version: str) -> int:
    """The counter of a version of numbers: 1.2.3 gives 1,002,003. Each part counts up to 999."""
    parts = [int(part) for part in version.partition("-")[0].split(".") if part.isdigit()]
    counter = 0
    for part in (*parts, 0, 0, 0)[:3]:
        counter = counter * 1_000 + min(part, 999)
    return max(counter, 1)


def _taken(content: Content) -> Content:
    """A small file is read once, so that one which somebody edits meanwhile is not counted as it was before."""
    return content if isinstance(content, bytes) or content.stat().st_size > READ_ONCE_BYTES else content.read_bytes()


def _tree_file(name: str, content: Content) -> TreeFile:
    if isinstance(content, bytes):
        return TreeFile(name, len(content), hashlib.sha256(content).hexdigest())
    with content.open("rb") as file:
        return TreeFile(name, content.stat().st_size, hashlib.file_digest(file, "sha256").hexdigest())


def _add(archive: tarfile.TarFile, name: str, content: Content) -> None:
    entry = tarfile.TarInfo(name)
    entry.mode, entry.mtime = 0o644, FILE_TIME_S
    if isinstance(content, bytes):
        entry.size = len(content)
        archive.addfile(entry, io.BytesIO(content))
        return
    entry.size = content.stat().st_size
    with content.open("rb") as file:
        archive.addfile(entry, file)
