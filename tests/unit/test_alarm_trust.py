"""Alarms before what people signed of releases ends."""

from dataclasses import replace
from datetime import timedelta

import pytest

from tests.unit.alarm_world import BEGIN
from wayside_manager.core.alarm_rules import AlarmRule
from wayside_manager.core.alarm_step import next_step
from wayside_manager.core.alarms import AlarmPolicy, AlarmRecord, AlarmState, AlarmStep, Situation, TrustEnd
from wayside_manager.core.events import Severity

QUIET = AlarmPolicy(escalate_after=timedelta())
TARGETS = TrustEnd("image", "targets", BEGIN + timedelta(days=40))


def step(
    after_days: float, *ends: TrustEnd, raised: tuple[AlarmRecord, ...] = (), policy: AlarmPolicy = QUIET
) -> AlarmStep:
    return next_step(Situation({}, raised, trust_ends=ends), policy, BEGIN + timedelta(days=after_days))


def told(step: AlarmStep) -> list[str]:
    return [event.kind for event in step.events]


def test_an_end_is_told_at_thirty_days_and_at_seven_and_over_when_renewed() -> None:
    assert not step(9, TARGETS).is_change
    first = step(10, TARGETS)
    (alarm,) = first.alarms
    assert (alarm.kind, alarm.subject, alarm.severity) == (
        "releases.targets",
        "releaseTrust/image.targets",
        Severity.WARNING,
    )
    assert "'wayside releases sign --renew'" in alarm.message
    assert told(first) == ["alarm.raised"]
    assert not step(32, TARGETS, raised=(alarm,)).is_change
    second = step(33, TARGETS, raised=(alarm,))
    (worse,) = second.alarms
    assert (worse.severity, told(second)) == (Severity.MAJOR, ["alarm.escalated"])
    (past,) = step(41, TARGETS, raised=(worse,)).alarms
    assert "ended at" in past.message
    renewed = replace(TARGETS, expire_time=BEGIN + timedelta(days=400))
    (waiting,) = step(41, renewed, raised=(past,)).alarms
    third = step(41.01, renewed, raised=(waiting,))
    assert [each.state for each in third.alarms] == [AlarmState.CLEARED]
    assert told(third) == ["alarm.cleared"]


@pytest.mark.parametrize(
    ("end", "kind", "remedy"),
    [
        (TrustEnd("image", "root", BEGIN), "releases.root", "keys rotate"),
        (TrustEnd("director", "root", BEGIN), "releases.root", "keys rotate"),
    ],
    ids=["image", "director"],
)
def test_a_root_says_what_to_do(end: TrustEnd, kind: str, remedy: str) -> None:
    (alarm,) = step(0, end).alarms
    assert (alarm.kind, alarm.subject, alarm.is_area) == (kind, f"releaseTrust/{end.repository}.root", False)
    assert remedy in alarm.message


def test_a_rule_may_silence_it_and_one_that_was_raised_is_over_then() -> None:
    silent = replace(QUIET, rules={"releases.targets": AlarmRule(is_silenced=True)})
    assert not step(20, TARGETS, policy=silent).is_change
    (alarm,) = step(20, TARGETS).alarms
    (over,) = step(20, TARGETS, raised=(alarm,), policy=silent).alarms
    assert over.over_since is not None


def test_a_rule_may_want_it_to_hold_for_longer() -> None:
    slow = replace(QUIET, rules={"releases.targets": AlarmRule(raise_after=timedelta(hours=1))})
    first = step(20, TARGETS, policy=slow)
    assert (first.alarms, len(first.pending)) == ((), 1)
