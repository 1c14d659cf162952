"""The arc a vehicle drives, from how its heading turns: only one that lasts, for a lane change is none.

curve = OwnCurve()
curve.per_m(now_s, heading_deg=91.5, speed_mps=15.0)     # 1 / radius, to the right positive; 0: straight, or not known
"""

import math
from collections import deque

from wayside_agent.core.warnings.plane import turn_deg

SPAN_S = 1.5
"""Each half of it must turn by itself; ours. A slow lane change may pass for an arc for half a second."""
MIN_SPEED_MPS = 5.0
MIN_TURN_DEG = 1.5
"""In each half: less is noise of a receiver's heading."""


class OwnCurve:
    """Of one vehicle."""

    def __init__(self) -> None:
        self._headings: deque[tuple[float, float]] = deque(maxlen=64)

    def per_m(self, now_s: float, *, heading_deg: float, speed_mps: float) -> float:
        """Of the wider of the two arcs that both halves of the last one and a half seconds were on; 0: on none."""
        self._headings.append((now_s, heading_deg))
        while len(self._headings) > 1 and now_s - self._headings[1][0] >= SPAN_S:
            self._headings.popleft()
        first_s, first_deg = self._headings[0]
        if speed_mps < MIN_SPEED_MPS or not SPAN_S <= now_s - first_s < 2 * SPAN_S:  # it was not known meanwhile
            return 0.0
        half_s, half_deg = min(self._headings, key=lambda each: abs(each[0] - first_s - SPAN_S / 2))
        if not first_s < half_s < now_s:
            return 0.0
        turns_deg = turn_deg(first_deg, half_deg), turn_deg(half_deg, heading_deg)
        if min(map(abs, turns_deg)) < MIN_TURN_DEG or turns_deg[0] * turns_deg[1] < 0:
            return 0.0
        times_s = half_s - first_s, now_s - half_s
        curves = (math.radians(turn) / (speed_mps * time_s) for turn, time_s in zip(turns_deg, times_s, strict=True))
        return min(curves, key=abs)
