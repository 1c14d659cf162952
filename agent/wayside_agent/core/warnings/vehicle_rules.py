"""Rules of warnings about others on the road. Each sees one scene and says the worst it finds, or nothing.

The thresholds are ours, where nothing else is said: T/CSAE 53 describes the scenes and asks for positions good to 1.5 m
and ten messages a second; when a driver must be told it leaves to the maker. A warning that holds goes on until the
danger is past by a margin (`_STAY`), so that it does not flicker.
"""

from collections.abc import Iterator

from wayside_agent.core.bsm import Event
from wayside_agent.core.warnings.model import Finding, Kind, Severity
from wayside_agent.core.warnings.movers import Nature, Own, Target
from wayside_agent.core.warnings.picture import Scene
from wayside_agent.core.warnings.plane import crossing_m

REACTION_S = 1.5
"""From seeing to braking, of a driver who is warned."""
LANE_HALF_M = 1.875
"""Half of a lane of 3.75 m: who is farther aside is in another."""
SAME_WAY_DEG = 25.0
"""Two that go the same way."""
STANDS_MPS = 1.0
"""Slower than that a heading is noise."""

COLLISION_MIN_MPS = 2.8
"""10 km/h; slower, drivers need no word."""
COLLISION_WARN_S, COLLISION_ACT_S = 4.0, 2.5
"""Time to collision: reaction and 2.5 s of gentle braking; reaction and 1 s."""

BRAKE_RANGE_M = 150.0
BRAKE_ASIDE_M = 5.6
"""Our lane and those beside it: who brakes hard there may come over."""
BRAKE_MIN_MPS = 5.6
"""20 km/h."""
HARD_BRAKING_MPS2 = -4.0
"""As in `core.speaking`: deceleration that sets the event."""

CROSSING_MIN_DEG, CROSSING_MAX_DEG = 45.0, 135.0
CROSSING_WARN_S, CROSSING_ACT_S = 5.0, 2.5
"""Until we are where the ways meet."""
CROSSING_GAP_S = 1.5
"""Two that pass the same place within it meet, as far as speed and place are known."""
CROSSING_MIN_MPS = 2.0

STRANDED_RANGE_M = 150.0
OBSTACLE_S = 5.0
"""Until we are there."""
OBSTACLE_ASIDE_M = 0.5
"""A person or thing so far beside our vehicle's side is in our way."""
_STAY = 1.3
_STRANDED = frozenset({Event.HAZARD_LIGHTS, Event.DISABLED, Event.AIRBAG, Event.FLAT_TIRE})


def forward_collision(scene: Scene) -> Finding | None:
    """A vehicle ahead in our lane, going our way or standing, that we run into within 4 s."""
    return _soonest(_closing(scene.own, each) for each in scene.targets if _is_ahead(each, LANE_HALF_M))


def _closing(own: Own, target: Target) -> Finding | None:
    closing_mps = own.speed_mps - target.speed_mps
    if own.speed_mps < COLLISION_MIN_MPS or closing_mps <= 0 or target.mover.nature is not Nature.VEHICLE:
        return None
    gap_m = _gap_m(own, target)
    time_s = gap_m / closing_mps
    if time_s > COLLISION_WARN_S * _STAY:
        return None
    severity = Severity.CRITICAL if time_s <= COLLISION_ACT_S else Severity.WARNING
    begins = time_s <= COLLISION_WARN_S
    return Finding(Kind.FORWARD_COLLISION, severity, target.mover.heard, begins, distance_m=gap_m, time_s=time_s)


def emergency_brake(scene: Scene) -> Finding | None:
    """A vehicle ahead, in our lane or beside it, that brakes hard."""
    return _soonest(_braking(scene.own, each) for each in scene.targets if _is_ahead(each, BRAKE_ASIDE_M))


def _braking(own: Own, target: Target) -> Finding | None:
    mover = target.mover
    brakes_hard = Event.HARD_BRAKING in mover.events or mover.acceleration_mps2 <= HARD_BRAKING_MPS2
    gap_m = _gap_m(own, target)
    if not brakes_hard or own.speed_mps < BRAKE_MIN_MPS or gap_m > BRAKE_RANGE_M:
        return None
    time_s = gap_m / own.speed_mps
    severity = Severity.CRITICAL if time_s <= REACTION_S else Severity.WARNING
    return Finding(Kind.EMERGENCY_BRAKE, severity, mover.heard, distance_m=gap_m, time_s=time_s)


