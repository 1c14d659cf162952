"""What the helper and the daemon read of each other, and signed metadata before it is verified."""

import functools
import tempfile
from pathlib import Path

from tests.fuzz.engine import Target
from tests.signed_repository import NOW, SignedRepositories
from wayside_agent.core.installing import Agree, Agreed, Done, Refused, answered, asked, encoded
from wayside_agent.drivers.roots import pin
from wayside_agent.update.trust import Repository

MEMORY = "/dev/shm" if Path("/dev/shm").is_dir() else None  # noqa: S108  # what is written is synced: not to a disk
"""Where folders of single cases lie."""


@functools.cache
def _signed() -> SignedRepositories:
    signed = SignedRepositories()
    signed.direct("nodes/u1", "1.1.0")
    return signed


def _metadata(role: str, data: bytes) -> None:
    """One file of the director's among honest ones, on a unit that has seen nothing yet."""
    with tempfile.TemporaryDirectory(dir=MEMORY) as folder:
        _signed().stage(Path(folder), lambda name, content: data if name.endswith(role) else content)
        root = _signed().director.files["1.root.json"]
        staged = Path(folder) / "director"
        Repository("director", Path(folder) / "trust", root, staged, NOW).refresh()


def _seed(role: str) -> tuple[bytes, ...]:
    return tuple(content for name, content in _signed().director.newest.items() if name.endswith(role))


def _pinned(data: bytes) -> None:
    with tempfile.TemporaryDirectory(dir=MEMORY) as folder:
        pin(Path(folder), data, data)


def _role(role: str) -> Target:
    name = f"{role}.json"
    return Target(f"metadata-{role}", functools.partial(_metadata, name), functools.partial(_seed, name))


_AGREE = Agree(node="nodes/u1", now_s=1.0, version="1.1.0", sha256="a" * 64, size_bytes=1, staged="/staged")
_AGREED = Agreed(version="1.1.0", sha256="a" * 64, size_bytes=1, tree_sha256="b" * 64, counter=1, end_s=2.0)
_ANSWERS = (_AGREED, Done(), Refused(reason="HASH", message="no"))

TARGETS = (
    Target("helper-request", asked, lambda: (encoded(_AGREE),)),
    Target("helper-answer", answered, lambda: tuple(encoded(each) for each in _ANSWERS)),
    Target("pinned-root", _pinned, lambda: _seed("root.json")),
    *(_role(role) for role in ("timestamp", "targets")),
)
