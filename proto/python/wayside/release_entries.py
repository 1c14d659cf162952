"""What a release artifact may contain.

A `.tar.gz`: `release.json` first, then perhaps `config.schema.json`, which is for the manager, then `site/`, a
self-contained tree of Python packages, and `payload/`, one file for each component that is a file. Only plain files and
directories there; no links, devices, odd names or bombs. `wayside.release_packing` writes them.
Usage: `tally.add(entry)` for every entry, before a byte is written.
"""

from dataclasses import dataclass

from wayside import release_manifest
from wayside.errors import InvalidArgumentError
from wayside.release_manifest import Manifest
from wayside.release_packing import SCHEMA_NAME

MAX_SCHEMA_BYTES = 262_144
MAX_ENTRY_COUNT = 20_000
"""Five times what the agent has with everything it needs."""
MAX_TOTAL_BYTES = 1024 * 1024 * 1024
"""Unpacked; an agent has 60 MB, the image of a whole unit some 200."""
PAYLOAD_DEPTH = 2
MAX_NAME_LENGTH = 240
"""Bytes; leaves room for the slot's own path below the 255 of a tar name."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of the archive."""

    name: str
    is_file: bool
    is_directory: bool
    size_bytes: int


@dataclass(slots=True)
class Tally:
    """What has been seen of an archive so far; refuses the first entry that is not allowed."""

    entry_count: int = 0
    total_bytes: int = 0

    def add(self, entry: Entry) -> None:
        """Counts one entry.

        Raises: InvalidArgumentError: the entry is not allowed, or there are too many.
        """
        check_entry(entry)
        self.entry_count += 1
        self.total_bytes += entry.size_bytes
        if self.entry_count > MAX_ENTRY_COUNT:
            raise refused(f"it has more than {MAX_ENTRY_COUNT} entries")
        if self.total_bytes > MAX_TOTAL_BYTES:
            raise refused(f"it unpacks to more than {MAX_TOTAL_BYTES} bytes")


def check_entry(entry: Entry) -> None:
    """Refuses an entry that is no plain file or directory below `site/`.

    Raises: InvalidArgumentError: naming it.
    """
    shown = repr(entry.name[:80])
    if not (entry.is_file or entry.is_directory):
        raise refused(f"{shown} is neither a plain file nor a directory")
    if entry.size_bytes < 0:
        raise refused(f"{shown} has a negative size")
    parts = entry.name.rstrip("/").split("/")
    if entry.name.startswith("/") or any(part in {"", ".", ".."} for part in parts):
        raise refused(f"{shown} points outside the release")
    if not entry.name.isprintable() or "\\" in entry.name or len(entry.name.encode()) > MAX_NAME_LENGTH:
        raise refused(f"{shown} is no plain name")
    if parts[0] == "payload" and (len(parts) > PAYLOAD_DEPTH or entry.is_directory):
        raise refused(f"{shown} is no plain file in payload/")
    if parts[0] not in {"site", "payload"}:
        raise refused(f"{shown} is not below site/ or payload/")


def is_schema(entry: Entry, index: int) -> bool:
    """Whether an entry is the schema of the configuration the release takes: nothing to unpack.

    Raises: InvalidArgumentError: it is called so, and cannot be one.
    """
    if index != 1 or entry.name != SCHEMA_NAME:
        return False
    if not entry.is_file or not 0 <= entry.size_bytes <= MAX_SCHEMA_BYTES:
        raise refused(f"its {SCHEMA_NAME} is no plain file of at most {MAX_SCHEMA_BYTES} bytes")
    return True


def manifest_in(entry: Entry, content: bytes) -> Manifest:
    """The manifest in the first entry of an archive.

    Raises: InvalidArgumentError: another entry, or not one of ours.
    """
    if entry.name != release_manifest.NAME or not entry.is_file:
        raise refused(f"its first entry is {entry.name[:80]!r}, not {release_manifest.NAME}")
    try:
        return release_manifest.parsed(content)
    except InvalidArgumentError as error:
        raise InvalidArgumentError(str(error), reason="ARTIFACT_INVALID") from error


def refused(why: str) -> InvalidArgumentError:
    """The error for an artifact that is not installed."""
    return InvalidArgumentError(f"release artifact refused: {why}", reason="ARTIFACT_INVALID")
