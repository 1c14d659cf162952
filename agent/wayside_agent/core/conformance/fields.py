"""Rules of what stands in a message: known, plausible, named once, and phases that make sense."""

from collections.abc import Hashable, Iterable, Iterator, Sequence
from typing import Any

from wayside.v2x.generated.messages import (
    SPAT,
    BasicSafetyMessage,
    MapData,
    PhaseState,
    RoadSideInformation,
    RoadsideSafetyMessage,
)
from wayside.v2x.plausibility import doubts
from wayside.v2x.units import UNITS
from wayside_agent.core.conformance.model import Finding, Findings, RuleName, Seen, node_name

_RESERVED_MS = range(61_000, 65_535)
_TIME_UNKNOWN = UNITS["TimeMark"].unknown
_MINUTE_UNKNOWN = UNITS["MinuteOfTheYear"].unknown
_HALF_YEAR_MIN = 263_520
_HOUR = 36_000
"""Of TimeMark [0.1 s]."""
_PRIORITY_UNUSED = 0b0001_1111


class KnownRule:
    """What a receiver cannot do without is known: position, time, id, size."""

    name = RuleName.KNOWN

    def found(self, seen: Seen) -> Findings:
        """What is wrong with the next record."""
        if not isinstance(seen.message, BasicSafetyMessage | MapData | RoadsideSafetyMessage | RoadSideInformation):
            return None
        return [Finding("known", {"field": field}) for field in _unknown(seen.message)]


def _unknown(message: Any) -> Iterator[str]:  # noqa: ANN401
    if isinstance(message, MapData):
        for place, node in enumerate(message.nodes):
            yield from _position(f"nodes[{place}].refPos", node.refPos)
        return
    if not any(message.id):
        yield "id"
    if not isinstance(message, BasicSafetyMessage):
        yield from _position("refPos", message.refPos)
    if isinstance(message, RoadsideSafetyMessage):
        yield from (f"participants[{n}].secMark" for n, each in enumerate(message.participants) if _no_time(each))
    if isinstance(message, BasicSafetyMessage):
        yield from _position("pos", message.pos)
        yield from ("secMark",) if _no_time(message) else ()
        yield from (f"size.{name}" for name in ("width", "length") if not getattr(message.size, name))


def _no_time(message: Any) -> bool:  # noqa: ANN401
    return bool(message.secMark == UNITS["DSecond"].unknown or message.secMark >= _RESERVED_MS.start)


def _position(field: str, position: Any) -> Iterator[str]:  # noqa: ANN401
    for name, kind in (("lat", "Latitude"), ("long", "Longitude")):
        if getattr(position, name) == UNITS[kind].unknown:
            yield f"{field}.{name}"


class PlausibleRule:
    """Values are such as can be, and times and priorities are written as the standard says."""

    name = RuleName.PLAUSIBLE

    def found(self, seen: Seen) -> Findings:
        """What is wrong with the next record."""
        if seen.frame is None:
            return None
        found = [Finding("plausible", {"doubt": str(doubt)}) for doubt in doubts(seen.frame)]
        if isinstance(seen.message, RoadSideInformation):
            found += [each for what in (*(seen.message.rtes or ()), *(seen.message.rtss or ())) for each in _sign(what)]
        return found


def _sign(what: Any) -> Iterator[Finding]:  # noqa: ANN401
    if what.priority is not None and what.priority[0] & _PRIORITY_UNUSED:
        yield Finding("priority", {"priority": what.priority.hex()})
    times = what.timeDetails
    if times is None or None in {times.startTime, times.endTime} or _MINUTE_UNKNOWN in {times.startTime, times.endTime}:
        return
    if 0 < times.startTime - times.endTime < _HALF_YEAR_MIN:  # more: it ends in the next year
        yield Finding("times", {"start": times.startTime, "end": times.endTime})


class UniqueRule:
    """What is named is named once: participants, phases, nodes, lanes, events and signs."""

    name = RuleName.UNIQUE

    def found(self, seen: Seen) -> Findings:
        """What is wrong with the next record."""
        if seen.message is None:
            return None
        lists = list(_names(seen.message))
        if not lists:
            return None
        return [Finding("unique", {"field": field, "name": name}) for field, names in lists for name in _twice(names)]


