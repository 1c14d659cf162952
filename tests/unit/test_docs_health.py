"""The guide's table of checks is that of the code: every check, and every limit as it comes."""

import re
from pathlib import Path

import pytest

from tests.unit.test_health import WELL, judged
from wayside_agent.core.gnss_plausibility import Rules
from wayside_agent.core.health import Limit
from wayside_agent.core.health_limits import LIMITS

GUIDE = Path(__file__).parents[2] / "docs" / "health.md"
ROWS = {
    name: cells
    for name, cells in re.findall(r"^\| `([^`]+)` \|(.*)\|$", GUIDE.read_text(encoding="utf-8"), re.MULTILINE)
    if "." in name or name == "autonomy"
}


def words(limit: Limit) -> str:
    """A limit as the guide says it."""

    def side(above: float | None, below: float | None) -> str:
        parts = [f"above {above:.12g}"] if above is not None else []
        return ", ".join([*parts, *([f"below {below:.12g}"] if below is not None else [])])

    degraded, failed = side(limit.degraded_above, limit.degraded_below), side(limit.failed_above, limit.failed_below)
    margin = f", margin {limit.margin:.12g}" if limit.margin else ""
    return f"{degraded} / {failed}{margin}".replace(" / ,", " / ,").strip() if degraded or failed else "none"


def test_the_guide_names_every_check_that_a_unit_makes() -> None:
    names = {"can.body.": "can.BUS.", "perception.north": "perception.SENSOR", "platform.city": "platform.NAME"}
    made = {"time.holdover"}
    for check in judged(WELL):
        name = check.finding.name
        made.add(next((name.replace(own, guide) for own, guide in names.items() if name.startswith(own)), name))
    assert made == {name for name in ROWS if name in made or not name.startswith("node.")}


@pytest.mark.parametrize("name", sorted(LIMITS))
def test_the_guide_tells_the_limits_as_they_come(name: str) -> None:
    row = ROWS[name.replace("can.", "can.BUS.")]
    assert words(LIMITS[name]) in row.split("|")[1]


def test_a_fault_of_the_receiver_is_told_as_long_as_the_guide_says() -> None:
    assert ("told for a minute" in ROWS["gnss.plausible"]) is (Rules().hold_s == 60.0)
