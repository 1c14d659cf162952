"""Builds the files of a release from those of another and a delta; see `wayside.release_delta`.

    manifest_bytes = rebuilt(file, base=Path("slots/a"), into=Path("slots/b"), expected_tree_sha256=agreed, …)

Every file is held against its hash while it is written, and the list of them against what people signed before a file
is written at all. Memory: the dictionary of the compression and some chunks, whatever the size of the release.
"""

import hashlib
import lzma
import tarfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, BinaryIO

from wayside import release_delta, release_manifest
from wayside.release_delta import DICTIONARY_BYTES, INDEX_NAME, DeltaFile, DeltaIndex, refused
from wayside.release_entries import MAX_TOTAL_BYTES, Entry, Tally, check_entry
from wayside.release_tree import TreeFile, tree_sha256
from wayside_agent.drivers.files import disk_errors
from wayside_agent.ports.errors import DeviceFaultError
from wayside_agent.update.patch import CHUNK_BYTES, apply_patch

MEMORY_BYTES = DICTIONARY_BYTES + 4 * 1024 * 1024
"""What reading the compression may take; a delta that needs more is refused."""


def rebuilt(
    delta: BinaryIO, *, base: Path, into: Path, expected_tree_sha256: str, is_abandoned: Callable[[], bool]
) -> bytes:
    """Writes the files of the new release below an empty folder, not durable yet; the bytes of its `release.json`.

    Raises: InvalidArgumentError: the delta is damaged, hostile, or leads elsewhere. ResourceExhaustedError,
        DeviceFaultError: also when abandoned.
    """
    with _opened(delta) as archive:
        index = _index(archive, expected_tree_sha256)
        manifest = _manifest(archive)
        for number, file in enumerate(index.files):
            if is_abandoned():
                raise DeviceFaultError("the installation was abandoned because the agent stops")
            _write(archive, number, file, base, into)
        return manifest


def manifest_of(delta: BinaryIO, *, expected_tree_sha256: str) -> bytes:
    """The bytes of `release.json` that a delta brings; no more of it is read than that.

    Raises: InvalidArgumentError: the delta is damaged, hostile, or leads elsewhere.
    """
    with _opened(delta) as archive:
        _index(archive, expected_tree_sha256)
        return _manifest(archive)


@contextmanager
def _opened(delta: BinaryIO) -> Iterator[tarfile.TarFile]:
    delta.seek(0)
    # typeshed wants a whole file object; the stream mode calls `read` only
    with _archive_errors(), tarfile.open(fileobj=_Unpacked(delta), mode="r|") as archive:  # type: ignore[call-overload]
        yield archive


def _manifest(archive: tarfile.TarFile) -> bytes:
    return _content(archive, release_manifest.NAME, release_manifest.MAX_BYTES)


def _index(archive: tarfile.TarFile, expected_tree_sha256: str) -> DeltaIndex:
    index = release_delta.parsed(_content(archive, INDEX_NAME, release_delta.MAX_INDEX_BYTES))
    tree = [TreeFile(file.name, file.size_bytes, file.sha256) for file in index.files]
    if tree_sha256(tree) != expected_tree_sha256 or index.tree_sha256 != expected_tree_sha256:
        raise refused("it leads to another release than agreed")
    if len({file.name for file in index.files}) != len(index.files):
        raise refused("it has two files of one name")
    tally = Tally()
    for file in index.files:
        tally.add(Entry(file.name, is_file=True, is_directory=False, size_bytes=file.size_bytes))
        check_entry(Entry(file.base or file.name, is_file=True, is_directory=False, size_bytes=0))
    return index


def _write(archive: tarfile.TarFile, number: int, file: DeltaFile, base: Path, into: Path) -> None:
    path = into / file.name
    with disk_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("xb") as opened:
            out = _Hashed(opened, file.size_bytes)
            if file.how == "whole":
                _copy(_member(archive, f"whole/{number}"), out)
            else:
                _from_base(archive, number, file, base, out)
    if (out.size_bytes, out.digest.hexdigest()) != (file.size_bytes, file.sha256):
        raise refused(f"{file.name} does not come out as it should; the old release is not the one it starts from")


def _from_base(archive: tarfile.TarFile, number: int, file: DeltaFile, base: Path, out: "_Hashed") -> None:
    patch = _member(archive, f"patch/{number}") if file.how == "patch" else None
    try:
        old = (base / (file.base or file.name)).open("rb")
    except FileNotFoundError:
        raise refused(f"{file.base or file.name} is not in the old release") from None
    with old:
        if patch is None:
            _copy(old, out)
        else:
            apply_patch(old, patch, out.write, size_bytes=file.size_bytes)


class _Hashed:
    """A file that is hashed while it is written, and never becomes longer than it should."""

    def __init__(self, file: BinaryIO, most_bytes: int) -> None:
        self._file = file
        self._most_bytes = most_bytes
        self.size_bytes = 0
        self.digest = hashlib.sha256()

    def write(self, content: bytes) -> None:
        self.size_bytes += len(content)
        if self.size_bytes > self._most_bytes:
            raise refused("a file becomes longer than it should")
        self.digest.update(content)
        self._file.write(content)


class _Unpacked:
    """An xz stream that ends in an error instead of filling the memory."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._stream = lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=MEMORY_BYTES)
        self._left_bytes = 2 * MAX_TOTAL_BYTES

    def read(self, size: int) -> bytes:
        parts, missing = [], size
        while missing and not self._stream.eof:
            packed = self._file.read(CHUNK_BYTES) if self._stream.needs_input else b""
            if self._stream.needs_input and not packed:
                raise EOFError("it ends too early")
            part = self._stream.decompress(packed, min(missing, 4 * CHUNK_BYTES))
            parts.append(part)
            missing -= len(part)
        self._left_bytes -= size - missing
        if self._left_bytes < 0:
            raise refused("it unpacks to more than any release")
        return b"".join(parts)


def _member(archive: tarfile.TarFile, name: str) -> IO[bytes]:
    member = archive.next()
    content = archive.extractfile(member) if member is not None and member.name == name and member.isreg() else None
    if content is None:
        raise refused(f"{name} is missing")
    return content


def _content(archive: tarfile.TarFile, name: str, most_bytes: int) -> bytes:
    content = _member(archive, name).read(most_bytes + 1)
    if len(content) > most_bytes:
        raise refused(f"{name} has more than {most_bytes} bytes")
    return content


def _copy(source: IO[bytes], out: "_Hashed") -> None:
    while chunk := source.read(CHUNK_BYTES):
        out.write(chunk)


@contextmanager
def _archive_errors() -> Iterator[None]:
    try:
        yield
    except (tarfile.TarError, lzma.LZMAError, EOFError, ValueError, TypeError, LookupError) as error:
        raise refused(f"it is no complete archive ({error})") from error
