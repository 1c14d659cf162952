"""A folder as a disk that forgets: what is not synced may be gone, torn or there after a power cut.

    with Disk(folder, at_step) as disk:     # every write, sync, rename, … below it calls at_step(operation) first,
        …                                   # which may raise OSError, or EndedError: the process ends here
        disk.cut(rng)                       # what a power cut leaves; without it, what kill -9 leaves

Stricter than ext4: a synced file whose directory was not synced may have no name, and changes of one directory survive
in any order. Source: Pillai et al., All File Systems Are Not Created Equal (OSDI 2014), 2.2.
"""

import io
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from random import Random
from types import ModuleType
from typing import Any, Self, cast

from wayside_demo.power_cut.remnants import File, Folder, Link, Node, content_of, found, loaded, surviving, written

REPLACED = ("open", "rename", "unlink", "mkdir", "rmdir", "statvfs", "symlink", "link")
FULL_FREE_BYTES, FREE_BYTES = 0, 8 * 2**30

AtStep = Callable[[str], None]
"""Takes `write`, `create`, `sync`, `rename`, `unlink`, `mkdir` or `rmdir`."""


class EndedError(BaseException):
    """The process ends here. No `Exception`: nothing of the product may catch what no process survives."""


@contextmanager
def swapped(module: ModuleType, name: str, value: object) -> Iterator[None]:
    """Puts something of the test in the place of something of the system's."""
    before = getattr(module, name)
    setattr(module, name, value)
    try:
        yield
    finally:
        setattr(module, name, before)


