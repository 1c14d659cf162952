"""The first roots of trust this unit pins: `image/root.json` and `director/root.json` in one folder.

They come from the settings' folder or, once, from the enrolment; later ones follow by the chain of roots alone.

**Tested with:** ext4 and tmpfs on Linux.
**Source:** TUF 1.0.34, 5.2.
"""

from pathlib import Path

import msgspec

from wayside.errors import InvalidArgumentError
from wayside_agent.core.agreement import Refusal, RefusedError
from wayside_agent.drivers.files import make_private_directory, write_atomic

REPOSITORIES = ("image", "director")
MAX_ROOT_BYTES = 131_072


class _Signed(msgspec.Struct, frozen=True):
    type: str = msgspec.field(name="_type")
    version: int


class _Root(msgspec.Struct, frozen=True):
    signed: _Signed


def versions(folder: Path) -> tuple[int, int]:
    """Versions of the pinned roots of the image and the director repository; the helper judges what they say.

    Raises: RefusedError: NO_ROOT.
    """
    found = []
    for name in REPOSITORIES:
        path = folder / name / "root.json"
        try:
            found.append(_parsed(path.read_bytes()))
        except (OSError, ValueError) as error:
            raise RefusedError(
                Refusal.NO_ROOT,
                f"this unit trusts nobody's releases yet: {path} is no root ({error}); put the root there "
                "(`wayside releases trust` shows it), or enrol the unit again",
            ) from error
    return found[0], found[1]


def pin(folder: Path, image_root: bytes, director_root: bytes) -> None:
    """Makes the first roots durable. Roots that are pinned stay: only their own chain replaces them.

    Raises: InvalidArgumentError: they are none. DeviceFaultError, ResourceExhaustedError: the disk.
    """
    for name, content in zip(REPOSITORIES, (image_root, director_root), strict=True):
        path = folder / name / "root.json"
        if path.exists():
            continue
        try:
            _parsed(content)
        except ValueError as error:
            raise InvalidArgumentError(
                f"what the manager gave as root of the {name} repository is none ({error}); look after its releases"
            ) from error
        make_private_directory(path.parent)
        write_atomic(path, content)


def _parsed(content: bytes) -> int:
    if len(content) > MAX_ROOT_BYTES:
        raise ValueError(f"it has more than {MAX_ROOT_BYTES} bytes")
    signed = msgspec.json.decode(content, type=_Root).signed
    if signed.type != "root" or signed.version < 1:
        raise ValueError("it is metadata of another kind")
    return signed.version
