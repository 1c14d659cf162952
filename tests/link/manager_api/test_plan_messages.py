"""Plans of rollouts as they come off the wire."""

from datetime import UTC, datetime
from typing import Any

import pytest
from google.protobuf.duration_pb2 import Duration
from google.protobuf.json_format import ParseDict

from wayside.errors import InvalidArgumentError
from wayside.v1 import rollout_pb2
from wayside_manager.api.rollout_messages import plan_message, plan_record
from wayside_manager.core.nodes import FetchPolicy, Label
from wayside_manager.core.rollout import RolloutPlan, Wave, Window

FULL: dict[str, Any] = {
    "waves": [
        {"count": 1, "observation": "600s"},
        {"percent": 12.5, "min_success_percent": 90, "min_success_count": 3},
        {"members": {"labels": [{"key": "ring", "value": "wide"}], "sites": ["sites/k12", "sites/k13"]}},
    ],
    "max_in_flight_count": 20,
    "max_failure_count": 3,
    "max_failure_percent": 5,
    "node_timeout": "1800s",
    "deadline": "86400s",
    "windows": [{"weekdays": [1, 5], "begin": "23:30", "duration": "10800s"}],
    "time_zone": "Asia/Shanghai",
    "max_corridor_percent": 10,
    "is_dynamic": True,
    "trial_timeout": "90.5s",
    "needs_confirmation": True,
    "needs_consent": True,
    "may_interrupt_broadcast": True,
    "fetch_policy": "FETCH_POLICY_NEVER_FULL",
    "reverses_failed_wave": True,
    "retry_count": 5,
    "retry_base": "90s",
    "retries_refused_by_gate": True,
    "begin_time": "2026-12-01T02:00:00Z",
}


def plan(**fields: Any) -> rollout_pb2.RolloutPlan:  # noqa: ANN401  # fields of a message
    return ParseDict(fields, rollout_pb2.RolloutPlan())


def test_an_empty_plan_is_the_plan_of_the_defaults() -> None:
    assert plan_record(plan(), field="plan") == RolloutPlan()


def test_every_value_of_a_plan_is_taken_and_shown_again() -> None:
    record = plan_record(plan(**FULL), field="plan")

    assert record == RolloutPlan(
        waves=(
            Wave(count=1, observation_s=600.0),
            Wave(percent=12.5, min_success_percent=90.0, min_success_count=3),
            Wave(labels=(Label("ring", "wide"),), site_ids=("k12", "k13")),
        ),
        max_in_flight_count=20,
        max_failure_count=3,
        max_failure_percent=5.0,
        node_timeout_s=1800.0,
        deadline_s=86_400.0,
        windows=(Window(frozenset({1, 5}), 23 * 60 + 30, 10_800.0),),
        time_zone="Asia/Shanghai",
        max_corridor_percent=10.0,
        is_dynamic=True,
        trial_timeout_s=90.5,
        needs_confirmation=True,
        needs_consent=True,
        may_interrupt_broadcast=True,
        fetch_policy=FetchPolicy.NEVER_FULL,
        reverses_failed_wave=True,
        retry_count=5,
        retry_base_s=90.0,
        retries_refused_by_gate=True,
        begin_time=datetime(2026, 12, 1, 2, tzinfo=UTC),
    )
    assert plan_record(plan_message(record), field="plan") == record


def wave(**fields: Any) -> dict[str, Any]:  # noqa: ANN401  # fields of a message
    return {"waves": [{"count": 1}, {"count": 1} | fields]}


