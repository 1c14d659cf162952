"""How nodes are and were."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from wayside_manager.core.access import Reach
from wayside_manager.core.availability import Stretch
from wayside_manager.core.history import Added, HistoryRow
from wayside_manager.core.node_health import HealthState
from wayside_manager.core.pages import Page
from wayside_manager.core.selectors import NodeSelector
from wayside_manager.ports.rollouts import Lease


@dataclass(frozen=True, slots=True)
class HealthRecord:
    """What is known of the health of one node."""

    node_id: str
    body: bytes
    """Its newest HealthReport, serialized; empty: there is none."""
    state: HealthState
    """As its reports made it."""
    since_time: datetime | None
    """Since when, by the manager's clock. `None`: it never reported."""
    create_time: datetime
    last_report_time: datetime | None
    report_period_s: float
    autonomy_end_time: datetime | None
    autonomy_limit: str


@dataclass(frozen=True, slots=True)
class RawHealth:
    """A health report of the history."""

    node_id: str
    receive_time: datetime
    record_time: datetime | None
    time_quality: int
    body: bytes


class GroupBy(StrEnum):
    """What nodes are grouped by."""

    ALL = "all"
    SITE = "site"
    MODEL = "model"
    EXPOSURE = "exposure"


class HealthStore(Protocol):
    """How nodes are and were, for operators."""

    async def get_health(self, node_id: str) -> HealthRecord:
        """The health of one node.

        Raises: NotFoundError.
        """

    async def list_health(
        self,
        states: Iterable[HealthState],
        *,
        reach: Reach,
        now: datetime,
        page_size: int = 0,
        page_token: str = "",
    ) -> Page[HealthRecord]:
        """Nodes in service in order of their ids, in one of these states as of now; none named: in any.

        Raises: InvalidArgumentError: page size or token.
        """

    async def list_history(
        self, node_id: str, *, step_s: int, begin: datetime, end: datetime
    ) -> Sequence[tuple[datetime, HistoryRow]]:
        """The rows of a node that begin in a span of time, oldest first; stretches without a report have none."""

    async def list_stretches(
        self, group_by: GroupBy, selector: NodeSelector | None, *, reach: Reach, begin: datetime, end: datetime
    ) -> tuple[Sequence[Stretch], Mapping[str, str]]:
        """Stretches that touch a span, with those down before it, and per node of the reach its group.

        Raises: InvalidArgumentError, NotFoundError: the selector names what is not there.
        """


class HistoryStore(Protocol):
    """What the loops over history and silence need."""

    async def history_through(self) -> datetime | None:
        """Up to when reports that came are folded. `None`: none is."""

    async def raw_health(
        self, after: datetime, until: datetime, *, max_count: int
    ) -> tuple[Sequence[RawHealth], datetime]:
        """Health reports that came after one time and up to another, in their order, and up to when these are all.

        They are about `max_count`: those that came at one instant are never parted.
        """

    async def add_history(self, added: Mapping[str, Added], *, through: datetime, lease: Lease) -> None:
        """Adds to the rows of nodes, and notes up to when reports are folded, in one transaction.

        Raises: ConflictError: the lease is lost.
        """

    async def prune_history(self, before: Mapping[int, datetime], *, max_count: int) -> int:
        """Drops at most `max_count` rows that begin before a time, per step [s]; how many it dropped.

        Stretches of one state go as the hours do, those that last stay.
        """

    async def note_silences(self, silent: Mapping[str, tuple[datetime, datetime]], *, now: datetime) -> frozenset[str]:
        """Begins stretches of silence: per node its last report, and when it fell silent; those for which that is new.

        A node that reported meanwhile is left out. Stretches of nodes that are out of service end.
        """

    async def take_lease(self, name: str, holder: str, *, now: datetime, life_s: float) -> Lease | None:
        """See RolloutStepStore."""

    async def release_lease(self, lease: Lease) -> None:
        """See RolloutStepStore."""
