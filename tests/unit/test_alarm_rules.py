"""Rules of alarms: the table that comes with the product, and what operators change of it."""

from datetime import timedelta

import pytest

from wayside_manager.core.alarm_rules import RULES, AlarmRule, is_known, rule_for
from wayside_manager.core.alarms import UNREACHABLE
from wayside_manager.core.events import Severity
from wayside_manager.core.node_health import HealthState


@pytest.mark.parametrize(
    ("kind", "failed"),
    [
        ("can.body.state", Severity.MAJOR),
        ("gnss.plausible", Severity.CRITICAL),
        ("never.heard.of", Severity.MINOR),
        (UNREACHABLE, Severity.MAJOR),
    ],
)
def test_the_table_knows_every_kind(kind: str, failed: Severity) -> None:
    assert rule_for(kind, {}).severity(HealthState.FAILED) is failed


def test_the_most_specific_rule_counts_and_leaves_what_it_does_not_give() -> None:
    changes = {
        "can.*.state": AlarmRule(failed=Severity.MINOR),
        "can.body.state": AlarmRule(failed=Severity.CRITICAL, raise_after=timedelta(seconds=1)),
        "gnss.fix": AlarmRule(is_silenced=True),
    }
    body, other = rule_for("can.body.state", changes), rule_for("can.gate.state", changes)
    table = RULES["can.*.state"]
    assert (body.failed, body.degraded, body.raise_after) == (Severity.CRITICAL, table.degraded, timedelta(seconds=1))
    assert (other.failed, other.clear_after) == (Severity.MINOR, table.clear_after)
    assert rule_for("gnss.fix", changes).severity(HealthState.FAILED) is None


@pytest.mark.parametrize(
    ("kind", "known"),
    [("can.*.state", True), ("can.body.state", True), ("gnss.fix", True), ("gnss.fx", False), ("x.y.z", False)],
)
def test_a_rule_that_can_never_match_is_found(kind: str, known: bool) -> None:  # of the table
    assert is_known(kind) is known
