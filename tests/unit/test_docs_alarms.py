"""The guide's table of rules is the code's, and its bounds and defaults are those of the policy."""

import re
from datetime import timedelta
from pathlib import Path

import pytest

from wayside_manager.api import alarm_messages
from wayside_manager.core.alarm_rules import RULES
from wayside_manager.core.alarms import AlarmPolicy
from wayside_manager.core.events import Severity

GUIDE = (Path(__file__).parents[2] / "docs" / "alarms.md").read_text(encoding="utf-8")
HEALTH = (Path(__file__).parents[2] / "docs" / "health.md").read_text(encoding="utf-8")


def rows(heading: str) -> dict[str, list[str]]:
    """Rows of the tables under a heading, by the words in their first cell."""
    section = GUIDE.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    found: dict[str, list[str]] = {}
    for line in re.findall(r"^\| `.*\|$", section, re.MULTILINE):
        first, *cells = [cell.strip() for cell in line.strip("|").split("|")]
        found |= dict.fromkeys(re.findall(r"`([^`]+)`", first), cells)
    return found


def word(severity: Severity | None) -> str:
    return severity.name.lower() if severity else ""


def seconds(delta: timedelta | None) -> str:
    assert delta is not None, "the table leaves nothing open"
    return f"{delta.total_seconds():g}"


def test_the_guide_has_a_row_for_every_rule_and_no_other() -> None:
    assert list(rows("What becomes an alarm")) == list(RULES)


@pytest.mark.parametrize("kind", sorted(RULES))
def test_the_guide_tells_a_rule_as_it_is(kind: str) -> None:
    rule = RULES[kind]
    assert rows("What becomes an alarm")[kind] == [
        word(rule.failed),
        word(rule.degraded),
        seconds(rule.raise_after),
        seconds(rule.clear_after),
    ]


def test_every_check_of_a_unit_has_a_rule_and_every_rule_a_check() -> None:
    checks = set(re.findall(r"^\| `([a-z]+\.[A-Za-z.]+|autonomy)` \|", HEALTH, re.MULTILINE))
    checks = {name.replace("BUS", "*") for name in checks if not name.startswith("node.")}
    own = {"node.unreachable", "area.unreachable", "area.power", "*"}
    assert set(RULES) - own == checks


@pytest.mark.parametrize(
    ("field", "default", "bounds"),
    [
        ("storm_percent", AlarmPolicy().storm_percent, (0, alarm_messages.PERCENT_MAX)),
        ("storm_min_count", AlarmPolicy().storm_min_count, (alarm_messages.COUNT_MIN, alarm_messages.COUNT_MAX)),
        ("reconnects_per_second", AlarmPolicy().reconnects_per_s, (alarm_messages.RATE_MIN, alarm_messages.RATE_MAX)),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_the_guide_tells_numbers_of_the_policy_as_they_are(
    field: str, default: float, bounds: tuple[float, float]
) -> None:
    said, between = rows("Policy")[field]
    assert said == f"{default:g}"
    assert tuple(float(number.replace(",", "")) for number in re.findall(r"[\d,]+", between)) == bounds


def test_the_guide_tells_times_of_the_policy_as_they_are() -> None:
    policy = AlarmPolicy()
    assert (policy.storm_window, policy.escalate_after) == (timedelta(minutes=5), timedelta(hours=4))
    assert rows("Policy")["storm_window"] == ["5 min", "10 s to 1 h"]
    assert (timedelta(seconds=10), timedelta(hours=1)) == (alarm_messages.WINDOW_MIN, alarm_messages.WINDOW_MAX)
    assert rows("Policy")["escalate_after"] == ["4 h", "0 (never) to 30 d"]
    assert timedelta(days=30) == alarm_messages.ESCALATE_MAX == alarm_messages.SHELVE_MAX
    assert rows("Policy")["raise_after"][1] == "0 to 1 d"
    assert timedelta(days=1) == alarm_messages.HOLD_MAX
