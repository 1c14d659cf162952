"""Deltas between releases."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Protocol

from wayside_manager.core.deltas import DeltaRecord, DeltaRelease, DeltaState, Pair
from wayside_manager.ports.rollouts import Lease


class DeltaStore(Protocol):
    """Which deltas there are; their bytes are in the ArtifactStore."""

    async def take_lease(self, name: str, holder: str, *, now: datetime, life_s: float) -> Lease | None:
        """Takes or renews the lease; `None`: somebody else has it."""

    async def release_lease(self, lease: Lease) -> None:
        """Lets others have it at once."""

    async def delta_releases(self) -> tuple[DeltaRelease, ...]:
        """What is to be known of every release to plan deltas."""

    async def list_deltas(self, versions: Collection[str] | None = None) -> tuple[DeltaRecord, ...]:
        """Deltas that lead to these releases, or all, by version and base."""

    async def keep_pairs(self, pairs: Sequence[Pair], *, lease: Lease) -> tuple[DeltaRecord, ...]:
        """Adds pairs that are not there, and drops those that lead to a retired release; what was dropped.

        Raises: ConflictError: the lease is lost.
        """

    async def reopen_failed(self, *, lease: Lease) -> int:
        """Gives what FAILED one more try, but not what managers died over; how many.

        Raises: ConflictError: the lease is lost.
        """

    async def begin_delta(self, pair: Pair, *, lease: Lease) -> DeltaRecord | None:
        """Counts one more try, before it is made; `None`: it is no longer PENDING, or not there.

        Raises: ConflictError: the lease is lost.
        """

    async def end_delta(
        self, pair: Pair, state: DeltaState, *, sha256: str = "", size_bytes: int = 0, message: str = "", lease: Lease
    ) -> tuple[str, ...]:
        """Writes what became of it; the nodes that hear of it: those it would serve are told anew.

        Raises: ConflictError: the lease is lost, or it is no longer PENDING.
        """

    async def delta_to(self, version: str, sha256: str) -> DeltaRecord | None:
        """A READY delta with this hash that leads to a release; `None`: there is none."""

    async def delta_for(self, node_id: str) -> DeltaRecord | None:
        """A READY delta from what the node runs to what it should run; `None`: there is none."""

    async def note_software(
        self, node_id: str, *, hardware_id: str, running_tree_sha256: str, peer_address: str = ""
    ) -> None:
        """Keeps what a node says at the begin of a session; writes only news. `peer_address`: others are sent there."""
