"""How long a unit waits before it opens its next session, by why there is none.

reconnecting = Reconnecting(cap_s=60.0, rng=rng)
pause_s = reconnecting.after(error)     # `None`: nobody failed
reconnecting.failed()                   # it waited that long; else reconnecting.is_well()
"""

from random import Random

from wayside.errors import PermissionDeniedError, UnauthenticatedError, WaysideError
from wayside.status import RETRY_AFTER
from wayside_agent.core.backoff import delay_s, told_delay_s

BASE_S = 0.5
REFUSED_CAP_S = 300.0  # a retired or unknown unit asks again, but seldom
OUT_BASE_S = 30.0
OUT_CAP_S = 1800.0
OUT_REASONS = frozenset({"NODE_REVOKED", "NODE_CLONED", "NODE_RETIRED"})
"""The manager has put the unit out. It stays so until a person acts, who can also start the agent anew."""
REFUSALS = (PermissionDeniedError, UnauthenticatedError)
ADMISSION_WAIT = "ADMISSION_WAIT"
"""The manager is there and lets units in one after the other. It says how long to wait."""
TOLD_JITTER_RATIO = 0.1


class Reconnecting:
    """Of one unit."""

    def __init__(self, *, cap_s: float, rng: Random) -> None:
        """Stores values; `cap_s` is the longest wait for a manager that cannot be reached [s]."""
        self._cap_s = cap_s
        self._rng = rng
        self._attempt = 0

    def is_well(self) -> None:
        """A session has proven well, or the next one is to be opened at once: what fails then is the first failure."""
        self._attempt = 0

    def failed(self) -> None:
        """One more attempt follows those before."""
        self._attempt += 1

    def after(self, error: WaysideError | None) -> float:
        """How long to wait [s], by what ended the session; `None`: the unit itself."""
        if error is not None and error.reason == ADMISSION_WAIT:
            told_s = told_delay_s(error.metadata.get(RETRY_AFTER, ""))
            if told_s is not None:
                self._attempt = 0  # it answers
                return told_s * (1.0 + TOLD_JITTER_RATIO * self._rng.random())
        base_s, cap_s = BASE_S, self._cap_s
        if isinstance(error, REFUSALS):
            base_s, cap_s = (OUT_BASE_S, OUT_CAP_S) if error.reason in OUT_REASONS else (BASE_S, REFUSED_CAP_S)
        return delay_s(self._attempt, base_s=base_s, cap_s=cap_s, rng=self._rng)
