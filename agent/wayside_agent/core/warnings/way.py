"""Where others are along the way that we will drive, not along a straight line: in a bend the two are different.

    bend = bend_of(on)                      # the lane we are on, if it bends ahead
    ahead = along_way(own, bend, (along_m, across_m), heading_deg)

Our way is, the first that is known: the lane of the MAP we are on, if it bends ahead, as far as its stop line; the arc
we have been driving for a while (`core.warnings.own_curve`); a straight line. Rules that look ahead
(collision, braking, stranded, hazard without a path) use it; where ways cross, both are taken for straight.
"""

import math
from collections.abc import Sequence
from dataclasses import replace

from wayside_agent.core.warnings.movers import Own, Target
from wayside_agent.core.warnings.plane import Ahead, Point, foot_on, turn_deg
from wayside_agent.core.warnings.road import OnLane

BEND_DEG = 5.0
"""A lane that turns by less counts as straight; ours: 20 m behind the turn it is half a lane aside."""
REACH_M = 150.0
"""So far ahead a bend is followed; ours, farther nobody is warned of a vehicle."""
MIN_CURVE_PER_M = 1 / 500
"""A wider bend counts as straight: within noise of heading and speed; ours."""
_QUARTER = math.pi / 2


def bend_of(on: OnLane | None) -> OnLane | None:
    """The lane a vehicle drives along; `None`: it is not known, or straight within reach."""
    return on if on is not None and _bends(on) else None


def along_way(own: Own, bend: OnLane | None, point: Point, heading_deg: float | None) -> Ahead:
    """Where a place is along our way.

    Args:
        own: This vehicle.
        bend: As `bend_of` says.
        point: Ahead of us and to our right, on straight lines [m].
        heading_deg: Where who is there goes, seen from north; `None`: not known.
    """
    turned = None if heading_deg is None else turn_deg(own.heading_deg, heading_deg)
    straight = Ahead(*point, turned)
    if point[0] <= 0 or math.hypot(*point) > REACH_M:
        return straight
    found = None if bend is None else _along_lane(own, bend, point, heading_deg)
    return found or _along_arc(own.curve_per_m, straight)


def followed(targets: Sequence[Target], own: Own, bend: OnLane | None) -> tuple[Target, ...]:
    """The same targets, with where they are along our way, where it bends."""
    if bend is None and abs(own.curve_per_m) < MIN_CURVE_PER_M:
        return tuple(targets)
    return tuple(
        replace(each, way=along_way(own, bend, (each.along_m, each.across_m), each.mover.heading_deg))
        for each in targets
    )


def _along_lane(own: Own, on: OnLane, point: Point, heading_deg: float | None) -> Ahead | None:
    heading = math.radians(own.heading_deg)
    sine, cosine = math.sin(heading), math.cos(heading)
    east, north = point[0] * sine + point[1] * cosine, point[0] * cosine - point[1] * sine
    foot = foot_on(on.lane.line, (on.point[0] + east, on.point[1] + north))
    if foot is None:
        return None
    turned = None if heading_deg is None else turn_deg(foot.heading_deg, heading_deg)
    return Ahead(on.left_m - foot.left_m, foot.right_m - on.right_m, turned)


def _along_arc(curve_per_m: float, straight: Ahead) -> Ahead:
    if abs(curve_per_m) < MIN_CURVE_PER_M:
        return straight
    side, radius_m = math.copysign(1.0, curve_per_m), 1 / abs(curve_per_m)
    inward_m = radius_m - side * straight.across_m
    angle = math.atan2(straight.along_m, inward_m)
    if not 0 < angle < _QUARTER:  # an arc that goes on for a quarter of a circle is a guess
        return straight
    turned = None if straight.turned_deg is None else turn_deg(side * math.degrees(angle), straight.turned_deg)
    return Ahead(radius_m * angle, side * (radius_m - math.hypot(straight.along_m, inward_m)), turned)


def _bends(on: OnLane) -> bool:
    """Whether the lane turns within reach, from where we are on."""
    left_m = 0.0
    headings_deg: list[float] = []
    for begin, end in zip(reversed(on.lane.line[:-1]), reversed(on.lane.line[1:]), strict=True):  # from the stop line
        east, north = end[0] - begin[0], end[1] - begin[1]
        left_m += math.hypot(east, north)
        if (east or north) and left_m > on.left_m - REACH_M:
            headings_deg.append(math.degrees(math.atan2(east, north)))
        if left_m >= on.left_m:
            break
    return any(abs(turn_deg(headings_deg[-1], each)) >= BEND_DEG for each in headings_deg)
