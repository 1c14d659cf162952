"""What a unit does without when it is hot or on battery: a heat ramp, tables of rules, and lives at random."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wayside_agent.core.derating import Machine, Plan, Present, Rule
from wayside_agent.core.health import Checks, State
from wayside_agent.core.health_limits import LIMITS
from wayside_agent.core.health_rules import findings
from wayside_agent.core.health_samples import EnvironmentSample, Sample

ORDER = ("telemetry", "decode", "downloads", "uploads")
HOT = Rule(above_celsius=60.0, margin_celsius=5.0, hold_s=30.0)
PLAN = Plan(ORDER, {"hot": HOT}, settle_s=60.0)
TURN_S = 2.0


def looked(machine: Machine, present: Present, begin_s: float, duration_s: float) -> Machine:
    """The machine after looks every two seconds, first at `begin_s`."""
    for turn in range(int(duration_s / TURN_S) + 1):
        machine = machine.after(present, begin_s + turn * TURN_S)
    return machine


def test_a_heat_ramp_alarms_at_its_points_and_sheds_and_recovers_in_order() -> None:
    """25 to 75 degree Celsius at 1 a minute, an hour at the top's end, and back, through the machines of the agent."""
    machine, checks, now_s = Machine(PLAN), Checks(), 0.0
    moves: list[tuple[str, float]] = []
    states: list[tuple[State, float]] = []
    ramp = [25 + 50 * step / 1500 for step in range(1501)]
    for celsius in (*ramp, *reversed(ramp)):
        now_s += TURN_S
        sample = Sample(environment=EnvironmentSample(celsius))
        before = machine
        machine = machine.after(Present(cabinet_celsius=celsius), now_s)
        moves += [(f"-{load}", celsius) for load in machine.shed if load not in before.shed]
        moves += [(f"+{load}", celsius) for load in before.shed if load not in machine.shed]
        last = checks.state("environment.temperature")
        checks = checks.after(findings(sample, LIMITS, before=checks.state), now_s)
        if checks.state("environment.temperature") is not last:
            states.append((checks.state("environment.temperature"), celsius))
    assert [load for load, _ in moves] == [*(f"-{load}" for load in ORDER), *(f"+{load}" for load in reversed(ORDER))]
    # 30 s of hold are half a degree, 60 s between loads one degree; back at 55 after the same hold
    assert [celsius for _, celsius in moves] == pytest.approx([60.5, 61.5, 62.5, 63.5, 54.5, 53.5, 52.5, 51.5], abs=0.1)
    assert [state for state, _ in states] == [State.OK, State.DEGRADED, State.OK]
    assert [celsius for _, celsius in states] == pytest.approx([25.0, 65.0, 62.0], abs=0.1)


def test_three_degrees_more_fail_the_check_and_shed_nothing_more() -> None:
    checks = Checks()
    for at_s, celsius in enumerate((70.0, 78.0, 73.0, 71.0, 63.0, 61.0)):
        sample = Sample(environment=EnvironmentSample(celsius))
        checks = checks.after(findings(sample, LIMITS, before=checks.state), float(at_s))
        expected = ("degraded", "failed", "failed", "degraded", "degraded", "ok")[at_s]
        assert checks.state("environment.temperature") == expected


@pytest.mark.parametrize(
    ("rule", "present", "calls", "expected"),
    [
        (Rule(above_celsius=60), Present(cabinet_celsius=60.0), False, False),
        (Rule(above_celsius=60), Present(cabinet_celsius=60.1), False, True),
        (Rule(above_celsius=60), Present(cabinet_celsius=55.1), True, True),
        (Rule(above_celsius=60), Present(cabinet_celsius=55.0), True, False),
        (Rule(below_celsius=-30), Present(cabinet_celsius=-30.1), False, True),
        (Rule(below_celsius=-30), Present(cabinet_celsius=-26.0), True, True),
        (Rule(below_celsius=-30), Present(cabinet_celsius=-25.0), True, False),
        (Rule(above_celsius=60), Present(processor_celsius=90.0), False, None),
        (Rule(above_celsius=80, of_processor=True), Present(processor_celsius=90.0), False, True),
        (Rule(on_battery=True), Present(on_battery=True), False, True),
        (Rule(on_battery=True), Present(on_battery=False), True, False),
        (Rule(on_battery=True), Present(), False, None),
        (Rule(on_battery=True, battery_below=0.5), Present(on_battery=True, battery_ratio=0.6), False, False),
        (Rule(on_battery=True, battery_below=0.5), Present(on_battery=True, battery_ratio=0.4), False, True),
        (Rule(on_battery=True, battery_below=0.5), Present(on_battery=True, battery_ratio=0.54), True, True),
        (Rule(on_battery=True, battery_below=0.5), Present(on_battery=True, battery_ratio=0.55), True, False),
        (Rule(on_battery=True, battery_below=0.5), Present(on_battery=False), True, False),
        (Rule(on_battery=True, battery_below=0.5), Present(on_battery=True), True, None),
        (Rule(), Present(90.0, 90.0, on_battery=True, battery_ratio=0.0), False, False),
    ],
)
def test_a_rule_is_so_when_all_it_gives_is(rule: Rule, present: Present, calls: bool, expected: bool | None) -> None:
    assert rule.is_so(present, calls=calls) is expected


