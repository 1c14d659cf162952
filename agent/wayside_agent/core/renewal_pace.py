"""How often a unit may try to renew its certificate, by what is left of its life.

A certificate of 30 days is tried again after an hour, one of ten minutes (of a test) after seconds.
Usage: `pace = RenewalPace.of(pem, chance=rng.random(), utc_s=now)`; `pace.is_due(is_asked=…, utc_s=…, mono_s=…)`.
"""

from dataclasses import dataclass, replace

from wayside_agent.core.certificate import USUAL_LIFE_S, certificate
from wayside_agent.core.der import DerError, pem_content

HOUR_S = 3600.0
DAY_S = 86_400.0
MAX_STRIKES = 3
"""A second connection that fails so often while the first one stands has bad credentials, not bad luck."""
MIN_STRIKE_PERIOD_S = 61.0
"""The manager lets a session on replaced credentials stand for 60 s: within these its standing proves nothing."""


@dataclass(frozen=True, slots=True)
class RenewalPace:
    """When to try. `mono_s` is any steady clock."""

    span_s: float
    """What was left of its life when the unit began to use it: a manager may date its beginning back."""
    due_s: float
    """Seconds since 1970 from which on the unit renews by itself; infinite for a life below a day: see span."""
    not_after_s: float
    tried_mono_s: float | None = None
    strike_count: int = 0
    strike_mono_s: float = 0.0

    @classmethod
    def of(cls, certificate_pem: bytes, *, chance: float, utc_s: float) -> "RenewalPace":
        """The pace of a certificate at a time; `chance` 0 to 1 spreads a fleet.

        What cannot be read is renewed when the manager asks.
        """
        try:
            found = certificate(pem_content(certificate_pem))
        except DerError:
            return cls(USUAL_LIFE_S, float("inf"), float("inf"))
        left_s = found.not_after_s - utc_s
        span_s = min(found.life_s, left_s) if left_s > 0 else found.life_s
        due_s = found.renewal_due_s(chance) if found.life_s >= DAY_S else float("inf")
        return cls(span_s, due_s, found.not_after_s)

    @property
    def refused_s(self) -> float:
        """Shortest pause after a refusal, and between two renewals [s]."""
        return min(HOUR_S, self.span_s / 10)

    @property
    def refused_cap_s(self) -> float:
        """What chance may add to it at most [s]."""
        return min(DAY_S, self.span_s / 10)

    @property
    def away_s(self) -> float:
        """Longest pause after the first attempt that found nobody [s]."""
        return min(30.0, self.span_s / 30)

    @property
    def away_cap_s(self) -> float:
        """Longest pause after many of them [s]."""
        return min(600.0, self.span_s / 30)

    @property
    def look_s(self) -> float:
        """How often the clock is looked at [s]."""
        return min(HOUR_S, self.span_s / 30)

    @property
    def is_out(self) -> bool:
        """Whether a successor has failed often enough to be given up."""
        return self.strike_count >= MAX_STRIKES

    def is_due(self, *, is_asked: bool, utc_s: float, mono_s: float) -> bool:
        """Whether to renew now: asked by the manager, or by the clock, which may be wrong and is obeyed once a day."""
        since_s = float("inf") if self.tried_mono_s is None else mono_s - self.tried_mono_s
        if is_asked:
            return since_s >= self.refused_s
        return utc_s >= self.due_s and since_s >= min(DAY_S, self.span_s / 10)

    def tried(self, mono_s: float) -> "RenewalPace":
        """After an attempt to renew."""
        return replace(self, tried_mono_s=mono_s)

    def struck(self, mono_s: float) -> "RenewalPace":
        """After a second connection that failed while the first one stood."""
        if self.strike_count and mono_s - self.strike_mono_s < MIN_STRIKE_PERIOD_S:
            return self
        return replace(self, strike_count=self.strike_count + 1, strike_mono_s=mono_s)

    def spared(self) -> "RenewalPace":
        """With no strike."""
        return replace(self, strike_count=0)
