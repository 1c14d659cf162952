"""Publishes heard messages at one broker: what waits is bounded, and full means that the oldest goes.

    outlet = Outlet("local", target=lambda: broker, connect=connected_to, rng=rng)
    outlet.offer(Waiting(stream, message, doubt=None))
    await outlet.run()      # never returns

Messages are decoded here, not where they are heard: what is dropped costs nothing. A batch that a lost connection took
along counts as dropped; nothing is sent twice.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import groupby
from random import Random
from typing import Generic, TypeVar

from wayside.errors import WaysideError
from wayside.v2x.profile import Profile
from wayside_agent.core.backoff import delay_s
from wayside_agent.core.heard.forwarded import Form, forwarded
from wayside_agent.core.heard.plausibility import Doubt
from wayside_agent.core.heard.sampler import Sampler
from wayside_agent.core.v2x import ReceivedMessage
from wayside_agent.ports.spools import TelemetrySink
from wayside_agent.services.endless import follow_cancel

MAX_WAITING = 2000
BATCH_COUNT = 20
"""Messages decoded and published in one go: 3 ms of a core."""
GATHER_S = 0.05
"""What comes within it goes in one batch; a message each would cost three times as much."""
RECONNECT_BASE_S = 1.0
RECONNECT_CAP_S = 60.0
NO_BROKER_S = 1.0

Target = TypeVar("Target")

logger = logging.getLogger(__name__)


class Stream:
    """One subscription at work."""

    def __init__(self, topic: str, form: Form, profile: Profile, sampler: Sampler) -> None:
        self.topic = topic
        self.form = form
        self.profile = profile
        self.sampler = sampler
        self.forwarded_count = 0
        """Messages the broker holds."""
        self.dropped_count = 0
        """Messages that found no room or no broker."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """A message on its way out."""

    stream: Stream
    message: ReceivedMessage
    doubt: Doubt | None


class Outlet(Generic[Target]):
    """The way to one broker."""

    def __init__(
        self,
        label: str,
        *,
        target: Callable[[], Target | None],
        connect: Callable[[Target], TelemetrySink],
        rng: Random,
    ) -> None:
        """Stores values.

        Args:
            label: For the log.
            target: Which broker there is now; `None`: none is configured. Another one ends the connection.
            connect: A new, not yet opened connection to it.
            rng: Chance for the jitter.
        """
        self._label = label
        self._target = target
        self._connect = connect
        self._rng = rng
        self._waiting: deque[Waiting] = deque()
        self._news = asyncio.Event()
        self.fault = ""
        """Why nothing goes out, in one sentence; empty: it does."""

    @property
    def waiting_count(self) -> int:
        """Messages that wait."""
        return len(self._waiting)

    def offer(self, waiting: Waiting) -> None:
        """Takes a message; if there is no room, the oldest is dropped."""
        if len(self._waiting) >= MAX_WAITING:
            self._waiting.popleft().stream.dropped_count += 1
        self._waiting.append(waiting)
        self._news.set()

    async def run(self) -> None:
        """Publishes for ever."""
        attempt = 0
        while True:
            follow_cancel()
            target = self._target()
            if target is None:
                self.fault = "the configuration names no broker"
                await asyncio.sleep(NO_BROKER_S)
                continue
            try:
                async with self._connect(target) as sink:
                    self._is_back()
                    attempt = 0
                    await self._publish_on(sink, target)
            except WaysideError as error:
                if not self.fault:
                    logger.warning("Heard messages do not reach the %s broker: %s", self._label, error)
                self.fault = str(error)
                await asyncio.sleep(delay_s(attempt, base_s=RECONNECT_BASE_S, cap_s=RECONNECT_CAP_S, rng=self._rng))
                attempt += 1

    def _is_back(self) -> None:
        if self.fault:
            logger.info("Heard messages reach the %s broker again", self._label)
        self.fault = ""

    async def _publish_on(self, sink: TelemetrySink, target: Target) -> None:
        """Publishes what comes until the broker is another.

        Raises: UnavailableError: the connection is lost.
        """
        while self._target() == target:
            follow_cancel()
            await self._news.wait()
            await asyncio.sleep(GATHER_S)
            self._news.clear()
            while self._waiting:
                follow_cancel()  # one that comes together with the broker's word is lost in `publish`
                batch = [self._waiting.popleft() for _ in range(min(BATCH_COUNT, len(self._waiting)))]
                await self._publish(sink, batch)

    async def _publish(self, sink: TelemetrySink, batch: Sequence[Waiting]) -> None:
        left = list(batch)
        try:
            for stream, members in groupby(tuple(left), key=lambda each: each.stream):
                payloads = [forwarded(each.message, stream.form, stream.profile, doubt=each.doubt) for each in members]
                await sink.publish(stream.topic, payloads)
                stream.forwarded_count += len(payloads)
                del left[: len(payloads)]
        finally:
            for each in left:
                each.stream.dropped_count += 1
