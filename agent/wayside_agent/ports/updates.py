"""What a software update needs: bytes, room for them, a memory, and slots."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Protocol

from wayside_agent.core.contents import Contents
from wayside_agent.core.download import Order
from wayside_agent.core.update import Consent, Running, Update
from wayside_agent.ports.opened import Opened


class ArtifactSource(Protocol):
    """Where the bytes of a release come from. Trust never comes from here."""

    def fetch(self, release: str, *, offset_bytes: int, delta_sha256: str = "") -> AsyncIterator[bytes]:
        """The bytes of a release, or of a delta to it, from an offset to the end, in chunks of at most 1 MiB.

        Raises: UnavailableError, DeadlineExceededError: try again later. NotFoundError: there is no such release.
        """


class ArtifactPlace(Protocol):
    """Other places that have artifacts, of one scheme of URLs. Trust never comes from here."""

    def fetch(self, address: str, order: Order, *, offset_bytes: int) -> AsyncIterator[bytes]:
        """The bytes of an artifact from an offset to its end, in chunks of at most 1 MiB; never more than were ordered.

        Raises: UnavailableError, DeadlineExceededError: it is away, too slow, or broke off. Any other WaysideError: it
            does not have it, or not for this unit.
        """


class Downloads(Protocol):
    """Partly and wholly fetched artifacts, one at a time. What `append` returned survives kill -9, not power loss."""

    async def size(self, sha256: str) -> int:
        """Bytes on the device of the artifact with this hash; those of any other are deleted."""

    async def append(self, sha256: str, content: bytes) -> None:
        """Adds bytes at the end.

        Raises: ResourceExhaustedError: the disk is full. DeviceFaultError.
        """

    async def finish(self, sha256: str) -> tuple[Path, str]:
        """Makes all bytes durable; where they are, and the hash they have (empty: there are none).

        Raises: DeviceFaultError.
        """

    async def discard(self) -> None:
        """Deletes everything."""

    async def free_bytes(self) -> int:
        """Space left."""


class UpdateStore(Protocol):
    """Where the update under way is kept. Both methods block for about a millisecond: call them in a thread."""

    def load(self) -> Update | None:
        """What was saved; `None`: nothing, or it was damaged.

        Raises: DeviceFaultError.
        """

    def save(self, document: Update) -> None:
        """Makes it durable.

        Raises: ResourceExhaustedError: the disk is full. DeviceFaultError. What was saved before stands.
        """


class ConsentStore(Protocol):
    """Where it is kept what a person said of an update. Both methods block for about a millisecond."""

    def load(self) -> Consent | None:
        """What was saved; `None`: nothing, or it was damaged.

        Raises: DeviceFaultError.
        """

    def save(self, document: Consent) -> None:
        """Makes it durable.

        Raises: ResourceExhaustedError: the disk is full. DeviceFaultError. What was saved before stands.
        """


class Slots(Opened, Protocol):
    """Two places for releases beside the factory software, and which of them starts."""

    async def running(self) -> Running:
        """What runs now and what the slots hold."""

    async def choose(self, slot: str, *, gate_timeout_s: float) -> None:
        """Makes the next start a trial of this slot.

        Raises: FailedPreconditionError: the slot holds no complete release. DeviceError.
        """

    async def commit(self) -> None:
        """Makes the slot that runs the chosen one, and ends its trial.

        Raises: DeviceError.
        """

    async def go_back(self, reason: str, *, to: str | None = None) -> None:
        """Ends any trial: the next start is the chosen release. The reason is kept.

        `to` names the slot to choose instead, for a release that is committed already.
        Raises: DeviceError.
        """

    async def contents(self, slot: str) -> Contents:
        """What the release in a slot says of itself.

        Raises: DeviceFaultError: it holds none.
        """

    def payload(self, slot: str, file: str) -> Path:
        """Where a file of the release in a slot is."""
