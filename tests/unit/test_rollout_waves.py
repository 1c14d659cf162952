"""Which node is in which wave, what a gate takes, and the bounds of a plan."""

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wayside.errors import FailedPreconditionError, InvalidArgumentError
from wayside_manager.core.nodes import Label, NodeKind
from wayside_manager.core.rollout import ENDED, RolloutOrder, RolloutPlan, RolloutState, Wave, Window, state_after
from wayside_manager.core.rollout_checks import checked_plan
from wayside_manager.core.rollout_waves import gate_of, needed_count, wave_count, waves_of
from wayside_manager.core.selectors import Selectable

CANARY, NORTH = Label("ring", "canary"), Label("area", "north")


def nodes(count: int) -> list[Selectable]:
    return [Selectable(f"n{index:03}", NodeKind.RSU) for index in range(count)]


def sizes(plan: RolloutPlan, fleet: list[Selectable]) -> list[int]:
    waves = waves_of(plan, fleet)
    assert set(waves) == {node.node_id for node in fleet}
    return [list(waves.values()).count(index) for index in range(wave_count(plan, waves))]


SIZES: list[tuple[str, tuple[Wave, ...], int, list[int]]] = [
    ("no waves", (), 5, [5]),
    ("no nodes", (), 0, [0]),
    ("a count and the others", (Wave(count=2),), 5, [2, 3]),
    ("a count of more than there are", (Wave(count=9),), 5, [5]),
    ("shares of all, not of what is left", (Wave(percent=10), Wave(percent=50)), 10, [1, 5, 4]),
    ("a share rounded up", (Wave(percent=1),), 5, [1, 4]),
    ("a share that is whole in decimals", (Wave(percent=7),), 100, [7, 93]),
    ("a wave that finds nobody left", (Wave(percent=100), Wave(count=1)), 4, [4, 0]),
]


@pytest.mark.parametrize(("waves", "count", "wanted"), [row[1:] for row in SIZES], ids=[row[0] for row in SIZES])
def test_waves_take_what_they_name(waves: tuple[Wave, ...], count: int, wanted: list[int]) -> None:
    assert sizes(RolloutPlan(waves=waves), nodes(count)) == wanted


def test_waves_by_members_take_labels_and_sites() -> None:
    fleet = [
        replace(nodes(1)[0], node_id="a", labels=frozenset({CANARY}), site_id="k1"),
        replace(nodes(1)[0], node_id="b", labels=frozenset({CANARY, NORTH}), site_id="k2"),
        replace(nodes(1)[0], node_id="c", site_id="k2"),
        replace(nodes(1)[0], node_id="d"),
    ]
    plan = RolloutPlan(waves=(Wave(labels=(CANARY, NORTH)), Wave(labels=(CANARY,), site_ids=("k1",))))
    assert waves_of(plan, fleet) == {"b": 0, "a": 1, "c": 2, "d": 2}
    assert waves_of(RolloutPlan(waves=(Wave(site_ids=("k2", "k9")),)), fleet) == {"b": 0, "c": 0, "a": 1, "d": 1}


def test_nodes_are_taken_in_order_of_their_names() -> None:
    waves = waves_of(RolloutPlan(waves=(Wave(count=1),)), nodes(3)[::-1])
    assert waves == {"n000": 0, "n001": 1, "n002": 1}


def test_the_last_wave_has_the_gate_of_the_one_before() -> None:
    first, second = Wave(count=1), Wave(count=2, min_success_percent=80.0)
    assert gate_of(RolloutPlan(waves=(first, second)), 2) is second
    assert gate_of(RolloutPlan(), 0) == Wave()


def test_a_gate_without_a_share_asks_for_everybody_who_has_not_failed() -> None:
    assert needed_count(Wave(), 5, 2) == 3
    assert needed_count(Wave(), 5, 5) == 1
    assert needed_count(Wave(min_success_percent=100.0), 5, 2) == 5


@pytest.mark.parametrize(
    ("count", "percent", "size", "wanted"),
    [
        (1, 100.0, 5, 5),
        (0, 0.0, 5, 5),
        (1, 50.0, 5, 3),
        (3, 1.0, 5, 3),
        (9, 1.0, 5, 5),
        (1, 100.0, 0, 0),
        (1, 1.0, 1, 1),
    ],
)
def test_a_gate_takes_count_and_percent_but_never_more_than_there_are(
    count: int, percent: float, size: int, wanted: int
) -> None:
    assert needed_count(Wave(min_success_count=count, min_success_percent=percent), size) == wanted


