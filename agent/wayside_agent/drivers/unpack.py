"""Reads a release artifact: checks all of it first, then writes it into an empty directory.

tarfile's own filters are not used: they are missing from the oldest Python 3.11, and allow links, which we do not.

**Tested with:** artifacts of `firmware_images/build.py`, and hostile ones.
**Source:** POSIX.1-1988 ustar; PEP 706 lists what goes wrong.
"""

import gzip
import hashlib
import io
import platform
import sys
import tarfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, BinaryIO

from wayside.errors import InvalidArgumentError
from wayside.release_tree import TreeFile, tree_sha256
from wayside_agent.core.release_archive import (
    MAX_ENTRY_COUNT,
    MAX_MANIFEST_BYTES,
    MAX_TOTAL_BYTES,
    Entry,
    Manifest,
    Tally,
    is_schema,
    manifest_in,
    problems,
    refused,
)
from wayside_agent.core.update import ReleaseTarget
from wayside_agent.drivers.files import disk_errors
from wayside_agent.ports.errors import DeviceFaultError

MAX_STREAM_BYTES = MAX_TOTAL_BYTES + 2 * 512 * MAX_ENTRY_COUNT
"""Contents, and a header and padding for each entry."""
CHUNK_BYTES = 1024 * 1024


class _Bounded:
    """A decompressed stream that ends in an error instead of filling the memory."""

    def __init__(self, stream: gzip.GzipFile) -> None:
        self._stream = stream
        self._left_bytes = MAX_STREAM_BYTES

    def read(self, size: int = -1) -> bytes:
        content = self._stream.read(min(size, CHUNK_BYTES) if size >= 0 else CHUNK_BYTES)
        self._left_bytes -= len(content)
        if self._left_bytes < 0:
            raise refused(f"it decompresses to more than {MAX_STREAM_BYTES} bytes")
        return content


def inspect(artifact: BinaryIO, target: ReleaseTarget) -> Tally:
    """Entries and bytes of an artifact, all of which has been checked.

    Raises: InvalidArgumentError: it is not the announced one, cannot run here, or is hostile.
    """
    digest = hashlib.sha256()
    while chunk := artifact.read(CHUNK_BYTES):
        digest.update(chunk)
    actual = digest.hexdigest()
    if actual != target.sha256:
        raise refused(f"its SHA-256 is {actual[:12]}…, announced was {target.sha256[:12]}…")
    reading = _Reading(artifact, target)
    tree = [
        TreeFile(entry.name, entry.size_bytes, _sha256(content))
        for entry, content in reading.entries()
        if entry.is_file
    ]
    if tree_sha256(tree) != reading.manifest.tree_sha256:
        raise refused("its files are not those its manifest counts")
    for component in reading.manifest.components:
        if component.file and component.file not in {entry.name for entry in tree}:
            raise refused(f"the file {component.file} of its component {component.name} is missing")
    return reading.tally


def unpack(artifact: BinaryIO, target: ReleaseTarget, into: Path, *, is_abandoned: Callable[[], bool]) -> None:
    """Writes an inspected artifact below an empty directory; nothing is durable yet.

    Raises: InvalidArgumentError, ResourceExhaustedError, DeviceFaultError: also when abandoned.
    """
    for entry, content in _Reading(artifact, target).entries():
        if is_abandoned():
            raise DeviceFaultError("the installation was abandoned because the agent stops")
        path = into / entry.name
        with disk_errors(path):
            if entry.is_directory:
                path.mkdir(parents=True, exist_ok=True)
            else:
                path.parent.mkdir(parents=True, exist_ok=True)
                _write(path, content)


class _Reading:
    """One walk through an artifact; its manifest is there from the first entry on."""

    manifest: Manifest

    def __init__(self, artifact: BinaryIO, target: ReleaseTarget) -> None:
        self._artifact = artifact
        self._target = target
        self.tally = Tally()

    def entries(self) -> Iterator[tuple[Entry, IO[bytes]]]:
        self._artifact.seek(0)
        with _archive_errors(), gzip.GzipFile(fileobj=self._artifact) as stream:
            # typeshed wants a whole file object; the stream mode calls `read` only
            with tarfile.open(fileobj=_Bounded(stream), mode="r|") as archive:  # type: ignore[call-overload]
                for index, member in enumerate(archive):
                    entry = Entry(member.name, member.isreg(), member.isdir(), member.size)
                    content = archive.extractfile(member) or io.BytesIO() if entry.is_file else io.BytesIO()
                    if index == 0:
                        self.manifest = _checked_manifest(entry, content.read(MAX_MANIFEST_BYTES + 1), self._target)
                        continue
                    if is_schema(entry, index):
                        continue
                    self.tally.add(entry)
                    yield entry, content
            if not self.tally.entry_count:
                raise refused("it is empty")


def _checked_manifest(entry: Entry, content: bytes, target: ReleaseTarget) -> Manifest:
    manifest = manifest_in(entry, content)
    found = problems(
        manifest,
        version=target.version,
        python=f"{sys.version_info.major}.{sys.version_info.minor}",
        platform=f"{sys.platform}-{platform.machine()}",
    )
    for problem in found:
        raise refused(problem)
    return manifest


@contextmanager
def _archive_errors() -> Iterator[None]:
    try:
        yield
    except (tarfile.TarError, gzip.BadGzipFile, EOFError, zlib.error) as exc:
        raise InvalidArgumentError(
            f"release artifact refused: it is no complete .tar.gz ({exc})", reason="ARTIFACT_INVALID"
        ) from exc


def _write(path: Path, content: IO[bytes]) -> None:
    # exclusive: a second entry of the same name, or one below a file, is refused by the system
    with path.open("xb") as file:
        while chunk := content.read(CHUNK_BYTES):
            file.write(chunk)


def _sha256(content: IO[bytes]) -> str:
    digest = hashlib.sha256()
    while chunk := content.read(CHUNK_BYTES):
        digest.update(chunk)
    return digest.hexdigest()
