"""Writes denials and failures into the audit trail: the first few of an address one by one, the rest as counts.

`note` never waits, so a flood of denials costs the calls nothing; per window a bounded number of entries is written,
whatever comes. While the database is away, what was noted waits, and what comes then is counted.
Usage: one `log.run()` in the task group, `log.note(record)` anywhere.
"""

import asyncio
import logging
from contextlib import suppress
from dataclasses import replace

from wayside.errors import WaysideError
from wayside_manager.core.audit import CallRecord, Outcome
from wayside_manager.ports.audit import AuditStore

logger = logging.getLogger(__name__)

WINDOW_S = 10.0
SINGLES_PER_SOURCE = 5
SINGLES_MAX = 100
"""Entries of their own in a window, over all addresses."""
COUNTS_MAX = 200
"""Counted kinds in a window; what is of yet another kind goes into one entry."""
_RETRY_S = 1.0
_LAST_WORDS_S = 2.0


class DenialLog:
    """What is to be written, a bounded amount of it."""

    def __init__(self, store: AuditStore, *, window_s: float = WINDOW_S) -> None:
        self._store = store
        self._window_s = window_s
        self._by_source: dict[str, int] = {}
        self._singles: list[CallRecord] = []
        self._single_count = 0
        self._counts: dict[tuple[str, ...], CallRecord] = {}
        self._has_singles = asyncio.Event()

    def note(self, record: CallRecord) -> None:
        """Takes a denial or failure; it is written soon."""
        seen = self._by_source.get(record.source_address, 0)
        if seen < SINGLES_PER_SOURCE and self._single_count < SINGLES_MAX:
            self._by_source[record.source_address] = seen + 1
            self._single_count += 1
            self._singles.append(record)
            self._has_singles.set()
        else:
            self._count(record)

    async def run(self) -> None:
        """Writes what was noted. Never returns."""
        try:
            while True:
                await self._has_singles.wait()  # the first of a window is one
                await self._write_singles_until_window_ends()
                await self._write(self._taken_all())
        finally:
            with suppress(WaysideError, TimeoutError):
                async with asyncio.timeout(_LAST_WORDS_S):
                    await self._store.add_entries(self._taken_all())

    async def _write_singles_until_window_ends(self) -> None:
        ends_s = asyncio.get_running_loop().time() + self._window_s
        with suppress(TimeoutError):
            while True:
                async with asyncio.timeout_at(ends_s):
                    await self._has_singles.wait()
                await self._write(self._taken_singles())

    async def _write(self, records: list[CallRecord]) -> None:
        is_failing = False
        while records:
            try:
                await self._store.add_entries(records)
            except WaysideError as exc:
                if not is_failing:
                    logger.error("%d denials wait to be written to the audit trail: %s", len(records), exc)
                is_failing = True
                self._singles = records + self._singles  # here they are found should the manager stop now
                await asyncio.sleep(_RETRY_S)
                records = self._taken_singles()
            else:
                return

    def _count(self, record: CallRecord) -> None:
        key: tuple[str, ...] = (record.source_address, record.actor, record.action, record.outcome, record.reason)
        key += (record.tenant_id,)  # whose auditors read it
        present = self._counts.get(key)
        if present is None and len(self._counts) >= COUNTS_MAX:
            key = ("",)
            present = self._counts.get(key)
            record = CallRecord("anyone", "several", record.time, outcome=Outcome.DENIED, reason="TOO_MANY_TO_LIST")
        if present is None:
            self._counts[key] = replace(record, changes=[], request_id="", count=1)
        else:
            present.count += 1

    def _taken_singles(self) -> list[CallRecord]:
        singles, self._singles = self._singles, []
        self._has_singles.clear()
        return singles

    def _taken_all(self) -> list[CallRecord]:
        """What there is, and a new window."""
        records = self._taken_singles() + list(self._counts.values())
        self._counts, self._by_source, self._single_count = {}, {}, 0
        return records
