"""Artifacts that are kept after they were installed, to be served to units near this one."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Protocol


class OpenArtifact(Protocol):
    """A whole artifact with the hash it was asked for by."""

    @property
    def size_bytes(self) -> int:
        """Its size."""

    def chunks(self, offset_bytes: int, chunk_bytes: int) -> AsyncIterator[bytes]:
        """Its bytes from an offset to the end.

        Raises: DeviceFaultError.
        """


class ArtifactKeeper(Protocol):
    """Takes artifacts, whole; nobody writes to them. All of it raises DeviceError; none of it may stop an update."""

    async def take(self, path: Path, sha256: str) -> None:
        """Takes a file over that was verified and installed; it is not given out before `settle`."""

    async def settle(self, sha256: str) -> None:
        """Gives out what was taken if it has this hash, and drops it if not; empty: drops it."""

    async def make_room(self, wanted_bytes: int) -> None:
        """Drops what is kept, the oldest first, until so much is free beside the reserve, or nothing is left."""


class ArtifactShelf(ArtifactKeeper, Protocol):
    """Gives them out."""

    def opened(self, sha256: str) -> AbstractAsyncContextManager[OpenArtifact]:
        """One that may be given out; it stays readable while it is open.

        Raises: NotFoundError: it is not kept, or is damaged.
        """


class NoKeeper:
    """A unit that serves nobody."""

    async def take(self, path: Path, sha256: str) -> None:
        """Leaves it."""

    async def settle(self, sha256: str) -> None:
        """Has nothing."""

    async def make_room(self, wanted_bytes: int) -> None:
        """Has nothing."""
