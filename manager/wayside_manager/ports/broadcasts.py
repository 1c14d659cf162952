"""Broadcasts by area and time, as operators see them, as sessions tell them and as time moves them."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol

from wayside_manager.core.access import Reach
from wayside_manager.core.broadcasts import (
    BroadcastCounts,
    BroadcastNode,
    BroadcastRecord,
    BroadcastsChanged,
    BroadcastTold,
)
from wayside_manager.core.pages import Page


class BroadcastStore(Protocol):
    """Broadcasts, as operators see them."""

    async def publish_broadcast(
        self, broadcast: BroadcastRecord, *, reach: Reach, etag: str = ""
    ) -> tuple[BroadcastRecord, BroadcastsChanged]:
        """Keeps a broadcast, or puts it in the place of the one of its id, and tells the units that are meant.

        Raises: ConflictError: the etag is not the present one; NotFoundError: the selector names what is not there;
        FailedPreconditionError: no roadside unit is selected; ResourceExhaustedError: a unit would have too many.
        """

    async def get_broadcast(self, broadcast_id: str) -> BroadcastRecord:
        """One broadcast.

        Raises: NotFoundError.
        """

    async def list_broadcasts(
        self, *, reach: Reach, now: datetime, include_over: bool = False, page_size: int = 0, page_token: str = ""
    ) -> Page[BroadcastRecord]:
        """A page of broadcasts of tenants in reach, by id.

        Raises: InvalidArgumentError: page size or token.
        """

    async def count_receipts(self, broadcast_ids: Sequence[str], *, reach: Reach) -> Mapping[str, BroadcastCounts]:
        """What the units in reach said, per broadcast."""

    async def list_receipts(
        self,
        broadcast_id: str,
        *,
        reach: Reach,
        only_pending: bool = False,
        page_size: int = 0,
        page_token: str = "",
    ) -> Page[BroadcastNode]:
        """A page of what the units in reach said, by node.

        Raises: NotFoundError: no such broadcast; InvalidArgumentError: page size or token.
        """

    async def withdraw_broadcast(
        self, broadcast_id: str, *, author: str, now: datetime
    ) -> tuple[BroadcastRecord, BroadcastsChanged]:
        """Takes a broadcast off the air everywhere; one that is withdrawn stays as it is.

        Raises: NotFoundError.
        """


class BroadcastTellStore(Protocol):
    """Broadcasts, as sessions tell them."""

    async def tell_broadcasts(self, node_id: str, *, now: datetime) -> tuple[BroadcastTold, ...] | None:
        """What a roadside unit is told now, by id; that it was told is written. `None`: it is no roadside unit."""


class BroadcastSweepStore(Protocol):
    """Broadcasts, as time and moving units change them."""

    async def match_broadcasts(self, *, now: datetime) -> BroadcastsChanged:
        """Finds out anew whom every broadcast is for, and takes those that have ended from their units."""

    async def drop_broadcasts(self, before: datetime, *, max_count: int) -> int:
        """Drops broadcasts that were over before a time, with their receipts; how many."""
