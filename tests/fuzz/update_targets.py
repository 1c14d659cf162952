"""What the helper and the daemon read of each other, and signed metadata before it is verified."""

import functools
import tempfile
from pathlib import Path

from tests.fuzz.engine import Target
from tests.signed_repository import NOW, SignedRepositories
from wayside_agent.core import http_answer
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


def _http(data: bytes) -> None:
    """The head of an answer, and where it sends the unit."""
    url = http_answer.parsed("https://cdn.example/file?signature=1")
    head = http_answer.answered(data)
    if head.location:
        http_answer.request(http_answer.redirected(url, head), 7)
    http_answer.body_bytes(head, offset_bytes=7, size_bytes=1000)


_HEADS = (
    b"HTTP/1.1 206 OK\r\nContent-Length: 3\r\nContent-Range: bytes 7-9/1000\r\n\r\n",
    b"HTTP/1.1 302 Found\r\nLocation: https://[::1]:8443/elsewhere?a=b\r\n\r\n",
    b"HTTP/1.0 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 1000\r\n\r\n",
)

TARGETS = (
    Target("http-answer", _http, lambda: _HEADS),
    Target("helper-request", asked, lambda: (encoded(_AGREE),)),
    Target("helper-answer", answered, lambda: tuple(encoded(each) for each in _ANSWERS)),
    Target("pinned-root", _pinned, lambda: _seed("root.json")),
    *(_role(role) for role in ("timestamp", "targets")),
)