def window(**fields: Any) -> dict[str, Any]:  # noqa: ANN401  # fields of a message
    return {"windows": [{"begin": "01:00", "duration": "3600s"} | fields]}


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"max_in_flight_count": -1}, "plan.max_in_flight_count"),
    ({"max_failure_count": -1}, "plan.max_failure_count"),
    ({"max_failure_percent": 100.1}, "plan.max_failure_percent"),
    ({"max_failure_percent": "NaN"}, "plan.max_failure_percent"),
    ({"max_corridor_percent": -0.5}, "plan.max_corridor_percent"),
    ({"max_corridor_percent": "Infinity"}, "plan.max_corridor_percent"),
    ({"node_timeout": "9s"}, "plan.node_timeout"),
    ({"node_timeout": "0s"}, "plan.node_timeout"),
    ({"node_timeout": f"{31 * 86_400}s"}, "plan.node_timeout"),
    ({"deadline": "59s"}, "plan.deadline"),
    ({"deadline": f"{366 * 86_400}s"}, "plan.deadline"),
    ({"trial_timeout": "4s"}, "plan.trial_timeout"),
    ({"trial_timeout": "86401s"}, "plan.trial_timeout"),
    ({"retry_count": -1}, "plan.retry_count"),
    ({"retry_count": 6}, "plan.retry_count"),
    ({"retry_base": "9s"}, "plan.retry_base"),
    ({"retry_base": "86401s"}, "plan.retry_base"),
    ({"begin_time": "1999-12-31T23:59:59Z"}, "plan.begin_time"),
    ({"begin_time": "9999-12-31T23:59:59Z"}, "plan.begin_time"),
    ({"time_zone": "Asia"}, "plan.time_zone"),
    ({"time_zone": "Mars/Olympus"}, "plan.time_zone"),
    ({"time_zone": "../../etc/passwd"}, "plan.time_zone"),
    ({"time_zone": "A" * 300}, "plan.time_zone"),
    ({"time_zone": "UTC\x00"}, "plan.time_zone"),
    ({"waves": [{"count": 1}] * 51}, "plan.waves"),
    ({"waves": [{}]}, "plan.waves[0]"),
    (wave(count=0), "plan.waves[1]"),
    (wave(count=-1), "plan.waves[1].count"),
    ({"waves": [{"percent": 100.5}]}, "plan.waves[0].percent"),
    ({"waves": [{"percent": "NaN"}]}, "plan.waves[0].percent"),
    ({"waves": [{"members": {}}]}, "plan.waves[0]"),
    ({"waves": [{"members": {"sites": ["k12"]}}]}, "plan.waves[0].members.sites"),
    ({"waves": [{"members": {"labels": [{"key": "Not A Key"}]}}]}, "plan.waves[0].members.labels"),
    (wave(min_success_count=-1), "plan.waves[1].min_success_count"),
    (wave(min_success_percent=101), "plan.waves[1].min_success_percent"),
    (wave(observation="-1s"), "plan.waves[1].observation"),
    (wave(observation=f"{31 * 86_400}s"), "plan.waves[1].observation"),
    ({"windows": [{"begin": "01:00", "duration": "3600s"}] * 21}, "plan.windows"),
    (window(weekdays=[0]), "plan.windows[0].weekdays"),
    (window(weekdays=[8]), "plan.windows[0].weekdays"),
    (window(begin=""), "plan.windows[0].begin"),
    (window(begin="24:00"), "plan.windows[0].begin"),
    (window(begin="1:00"), "plan.windows[0].begin"),
    (window(begin="01:00\n"), "plan.windows[0].begin"),
    (window(duration="59s"), "plan.windows[0].duration"),
    (window(duration="86401s"), "plan.windows[0].duration"),
    ({"windows": [{"begin": "01:00"}]}, "plan.windows[0].duration"),
]


@pytest.mark.parametrize(
    ("fields", "place"), WRONG, ids=[f"{number}-{place}" for number, (_, place) in enumerate(WRONG)]
)
def test_a_value_out_of_range_is_refused_by_its_name(fields: dict[str, Any], place: str) -> None:
    with pytest.raises(InvalidArgumentError) as caught:
        plan_record(plan(**fields), field="plan")
    assert caught.value.message.startswith(place)
    assert "\n" not in caught.value.message


@pytest.mark.parametrize(
    "edge",
    [
        {"node_timeout": "10s", "deadline": "60s", "trial_timeout": "5s"},
        {"node_timeout": f"{30 * 86_400}s", "deadline": f"{365 * 86_400}s", "trial_timeout": "86400s"},
        {"retry_count": 0, "retry_base": "10s"},
        {"retry_count": 5, "retry_base": "86400s"},
        {"max_failure_percent": 100, "max_corridor_percent": 100, "max_in_flight_count": 2**31 - 1},
        window(begin="00:00", duration="60s") | {"time_zone": "America/Argentina/Buenos_Aires"},
        window(begin="23:59", duration="86400s", weekdays=[7, 7, 1]),
        wave(observation=f"{30 * 86_400}s", min_success_percent=100),
    ],
    ids=["shortest", "longest", "no retry", "most retries", "largest", "first minute", "last minute", "whole wave"],
)
def test_a_value_at_its_bound_is_taken(edge: dict[str, Any]) -> None:
    plan_record(plan(**edge), field="plan")


def test_a_span_that_is_none_is_refused() -> None:
    message = rollout_pb2.RolloutPlan(deadline=Duration(seconds=2**62, nanos=-5))
    with pytest.raises(InvalidArgumentError, match=r"plan\.deadline"):
        plan_record(message, field="plan")
