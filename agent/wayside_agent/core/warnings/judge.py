"""When warnings begin, go on and end: one of each kind at most, of what is most urgent, without flicker.

    changes = judge.step(findings(scene, wanted), now_s)

A warning begins when its rule has said so for `BEGIN_S`, ends when the rule has been silent for `END_S`, is told again
every half second while it changes and at once when it becomes worse; it becomes milder after a second only.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from wayside_agent.core.warnings.model import Action, Change, Finding, Kind, urgency
from wayside_agent.core.warnings.picture import Scene
from wayside_agent.core.warnings.road_rules import green_wave, hazard, red_light, sign, speed_limit, wrong_way
from wayside_agent.core.warnings.vehicle_rules import emergency_brake, forward_collision, intersection_collision

RULES: Mapping[Kind, Callable[[Scene], Finding | None]] = {
    Kind.FORWARD_COLLISION: forward_collision,
    Kind.INTERSECTION_COLLISION: intersection_collision,
    Kind.EMERGENCY_BRAKE: emergency_brake,
    Kind.WRONG_WAY: wrong_way,
    Kind.RED_LIGHT: red_light,
    Kind.HAZARD: hazard,
    Kind.SPEED_LIMIT: speed_limit,
    Kind.SIGN: sign,
    Kind.GREEN_WAVE: green_wave,
}
BEGIN_S = {Kind.WRONG_WAY: 1.0, Kind.SPEED_LIMIT: 1.0, Kind.GREEN_WAVE: 0.3}
"""What can wait waits, lest one stray position warns; others begin at once."""
END_S = {Kind.EMERGENCY_BRAKE: 2.0}
_END_S = 0.5
UPDATE_S = 0.5
MILDER_S = 1.0


@dataclass(slots=True)
class _Held:
    finding: Finding
    since_s: float
    """When the rule began to say so."""
    seen_s: float
    bad_s: float
    """When it was last as bad as it is told."""
    told_s: float | None = None
    """`None`: not begun yet."""


def findings(scene: Scene, wanted: Collection[Kind]) -> tuple[Finding, ...]:
    """What the rules that are on say, one of each kind at most."""
    said = (rule(scene) for kind, rule in RULES.items() if kind in wanted)
    return tuple(each for each in said if each is not None)


class Judge:
    """The warnings of one vehicle."""

    def __init__(self) -> None:
        self._held: dict[Kind, _Held] = {}

    @property
    def active(self) -> tuple[Finding, ...]:
        """Warnings that hold, the most urgent first."""
        return tuple(sorted((each.finding for each in self._held.values() if each.told_s is not None), key=urgency))

    def step(self, found: Iterable[Finding], now_s: float) -> Sequence[Change]:
        """What changes now, given what the rules say."""
        changes: list[Change] = []
        for finding in found:
            held = self._held.get(finding.kind)
            if held is None:
                if not finding.begins:
                    continue
                held = self._held[finding.kind] = _Held(finding, now_s, now_s, now_s)
            changes += self._go_on(held, finding, now_s)
        return [*changes, *self._over(now_s)]

    def _go_on(self, held: _Held, finding: Finding, now_s: float) -> Sequence[Change]:
        before = held.finding
        held.seen_s = now_s
        if finding.severity >= before.severity:
            held.bad_s = now_s
        elif now_s - held.bad_s < MILDER_S:
            finding = replace(finding, severity=before.severity)
        held.finding = finding
        if held.told_s is None:
            if now_s - held.since_s < BEGIN_S.get(finding.kind, 0.0):
                return ()
            held.told_s = now_s
            return (Change(Action.BEGIN, finding),)
        if finding.severity == before.severity and now_s - held.told_s < UPDATE_S:
            return ()
        held.told_s = now_s
        return (Change(Action.UPDATE, finding),)

    def _over(self, now_s: float) -> Sequence[Change]:
        over = [
            kind
            for kind, held in self._held.items()
            if now_s - held.seen_s >= (0.0 if held.told_s is None else END_S.get(kind, _END_S)) and held.seen_s < now_s
        ]
        ended = [self._held.pop(kind) for kind in over]
        return [Change(Action.END, each.finding) for each in ended if each.told_s is not None]
