"""Whether bytes are a release: a tar archive, plain or compressed, whose first member is `release.json`.

`release.json` is a JSON object with at least `{"version": "1.2.0"}`; it comes first so that the front of the archive
tells what it is. Usage: `check_archive(file, version="1.2.0")`.
"""

import json
import tarfile
import zlib
from lzma import LZMAError
from typing import BinaryIO

from wayside.errors import InvalidArgumentError

DESCRIPTION = "release.json"
DESCRIPTION_MAX_BYTES = 64 * 1024


def check_archive(file: BinaryIO, *, version: str) -> None:
    """Returns when the archive is a release of this version.

    Raises: InvalidArgumentError: it is none, or of another version.
    """
    found = described_version(file)
    if found != version:
        raise InvalidArgumentError(
            f"version: the archive's {DESCRIPTION} says {found[:80]!r}, the call {version!r}; publish it as what it is",
            reason="VERSION_DIFFERS",
        )


def described_version(file: BinaryIO) -> str:
    """The version an archive states.

    Raises: InvalidArgumentError: it is no archive, or does not begin with a `release.json` that has a version.
    """
    try:
        with tarfile.open(fileobj=file, mode="r|*") as archive:
            member = archive.next()
            if member is None or member.name.removeprefix("./") != DESCRIPTION or not member.isreg():
                raise _no_release(f"its first member is {member.name[:80] if member else 'missing'!r}")
            if member.size > DESCRIPTION_MAX_BYTES:
                raise _no_release(f"its {DESCRIPTION} has more than {DESCRIPTION_MAX_BYTES} bytes")
            content = archive.extractfile(member)
            described = json.loads(content.read()) if content else None
    except (tarfile.TarError, EOFError, OSError, zlib.error, LZMAError) as exc:
        raise _no_release("it is no tar archive") from exc
    except ValueError as exc:
        raise _no_release(f"its {DESCRIPTION} is no JSON") from exc
    if not isinstance(described, dict) or not isinstance(described.get("version"), str):
        raise _no_release(f"its {DESCRIPTION} has no version")
    return str(described["version"])


def _no_release(why: str) -> InvalidArgumentError:
    return InvalidArgumentError(f"the archive is not a release: {why}; build it again", reason="NOT_A_RELEASE")
