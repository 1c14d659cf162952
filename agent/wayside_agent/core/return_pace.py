"""When a unit whose certificate has ended asks for a new one, and how often.

An ended certificate does not say so: the manager hangs up after the handshake, as a network that fails may. So it
takes some failures in a row to ask, fewer if the trusted time says that the certificate has ended. To have asked in
vain costs little, for the manager then says that the certificate is good. A manager that is not there at all is not
asked: else a unit would be in a long pause when the back-haul is up again.
Usage: `pace = ReturnPace().failed(hung_up=True)`; `if pace.is_due(is_ended=…, mono_s=…): pace = pace.asked(…)`.
"""

from dataclasses import dataclass, replace

from wayside_agent.core.backoff import Rng, delay_s

HUNG_UP_COUNT = 3
AWAY_COUNT = 100
"""Failures of any other kind, in case gRPC says it otherwise: with the usual pauses half an hour."""
MIN_PAUSE_S, MAX_PAUSE_S = 60.0, 3600.0
UNANSWERED_MAX_PAUSE_S = 300.0


@dataclass(frozen=True, slots=True)
class ReturnPace:
    """Failures since the last session, and when to ask. `mono_s` is any steady clock."""

    hung_up_count: int = 0
    away_count: int = 0
    attempt_count: int = 0
    next_mono_s: float = float("-inf")

    def failed(self, *, hung_up: bool) -> "ReturnPace":
        """After a session that did not come about."""
        if hung_up:
            return replace(self, hung_up_count=self.hung_up_count + 1)
        return replace(self, away_count=self.away_count + 1)

    def is_due(self, *, is_ended: bool, mono_s: float) -> bool:
        """Whether to ask now; `is_ended`: the trusted time says that the certificate has ended."""
        if mono_s < self.next_mono_s:
            return False
        return self.hung_up_count >= (1 if is_ended else HUNG_UP_COUNT) or self.away_count >= AWAY_COUNT

    def asked(self, mono_s: float, rng: Rng, *, is_answered: bool) -> "ReturnPace":
        """After an attempt: the next one comes in a minute to an hour, spread by chance, and after as many failures."""
        cap_s = MAX_PAUSE_S if is_answered else UNANSWERED_MAX_PAUSE_S
        more_s = delay_s(self.attempt_count, base_s=MIN_PAUSE_S, cap_s=cap_s - MIN_PAUSE_S, rng=rng)
        return ReturnPace(attempt_count=self.attempt_count + 1, next_mono_s=mono_s + MIN_PAUSE_S + more_s)
