"""The power of a unit flickers: a real agent is killed again and again, with its centre and without.

What was recorded, that is durable on the unit, arrives: no report and no batch of telemetry is missing. What the cable
of a real cabinet adds to kill -9, unwritten pages of the disk, `tests/contract/test_spool*.py` cut step by step.
"""

import signal
import sqlite3
import time
from collections.abc import Callable, Iterator
from random import Random

import pytest

from wayside_demo.centre import Centre
from wayside_demo.field import FieldUnit
from wayside_demo.stage import until
from wayside_demo.witness import TelemetryWitness

CUTS_ALONE, CUTS_CATCHING_UP = 8, 4
RNG = Random(3)  # noqa: S311  # repeatable moments, no secrets


@pytest.fixture
def witness(centre: Centre) -> Iterator[TelemetryWitness]:
    operator = centre.data / "operator"
    made = TelemetryWitness()
    made.start(
        centre.broker_port,
        ca_file=operator / "ca.pem",
        certificate_file=operator / "operator.pem",
        key_file=operator / "operator.key",
    )
    yield made
    made.close()


def recorded(unit: FieldUnit) -> dict[str, int]:
    """How many reports and batches wait on the unit, by its own word; empty: it does not speak now."""
    spools = unit.status().get("health", {}).get("spools", [])
    return {spool["name"]: int(spool.get("record_count", 0)) for spool in spools}


def arrived(centre: Centre, unit: FieldUnit) -> list[tuple[int, int]]:
    """Sequence and time of every report of the unit that the manager holds."""
    query = "SELECT sequence, record_us FROM reports WHERE node_id = ? ORDER BY sequence"
    with sqlite3.connect(f"file:{centre.data / 'manager.db'}?mode=ro", uri=True) as database:
        return database.execute(query, (unit.node_id,)).fetchall()


def flicker(unit: FieldUnit) -> None:
    """Cuts the power at a moment that chance takes: while it starts, records, or sends."""
    begin_s, wait_s = time.monotonic(), RNG.uniform(0.0, 4.0)
    until("the power goes", lambda: time.monotonic() - begin_s >= wait_s, 10)
    unit.agent.kill(signal.SIGKILL)


def test_no_record_is_missing_after_the_power_flickered(
    centre: Centre, unit: Callable[..., FieldUnit], witness: TelemetryWitness
) -> None:
    rsu = unit("rsu-flicker")
    rsu.configure(
        "[config]\nreport_period_s = 1\n"
        f'[config.telemetry]\nbroker_host = "localhost"\nbroker_port = {centre.broker_port}\n'
        "publish_period_s = 0.2\nsample_period_s = 0.2\n"
    )
    rsu.until_online()
    rsu.until_config("OUTCOME_APPLIED", 1, 60)
    until("telemetry arrives", lambda: witness.batch_count > 5, 30)
    starts = int(rsu.node()["health"].get("software", {}).get("start_count", 0))

    centre.watch.stop()
    centre.manager.stop(signal.SIGKILL)
    for _ in range(CUTS_ALONE):
        flicker(rsu)
    until("it records alone", lambda: recorded(rsu).get("reports", 0) >= 12, 60)
    centre.start_manager()
    for _ in range(CUTS_CATCHING_UP):
        flicker(rsu)
    until("nothing but the newest waits", lambda: _has_handed_over(rsu), 60)
    until("it is seen with its position", lambda: _has_fix(rsu), 30)

    node = rsu.node()
    assert int(node.get("lost_report_count", 0)) == 0
    reports = arrived(centre, rsu)
    assert [sequence for sequence, _ in reports] == list(range(1, len(reports) + 1))
    assert [record_us for _, record_us in reports] == sorted(record_us for _, record_us in reports)
    assert witness.missing_count == 0
    assert witness.malformed_count == 0
    spools = {spool["name"]: spool for spool in rsu.status()["health"]["spools"]}
    assert {int(spool.get("evicted_count", 0)) for spool in spools.values()} == {0}
    assert int(node["health"]["software"]["start_count"]) >= starts + CUTS_ALONE // 2
    assert rsu.agent.is_running()


def _has_handed_over(unit: FieldUnit) -> bool:
    waiting = recorded(unit)
    return bool(waiting) and sum(waiting.values()) <= 3


def _has_fix(unit: FieldUnit) -> bool:
    node = unit.node()
    is_fixed = node.get("health", {}).get("gnss", {}).get("mode") == "FIX_MODE_3D"
    return is_fixed and node.get("presence") == "PRESENCE_ONLINE"
