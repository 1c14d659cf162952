"""A small road network whose nodes do what fate wants, for tests of the planner; every step is held against the rules.

Nodes stay silent, fail, flap, lie, speak late, are retired, and come and go; operators pause, resume and abort whenever
they like. Usage: `World(random.Random(seed)).live()` raises AssertionError at the first step that breaks a rule.
"""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from random import Random

from tests.unit.rollout_rules import IN_FLIGHT, Live, applied, check_roads, check_step
from wayside_manager.core.nodes import Label, NodeKind, UpdatePhase
from wayside_manager.core.rollout import (
    ENDED,
    Fault,
    RolloutNodeRecord,
    RolloutNodeState,
    RolloutOrder,
    RolloutPlan,
    RolloutRecord,
    RolloutState,
    Wave,
    WaveTimes,
    Window,
    state_after,
)
from wayside_manager.core.rollout_facts import BETWEEN, BROKEN_OFF, UNSETTLED, holds_site
from wayside_manager.core.rollout_plan import NodeFacts, Road, Roads, next_step
from wayside_manager.core.rollout_waves import wave_count, waves_of
from wayside_manager.core.selectors import Selectable

START = datetime(2026, 11, 22, tzinfo=UTC)
CANARY = Label("ring", "canary")
WINDOWS: list[tuple[Window, ...]] = [
    (),
    (),
    (Window(duration_s=5400.0),),
    (Window(frozenset({7}), 30, 900.0),),  # the world begins on a Sunday
    tuple(Window(begin_minute=minute, duration_s=1200.0) for minute in range(0, 600, 40)),  # 20 min on, 20 min off
]
PHASES = (UpdatePhase.DOWNLOADING, UpdatePhase.SWITCHING, UpdatePhase.PROVISIONAL, UpdatePhase.COMMITTED)


