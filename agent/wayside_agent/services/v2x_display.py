"""Tells the display in the vehicle what to show, at the unit's own broker.

    display = Display(connect=lambda: sink, topic="wayside/hmi/warnings", mono_s=time.monotonic, rng=rng)
    display.show(changes, active)       # never waits
    await display.run()                 # never returns

Changes go to the topic; all that holds goes to `TOPIC/active`, at each change and every second: a display that does not
hear it must show nothing. Nothing is retained, and what could not be told at once is never told late: after an outage
only `active` says what holds.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Sequence
from random import Random

from wayside.errors import WaysideError
from wayside_agent.core.backoff import delay_s
from wayside_agent.core.warnings.document import encoded, warning_document
from wayside_agent.core.warnings.model import Action, Change, Finding
from wayside_agent.ports.spools import TelemetrySink
from wayside_agent.services.endless import follow_cancel

MAX_WAITING = 64
BEAT_S = 1.0
LATE_S = 1.0
"""A change that waited longer for a slow broker is left out."""
RECONNECT_BASE_S, RECONNECT_CAP_S = 0.5, 5.0
"""Short: the broker is on the unit, and a driver waits."""

logger = logging.getLogger(__name__)


class Display:
    """The display of one vehicle."""

    def __init__(
        self, *, connect: Callable[[], TelemetrySink], topic: str, mono_s: Callable[[], float], rng: Random
    ) -> None:
        """Stores values; `connect` makes a new, not yet opened connection."""
        self._connect = connect
        self._topic = topic
        self._mono_s = mono_s
        self._rng = rng
        self._waiting: deque[tuple[float, Change]] = deque(maxlen=MAX_WAITING)
        self._active: Sequence[Finding] = ()
        self._news = asyncio.Event()
        self.fault = "it has not been reached yet"
        """Why the display is not told, in one sentence; empty: it is."""

    def show(self, changes: Sequence[Change], active: Sequence[Finding]) -> None:
        """Takes what changes and all that holds; the oldest changes give way."""
        self._active = active
        if changes:
            now_s = self._mono_s()
            self._waiting.extend((now_s, each) for each in changes)
            self._news.set()

    async def run(self) -> None:
        """Tells for ever."""
        attempt, is_told = 0, False
        while True:
            follow_cancel()
            try:
                async with self._connect() as sink:
                    if is_told:
                        logger.info("the display gets warnings again")
                    self.fault, attempt, is_told = "", 0, False
                    await self._tell_on(sink)
            except WaysideError as error:
                if not is_told:
                    logger.warning("the display gets no warnings: %s", error)
                self.fault, is_told = str(error), True
            await asyncio.sleep(delay_s(attempt, base_s=RECONNECT_BASE_S, cap_s=RECONNECT_CAP_S, rng=self._rng))
            attempt += 1

    async def _tell_on(self, sink: TelemetrySink) -> None:
        """Raises: UnavailableError: the connection is lost."""
        self._waiting.clear()
        while True:
            follow_cancel()
            self._news.clear()
            while self._waiting:
                since_s, change = self._waiting.popleft()
                if self._mono_s() - since_s > LATE_S:
                    continue
                document = warning_document(change.action, change.finding, now_s=self._mono_s())
                await sink.publish(self._topic, [encoded(document)])
            now_s = self._mono_s()
            active = [warning_document(Action.UPDATE, each, now_s=now_s) for each in self._active]
            await sink.publish(f"{self._topic}/active", [encoded(active)])
            try:
                async with asyncio.timeout(BEAT_S):
                    await self._news.wait()
            except TimeoutError:
                continue
