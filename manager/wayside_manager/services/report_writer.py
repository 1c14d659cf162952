"""Writes reports of all sessions in groups: one transaction, one fsync, many nodes.

Sessions wait for the commit of their own reports, so what they acknowledge is on the disk. While a transaction runs the
next group gathers; when the queue is full, sessions wait for a place, and so stop reading from their nodes.
Usage: one `run()` in the task group, `await writer.submit(node_id, spool_id, reports)` anywhere.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from wayside.errors import NotFoundError, WaysideError
from wayside_manager.core.limits import Rate, TokenBuckets
from wayside_manager.core.reports import ConfigFacts, Report, ReportBatch, UpdateFacts
from wayside_manager.ports.reports import ReportStore
from wayside_manager.ports.wakeups import Bus, Topic

logger = logging.getLogger(__name__)

_QUEUE_SIZE = 4_000
"""Submissions that wait; at 20,000 rows a second a full queue is a fifth of a second of work."""
_GROUP_SIZE = 1_000
"""Submissions of one transaction: past this the cost of a commit no longer shows in the cost of a row."""

_PACE_S = 0.1
"""Least time from one small transaction to the next: each costs 4 ms of processor, so ten a second are 4 % of a core.
A report after a pause is written at once."""


ALLOWANCE = Rate(rate_per_s=64 << 10, burst=8 << 20)
"""Bytes a node may have written: a unit in order makes 70 a second, and one that was away a week catches up in minutes.
Without it one unit filled a disk with 7 MB a second."""
ROW_BYTES = 256
"""What a report costs on the disk beside its body, about."""
RETURN_TIME = timedelta(minutes=5)
"""After its start everybody comes back to a manager; so long it holds that against nobody."""


@dataclass(frozen=True, slots=True)
class _Submission:
    batch: ReportBatch
    written: "asyncio.Future[int]"


class ReportWriter:
    """Satisfies `ports.ReportSink`."""

    def __init__(
        self,
        store: ReportStore,
        bus: Bus,
        *,
        now: Callable[[], datetime],
        queue_size: int = _QUEUE_SIZE,
        group_size: int = _GROUP_SIZE,
        pace_s: float = _PACE_S,
        allowance: Rate = ALLOWANCE,
    ) -> None:
        self._store = store
        self._bus = bus
        self._now = now
        self._begin_time = now()
        self._group_size = group_size
        self._pace_s = pace_s
        self._allowances = TokenBuckets(allowance)
        self._queue: asyncio.Queue[_Submission] = asyncio.Queue(maxsize=queue_size)
        self._is_failing = False

    async def submit(self, node_id: str, spool_id: str, reports: Sequence[Report]) -> int:
        """See ReportSink."""
        loop, cost_bytes = asyncio.get_running_loop(), sum(ROW_BYTES + len(report.body) for report in reports)
        while wait_s := self._allowances.take(node_id, loop.time(), cost=cost_bytes):  # noqa: ASYNC110  # for time
            await asyncio.sleep(wait_s)  # meanwhile the session reads no more
        return await self._written(ReportBatch(node_id, spool_id, tuple(reports), self._now()))

    async def show(self, node_id: str, report: Report) -> None:
        """See ReportSink. No allowance: it adds nothing to the disk, and the session bounds how many come."""
        await self._written(ReportBatch(node_id, "", (report,), self._now(), is_live=True))

    async def _written(self, batch: ReportBatch) -> int:
        written: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        await self._queue.put(_Submission(batch, written))
        return await written

    async def note_opened(self, node_id: str) -> None:
        """See ReportSink."""
        if self._now() - self._begin_time < RETURN_TIME:
            return  # whoever comes back now was sent away by the manager's own stop, which is no fault of the unit
        written: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        written.add_done_callback(_looked_at)
        batch = ReportBatch(node_id, "", (), self._now(), is_opening=True)
        await self._queue.put(_Submission(batch, written))

    async def run(self) -> None:
        """Writes for ever."""
        loop = asyncio.get_running_loop()
        paced_mono_s = loop.time()
        while True:
            group = [await self._queue.get()]
            if self._queue.qsize() < self._group_size - 1:
                await asyncio.sleep(paced_mono_s - loop.time())
            paced_mono_s = loop.time() + self._pace_s
            while len(group) < self._group_size and not self._queue.empty():
                group.append(self._queue.get_nowait())
            try:
                await self._write(group)
            finally:
                # Only a bug or the end of the program leaves somebody waiting; let them go too.
                for submission in group:
                    submission.written.cancel()

    async def _write(self, group: list[_Submission]) -> None:
        try:
            recorded = await self._store.record_reports([submission.batch for submission in group])
        except NotFoundError as error:
            await self._write_one_by_one(group, error)
        except WaysideError as error:
            self._note_failure(error)
            for submission in group:
                _fail(submission, error)
        else:
            self._note_success()
            for submission, sequence in zip(group, recorded.sequences, strict=True):
                if not submission.written.done():
                    submission.written.set_result(sequence)
            await self._bus.publish(Topic.DESIRED, recorded.retold_node_ids)
            await self._bus.publish(Topic.NODE, {submission.batch.node_id for submission in group})
            await self._bus.publish(Topic.ROLLOUT, _rollout_ids(group) | recorded.rollout_ids)
            await self._bus.publish(Topic.JOB, recorded.job_ids)
            if recorded.event_cursor:
                await self._bus.publish(Topic.EVENT, [""])

    async def _write_one_by_one(self, group: list[_Submission], error: WaysideError) -> None:
        """Keeps one unknown node from costing the others their reports."""
        if len(group) == 1:
            _fail(group[0], error)
            return
        for submission in group:
            await self._write([submission])

    def _note_failure(self, error: WaysideError) -> None:
        if not self._is_failing:
            logger.warning("reports cannot be written; nodes keep them: %s", error)
        self._is_failing = True

    def _note_success(self) -> None:
        if self._is_failing:
            logger.info("reports are written again")
        self._is_failing = False


def _rollout_ids(group: list[_Submission]) -> set[str]:
    """Rollouts that nodes had something to say about: whoever watches them wants to see it."""
    facts = [report.facts for submission in group for report in submission.batch.reports]
    releases = {each.rollout_id for each in facts if isinstance(each, UpdateFacts)}
    # the trial of a configuration is called after the rollout that asks for it; other trials wake nobody
    trials = {each.trial for each in facts if isinstance(each, ConfigFacts)}
    return (releases | trials) - {""}


def _fail(submission: _Submission, error: WaysideError) -> None:
    if not submission.written.done():
        submission.written.set_exception(error)


def _looked_at(written: "asyncio.Future[int]") -> None:
    if not written.cancelled():
        written.exception()  # nobody waits for it
