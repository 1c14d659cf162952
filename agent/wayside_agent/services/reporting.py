"""Reports what the unit is: health at its period, and every word on configuration and software as it falls.

A report is durable in the spool before anybody is told it was made. A disk that takes none is said once, not every
period, and ends nothing: the unit goes on with its duty.
"""

import asyncio
import logging
import math
from collections.abc import Callable
from random import Random

from wayside.errors import ResourceExhaustedError
from wayside.v1 import node_pb2
from wayside.v1 import node_service_pb2 as wire
from wayside.v1.release_pb2 import ComponentState, GateResult, UpdateReport
from wayside_agent.core.update import UpdateStatus
from wayside_agent.ports.errors import DeviceError
from wayside_agent.ports.spools import Spool
from wayside_agent.services.newest import Newest

logger = logging.getLogger(__name__)

SETTLE_S = 5.0  # the first report is made before any device has spoken; the second, this much later, says how they do
JITTER_RATIO = 0.1  # keeps thousands of units that came back together from staying in step


class Reporting:
    """Writes reports into the spool."""

    def __init__(
        self,
        spool: Spool,
        *,
        health: Callable[[], node_pb2.HealthReport],
        now_ns: Callable[[], int],
        time_quality: Callable[[], node_pb2.TimeQuality.ValueType],
        agent_version: str,
        rng: Random,
    ) -> None:
        self._spool = spool
        self._agent_version = agent_version
        self._health = health
        self._now_ns = now_ns
        self._time_quality = time_quality
        self._rng = rng
        self._period_s = 30.0
        self._changed = asyncio.Event()
        self._fault = ""
        self.newest = Newest()
        """The newest health report, also when the spool did not take it."""

    def set_period(self, period_s: float) -> None:
        """Reports at this period from now on, at once first."""
        self._period_s = period_s
        self._changed.set()

    def hurry(self) -> None:
        """Reports at once, for something has changed."""
        self._changed.set()

    async def run(self) -> None:
        """Reports health for ever."""
        longest_s = SETTLE_S
        while True:
            self._changed.clear()  # before the report: a period that comes while it is written is seen
            report = wire.Report(health=self._health())
            await self.submit(report)
            self.newest.put(report)
            jitter = 1.0 + JITTER_RATIO * (self._rng.random() - 1.0)  # never later than the period
            try:
                async with asyncio.timeout(min(self._period_s * jitter, longest_s)):
                    await self._changed.wait()
            except TimeoutError:
                longest_s = math.inf

    async def report_config(self, report: node_pb2.ConfigReport) -> int:
        """Reports a word on the configuration; see `submit`."""
        return await self.submit(wire.Report(config=report))

    async def report_update(self, status: UpdateStatus) -> None:
        """Reports a word on the software."""
        report = UpdateReport(
            release=status.release,
            rollout=status.rollout,
            phase=UpdateReport.Phase.Value(f"PHASE_{status.phase.name}"),
            downloaded_bytes=status.downloaded_bytes,
            total_bytes=status.total_bytes,
            running_release=status.running_release,
            running_version=status.running_version or self._agent_version,
            message=status.message,
            resumed_from_bytes=status.resumed_from_bytes,
            blockers=status.blockers,
            gate=(
                GateResult(
                    check=each.check,
                    passed=each.passed,
                    before=each.before,
                    now=each.now,
                    unit=each.unit,
                    message=each.message,
                )
                for each in status.gate
            ),
            reason=status.reason,
            running_counter=status.running_counter,
            is_delta=status.is_delta,
            consent=status.consent,
            attempt=status.attempt,
            components=(
                ComponentState(name=each.name, version=each.version, message=each.fault) for each in status.components
            ),
        )
        await self.submit(wire.Report(update=report))

    async def submit(self, report: wire.Report) -> int:
        """Makes one report durable and returns its sequence.

        A disk that is full or broken loses it, which is logged once: the sequence is 0.
        """
        report.record_time.FromNanoseconds(self._now_ns())
        report.time_quality = self._time_quality()
        try:
            sequence = await self._spool.append((report.SerializeToString(),))
        except (ResourceExhaustedError, DeviceError) as error:
            if not self._fault:
                logger.error("reports are being lost: %s", error)
            self._fault = str(error)
            return 0
        if self._fault:
            logger.info("reports: the spool accepts again")
        self._fault = ""
        return sequence