@given(st.lists(st.floats(0.01, 100.0), max_size=5), st.integers(0, 60))
def test_every_node_is_in_one_wave(percents: list[float], count: int) -> None:
    assert sum(sizes(RolloutPlan(waves=tuple(Wave(percent=value) for value in percents)), nodes(count))) == count


def test_zeros_of_a_plan_become_their_defaults() -> None:
    loose = RolloutPlan(waves=(Wave(count=1, min_success_count=0, min_success_percent=0.0),), max_failure_count=0)
    assert checked_plan(replace(loose, time_zone="")) == RolloutPlan(waves=(Wave(count=1),))
    assert checked_plan(RolloutPlan()) == RolloutPlan()


WAYS = "which nodes are in the wave; give a count above 0, a percent above 0, or labels and sites"
BAD: list[tuple[RolloutPlan, str]] = [
    (RolloutPlan(waves=(Wave(count=1),) * 51), "plan.waves: 51 entries are more than 50"),
    (RolloutPlan(windows=(Window(),) * 21), "plan.windows: 21 entries are more than 20"),
    (RolloutPlan(max_in_flight_count=-1), "plan.max_in_flight_count: -1 is outside 0 to 2147483647"),
    (RolloutPlan(max_failure_count=-1), "plan.max_failure_count: -1 is outside 0 to 2147483647"),
    (RolloutPlan(max_failure_percent=100.5), "plan.max_failure_percent: 100.5 is outside 0 to 100"),
    (RolloutPlan(max_failure_percent=math.nan), "plan.max_failure_percent: nan is outside 0 to 100"),
    (RolloutPlan(max_corridor_percent=-0.1), "plan.max_corridor_percent: -0.1 is outside 0 to 100"),
    (RolloutPlan(node_timeout_s=9), "plan.node_timeout: 9 s is outside 10 s to 30 d"),
    (RolloutPlan(deadline_s=366 * 86_400.0), "plan.deadline: 366 d is outside 1 min to 365 d"),
    (RolloutPlan(deadline_s=math.inf), "plan.deadline: inf is outside 1 min to 365 d"),
    (RolloutPlan(trial_timeout_s=0), "plan.trial_timeout: 0 s is outside 5 s to 1 d"),
    (
        RolloutPlan(waves=(Wave(),)),
        f"plan.waves[0]: nothing says {WAYS}",
    ),
    (
        RolloutPlan(waves=(Wave(count=1), Wave(count=1, percent=1))),
        f"plan.waves[1]: more than one value says {WAYS}",
    ),
    (RolloutPlan(waves=(Wave(percent=101),)), "plan.waves[0].percent: 101 is outside 0 to 100"),
    (RolloutPlan(waves=(Wave(count=-1),)), "plan.waves[0].count: -1 is outside 0 to 2147483647"),
    (
        RolloutPlan(waves=(Wave(count=1, min_success_percent=-1),)),
        "plan.waves[0].min_success_percent: -1 is outside 0 to 100",
    ),
    (RolloutPlan(waves=(Wave(count=1, observation_s=-1),)), "plan.waves[0].observation: -1 s is outside 0 s to 30 d"),
    (RolloutPlan(windows=(Window(frozenset({0, 8})),)), "plan.windows[0].weekdays: 0 is outside 1 to 7"),
    (RolloutPlan(windows=(Window(begin_minute=1440),)), "plan.windows[0].begin: it is outside 00:00 to 23:59"),
    (RolloutPlan(windows=(Window(duration_s=59),)), "plan.windows[0].duration: 59 s is outside 1 min to 1 d"),
]


@pytest.mark.parametrize(
    ("plan", "sentence"), BAD, ids=[sentence.split(":", 1)[0] + f" {i}" for i, (_, sentence) in enumerate(BAD)]
)
def test_a_value_out_of_range_is_refused_by_name(plan: RolloutPlan, sentence: str) -> None:
    with pytest.raises(InvalidArgumentError) as caught:
        checked_plan(plan)
    assert (str(caught.value), caught.value.reason) == (sentence, "PLAN_INVALID")


@pytest.mark.parametrize("state", sorted(ENDED), ids=str)
@pytest.mark.parametrize("order", list(RolloutOrder), ids=str)
def test_what_has_ended_takes_no_orders(state: RolloutState, order: RolloutOrder) -> None:
    if (state, order) == (RolloutState.ABORTED, RolloutOrder.ABORT):
        assert state_after("r1", state, order) is state
        return
    with pytest.raises(FailedPreconditionError, match="rollout r1 has"):
        state_after("r1", state, order)
