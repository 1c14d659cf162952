"""Small files that must survive a power cut: written whole or not at all, and checked when they are read.

`StateFile` keeps one msgpack document under a version and a CRC-32. A file that fails the check is moved aside as
`NAME.corrupt-N`, one sentence is logged, and the caller gets `None`: it goes on with its defaults.

Usage: `state = StateFile(path, Desired, version=1)`; `state.save(desired)`; `state.load()`.
All of it blocks for about a millisecond: call it through `asyncio.to_thread`.

**Tested with:** ext4 and tmpfs on Linux.
**Source:** rename(2), fsync(2): a rename is durable once the directory is synced.
"""

import contextlib
import logging
import os
import shutil
import struct
import zlib
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Generic, TypeVar

import msgspec

from wayside.errors import ResourceExhaustedError
from wayside_agent.ports.errors import DISK_FULL_ERRNOS, DeviceFaultError

DIRECTORY_MODE = 0o700
RESERVE_BYTES = 16 * 1024 * 1024
"""Space the files of jobs leave for spools and state."""
FILE_MODE = 0o600

logger = logging.getLogger(__name__)

T = TypeVar("T")

_HEAD = struct.Struct("<4sHI")
_MARKER = b"WSST"


def make_private_directory(path: Path) -> None:
    """Creates a directory, and those above it, for this user only; one that is there keeps its mode.

    Raises: DeviceFaultError: it cannot be made.
    """
    try:
        path.mkdir(mode=DIRECTORY_MODE, parents=True, exist_ok=True)
        sync_directory(path.parent)
    except OSError as exc:
        raise DeviceFaultError(
            f"{path}: cannot make the directory ({exc.strerror}); check its space, owner and mode"
        ) from exc


def sync_directory(path: Path) -> None:
    """Makes creations, renames and removals in a directory durable.

    Raises: OSError.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_atomic(path: Path, content: bytes, *, mode: int = FILE_MODE) -> None:
    """Replaces a file as a whole: after a power cut it holds the old content or the new one.

    Raises:
        ResourceExhaustedError: the disk is full; the old content stands.
        DeviceFaultError: the disk refuses; the old content stands.
    """
    try:
        _replace(path, content, mode)
    except OSError as exc:
        if exc.errno in DISK_FULL_ERRNOS:
            raise ResourceExhaustedError(
                f"{path}: disk full while writing {len(content)} bytes; free space", reason="DISK_FULL"
            ) from exc
        raise DeviceFaultError(f"{path}: cannot be written ({exc.strerror}); check the disk and the owner") from exc


def _replace(path: Path, content: bytes, mode: int) -> None:
    # one fixed name: what a kill leaves behind is overwritten by the next write and never adds up
    fresh = path.with_name(f".{path.name}.new")
    try:
        with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, mode), "wb") as file:
            os.fchmod(file.fileno(), mode)
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(path)
    except OSError:
        with contextlib.suppress(OSError):
            fresh.unlink()
        raise
    sync_directory(path.parent)


@contextlib.contextmanager
def disk_errors(path: Path) -> Iterator[None]:
    """Turns what the disk says into our errors, naming the path."""
    try:
        yield
    except OSError as exc:
        if exc.errno in DISK_FULL_ERRNOS:
            raise ResourceExhaustedError(f"{path}: disk full; free space", reason="DISK_FULL") from exc
        raise DeviceFaultError(f"{path}: {exc.strerror or exc}; check the disk and its owner") from exc


def spare_bytes(folder: Path) -> int:
    """Free space of a folder's disk beyond the reserve, at least 0: what files of a job may still take.

    Raises: DeviceFaultError.
    """
    with disk_errors(folder):
        return max(0, shutil.disk_usage(folder).free - RESERVE_BYTES)


class StateFile(Generic[T]):
    """One small durable document of a msgspec-convertible type."""

    def __init__(self, path: Path, kind: type[T], *, version: int = 1) -> None:
        """Stores values; `version` 0 to 65535 changes when an older document can no longer be read as `kind`."""
        self._path = path
        self._version = version
        self._decoder = msgspec.msgpack.Decoder(kind)

    def save(self, document: T) -> None:
        """Makes the document durable.

        Raises: ResourceExhaustedError, DeviceFaultError: the old document stands.
        """
        body = msgspec.msgpack.encode(document)
        write_atomic(self._path, _HEAD.pack(_MARKER, self._version, zlib.crc32(body)) + body)

    def load(self) -> T | None:
        """The document; `None` when there is none or it was corrupt (it is then moved aside and logged).

        Raises: DeviceFaultError: the disk refuses to give it.
        """
        try:
            content = self._path.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as exc:
            raise DeviceFaultError(f"{self._path}: cannot be read ({exc.strerror}); check the disk and owner") from exc
        try:
            return self._decoded(content)
        except ValueError as exc:
            self._move_aside(exc)
            return None

    def remove(self) -> None:
        """Forgets the document, durably.

        Raises: DeviceFaultError.
        """
        try:
            self._path.unlink(missing_ok=True)
            sync_directory(self._path.parent)
        except OSError as exc:
            raise DeviceFaultError(f"{self._path}: cannot be removed ({exc.strerror}); check the disk") from exc

    def _decoded(self, content: bytes) -> T:
        if len(content) < _HEAD.size or not content.startswith(_MARKER):
            raise ValueError("it does not begin as a state file does")
        _, version, crc = _HEAD.unpack_from(content)
        body = content[_HEAD.size :]
        if zlib.crc32(body) != crc:
            raise ValueError("its checksum is wrong")
        if version != self._version:
            raise ValueError(f"it has version {version}, this agent reads version {self._version}")
        return self._decoder.decode(body)  # msgspec's errors are ValueErrors

    def _move_aside(self, error: ValueError) -> None:
        aside = next(p for n in count(1) if not (p := self._path.with_name(f"{self._path.name}.corrupt-{n}")).exists())
        try:
            self._path.rename(aside)
            sync_directory(aside.parent)
        except OSError as exc:
            raise DeviceFaultError(f"{self._path}: corrupt, cannot be moved aside ({exc.strerror}); remove it") from exc
        logger.warning(
            "State file %s is corrupt (%s); moved to %s, continuing with defaults", self._path, error, aside.name
        )
