"""Who did what. Entries are added by the store with the changes themselves; see `CALL`."""

from collections.abc import Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from wayside_manager.core.access import Reach
from wayside_manager.core.audit import AuditEntry, CallRecord, Outcome, Seal
from wayside_manager.core.pages import Page

CALL: ContextVar[CallRecord | None] = ContextVar("call", default=None)
"""What the present call does. Every writing transaction of the store that commits inside it adds its entry to the audit
trail in the same transaction; without one (reports, the stepper) nothing is audited."""


@dataclass(frozen=True, slots=True)
class AuditFilter:
    """Which entries. Fields are ANDed; empty ones let everything pass."""

    actor: str = ""
    action: str = ""
    """The action ends with this."""
    resource: str = ""
    outcomes: tuple[Outcome, ...] = ()
    begin_time: datetime | None = None
    end_time: datetime | None = None


class AuditStore(Protocol):
    """The audit trail."""

    async def add_entries(self, records: Sequence[CallRecord]) -> None:
        """Adds entries for what changed nothing: denials, failures, alarms."""

    async def list_entries(
        self, audit_filter: AuditFilter, *, reach: Reach, page_size: int = 0, page_token: str = ""
    ) -> Page[AuditEntry]:
        """A page of entries about whole tenants of the reach, newest first; those about none only with the root's.

        Raises: InvalidArgumentError: page size or token.
        """

    async def read_chain(self, begin_sequence: int, *, max_count: int) -> tuple[AuditEntry, ...]:
        """Entries from a place on, in order, as they stand in the database."""

    async def audit_head(self) -> tuple[int, str]:
        """Sequence and hash of the newest entry, noted beside the chain so that a cut end shows; (0, zeroes): none."""

    async def add_seal(self, seal: Seal) -> None:
        """Keeps a seal."""

    async def list_seals(self) -> tuple[Seal, ...]:
        """Every seal in order."""