def _names(message: object) -> Iterator[tuple[str, Sequence[Hashable]]]:
    match message:
        case RoadsideSafetyMessage():
            yield "ptcId", [each.ptcId for each in message.participants]
        case SPAT():
            yield "intersectionId", [node_name(each.intersectionId) for each in message.intersections]
            yield from (("phases.id", [phase.id for phase in each.phases]) for each in message.intersections)
        case MapData():
            yield "nodes.id", [node_name(node.id) for node in message.nodes]
            for node in message.nodes:
                yield from (("laneID", [lane.laneID for lane in link.lanes]) for link in node.inLinks or ())
        case RoadSideInformation():
            yield "rteId", [each.rteId for each in message.rtes or ()]
            yield "rtsId", [each.rtsId for each in message.rtss or ()]
        case _:
            return


def _twice(names: Iterable[Hashable]) -> list[str]:
    seen, twice = set[Hashable](), []
    for name in names:
        if name in seen and str(name) not in twice:
            twice.append(str(name))
        seen.add(name)
    return twice


class PhasesRule:
    """Each phase of a SPAT has one light now, which ends between its bounds; phases of a MAP are those of its SPAT."""

    name = RuleName.PHASES

    def __init__(self) -> None:
        self._in_map: dict[str, frozenset[int]] = {}
        self._in_spat: dict[str, frozenset[int]] = {}
        self._told: set[tuple[str, int]] = set()

    def found(self, seen: Seen) -> Findings:
        """What is wrong with the next record."""
        match seen.message:
            case SPAT():
                return [each for crossing in seen.message.intersections for each in self._spat(crossing)]
            case MapData():
                return [each for node in seen.message.nodes for each in self._map(node)]
            case _:
                return None

    def _spat(self, crossing: Any) -> Iterator[Finding]:  # noqa: ANN401
        name = node_name(crossing.intersectionId)
        self._in_spat[name] = frozenset(phase.id for phase in crossing.phases)
        for phase in crossing.phases:
            counting = [state for state in phase.phaseStates if state.timing and state.timing[0] == "counting"]
            now = [state for state in counting if state.timing[1].startTime == 0]
            if counting and len(now) != 1:
                yield Finding("phase-now", {"node": name, "phase": phase.id, "count": len(now)})
            yield from (
                Finding("phase-end", {"node": name, "phase": phase.id}) for _ in filter(_is_odd, phase.phaseStates)
            )
        yield from self._strangers(name)

    def _map(self, node: Any) -> Iterator[Finding]:  # noqa: ANN401
        links = node.inLinks or ()
        movements = [each for link in links for each in link.movements or ()]
        connections = [each for link in links for lane in link.lanes for each in lane.connectsTo or ()]
        name = node_name(node.id)
        self._in_map[name] = frozenset(each.phaseId for each in (*movements, *connections) if each.phaseId is not None)
        yield from self._strangers(name)

    def _strangers(self, name: str) -> Iterator[Finding]:
        if name not in self._in_map or name not in self._in_spat:
            return
        for phase in sorted(self._in_map[name] - self._in_spat[name]):
            if (name, phase) not in self._told:
                self._told.add((name, phase))
                yield Finding("phase-map", {"node": name, "phase": phase})


def _is_odd(state: PhaseState) -> bool:
    """Whether a light ends before its earliest or behind its latest end."""
    if state.timing is None or state.timing[0] not in {"counting", "utcTiming"}:
        return False
    kind, timing = state.timing
    suffix = "Time" if kind == "counting" else "UTCTime"
    start = getattr(timing, f"start{suffix}")
    ends = [getattr(timing, f"{name}End{suffix}") for name in ("min", "likely", "max")]
    known = [end if kind == "counting" else (end - start) % _HOUR for end in ends if end not in {None, _TIME_UNKNOWN}]
    return start != _TIME_UNKNOWN and known != sorted(known)