class Disk:
    """One folder, watched while it is entered."""

    def __init__(self, root: Path, at_step: AtStep, *, is_full: Callable[[], bool] = lambda: False) -> None:
        """Takes what the folder holds for durable; `is_full` is what the system says of free space."""
        self._root = root.resolve()
        self._at_step = at_step
        self._top = loaded(self._root)
        self._swaps = ExitStack()
        self._is_full = is_full

    def __enter__(self) -> Self:
        """Takes the place of the system's functions."""
        self._real = {name: getattr(os, name) for name in REPLACED}
        self._real_open = io.open
        names = {"open": self._os_open, "rename": self._rename, "replace": self._rename, "unlink": self._unlink}
        names |= {"remove": self._unlink, "mkdir": self._mkdir, "rmdir": self._rmdir, "statvfs": self._statvfs}
        names |= {"fsync": self._sync, "fdatasync": self._sync, "symlink": self._symlink, "link": self._link}
        for name, act in names.items():
            self._swaps.enter_context(swapped(os, name, act))
        self._swaps.enter_context(swapped(io, "open", self._io_open))
        return self

    def __exit__(self, *_: object) -> None:
        """Gives them back."""
        self._swaps.close()

    def cut(self, rng: Random) -> None:
        """While it is entered: leaves of what was not synced what chance leaves, and takes that for durable."""
        self.__exit__()
        self._find(self._root)
        survivors = surviving(self._top, self._root, rng)
        for child in list(self._root.iterdir()):
            shutil.rmtree(child) if child.is_dir() and not child.is_symlink() else child.unlink()
        written(survivors, self._root)
        self._top = loaded(self._root)
        self.__enter__()

    def _os_open(self, path: Any, flags: int, *rest: Any, **options: Any) -> int:  # noqa: ANN401  # as os.open
        there = self._inside(path, options.get("dir_fd"))
        if there and flags & os.O_CREAT and not there.exists():
            self._at_step("create")
            descriptor: int = self._real["open"](path, flags, *rest, **options)
            self._named(there, File())
            return descriptor
        if there and flags & os.O_TRUNC:
            self._at_step("write")
        return int(self._real["open"](path, flags, *rest, **options))

    def _io_open(self, file: Any, mode: str = "r", buffering: int = -1, *rest: Any, **options: Any) -> Any:  # noqa: ANN401
        there = self._inside(file)
        if there is None or not set(mode) & set("wxa+") or "b" not in mode:
            return self._real_open(file, mode, buffering, *rest, **options)
        is_new = not there.exists()
        if not isinstance(file, int) and (is_new or "w" in mode):
            self._at_step("create" if is_new else "write")
        raw = _Raw(file, mode.replace("b", ""), self._at_step)
        if is_new:
            self._named(there, File())
        return io.BufferedRandom(raw) if "+" in mode else io.BufferedWriter(raw)

    def _sync(self, descriptor: int) -> None:
        there = self._inside(descriptor)
        if there is None:
            return
        self._at_step("sync")
        node = self._node(there)
        if isinstance(node, Folder):
            self._find(there, is_deep=False)
            node.durable, node.pending = node.now(), []
        elif isinstance(node, File):  # a link is followed before it is opened
            node.durable = content_of(there)

    def _rename(self, old: Any, new: Any, **options: Any) -> None:  # noqa: ANN401  # as os.rename
        here, there = self._inside(old), self._inside(new)
        if here is None or there is None:
            self._real["rename"](old, new, **options)
            return
        self._at_step("rename")
        node = self._node(here)
        self._forget(there)
        self._real["rename"](old, new, **options)
        if here.parent == there.parent:
            self._folder(here.parent).pending.append({here.name: None, there.name: node})
        else:
            self._folder(there.parent).pending.append({there.name: node})
            self._folder(here.parent).pending.append({here.name: None})

    def _unlink(self, path: Any, **options: Any) -> None:  # noqa: ANN401  # as os.unlink
        self._remove("unlink", path, options)

    def _rmdir(self, path: Any, **options: Any) -> None:  # noqa: ANN401  # as os.rmdir
        self._remove("rmdir", path, options)

    def _remove(self, name: str, path: Any, options: dict[str, Any]) -> None:  # noqa: ANN401
        there = self._inside(path, options.get("dir_fd"))
        is_there = there is not None and there.exists()
        if there and is_there:
            self._at_step(name)
            self._forget(there)
        self._real[name](path, **options)
        if there and is_there:
            self._folder(there.parent).pending.append({there.name: None})

    def _mkdir(self, path: Any, *rest: Any, **options: Any) -> None:  # noqa: ANN401  # as os.mkdir
        there = self._inside(path, options.get("dir_fd"))
        if there and not there.exists():
            self._at_step("mkdir")
        self._real["mkdir"](path, *rest, **options)
        if there:
            self._named(there, Folder())

    def _symlink(self, target: Any, path: Any, *rest: Any, **options: Any) -> None:  # noqa: ANN401  # as os.symlink
        there = self._inside(path, options.get("dir_fd"))
        if there:
            self._at_step("create")
        self._real["symlink"](target, path, *rest, **options)
        if there:
            self._named(there, Link(os.fspath(target)))

    def _link(self, old: Any, new: Any, *rest: Any, **options: Any) -> None:  # noqa: ANN401  # as os.link
        here, there = self._inside(old), self._inside(new)
        if there:
            self._at_step("create")
        self._real["link"](old, new, *rest, **options)
        if here and there:
            self._named(there, self._node(here))

    def _statvfs(self, path: Any) -> os.statvfs_result:  # noqa: ANN401  # as os.statvfs
        told = list(self._real["statvfs"](path))
        blocks = (FULL_FREE_BYTES if self._is_full() else FREE_BYTES) // int(told[1])
        told[2:5] = [max(blocks * 2, 1), blocks, blocks]
        return os.statvfs_result(told)

    def _inside(self, path: Any, folder: int | None = None) -> Path | None:  # noqa: ANN401
        """The path below the folder; `None`: it is elsewhere."""
        if isinstance(path, int):
            named = os.readlink(f"/proc/self/fd/{path}")  # noqa: PTH115  # hot
        else:
            named = os.fspath(path)
            if not named.startswith(os.sep):
                base = os.readlink(f"/proc/self/fd/{folder}") if folder is not None else os.curdir  # noqa: PTH115
                named = os.path.abspath(os.path.join(base, named))  # noqa: PTH100, PTH118
        return Path(named) if named.startswith(f"{self._root}{os.sep}") or named == str(self._root) else None

    def _named(self, path: Path, node: Node) -> None:
        self._folder(path.parent).pending.append({path.name: node})

    def _forget(self, path: Path) -> None:
        """Keeps what a file holds that loses its name: the loss may be lost."""
        if path.is_file() and not path.is_symlink():
            self._file(path).last = content_of(path)

    def _folder(self, path: Path) -> Folder:
        return cast("Folder", self._node(path))

    def _file(self, path: Path) -> File:
        return cast("File", self._node(path))

    def _node(self, path: Path) -> Node:
        """What is known by this path; what came past us (byte code) is taken as never synced."""
        node: Node = self._top
        names = path.parts[len(self._root.parts) :]
        for depth, name in enumerate(names, start=1):
            folder = cast("Folder", node)
            known = folder.now().get(name)
            if known is None:
                known = found(self._root.joinpath(*names[:depth]))
                folder.pending.append({name: known})
            node = known
        return node

    def _find(self, path: Path, *, is_deep: bool = True) -> None:
        for child in path.iterdir():
            if isinstance(self._node(child), Folder) and is_deep:
                self._find(child)


class _Raw(io.FileIO):
    """A file whose every write is a step. One in which the process ends has written half."""

    def __init__(self, file: Any, mode: str, at_step: AtStep) -> None:  # noqa: ANN401  # a path or a descriptor
        self._at_step = at_step
        self._is_over = False
        super().__init__(file, mode)

    def write(self, content: Any, /) -> int:  # noqa: ANN401  # any buffer
        """Writes all of it; half, if the process ends here."""
        try:
            self._at_step("write")
        except EndedError:
            if not self._is_over:
                super().write(memoryview(content)[: len(content) // 2])
            self._is_over = True
            raise
        return super().write(content)
