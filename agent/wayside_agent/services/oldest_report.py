"""How old the oldest report is that the manager does not hold yet: read off the spool every ten seconds.

oldest = OldestReport(spool, clock_s=time.time)
await oldest.run()
oldest.age_s()          # None: nothing waits
"""

import asyncio
import logging
from collections.abc import Callable

from google.protobuf.message import DecodeError

from wayside.errors import WaysideError
from wayside.v1 import node_service_pb2 as wire
from wayside_agent.core.stamps import NANOSECONDS_PER_SECOND
from wayside_agent.ports.spools import Spool

logger = logging.getLogger(__name__)

TURN_S = 10.0
_READ_TIMEOUT_S = 5.0  # what waited may have been acknowledged meanwhile: then there is nothing to read


class OldestReport:
    """Looks at one spool."""

    def __init__(self, spool: Spool, *, clock_s: Callable[[], float]) -> None:
        self._spool = spool
        self._clock_s = clock_s
        self._record_s: float | None = None

    def age_s(self) -> float | None:
        """Its age [s], at least 0; `None`: nothing waits, or its time cannot be read."""
        if self._record_s is None or not self._spool.state().record_count:
            return None
        return max(0.0, self._clock_s() - self._record_s)

    async def run(self) -> None:
        """Looks for ever."""
        while True:
            await self.look()
            await asyncio.sleep(TURN_S)

    async def look(self) -> None:
        """Looks once."""
        self._record_s = None
        if not self._spool.state().record_count:
            return
        try:
            async with asyncio.timeout(_READ_TIMEOUT_S):
                oldest, *_ = await self._spool.read(0, max_count=1)
            report = wire.Report.FromString(oldest.payload)
        except (TimeoutError, WaysideError, DecodeError) as error:
            logger.debug("the oldest report cannot be read: %s", error)
            return
        if report.HasField("record_time"):
            self._record_s = report.record_time.ToNanoseconds() / NANOSECONDS_PER_SECOND
