"""Nodes that come and go: a score that rises with every fault and halves with time, and a box for those with too much.

A node in the box is told nothing new until it has been calm. One that goes on flapping in the box stays: every fault
puts it back to at least where the box begins, so score and time alone say whether it is in.
Usage: `penalty = after_session(penalty, now)`, `is_boxed(penalty, now)`.
"""

from dataclasses import dataclass
from datetime import datetime

HALF_LIFE_S = 900.0
BOX_SCORE = 4.0
"""From this on a node is in the box ..."""
FREE_SCORE = 2.0
"""... until it has less than this."""
SCORE_MAX = 16.0
"""So that the box ends 45 min after the last fault at the latest, however many there were."""
CALM_S = 3600.0
"""After so long without a session or a fault, the next session is what a healthy node does too."""


@dataclass(frozen=True, slots=True)
class Penalty:
    """What a node has on its record."""

    score: float = 0.0
    """As it was at `time`."""
    time: datetime | None = None
    """Of its newest session or fault. `None`: there was none."""


def score_at(penalty: Penalty, now: datetime) -> float:
    """The score now, 0 to 16."""
    if penalty.time is None:
        return 0.0
    past_s = max(0.0, (now - penalty.time).total_seconds())
    return float(penalty.score * 0.5 ** (past_s / HALF_LIFE_S))


def is_boxed(penalty: Penalty, now: datetime) -> bool:
    """Whether the node shall be told nothing new now."""
    return penalty.score >= BOX_SCORE and score_at(penalty, now) >= FREE_SCORE


def after_session(penalty: Penalty, now: datetime) -> Penalty:
    """The record after the node opened a session. The first one after a calm time costs nothing."""
    if penalty.time is None or (now - penalty.time).total_seconds() >= CALM_S:
        return Penalty(0.0, now)
    return after_fault(penalty, now)


def after_fault(penalty: Penalty, now: datetime) -> Penalty:
    """The record after a trial was reverted or an update rolled back."""
    score = min(SCORE_MAX, score_at(penalty, now) + 1.0)
    return Penalty(max(score, BOX_SCORE) if is_boxed(penalty, now) else score, now)
