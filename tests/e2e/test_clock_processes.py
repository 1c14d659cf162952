"""Units whose clock is wrong, against a manager whose clock is right, with real processes."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.trust_stage import FAST, MakeUnit, until_connected, until_reports
from wayside_demo.field import FieldUnit
from wayside_demo.stage import BIN, Program, until

FAKETIME = next((str(path) for path in Path("/usr/lib").glob("*/faketime/libfaketime.so.1")), "")

pytestmark = pytest.mark.skipif(not FAKETIME, reason="needs libfaketime: apt-get install faketime")


@pytest.fixture
def faked() -> Iterator[Callable[[FieldUnit, str], None]]:
    """Gives a unit's agent another system clock; steady clocks run on."""
    made: list[Program] = []

    def fake(unit: FieldUnit, utc: str) -> None:
        clock = [f"LD_PRELOAD={FAKETIME}", f"FAKETIME=@{utc}", "DONT_FAKE_MONOTONIC=1", "TZ=UTC"]
        command = [str(BIN / "wayside-agent"), "run", "--settings", str(unit.settings)]
        unit.agent = Program(unit.node_id, ["env", *clock, *command], unit.folder)
        made.append(unit.agent)

    yield fake
    for each in made:
        each.stop()


def warnings_of(unit: FieldUnit) -> list[dict[str, Any]]:
    lines = [json.loads(line) for line in unit.agent.words().splitlines()]
    # what the unit finds about itself is said elsewhere: here, that nothing else is wrong
    return [line for line in lines if line["level"] != "INFO" and "check" not in line]


def test_a_unit_whose_clock_says_1970_connects_and_reports(
    unit: MakeUnit, faked: Callable[[FieldUnit, str], None]
) -> None:
    rsu = unit("rsu-1970")
    rsu.configure(FAST)
    faked(rsu, "1970-01-02 00:00:00")
    rsu.until_online()
    until_reports(rsu)
    status = rsu.status()
    assert status["time"]["source"] == "manager"
    assert status["time"]["utc_time"] > "2026"
    assert "1970" in status["time"]["clock_fault"]
    assert int(rsu.node()["lost_report_count"]) == 0
    rsu.agent.stop()
    rsu.agent.start()
    until_connected(rsu)


def test_a_unit_whose_clock_says_2040_says_so_and_works_on(
    unit: MakeUnit, faked: Callable[[FieldUnit, str], None]
) -> None:
    rsu = unit("rsu-2040")
    faked(rsu, "2040-01-01 00:00:00")
    rsu.agent.start()
    until("it says so", lambda: "it says 2040-01-01" in rsu.agent.words(), 20)
    (said,) = warnings_of(rsu)
    assert "set the system clock if it is wrong" in said["message"]
    until("it senses", lambda: bool(rsu.status().get("readings")), 20)
    assert not rsu.status()["is_manager_reached"]
    rsu.agent.stop()
    assert "Traceback" not in rsu.agent.words()