def test_a_peak_shorter_than_the_hold_sheds_nothing() -> None:
    machine = looked(Machine(PLAN), Present(70.0), 0.0, 28.0)
    machine = looked(machine, Present(50.0), 30.0, 2.0)
    assert looked(machine, Present(70.0), 34.0, 28.0).shed == ()
    assert looked(machine, Present(70.0), 34.0, 30.0).shed == ("telemetry",)


def test_a_sensor_that_falls_silent_changes_nothing() -> None:
    hot = looked(Machine(PLAN), Present(70.0), 0.0, 100.0)
    assert hot.shed == ("telemetry", "decode")
    silent = looked(hot, Present(), 102.0, 10_000.0)
    assert silent.shed == ORDER, "what was called for goes on"
    assert looked(Machine(PLAN), Present(), 0.0, 10_000.0).shed == ()


def test_a_rule_sheds_no_more_than_it_may_and_the_greediest_counts() -> None:
    rules = {"battery": Rule(on_battery=True, hold_s=0.0, load_count=1), "hot": replace(HOT, hold_s=0.0, load_count=3)}
    machine = looked(Machine(Plan(ORDER, rules, 10.0)), Present(20.0, on_battery=True), 0.0, 100.0)
    assert (machine.shed, machine.causes) == (ORDER[:1], ("battery",))
    machine = looked(machine, Present(70.0, on_battery=True), 102.0, 100.0)
    assert (machine.shed, machine.causes) == (ORDER[:3], ("battery", "hot"))
    machine = looked(machine, Present(20.0, on_battery=True), 204.0, 100.0)
    assert machine.shed == ORDER[:1]


def test_another_plan_takes_up_what_it_does_not_name_and_keeps_what_still_calls() -> None:
    hot = looked(Machine(PLAN), Present(70.0), 0.0, 300.0)
    assert hot.shed == ORDER
    fewer = hot.under(replace(PLAN, order=("uploads", "decode")))
    assert fewer.shed == ("uploads", "decode")
    assert fewer.after(Present(70.0), 302.0).shed == ("uploads", "decode")
    assert hot.under(Plan()).shed == ()
    assert hot.under(PLAN) is hot


def test_a_plan_without_loads_does_nothing() -> None:
    machine = looked(Machine(replace(PLAN, order=())), Present(90.0), 0.0, 300.0)
    assert (machine.shed, machine.causes) == ((), ("hot",))


CELSIUS = st.none() | st.floats(-60, 120)
PRESENTS = st.builds(Present, CELSIUS, CELSIUS, st.none() | st.booleans(), st.none() | st.floats(0, 1))
RULES = st.builds(
    Rule,
    above_celsius=st.none() | st.floats(20, 80),
    below_celsius=st.none() | st.floats(-50, 0),
    of_processor=st.booleans(),
    margin_celsius=st.floats(0, 20),
    on_battery=st.booleans(),
    battery_below=st.floats(0, 1),
    hold_s=st.floats(0, 100),
    load_count=st.integers(0, 4),
)
PLANS = st.builds(
    Plan,
    order=st.permutations(ORDER).flatmap(lambda order: st.integers(0, 4).map(lambda count: tuple(order[:count]))),
    rules=st.dictionaries(st.sampled_from(["a", "b", "c"]), RULES, max_size=3),
    settle_s=st.floats(1, 100),
)
STEPS = st.lists(st.tuples(st.floats(0.1, 200), PRESENTS, st.none() | PLANS), max_size=40)


@given(PLANS, STEPS)
def test_every_life_keeps_the_rules(plan: Plan, steps: list[tuple[float, Present, Plan | None]]) -> None:
    machine, now_s, moved_s = Machine(plan), 0.0, None
    for pause_s, present, other in steps:
        now_s += pause_s
        if other is not None:
            machine = machine.under(other)
            assert set(machine.shed) <= set(other.order)
        before, machine = machine, machine.after(present, now_s)
        longer, shorter = sorted((before.shed, machine.shed), key=len, reverse=True)
        assert longer[: len(shorter)] == shorter, "at the end only"
        assert len(longer) - len(shorter) <= 1, "one at a time"
        if len(longer) != len(shorter):
            assert moved_s is None or now_s - moved_s >= machine.plan.settle_s
            moved_s = now_s
        if len(machine.shed) > len(before.shed):
            assert machine.causes, "nothing is shed without a cause"
            assert machine.shed[-1] == next(load for load in machine.plan.order if load not in before.shed)
        assert set(machine.shed) <= set(machine.plan.order)
        assert len(set(machine.shed)) == len(machine.shed)


@given(PLANS, STEPS)
def test_a_unit_that_is_cool_on_its_supply_and_full_takes_everything_up(
    plan: Plan, steps: list[tuple[float, Present, Plan | None]]
) -> None:
    machine, now_s = Machine(plan), 0.0
    for pause_s, present, _ in steps:
        now_s += pause_s
        machine = machine.after(present, now_s)
    well = Present(50.0, 50.0, on_battery=False, battery_ratio=1.0)
    cool = {name: replace(rule, above_celsius=80.0, below_celsius=0.0) for name, rule in plan.rules.items()}
    machine = looked(machine.under(replace(plan, rules=cool)), well, now_s + 2, 1000.0)
    assert machine.shed == ()
