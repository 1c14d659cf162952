"""Rules of warnings about the road: lights, limits, direction, events and signs; as in `vehicle_rules`."""

import math
from collections.abc import Iterator

from wayside_agent.core.warnings.lights import GO, STOP, Plan
from wayside_agent.core.warnings.model import Finding, Kind, Severity
from wayside_agent.core.warnings.notices import Notice, distance_ahead_m
from wayside_agent.core.warnings.picture import Scene
from wayside_agent.core.warnings.vehicle_rules import REACTION_S, stranded

GENTLE_BRAKING_MPS2, HARD_BRAKING_MPS2 = 2.5, 5.0
"""What a driver likes, and what a car can on a wet road."""
LIGHT_MIN_MPS = 1.5
LIGHT_MARGIN_M = 5.0
STOPS_RATIO = 0.9
"""Who brakes with so much of what stops at the line has seen the light."""

WAVE_MIN_M, WAVE_MAX_M = 30.0, 300.0
"""Nearer, the driver looks at the light; farther, the plan may change."""
WAVE_SLOWEST_MPS, WAVE_FASTEST_MPS = 5.6, 16.7
"""20 km/h: who goes slower is in the way; 60 km/h where MAP gives no limit."""
WAVE_MARGIN_S = 1.0
"""Nobody is told to arrive in the first or last second of green."""
ASSUMED_GREEN_S = 10.0
"""Of a green to come whose end nobody knows."""

LIMIT_BEGIN_MPS, LIMIT_STAY_MPS = 1.4, 0.3
"""5 km/h over the limit begins; 1 km/h over it goes on."""

WRONG_MIN_MPS = 2.8
WRONG_STAY_MPS = 1.0

NOTICE_S = 15.0
NOTICE_MIN_M, NOTICE_MAX_M = 150.0, 1000.0
"""A driver is told of an event 15 s ahead, from 150 m to 1 km."""
HERE_M = 50.0
_STAY = 1.1


def red_light(scene: Scene) -> Finding | None:
    """All lights of the lane are red when we come to its stop line, and the last moment to brake gently is near.

    Needed to stop: reaction of 1.5 s, then 2.5 m/s², and 5 m. Who brakes enough already is not told.
    """
    on, speed_mps = scene.on, scene.own.speed_mps
    known = None if on is None else scene.plans(on)
    if on is None or known is None or speed_mps < LIGHT_MIN_MPS:
        return None
    left_m = max(0.0, on.left_m - scene.own.length_m / 2)
    time_s = left_m / speed_mps
    plans, heard = known
    needed_m = speed_mps * REACTION_S + speed_mps**2 / (2 * GENTLE_BRAKING_MPS2) + LIGHT_MARGIN_M
    if not all(plan.light(time_s) in STOP for plan in plans) or left_m > needed_m * _STAY:
        return None
    if -scene.own.acceleration_mps2 * 2 * left_m >= STOPS_RATIO * speed_mps**2:
        return None
    is_late = left_m <= speed_mps * REACTION_S + speed_mps**2 / (2 * HARD_BRAKING_MPS2)
    severity = Severity.CRITICAL if is_late else Severity.WARNING
    return Finding(Kind.RED_LIGHT, severity, heard, left_m <= needed_m, distance_m=left_m, time_s=time_s)


def green_wave(scene: Scene) -> Finding | None:
    """Speeds between 20 km/h and the limit with which the stop line is reached at green."""
    on = scene.on
    known = None if on is None else scene.plans(on)
    if on is None or known is None or not 0 < on.left_m <= WAVE_MAX_M or scene.own.speed_mps < LIGHT_MIN_MPS:
        return None
    windows = {_green_s(plan) for plan in known[0]}
    window = windows.pop() if len(windows) == 1 else None  # lights of several ways differ: we do not know ours
    if window is None or window[1] - WAVE_MARGIN_S <= 0:
        return None
    fastest = on.lane.limit_mps(scene.own.vehicle_class) or WAVE_FASTEST_MPS
    low = max(WAVE_SLOWEST_MPS, on.left_m / (window[1] - WAVE_MARGIN_S))
    high = fastest if window[0] <= 0 else min(fastest, on.left_m / (window[0] + WAVE_MARGIN_S))
    if low > high:
        return None
    begins = on.left_m >= WAVE_MIN_M
    return Finding(
        Kind.GREEN_WAVE,
        Severity.ADVICE,
        known[1],
        begins,
        distance_m=on.left_m,
        time_s=window[0],
        advice_mps=(low, high),
    )


