"""What a power cut leaves of names and contents that were not synced."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

BLOCK_BYTES = 512


@dataclass(eq=False, slots=True)
class File:
    """A file: what of it is durable. What it holds now is in the folder."""

    durable: bytes = b""
    last: bytes = b""
    """What it held when its name was taken away."""


@dataclass(eq=False, slots=True)
class Link:
    """A symbolic link: it has no content of its own that could be torn."""

    target: str


@dataclass(eq=False, slots=True)
class Folder:
    """A directory: which names are durable, and what changed since."""

    durable: "dict[str, Node]" = field(default_factory=dict)
    pending: "list[dict[str, Node | None]]" = field(default_factory=list)
    """Changes since the last sync, oldest first; `None`: the name is taken away."""

    def now(self) -> "dict[str, Node]":
        """What stands in it now."""
        return _applied(self.durable, self.pending)


Node = File | Folder | Link


def _applied(entries: dict[str, Node], changes: list[dict[str, Node | None]]) -> dict[str, Node]:
    now = dict(entries)
    for change in changes:
        for name, node in change.items():
            if node is None:
                now.pop(name, None)
            else:
                now[name] = node
    return now


def content_of(path: Path) -> bytes:
    """What a file holds, past the watched functions."""
    with open(path, "rb") as file:  # noqa: PTH123  # builtins.open is not ours
        return file.read()


def loaded(path: Path) -> Folder:
    """A directory and everything in it, taken for durable."""
    folder = Folder()
    for child in path.iterdir():
        node = found(child)
        folder.durable[child.name] = loaded(child) if isinstance(node, Folder) else node
        if isinstance(node, File):
            node.durable = content_of(child)
    return folder


def found(path: Path) -> Node:
    """What a path is, with nothing of it durable."""
    if path.is_symlink():
        return Link(str(path.readlink()))
    return Folder() if path.is_dir() else File()


def surviving(folder: Folder, path: Path | None, rng: Random) -> dict[str, Any]:
    """Names and contents that a cut leaves of a folder. `path` is where it is now; `None`: it was removed."""
    names = {id(node): name for name, node in folder.now().items()}
    left: dict[str, Any] = {}
    for name, node in _applied(folder.durable, _kept(folder.pending, rng)).items():
        here = path / names[id(node)] if path and id(node) in names else None
        if isinstance(node, Folder):
            left[name] = surviving(node, here, rng)
        elif isinstance(node, Link):
            left[name] = node
        else:
            left[name] = _torn(node.durable, content_of(here) if here else node.last, rng)
    return left


def _kept(pending: list[dict[str, Node | None]], rng: Random) -> list[dict[str, Node | None]]:
    how = rng.choice(("none", "all", "first", "any"))
    if how == "any":
        return [change for change in pending if rng.random() < 0.5]  # noqa: PLR2004  # a coin
    return pending[: {"none": 0, "all": len(pending)}.get(how, rng.randint(0, len(pending)))]


def _torn(old: bytes, new: bytes, rng: Random) -> bytes:
    if old == new:
        return new
    at = rng.randint(0, len(new))
    blocks = range(0, len(new), BLOCK_BYTES)
    ways: dict[str, Callable[[], bytes]] = {
        "old": lambda: old,
        "new": lambda: new,
        "short": lambda: new[:at],
        "zeros": lambda: new[:at] + bytes(len(new) - at),
        "mixed": lambda: b"".join(rng.choice((new, old.ljust(len(new), b"\0")))[n : n + BLOCK_BYTES] for n in blocks),
    }
    return ways[rng.choice(list(ways))]()


def written(left: dict[str, Any], path: Path) -> None:
    """Writes names and contents into an empty directory."""
    for name, content in left.items():
        if isinstance(content, dict):
            (path / name).mkdir()
            written(content, path / name)
        elif isinstance(content, Link):
            (path / name).symlink_to(content.target)
        else:
            (path / name).write_bytes(content)
