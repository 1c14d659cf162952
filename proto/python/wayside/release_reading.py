"""Reads a release archive: every entry is checked before its content is handed out, and the whole at the end.

    reading = ReleaseReading(file)
    for entry, content in reading.entries(): ...    # reading.manifest is there from the first entry on
    reading = checked(file)                         # all of it, contents thrown away

tarfile's own filters are not used: they are missing from the oldest Python 3.11, and allow links, which we do not.
**Source:** POSIX.1-1988 ustar; PEP 706 lists what goes wrong.
"""

import gzip
import hashlib
import io
import struct
import tarfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import IO, BinaryIO

from wayside.errors import InvalidArgumentError
from wayside.release_entries import MAX_ENTRY_COUNT, MAX_TOTAL_BYTES, Entry, Tally, is_schema, manifest_in, refused
from wayside.release_manifest import MAX_BYTES, Manifest
from wayside.release_tree import TreeFile, tree_sha256

MAX_STREAM_BYTES = MAX_TOTAL_BYTES + 2 * 512 * MAX_ENTRY_COUNT
"""Contents, and a header and padding for each entry."""
CHUNK_BYTES = 1024 * 1024
_DAMAGED = (tarfile.TarError, gzip.BadGzipFile, EOFError, zlib.error, struct.error, ValueError, TypeError, LookupError)
"""What tarfile raises for damaged archives: beside its own errors whatever its code comes upon, `ord(b"")` for one."""

Problems = Callable[[Manifest], Iterable[str]]
"""Every reason why a release will not do here, one sentence each."""


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


class ReleaseReading:
    """One walk through an archive."""

    manifest: Manifest

    def __init__(self, artifact: BinaryIO, problems: Problems = lambda _: ()) -> None:
        """Stores the file, which is read from its begin at every walk, and who says why a release will not do."""
        self.artifact = artifact
        self._problems = problems
        self.manifest_bytes = b""
        self.schema = b""
        """Of the configuration the release takes; empty: it publishes none."""
        self.tally = Tally()

    def entries(self) -> Iterator[tuple[Entry, IO[bytes]]]:
        """Every file and directory to unpack, with its content.

        Raises: InvalidArgumentError: it is no release, or hostile; what came before stands.
        """
        self.artifact.seek(0)
        with archive_errors(), gzip.GzipFile(fileobj=self.artifact) as stream:
            # typeshed wants a whole file object; the stream mode calls `read` only
            with tarfile.open(fileobj=_Bounded(stream), mode="r|") as archive:  # type: ignore[call-overload]
                for index, member in enumerate(archive):
                    entry = Entry(member.name, member.isreg(), member.isdir(), member.size)
                    content = archive.extractfile(member) or io.BytesIO() if entry.is_file else io.BytesIO()
                    if index == 0:
                        self.manifest_bytes = content.read(MAX_BYTES + 1)
                        self.manifest = manifest_in(entry, self.manifest_bytes)
                        for problem in self._problems(self.manifest):
                            raise refused(problem)
                    elif is_schema(entry, index):
                        self.schema = content.read()
                    else:
                        self.tally.add(entry)
                        yield entry, content
            if not self.tally.entry_count:
                raise refused("it is empty")


def checked(artifact: BinaryIO, problems: Problems = lambda _: ()) -> ReleaseReading:
    """A release all of which was read and found to be what its manifest says.

    Raises: InvalidArgumentError: it is not.
    """
    reading = ReleaseReading(artifact, problems)
    files = ((each, content) for each, content in reading.entries() if each.is_file)
    with archive_errors():  # also of the contents, which are read here
        tree = [TreeFile(each.name, each.size_bytes, _sha256(content)) for each, content in files]
    if tree_sha256(tree) != reading.manifest.tree_sha256:
        raise refused("its files are not those its manifest counts")
    names = {each.name for each in tree}
    for component in reading.manifest.components:
        if component.file and component.file not in names:
            raise refused(f"the file {component.file} of its component {component.name} is missing")
    return reading


@contextmanager
def archive_errors() -> Iterator[None]:
    """Turns what tarfile and gzip raise for damaged archives, also where a content is read, into our error."""
    try:
        yield
    except InvalidArgumentError:
        raise
    except _DAMAGED as exc:
        raise refused(f"it is no complete .tar.gz ({exc})") from exc


def _sha256(content: IO[bytes]) -> str:
    digest = hashlib.sha256()
    while chunk := content.read(CHUNK_BYTES):
        digest.update(chunk)
    return digest.hexdigest()
