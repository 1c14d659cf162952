"""The beat in step with the sensors: a message that goes out just before the next document comes says what is old.

    step = Step(period_s=0.1)
    step.heard(now_s, object_count)                  # when a document comes
    cadence.begin_s -= step.earlier_s(beat_s)        # at every beat

Most sensors see ten times a second too, so by chance each of their objects could wait 100 ms for its beat for ever.
Here the grid moves to where objects wait least. It only moves to the earlier, by 2 ms a beat at most: no period is ever
longer than the standard's. Sensors that come at any time make no difference, and it stays.
"""

_BINS = 20
MAX_STEP_S = 0.002
LOOK_BEATS = 20
"""Beats between two looks at what was heard."""
_KEPT_SHARE = 0.7
"""Of what was heard before, at each look: sensors' clocks drift, and sensors come and go."""
_WORTH_S = 0.010
"""Mean wait that must be saved before the grid moves."""
_GUARD_BINS = 1
"""A document that comes so shortly before the beat may as well come after it."""


class Step:
    """Of one voice."""

    def __init__(self, period_s: float) -> None:
        self._period_s = period_s
        self._bin_s = period_s / _BINS
        self._heard = [0.0] * _BINS
        self._beats = 0
        self._left_s = 0.0

    def heard(self, now_s: float, count: int) -> None:
        """Some objects came."""
        self._heard[self._bin(now_s)] += count

    def earlier_s(self, beat_s: float) -> float:
        """By how much the beats after this one are to come earlier [s]; to be asked at each."""
        self._beats += 1
        if self._beats % LOOK_BEATS == 0 and not self._left_s:
            self._left_s = self._bin_s * self._worth(self._bin(beat_s))
            self._heard = [each * _KEPT_SHARE for each in self._heard]
        step_s = min(MAX_STEP_S, self._left_s)
        self._left_s -= step_s
        return step_s

    def _worth(self, beat: int) -> int:
        """How many bins earlier the beat should be; 0: it is well where it is."""
        total = sum(self._heard)
        if not total:
            return 0
        waits = [self._wait(beat - earlier) for earlier in range(_BINS)]
        best = min(range(_BINS), key=waits.__getitem__)
        return best if (waits[0] - waits[best]) * self._bin_s / total >= _WORTH_S else 0

    def _wait(self, beat: int) -> float:
        """What all objects together would wait for a beat in that bin [bins]."""
        wait = 0.0
        for bin_, count in enumerate(self._heard):
            bins = (beat - bin_) % _BINS
            wait += count * (bins if bins > _GUARD_BINS else _BINS // 2)
        return wait

    def _bin(self, now_s: float) -> int:
        return int(now_s % self._period_s / self._bin_s) % _BINS
