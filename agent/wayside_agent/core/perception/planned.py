"""How many messages a voice should have sent of late, when traffic and not a plan says how many.

    due = DueRate()
    due.add(3)           # at every tenth of a second
    due.rate_hz

The health gate counts what the radio has sent over five seconds that end up to a second ago. What is due begins to
count a little after it was sent and ends with it, so that a road that fills or empties never looks like a mute radio.
"""

from collections import deque

_WINDOW_BEATS, _LATER_BEATS = 50, 15
_BEAT_S = 0.1


class DueRate:
    """Of one voice."""

    def __init__(self) -> None:
        size = _WINDOW_BEATS + _LATER_BEATS
        self._due: deque[int] = deque([0] * size, maxlen=size)

    def add(self, count: int) -> None:
        """Messages that were due at this beat."""
        self._due.append(count)

    @property
    def rate_hz(self) -> float:
        """Messages due of late [1/s]."""
        beats = list(self._due)
        return min(sum(beats[:_WINDOW_BEATS]), sum(beats[-_WINDOW_BEATS:])) / (_WINDOW_BEATS * _BEAT_S)
