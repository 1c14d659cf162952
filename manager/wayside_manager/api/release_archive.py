"""What an uploaded artifact must look like: a tar archive whose first member is `release.json`.

`release.json` is a JSON object with at least `{"version": "1.2.0"}`; it comes first so that the front of the archive
tells what it is. `config.schema.json` may follow it: the JSON schema of the configuration the release takes.
Usage: `check = ArchiveCheck("1.2.0")`, `check(file)`, then `check.config_schema`.
"""

import json
import struct
import tarfile
import zlib
from lzma import LZMAError
from typing import BinaryIO

from wayside.errors import InvalidArgumentError
from wayside_manager.core.published_schema import SCHEMA_MAX_BYTES, checked_schema

DESCRIPTION = "release.json"
DESCRIPTION_MAX_BYTES = 64 * 1024
CONFIG_SCHEMA = "config.schema.json"

_DAMAGED = (
    tarfile.TarError,
    EOFError,
    OSError,
    zlib.error,
    LZMAError,
    ValueError,
    TypeError,
    LookupError,
    struct.error,
)
"""What tarfile raises for damaged archives: beside its own errors whatever its code comes upon, `ord(b"")` for one."""


def described_version(file: BinaryIO) -> str:
    """The version an archive states.

    Raises: InvalidArgumentError: it is no archive, or does not begin with a `release.json` that has a version.
    """
    return _stated_version(_front(file)[0])


class ArchiveCheck:
    """Looks at the front of one archive, and keeps what a release is asked for later."""

    def __init__(self, version: str) -> None:
        self._version = version
        self.config_schema = ""
        """JSON text. Empty: the archive has none, or was not looked at."""

    def __call__(self, file: BinaryIO) -> None:
        """Returns when the archive is a release of the version.

        Raises: InvalidArgumentError: it is none, or of another version, or its schema is no good.
        """
        description, schema = _front(file)
        found = _stated_version(description)
        if found != self._version:
            raise InvalidArgumentError(
                f"version: the archive's {DESCRIPTION} says {found[:80]!r}, the call {self._version!r}; "
                "publish it as what it is",
                reason="VERSION_DIFFERS",
            )
        self.config_schema = "" if schema is None else checked_schema(schema)


def _front(file: BinaryIO) -> tuple[bytes, bytes | None]:
    """The description an archive begins with, and the schema behind it, if there is one."""
    try:
        with tarfile.open(fileobj=file, mode="r|*") as archive:
            member = archive.next()
            if member is None or member.name.removeprefix("./") != DESCRIPTION or not member.isreg():
                raise _no_release(f"its first member is {member.name[:80] if member else 'missing'!r}")
            description = _content(archive, member, max_bytes=DESCRIPTION_MAX_BYTES)
            member = archive.next()
            if member is None or member.name.removeprefix("./") != CONFIG_SCHEMA:
                return description, None
            if not member.isreg():
                raise _no_release(f"its {CONFIG_SCHEMA} is no plain file")
            return description, _content(archive, member, max_bytes=SCHEMA_MAX_BYTES)
    except _DAMAGED as exc:
        raise _no_release("it is no tar archive") from exc


def _content(archive: tarfile.TarFile, member: tarfile.TarInfo, *, max_bytes: int) -> bytes:
    if member.size > max_bytes:
        raise _no_release(f"its {member.name.removeprefix('./')} has more than {max_bytes} bytes")
    content = archive.extractfile(member)
    return content.read() if content else b""


def _stated_version(content: bytes) -> str:
    try:
        described = json.loads(content)
    except (ValueError, RecursionError) as exc:
        raise _no_release(f"its {DESCRIPTION} is no JSON") from exc
    if not isinstance(described, dict) or not isinstance(described.get("version"), str):
        raise _no_release(f"its {DESCRIPTION} has no version")
    return str(described["version"])


def _no_release(why: str) -> InvalidArgumentError:
    return InvalidArgumentError(f"the archive is not a release: {why}; build it again", reason="NOT_A_RELEASE")