class World:
    """Roads, nodes, and one or two rollouts over them."""

    def __init__(self, rng: Random) -> None:
        self.rng = rng
        self.now = START
        self.step_count = 0
        self.mischief = rng.choice([0.01, 0.05, 0.3])  # the share of what happens that is not as it should be
        sites = [f"s{index}" for index in range(rng.randint(1, 7))]
        cut = rng.randint(0, len(sites))
        crossing = (*sites[cut:], sites[0]) if 0 < cut < len(sites) else tuple(sites[cut:])
        self.roads = tuple(
            Road(
                f"road-{index}", site_ids, is_ring=rng.random() < 0.3, max_percent=rng.choice([5.0, 34.0, 60.0, 100.0])
            )
            for index, site_ids in enumerate((tuple(sites), crossing))
            if site_ids
        )
        self.places = [
            Selectable(
                f"n{index:02}",
                NodeKind.RSU,
                labels=frozenset({CANARY} if rng.random() < 0.3 else ()),
                site_id=rng.choice([*sites, ""]) if rng.random() < 0.9 else sites[0],
            )
            for index in range(rng.randint(1, 9))
        ]
        self.lives = [self._made(f"r{index}") for index in range(rng.randint(1, 2))]

    def live(self) -> None:
        """Plays it from the first step until every rollout has ended and is settled."""
        self._step_all()
        for _ in range(self.rng.randint(3, 30)):
            for _ in range(self.rng.randint(1, 15)):
                self._act()
            self.now += timedelta(seconds=self.rng.choice([0, 0, 1, 60, 60, 600, 600, 1800, 4000]))
            self._step_all()
        self.now = max(life.record.deadline_time for life in self.lives)
        self._step_all()
        for life in self.lives:
            assert life.record.state in ENDED, "every rollout ends by its deadline"
            assert not any(node.state in UNSETTLED for node in life.nodes.values()), "and leaves no node in the air"

    def live_kindly(self) -> None:
        """Plays it with nodes that do at once what they are told, and windows that are open: every rollout succeeds."""
        for life in self.lives:
            plan = replace(life.record.plan, windows=())
            life.record = replace(life.record, plan=plan, deadline_time=START + timedelta(days=30))
        for _ in range(100):  # each turn settles a node at least, or a watch of 15 min goes on
            self._step_all()
            if all(life.record.state in ENDED for life in self.lives):
                break
            for life in self.lives:
                for node in life.nodes.values():
                    if node.state is IN_FLIGHT:
                        said = replace(node, phase=UpdatePhase.COMMITTED, runs_target=True)
                        life.nodes[node.node_id] = said
            self.now += timedelta(seconds=300)
        assert [life.record.state for life in self.lives] == [RolloutState.SUCCEEDED] * len(self.lives)
        assert all(node.state is RolloutNodeState.SUCCEEDED for life in self.lives for node in life.nodes.values())

    def _made(self, rollout_id: str) -> Live:
        rng = self.rng
        plan = RolloutPlan(
            waves=tuple(self._wave() for _ in range(rng.randint(0, 3))),
            max_in_flight_count=rng.choice([0, 0, 1, 2, 3]),
            max_failure_count=rng.randint(1, 3),
            max_failure_percent=rng.choice([0.0, 0.0, 20.0, 60.0]),
            node_timeout_s=rng.choice([600.0, 3600.0, 90_000.0]),
            deadline_s=rng.choice([7200.0, 40_000.0]),
            windows=rng.choice(WINDOWS),
            max_corridor_percent=rng.choice([0.0, 0.0, 30.0]),
            is_dynamic=rng.random() < 0.5,
            retry_count=rng.choice([0, 1, 2]),
            retry_base_s=rng.choice([10.0, 10.0, 600.0, 50_000.0]),
            retries_refused_by_gate=rng.random() < 0.5,
        )
        chosen = [place for place in self.places if rng.random() < 0.9]
        waves = waves_of(plan, chosen)
        return Live(
            RolloutRecord(
                rollout_id,
                START,
                START,
                START + timedelta(seconds=plan.deadline_s),
                version="2.0.0",
                plan=plan,
                waves=(WaveTimes(),) * wave_count(plan, waves),
            ),
            {place.node_id: RolloutNodeRecord(place.node_id, waves[place.node_id]) for place in chosen},
            {place.node_id: NodeFacts(site_id=place.site_id) for place in self.places},
        )

    def _wave(self) -> Wave:
        rng = self.rng
        return replace(
            rng.choice([Wave(count=rng.randint(1, 3)), Wave(percent=rng.uniform(1, 100)), Wave(labels=(CANARY,))]),
            min_success_count=rng.randint(0, 2),
            min_success_percent=rng.choice([0.0, 1.0, 50.0, 100.0]),
            observation_s=rng.choice([0.0, 0.0, 900.0]),
        )

    def _act(self) -> None:
        life, luck = self.rng.choice(self.lives), self.rng.random()
        record = life.record
        if luck < self.mischief / 10 and record.state not in ENDED:
            orders = [RolloutOrder.PAUSE, RolloutOrder.RESUME, RolloutOrder.RESUME, RolloutOrder.ABORT]
            state = state_after(record.rollout_id, record.state, self.rng.choice(orders))
            life.record = replace(record, state=state)
        elif luck < self.mischief / 5 and record.plan.is_dynamic and record.state not in ENDED:
            for place in self.places:  # whoever came to match joins the last wave
                life.nodes.setdefault(place.node_id, RolloutNodeRecord(place.node_id, len(record.waves) - 1))
        elif life.nodes:
            node = self.rng.choice(list(life.nodes.values()))
            if luck < self.mischief or not life.facts[node.node_id].is_heard:
                life.facts[node.node_id] = self._changed(life.facts[node.node_id], node)
            elif node.tell_time is not None:  # whatever became of it meanwhile: words may come late
                life.nodes[node.node_id] = self._spoken(life, node)

    def _changed(self, facts: NodeFacts, node: RolloutNodeRecord) -> NodeFacts:
        luck = self.rng.randint(0, 9)
        if luck == 0:
            return replace(facts, is_gone=True)
        if luck == 1 and node.tell_time is None:
            return replace(facts, runs_target=True)
        if luck <= 3:
            return replace(facts, is_penalised=not facts.is_penalised)
        return replace(facts, is_heard=not facts.is_heard)

    def _spoken(self, life: Live, node: RolloutNodeRecord) -> RolloutNodeRecord:
        luck = self.rng.random() / self.mischief
        if luck < 0.5:
            phase, is_true = self.rng.choice([UpdatePhase.ROLLED_BACK, UpdatePhase.FAILED]), False
        elif luck < 1:  # it lies, or an old word comes late
            phase, is_true = self.rng.choice(list(UpdatePhase)), self.rng.random() < 0.5
        else:
            at = PHASES.index(node.phase) + 1 if node.phase in PHASES else 0
            phase = PHASES[min(at, len(PHASES) - 1)]
            is_true = phase is UpdatePhase.COMMITTED
        life.facts[node.node_id] = replace(life.facts[node.node_id], is_between=phase in BETWEEN)
        fault = self.rng.choice([*Fault, Fault.PASSING, Fault.PASSING]) if phase in BROKEN_OFF else Fault.NONE
        return replace(node, phase=phase, runs_target=is_true, fault=fault)

    def _step_all(self) -> None:
        for life in self.lives:
            self._step(life)
            check_roads(self.lives, self.roads)

    def _step(self, life: Live) -> None:
        self._look_around(life)
        roads = Roads(self.roads, frozenset(self._held(life)))
        nodes = sorted(life.nodes.values(), key=lambda node: (node.wave, node.node_id))
        step = next_step(life.record, nodes, life.facts, roads, now=self.now)
        before = Live(life.record, dict(life.nodes), life.facts)
        life.record, life.nodes = applied(life.record, life.nodes, step, now=self.now)
        self.step_count += 1
        check_step(before, step, roads, now=self.now)
        again = next_step(life.record, [life.nodes[node.node_id] for node in nodes], life.facts, roads, now=self.now)
        assert not again.changes(life.record), "a step leaves nothing to do"
        assert again.waits == step.waits

    def _held(self, life: Live) -> set[str]:
        return {
            other.facts[node.node_id].site_id
            for other in self.lives
            if other is not life
            for node in other.nodes.values()
            if holds_site(node, other.facts[node.node_id])
        } - {""}

    def _look_around(self, life: Live) -> None:
        busy = {
            node.node_id
            for other in self.lives
            if other is not life
            for node in other.nodes.values()
            if node.state is IN_FLIGHT
        }
        life.facts = {node_id: replace(one, is_busy=node_id in busy) for node_id, one in life.facts.items()}
