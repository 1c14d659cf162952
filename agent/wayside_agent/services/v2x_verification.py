"""Looks at the signatures of some of the messages the unit hears, beside the way the messages go.

verification.heard(message, signed)      # for every signed message; cheap, the caller never waits
await verification.run()                 # a thread judges one after the other

A sample waits in a short queue; when it is full, the newest is dropped and counted.
"""

import asyncio
from collections import Counter, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from wayside.v2x.peek import MessageKind
from wayside_agent.core.security.spdu import Signed
from wayside_agent.core.security.trust import DISBELIEVED, Outcome, Trust
from wayside_agent.core.v2x import ReceivedMessage, Verdict
from wayside_agent.ports.errors import DeviceError

QUEUE_MAX = 64
WINDOW = 100
"""Newest samples by which the check of health goes."""
WINDOW_MIN = 10
"""Fewer say nothing."""
WINDOW_S = 300.0
"""Older ones say nothing."""
DAY_S = 86_400.0


@dataclass(frozen=True, slots=True)
class Sampling:
    """Which messages are looked at."""

    one_in: int = 10
    limit_per_s: float = 50.0


class Verification:
    """The looks of one unit."""

    def __init__(
        self, trust: Trust, sampling: Sampling, *, utc_s: Callable[[], float | None], mono_s: Callable[[], float]
    ) -> None:
        """Stores values; `utc_s` is the trusted time, `None` while it is not known."""
        self._trust = trust
        self._sampling = sampling
        self._utc_s = utc_s
        self._mono_s = mono_s
        self._waiting: deque[tuple[MessageKind, Signed, int | None, float | None]] = deque()
        self._wake = asyncio.Event()
        self._allowance = sampling.limit_per_s
        self._allowed_s = mono_s()
        self._window: deque[tuple[float, bool]] = deque(maxlen=WINDOW)
        self._is_looking = False
        self.outcomes: dict[MessageKind, Counter[Outcome]] = {}
        self.signed_count = 0
        self.unread_count = 0
        """Envelopes without a signature, or of a form that is not known."""
        self.dropped_count = 0
        """Samples for which the queue had no room."""
        self.fault = ""
        """Why nothing can be verified, in one sentence."""

    @property
    def is_busy(self) -> bool:
        """Whether a sample waits, or is being judged."""
        return self._is_looking or bool(self._waiting)

    def heard(self, message: ReceivedMessage, signed: Signed | None) -> Verdict:
        """Takes note of a message, and maybe a sample; what can be said of it at once.

        Args:
            message: As it was taken out of its envelope.
            signed: What the envelope says; `None`: it could not be read.
        """
        if signed is None:
            self.unread_count += 1
            return Verdict(checked_by="agent")
        self.signed_count += 1
        digest = self._trust.hear(signed)
        now_s = self._utc_s()
        if self._is_sampled():
            if len(self._waiting) < QUEUE_MAX:
                self._waiting.append((message.kind, signed, message.application_id, now_s))
                self._wake.set()
            else:
                self.dropped_count += 1
        end_s = self._trust.end_s(digest)
        days = None if end_s is None or now_s is None else (end_s - now_s) / DAY_S
        return Verdict(None, digest, days, "agent")

    def _is_sampled(self) -> bool:
        if (self.signed_count - 1) % self._sampling.one_in:
            return False
        now_s, limit = self._mono_s(), self._sampling.limit_per_s
        self._allowance = min(max(limit, 1.0), self._allowance + (now_s - self._allowed_s) * limit)
        self._allowed_s = now_s
        if self._allowance < 1:
            return False
        self._allowance -= 1
        return True

    async def run(self) -> None:
        """Judges samples for ever."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._waiting:
                self._is_looking = True
                await self._look(*self._waiting.popleft())
                self._is_looking = False

    async def _look(self, kind: MessageKind, signed: Signed, aid: int | None, now_s: float | None) -> None:
        try:
            outcome = await asyncio.to_thread(self._trust.judged, signed, aid=aid, now_s=now_s)
            self.fault = ""
        except DeviceError as error:
            outcome, self.fault = Outcome.NOT_LOOKED_AT, str(error)
        self.outcomes.setdefault(kind, Counter())[outcome] += 1
        if outcome is Outcome.VERIFIED or outcome in DISBELIEVED:
            self._window.append((self._mono_s(), outcome in DISBELIEVED))

    def refused_ratio(self) -> float | None:
        """Share of the newest samples that are not believed, 0 to 1; `None`: too few say anything."""
        now_s = self._mono_s()
        while self._window and now_s - self._window[0][0] > WINDOW_S:
            self._window.popleft()
        if len(self._window) < WINDOW_MIN:
            return None
        return sum(is_refused for _, is_refused in self._window) / len(self._window)

    def picture(self) -> Mapping[str, object]:
        """What came of it since the start, ready for JSON."""
        return {
            "signed_count": self.signed_count,
            "unread_count": self.unread_count,
            "dropped_count": self.dropped_count,
            "refused_ratio": self.refused_ratio(),
            "fault": self.fault,
            "by_kind": {
                kind.value: {outcome.value: counts[outcome] for outcome in Outcome}
                for kind, counts in self.outcomes.items()
            },
        }