def intersection_collision(scene: Scene) -> Finding | None:
    """A vehicle that comes from the side and is where our ways meet when we are."""
    return _soonest(_crossing(scene.own, each) for each in scene.targets)


def _crossing(own: Own, target: Target) -> Finding | None:
    if target.turned_deg is None or target.mover.nature is not Nature.VEHICLE:
        return None
    if not CROSSING_MIN_DEG <= abs(target.turned_deg) <= CROSSING_MAX_DEG:
        return None
    if min(own.speed_mps, target.speed_mps) < CROSSING_MIN_MPS:
        return None
    ways = crossing_m((target.along_m, target.across_m), target.turned_deg)
    if ways is None or min(ways) < 0 or _stops_before(target, ways[1]):  # below 0: one of us is past it
        return None
    ours_s, theirs_s = ways[0] / own.speed_mps, ways[1] / target.speed_mps
    gap_s = abs(ours_s - theirs_s)
    if ours_s > CROSSING_WARN_S * _STAY or gap_s > CROSSING_GAP_S * _STAY:
        return None
    begins = ours_s <= CROSSING_WARN_S and gap_s <= CROSSING_GAP_S
    severity = Severity.CRITICAL if ours_s <= CROSSING_ACT_S else Severity.WARNING
    heard = target.mover.heard
    return Finding(Kind.INTERSECTION_COLLISION, severity, heard, begins, distance_m=ways[0], time_s=ours_s)


def _stops_before(target: Target, way_m: float) -> bool:
    """It brakes, and will stand before it has gone so far."""
    braking_mps2 = -target.mover.acceleration_mps2
    return braking_mps2 > 0 and target.speed_mps**2 <= 2 * braking_mps2 * way_m


def stranded(scene: Scene) -> Finding | None:
    """A vehicle that stands ahead and says that something is wrong, or a person or thing in our way."""
    return _soonest(_in_the_way(scene.own, each) for each in scene.targets)


def _in_the_way(own: Own, target: Target) -> Finding | None:
    mover = target.mover
    gap_m = _gap_m(own, target)
    if target.ahead.along_m <= 0 or own.speed_mps < COLLISION_MIN_MPS:
        return None
    time_s = gap_m / own.speed_mps
    if mover.nature is Nature.VEHICLE:
        if not mover.events & _STRANDED or mover.speed_mps > COLLISION_MIN_MPS:
            return None
        if gap_m > STRANDED_RANGE_M or abs(target.ahead.across_m) > BRAKE_ASIDE_M:
            return None
        return Finding(Kind.HAZARD, Severity.WARNING, mover.heard, distance_m=gap_m, time_s=time_s)
    if time_s > OBSTACLE_S * _STAY or abs(_across_then_m(target, time_s)) > _reach_m(own, target):
        return None
    severity = Severity.CRITICAL if time_s <= COLLISION_ACT_S else Severity.WARNING
    return Finding(Kind.HAZARD, severity, mover.heard, time_s <= OBSTACLE_S, distance_m=gap_m, time_s=time_s)


def _across_then_m(target: Target, time_s: float) -> float:
    """How far aside it will be when we come there, at most in the time it takes to notice it goes elsewhere."""
    ahead = target.ahead
    if ahead.turned_deg is None or target.speed_mps < STANDS_MPS:
        return ahead.across_m
    ways = crossing_m((ahead.along_m, ahead.across_m), ahead.turned_deg)
    if ways is None or ways[1] < 0:
        return ahead.across_m
    left_m = max(0.0, ways[1] - target.speed_mps * time_s)  # not across yet when we come
    return left_m if ahead.across_m >= 0 else -left_m


def _reach_m(own: Own, target: Target) -> float:
    return (own.width_m + target.mover.width_m) / 2 + OBSTACLE_ASIDE_M


def _is_ahead(target: Target, aside_m: float) -> bool:
    """Whether it is in front, no farther aside, and goes our way or stands."""
    ahead = target.ahead
    if ahead.along_m <= 0 or abs(ahead.across_m) > aside_m:
        return False
    if ahead.turned_deg is None or target.speed_mps < STANDS_MPS:
        return True
    return abs(ahead.turned_deg) <= SAME_WAY_DEG


def _gap_m(own: Own, target: Target) -> float:
    """From our front to its rear."""
    return max(0.0, target.ahead.along_m - (own.length_m + target.mover.length_m) / 2)


def _soonest(found: Iterator[Finding | None]) -> Finding | None:
    """The most urgent; one that may begin goes before one that may not."""
    known = [each for each in found if each is not None]
    return min(known, key=lambda each: (not each.begins, each.time_s or 0.0), default=None)
