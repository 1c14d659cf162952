"""Reports what the unit is: health at its period, and every word on configuration and software as it falls.

A report is durable in the spool before anybody is told it was made. A full spool is said once, not every period.
"""

import asyncio
import logging
from collections.abc import Callable
from random import Random

from wayside.errors import ResourceExhaustedError
from wayside.v1 import node_pb2
from wayside.v1 import node_service_pb2 as wire
from wayside.v1.release_pb2 import UpdateReport
from wayside_agent.ports import Spool

logger = logging.getLogger(__name__)

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
        rng: Random,
    ) -> None:
        self._spool = spool
        self._health = health
        self._now_ns = now_ns
        self._time_quality = time_quality
        self._rng = rng
        self._period_s = 30.0
        self._changed = asyncio.Event()
        self._is_full = False

    def set_period(self, period_s: float) -> None:
        """Reports at this period from now on, at once first."""
        self._period_s = period_s
        self._changed.set()

    async def run(self) -> None:
        """Reports health for ever."""
        while True:
            await self.submit(wire.Report(health=self._health()))
            jitter = 1.0 + JITTER_RATIO * (self._rng.random() - 1.0)  # never later than the period
            try:
                async with asyncio.timeout(self._period_s * jitter):
                    await self._changed.wait()
                self._changed.clear()
            except TimeoutError:
                continue

    async def report_config(self, report: node_pb2.ConfigReport) -> None:
        """Reports a word on the configuration."""
        await self.submit(wire.Report(config=report))

    async def report_update(self, report: UpdateReport) -> None:
        """Reports a word on the software."""
        await self.submit(wire.Report(update=report))

    async def submit(self, report: wire.Report) -> None:
        """Makes one report durable; when the disk is full it is refused, and that is logged once."""
        report.record_time.FromNanoseconds(self._now_ns())
        report.time_quality = self._time_quality()
        try:
            await self._spool.append((report.SerializeToString(),))
        except ResourceExhaustedError as error:
            if not self._is_full:
                logger.error("reports: %s", error)
            self._is_full = True
        else:
            if self._is_full:
                logger.info("reports: the spool accepts again")
            self._is_full = False
