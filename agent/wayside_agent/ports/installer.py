"""Who judges releases and writes them into slots: a process of its own, that lives for one question."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Protocol

from wayside_agent.core.agreement import Agreement
from wayside_agent.core.contents import Contents
from wayside_agent.core.update import ReleaseTarget

Progress = Callable[[float], None]
"""Takes how far it is, 0 to 1."""

Metadata = Mapping[str, Mapping[str, bytes]]
"""Files by repository (`image`, `director`) and name (`timestamp.json`)."""


class TrustSource(Protocol):
    """Where signed metadata comes from. Nothing of it is trusted before the helper has verified it."""

    async def metadata(self, *, image_root_version: int, director_root_version: int) -> Metadata:
        """What both repositories say now, with every root behind those versions; at most 6 MiB.

        Raises: UnavailableError, DeadlineExceededError: try again later. FailedPreconditionError: the manager has no
            roots of trust yet. InvalidArgumentError: it sends too much.
        """


class Installer(Protocol):
    """What `update/` does. The daemon holds no key, no metadata and no writing right on slots."""

    async def agree(self, target: ReleaseTarget) -> Agreement:
        """Fetches what both repositories say and compares them.

        Raises: RefusedError: with the reason. UnavailableError: the manager is away, ask again.
        """

    async def verify(self, agreement: Agreement, artifact: Path, *, is_delta: bool) -> Contents:
        """Holds an artifact against what was agreed, and against this unit, before a slot is touched; what is in it.

        Of a delta only what it says of the release is judged; its files are when they are written.
        Raises: RefusedError: HASH, SIZE, ARTIFACT_INVALID, WRONG_HARDWARE, DELTA.
        """

    async def install(self, agreement: Agreement, artifact: Path, *, is_delta: bool, progress: Progress) -> str:
        """Writes the release into the spare slot, from the whole artifact or a delta to the running release; that slot.

        A power cut at any instant leaves the running release chosen and the slot either complete or unbootable.
        Raises: RefusedError. ResourceExhaustedError: no space. DeviceFaultError: the disk refuses.
        """
