"""Alarms, as the engine keeps them and operators see them."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from wayside_manager.core.access import Reach
from wayside_manager.core.alarms import AlarmMember, AlarmPolicy, AlarmRecord, AlarmStep, Situation
from wayside_manager.core.events import Severity
from wayside_manager.core.pages import Page
from wayside_manager.ports.rollouts import Lease


@dataclass(frozen=True, slots=True)
class AlarmQuestion:
    """Which alarms to list."""

    shows_cleared: bool = False
    shows_shelved: bool = False
    shows_members: bool = False
    min_severity: Severity = Severity.INFO
    subject: str = ""
    parent_id: str = ""


@dataclass(frozen=True, slots=True)
class Restored:
    """What is known of one member of an area alarm."""

    member: AlarmMember
    backfilled_count: int
    """Reports of the time it was away that have arrived."""
    lost_report_count: int = 0
    """Reports the unit has given up since it was lost, as far as it has said so."""


class AlarmEngineStore(Protocol):
    """What the engine needs: the policy, the situation, a lease, and to write a step."""

    async def get_alarm_policy(self) -> AlarmPolicy:
        """What becomes an alarm. Raises: UnavailableError."""

    async def alarm_situation(self, *, now: datetime, begin_time: datetime) -> tuple[Situation, AlarmPolicy]:
        """Everything the engine decides on, without what it holds pending, and the policy.

        Args:
            now: The manager's clock.
            begin_time: When this manager began to listen: who was silent before then may just not have come back yet.

        Raises: UnavailableError: the store does not work now.
        """

    async def save_alarm_step(
        self, step: AlarmStep, *, storms: Mapping[str, Collection[str]], now: datetime, lease: Lease
    ) -> frozenset[str]:
        """Writes a step with its events, and lets rollouts rest or go on; the ids of rollouts that changed.

        Args:
            step: What changes.
            storms: Nodes of the area of every storm that holds, by alarm.
            now: The manager's clock.
            lease: Under which it was made.

        Raises: ConflictError: the lease is somebody else's; nothing was written. UnavailableError.
        """

    async def take_lease(self, name: str, holder: str, *, now: datetime, life_s: float) -> Lease | None:
        """Takes or renews a lease; `None`: somebody else has it."""

    async def release_lease(self, lease: Lease) -> None:
        """Lets others have it at once."""


class AlarmStore(Protocol):
    """Alarms, for operators."""

    async def get_alarm(self, alarm_id: str) -> AlarmRecord:
        """One alarm. Raises: NotFoundError."""

    async def list_alarms(
        self, question: AlarmQuestion, *, reach: Reach, page_size: int = 0, page_token: str = ""
    ) -> Page[AlarmRecord]:
        """Alarms, worst first, then newest first.

        Raises: InvalidArgumentError: the page size or token.
        """

    async def acknowledge_alarm(self, alarm_id: str, *, actor: str, note: str, now: datetime) -> AlarmRecord:
        """Notes who has taken it on. Raises: NotFoundError; FailedPreconditionError: it is over."""

    async def shelve_alarm(
        self, alarm_id: str, *, actor: str, duration: timedelta, note: str, now: datetime
    ) -> AlarmRecord:
        """Keeps it quiet for a time; 0 ends that. Raises: NotFoundError; FailedPreconditionError: it is over."""

    async def restore_report(self, alarm_id: str) -> tuple[AlarmRecord, tuple[Restored, ...]]:
        """An area alarm and its members. Raises: NotFoundError; FailedPreconditionError: it is about one node."""

    async def drop_alarms(self, before: datetime, *, max_count: int) -> int:
        """Drops alarms that were over before a time; how many, `max_count` at most."""

    async def get_alarm_policy(self) -> AlarmPolicy:
        """What becomes an alarm."""

    async def update_alarm_policy(self, policy: AlarmPolicy, *, now: datetime, etag: str = "") -> AlarmPolicy:
        """Changes it. Raises: ConflictError: the etag is not the present one."""