def _green_s(plan: Plan) -> tuple[float, float] | None:
    """Begin and end of the green that is or comes [s]."""
    span = plan.next_go()
    if span is not None:
        if math.isinf(span.end_s):  # to hurry for a green that may end now is no advice
            return None if span.begin_s <= 0 else (span.begin_s, span.begin_s + ASSUMED_GREEN_S)
        return max(0.0, span.begin_s), span.end_s
    end_s = plan.stop_end_s()
    return None if end_s is None or plan.light(end_s) not in GO | {None} else (end_s, end_s + ASSUMED_GREEN_S)


def speed_limit(scene: Scene) -> Finding | None:
    """More than 5 km/h over the limit of the lane."""
    on = scene.on
    limit_mps = None if on is None else on.lane.limit_mps(scene.own.vehicle_class)
    if on is None or limit_mps is None or scene.own.speed_mps < limit_mps + LIMIT_STAY_MPS:
        return None
    begins = scene.own.speed_mps >= limit_mps + LIMIT_BEGIN_MPS
    return Finding(Kind.SPEED_LIMIT, Severity.WARNING, on.heard, begins, limit_mps=limit_mps)


def wrong_way(scene: Scene) -> Finding | None:
    """Driving against the only lanes we can be on."""
    if not scene.lanes or not all(each.is_against for each in scene.lanes) or scene.own.speed_mps < WRONG_STAY_MPS:
        return None
    begins = scene.own.speed_mps >= WRONG_MIN_MPS
    return Finding(Kind.WRONG_WAY, Severity.CRITICAL, scene.lanes[0].heard, begins)


def hazard(scene: Scene) -> Finding | None:
    """The nearest: an event of the road ahead on our way, a stranded vehicle, a person or thing in our way."""
    others = stranded(scene)
    known = [*_ahead(scene, is_sign=False), *([] if others is None else [others])]
    return min(known, key=lambda each: (not each.begins, each.distance_m or 0.0), default=None)


def sign(scene: Scene) -> Finding | None:
    """The nearest sign ahead on our way."""
    return min(_ahead(scene, is_sign=True), key=lambda each: (not each.begins, each.distance_m or 0.0), default=None)


def _ahead(scene: Scene, *, is_sign: bool) -> Iterator[Finding]:
    own, on = scene.own, scene.on
    told_m = min(NOTICE_MAX_M, max(NOTICE_MIN_M, own.speed_mps * NOTICE_S))
    for notice in scene.notices:
        ahead_m = distance_ahead_m(notice, own, on=on, bend=scene.bend) if notice.is_sign is is_sign else None
        if ahead_m is not None and ahead_m <= told_m * _STAY:
            yield _told(notice, ahead_m, own.speed_mps, begins=ahead_m <= told_m)


def _told(notice: Notice, ahead_m: float, speed_mps: float, *, begins: bool) -> Finding:
    bad = Severity.CRITICAL if 0 < ahead_m <= HERE_M else Severity.WARNING
    return Finding(
        Kind.SIGN if notice.is_sign else Kind.HAZARD,
        Severity.ADVICE if notice.is_sign else bad,
        notice.heard,
        begins,
        distance_m=ahead_m,
        time_s=ahead_m / speed_mps if speed_mps >= LIGHT_MIN_MPS else None,
        code=notice.code,
        description=notice.description,
    )
