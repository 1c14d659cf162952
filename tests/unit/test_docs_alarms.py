"""docs/alarms.md tells the rules of the code, an example that is a policy, and bounds that hold."""

import re
import tomllib
from datetime import timedelta
from pathlib import Path

import pytest
from google.protobuf.json_format import ParseDict

from wayside.v1 import alarm_pb2
from wayside_manager.api import alarm_messages
from wayside_manager.api.alarm_messages import policy_record
from wayside_manager.core.alarm_rules import RULES
from wayside_manager.core.alarms import AlarmPolicy
from wayside_manager.core.events import Severity

GUIDE = (Path(__file__).parents[2] / "docs" / "alarms.md").read_text(encoding="utf-8")
ROWS = {
    kind: tuple(cell.strip() for cell in cells.split("|"))
    for kind, cells in re.findall(r"^\| `([a-z.*]+)` \|(.*)\|$", GUIDE.partition("\n## Areas")[0], re.MULTILINE)
}
MINUTE_S = 60


def severity(given: Severity | None) -> str:
    return given.name.lower() if given else "none"


def time(given: timedelta | None) -> str:
    """A time as the guide says it."""
    assert given is not None
    seconds = int(given.total_seconds())
    if seconds >= 2 * MINUTE_S and seconds % MINUTE_S == 0:
        return f"{seconds // MINUTE_S} min"
    return f"{seconds} s" if seconds else "at once"


def test_the_guide_lists_every_rule_and_no_other() -> None:
    assert list(ROWS) == list(RULES)


@pytest.mark.parametrize("kind", list(RULES))
def test_the_guide_tells_each_rule_as_it_comes(kind: str) -> None:
    rule = RULES[kind]
    assert ROWS[kind] == (
        severity(rule.failed),
        severity(rule.degraded),
        time(rule.raise_after),
        time(rule.clear_after),
    )


def test_the_example_of_a_policy_is_one() -> None:
    text = GUIDE.partition("```toml\n")[2].partition("```")[0]
    policy = policy_record(ParseDict(tomllib.loads(text), alarm_pb2.AlarmPolicy()))
    assert set(policy.rules) == {"can.*.load", "environment.door"}
    assert policy.storm_window == AlarmPolicy().storm_window


def test_the_guide_tells_bounds_and_defaults_that_hold() -> None:
    default = AlarmPolicy()
    rows = dict(re.findall(r"^\| `(\w+)` \| (.*) \|$", GUIDE.partition("## The policy")[2], re.MULTILINE))
    assert rows["storm_percent"] == f"above 0 to {alarm_messages.PERCENT_MAX:g} | {default.storm_percent:g}"
    counts = f"{alarm_messages.COUNT_MIN} to {alarm_messages.COUNT_MAX:,}"
    assert rows["storm_min_count"] == f"{counts} | {default.storm_min_count}"
    rates = f"{alarm_messages.RATE_MIN:g} to {alarm_messages.RATE_MAX:,.0f}"
    assert rows["reconnects_per_second"] == f"{rates} | {default.reconnects_per_s:g}"
    assert rows["storm_window"] == f"10 s to 1 h | {time(default.storm_window)}"
    window = (alarm_messages.WINDOW_MIN, alarm_messages.WINDOW_MAX)
    assert window == (timedelta(seconds=10), timedelta(hours=1))
    assert rows["escalate_after"] == "0 (never) to 30 d | 4 h"
    assert (alarm_messages.ESCALATE_MAX, default.escalate_after) == (timedelta(days=30), timedelta(hours=4))
    assert f"at most {alarm_messages.RULES_MAX}, one for a kind" in rows["rules"]
