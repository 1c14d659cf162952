"""Fetches and puts files below allowed folders; no symbolic link is followed there, whatever changes meanwhile.

A path is walked folder by folder from the allowed one, each opened relative to the one before; what is opened is what
is used. The agent's key, its secrets and (for putting) its whole state are refused whatever is allowed.

**Tested with:** ext4, overlayfs and tmpfs on Linux; links swapped in while it works.
**Source:** openat(2), O_NOFOLLOW; renameat(2).
"""

import asyncio
import contextlib
import errno
import os
import re
import stat
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import BinaryIO

from wayside.errors import InvalidArgumentError, NotFoundError, ResourceExhaustedError
from wayside_agent.core.job import RefusedError
from wayside_agent.core.job_work import MAX_PATH_CHARS, FilePull, FilePush
from wayside_agent.drivers.files import disk_errors, spare_bytes
from wayside_agent.ports.jobs import Assignment, Yield

_CHUNK_BYTES = 256 * 1024
_NEW_FILE_MODE = 0o640
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_LINK_ERRNOS = frozenset({errno.ELOOP, errno.ENOTDIR})
_DENIED_ERRNOS = frozenset({errno.EACCES, errno.EPERM, errno.EROFS})
_UNFIT = re.compile(r"[^A-Za-z0-9._-]")


class FilePullWorker:
    """Fetches a file."""

    def __init__(self, allowed: Sequence[str], *, refused: Sequence[Path]) -> None:
        """Stores values; nothing below `refused` is fetched."""
        self._allowed = allowed
        self._refused = refused

    async def work(self, assignment: Assignment[FilePull]) -> Yield:
        """See `ports.jobs.Worker`."""
        asked = assignment.work
        base, parts = allowed_path(asked.path, self._allowed, self._refused, field="jobs.pull_paths")
        name = _UNFIT.sub("_", parts[-1]).lstrip(".-")[:100] or "file"
        size_bytes = await asyncio.to_thread(_pull, base, parts, assignment.folder / name, assignment.max_bytes)
        return Yield(f"{asked.path}: {size_bytes} bytes", {"path": asked.path, "size_bytes": size_bytes}, (name,))


class FilePushWorker:
    """Puts a file."""

    def __init__(self, allowed: Sequence[str], *, refused: Sequence[Path]) -> None:
        """Stores values; nothing below `refused` is written."""
        self._allowed = allowed
        self._refused = refused

    async def work(self, assignment: Assignment[FilePush]) -> Yield:
        """See `ports.jobs.Worker`. The file is whole and durable, or as it was."""
        asked = assignment.work
        base, parts = allowed_path(asked.path, self._allowed, self._refused, field="jobs.push_paths")
        await asyncio.to_thread(_push, base, parts, asked.content)
        return Yield(
            f"{asked.path}: {len(asked.content)} bytes written", {"path": asked.path, "size_bytes": len(asked.content)}
        )


def allowed_path(
    path: str, allowed: Sequence[str], refused: Sequence[Path], *, field: str
) -> tuple[Path, tuple[str, ...]]:
    """The allowed folder, made free of links, and the names below it that lead to the path.

    Raises: InvalidArgumentError: that is no plain absolute path. RefusedError: it is not allowed.
    """
    names = path.split("/")[1:]
    is_plain = path.startswith("/") and all(name not in {"", ".", ".."} for name in names) and "\0" not in path
    if not is_plain or len(path) > MAX_PATH_CHARS:
        raise InvalidArgumentError(f"path: {path[:100]!r} is not absolute and free of '.', '..' and double '/'")
    fitting = [prefix for prefix in allowed if prefix.startswith("/") and _is_below(Path(path), Path(prefix))]
    if not fitting:
        raise RefusedError(f"{path[:200]}: lies below none of {field} in the unit's settings")
    prefix = max(fitting, key=len)
    base = Path(os.path.realpath(prefix))
    parts = Path(path).relative_to(prefix).parts
    if any(_is_below(base.joinpath(*parts), Path(os.path.realpath(folder))) for folder in refused):
        raise RefusedError(f"{path[:200]}: keys, secrets and the agent's own state are never touched")
    return base, parts


def _is_below(path: Path, folder: Path) -> bool:
    return folder in path.parents


def _pull(base: Path, parts: Sequence[str], target: Path, max_bytes: int) -> int:
    path = base.joinpath(*parts)
    with _folder(base, parts[:-1]) as folder, _explained(path), _regular(folder, parts[-1], path) as source:
        size_bytes, room_bytes = 0, spare_bytes(target.parent)
        with target.open("wb") as file:
            while content := source.read(_CHUNK_BYTES):
                size_bytes += len(content)
                if size_bytes > max_bytes:
                    raise ResourceExhaustedError(f"{path}: has more than the {max_bytes} bytes this job may bring")
                if size_bytes > room_bytes:
                    raise ResourceExhaustedError(
                        f"{path}: has more than the {room_bytes} bytes the unit's disk has to spare; free space"
                    )
                file.write(content)
        return size_bytes


def _regular(folder: int, name: str, path: Path) -> BinaryIO:
    """A regular file of a folder, opened; nothing happens to anything else."""
    # a pipe without a writer would wait for ever, and opening a device can do things
    descriptor = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=folder)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise RefusedError(f"{path}: is no regular file")
    return os.fdopen(descriptor, "rb")


def _push(base: Path, parts: Sequence[str], content: bytes) -> None:
    path, name = base.joinpath(*parts), parts[-1]
    fresh = f".{os.fsdecode(os.fsencode(name)[:200])}.wayside-new"  # names are bounded in bytes
    with _folder(base, parts[:-1]) as folder, _explained(path):
        mode = _mode(folder, name, path)
        with contextlib.suppress(FileNotFoundError):  # of a try that was killed
            os.unlink(fresh, dir_fd=folder)
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        try:
            with os.fdopen(os.open(fresh, flags, _NEW_FILE_MODE, dir_fd=folder), "wb") as file:
                os.fchmod(file.fileno(), mode)
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            os.rename(fresh, name, src_dir_fd=folder, dst_dir_fd=folder)
        except OSError:
            with contextlib.suppress(OSError):
                os.unlink(fresh, dir_fd=folder)
            raise
        os.fsync(folder)


def _mode(folder: int, name: str, path: Path) -> int:
    """The mode of the file that is there, or of a new one."""
    try:
        found = os.stat(name, dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        return _NEW_FILE_MODE
    if not stat.S_ISREG(found.st_mode):
        raise RefusedError(f"{path}: is there and no regular file")
    return stat.S_IMODE(found.st_mode) & 0o777


@contextlib.contextmanager
def _folder(base: Path, parts: Sequence[str]) -> Iterator[int]:
    """A descriptor of a folder below another one, reached without following a link."""
    with _explained(base):
        descriptor = os.open(base, _FOLDER)
    try:
        for index, part in enumerate(parts):
            with _explained(base.joinpath(*parts[: index + 1])):
                inner = os.open(part, _FOLDER, dir_fd=descriptor)
            os.close(descriptor)
            descriptor = inner
        yield descriptor
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def _explained(path: Path) -> Iterator[None]:
    """Turns what the system says into our errors; a link in the way is refused."""
    with disk_errors(path):
        try:
            yield
        except FileNotFoundError as error:
            raise NotFoundError(f"{path}: is not there") from error
        except OSError as error:
            if error.errno in _LINK_ERRNOS:
                raise RefusedError(f"{path}: leads over a link, or over a file that is no folder") from error
            if error.errno in _DENIED_ERRNOS:
                raise RefusedError(f"{path}: the agent's user may not ({error.strerror})") from error
            raise
