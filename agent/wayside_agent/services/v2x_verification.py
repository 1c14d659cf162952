"""Looks at samples of signed messages: verifies them in a thread, and counts what came of it.

verification.offer(spdu)          # never waits; what is too much is passed over
await verification.run()          # for ever
"""

import asyncio
import time
from collections import Counter, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from wayside_agent.core.spdu.judging import DAY_S, EPOCH_S, REFUSED, Judge, Outcome
from wayside_agent.core.spdu.model import Spdu
from wayside_agent.core.v2x import Verdict

_WAITING_MAX = 32
WINDOW = 100
"""Newest samples that the check of health is about."""
WINDOW_S = 300.0
"""Older ones tell nothing of now: a forger who has gone must not stay an alarm."""


@dataclass(frozen=True, slots=True)
class Sampling:
    """How much is looked at."""

    one_in: int
    limit_per_s: int


class Verification:
    """The signed messages one unit hears."""

    def __init__(
        self,
        judge: Judge,
        sampling: Sampling,
        *,
        utc_s: Callable[[], float | None],
        mono_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._judge = judge
        self._sampling = sampling
        self._utc_s = utc_s
        self._mono_s = mono_s
        self._waiting: deque[Spdu] = deque(maxlen=_WAITING_MAX)
        self._is_asked = asyncio.Event()
        self._second, self._taken = 0, 0
        self._outcomes: Counter[Outcome] = Counter()
        self._recent: deque[tuple[float, bool]] = deque(maxlen=WINDOW)
        self.signed_count = self.passed_over_count = 0
        self.not_understood_count = 0
        """Messages signed in a way that is not understood; they are heard, and nobody says anything of them."""

    def offer(self, spdu: Spdu) -> None:
        """Takes a message to be verified if it is its turn."""
        self.signed_count += 1
        # a certificate that is new is worth more than its turn: without it nobody knows the signer
        is_turn = self.signed_count % self._sampling.one_in == 0 or bool(spdu.certificates)
        if not is_turn:
            return
        second = int(self._mono_s())
        if second != self._second:
            self._second, self._taken = second, 0
        if self._taken >= self._sampling.limit_per_s or len(self._waiting) == _WAITING_MAX:
            self.passed_over_count += 1
            return
        self._taken += 1
        self._waiting.append(spdu)
        self._is_asked.set()

    def verdict(self, spdu: Spdu) -> Verdict:
        """What is known of who signed a message; the message itself has not been looked at."""
        digest, certificate = self._judge.signer(spdu)
        utc_s = self._utc_s()
        if certificate is None or utc_s is None:
            return Verdict(None, digest, None, "agent")
        end_s = EPOCH_S + certificate.start_s + certificate.duration_s
        return Verdict(None, digest, round((end_s - utc_s) / DAY_S, 2), "agent")

    async def run(self) -> None:
        """Verifies for ever. While the time is not known nothing can be in date, and nothing is looked at."""
        while True:
            await self._is_asked.wait()
            self._is_asked.clear()
            while self._waiting:
                spdu, utc_s = self._waiting.popleft(), self._utc_s()
                if utc_s is None:
                    self.passed_over_count += 1
                    continue
                outcome = await asyncio.to_thread(self._judge.outcome, spdu, utc_s)
                self._outcomes[outcome] += 1
                if outcome is Outcome.VERIFIED or outcome in REFUSED:  # who knows nothing must not hide who lies
                    self._recent.append((self._mono_s(), outcome in REFUSED))

    @property
    def refused_ratio(self) -> float | None:
        """Of the newest samples of known signers, how many were wrong, 0 to 1; `None`: there are fewer than ten."""
        while self._recent and self._mono_s() - self._recent[0][0] > WINDOW_S:
            self._recent.popleft()
        if len(self._recent) < 10:  # noqa: PLR2004  # too few to say anything
            return None
        return sum(is_wrong for _, is_wrong in self._recent) / len(self._recent)

    def picture(self) -> Mapping[str, object]:
        """Counts since the start, ready for JSON."""
        return {
            "signed_count": self.signed_count,
            "passed_over_count": self.passed_over_count,
            "not_understood_count": self.not_understood_count,
            "outcomes": {outcome.value: self._outcomes[outcome] for outcome in Outcome},
        }

    def figures(self) -> Mapping[str, tuple[float, str]]:
        """For telemetry, with units."""
        return {
            "v2x.security.signed_count": (float(self.signed_count), ""),
            "v2x.security.not_understood_count": (float(self.not_understood_count), ""),
            **{f"v2x.security.{outcome.value}_count": (float(self._outcomes[outcome]), "") for outcome in Outcome},
        }
