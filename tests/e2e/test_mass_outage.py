"""A line dies under a running rollout and comes back: one alarm, rest, a return at a pace, and a report that says who.

Half of a road hangs on the line: simulated units, one of which never comes back, and a real agent whose connection is
cut and held. The other half hangs on another line, and nothing may be told of it.
"""

import json
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.simulated_road import RoadStage
from tests.e2e.trust_stage import HeldDoor
from wayside_demo.centre import Centre
from wayside_demo.field import FieldUnit
from wayside_demo.road import LINE, Road
from wayside_demo.stage import until

SITE_COUNT = 16
PERIOD_S = 2
AREA = f"backhauls/{LINE}"
RATE_PER_S, BURST = 1.0, 2
HOUR_S = 3600
MARK = "host.memory"
"""A check of the agent that a limit of 0 keeps degraded: an alarm of its own, before the line dies."""
SENSORS = '[[can]]\nname = "body"\ndriver = "simulator"\n'  # no receiver: the simulated one drives
AGENT_CONFIG = f'[config]\nreport_period_s = {PERIOD_S}\n[config.health.limits."{MARK}"]\ndegraded_above = 0.0\n'


def apply_policy(centre: Centre, *, clear_after_s: int) -> None:
    """Sessions come in one a second; the alarm of an area is over so long after what it tells."""
    rules = [
        {"kind": MARK, "raise_after": "0s"},
        {"kind": "area.unreachable", "clear_after": f"{clear_after_s}s"},
        {"kind": "node.unreachable", "raise_after": "30s"},
    ]
    file = centre.data / "policy.json"
    file.write_text(json.dumps({"reconnects_per_second": RATE_PER_S, "rules": rules}))
    centre.wayside("alarms", "apply-policy", "-f", str(file))


def alarms(centre: Centre, *options: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = centre.wayside("alarms", "list", *options)["alarms"]
    return found


def told(centre: Centre, kind: str) -> list[tuple[str, str]]:
    """Kind and subject of every alarm of which such an event tells, in order."""
    events = centre.wayside("events", "list", "--event", kind, "--count", "1000")["events"]
    return [(event["details"]["alarm_kind"], event["details"]["alarm_subject"]) for event in events]


def sessions(road: Road, after_s: float) -> list[dict[str, Any]]:
    """What the simulated units noted of their sessions since then."""
    lines = (road.folder / "sessions.jsonl").read_text().split("\n")[:-1]
    return [note for note in map(json.loads, lines) if note["time_s"] > after_s]


def assert_paced(road: Road, cut_s: float) -> None:
    """Sessions came back no faster than the policy lets them in, and nobody before it was told to."""
    notes = sessions(road, cut_s)
    opened = [note["time_s"] for note in notes if note["event"] == "open"]
    begin_s = min(note["time_s"] for note in notes if note["event"] == "attempt")
    assert max(opened) - begin_s >= (len(opened) - BURST) / RATE_PER_S
    waits = [note for note in notes if note["event"] == "wait"]
    assert waits
    for wait in waits:
        later = [note["time_s"] for note in notes if note["node"] == wait["node"] and note["time_s"] > wait["time_s"]]
        assert all(time_s - wait["time_s"] >= wait["wait_s"] for time_s in later)


@pytest.fixture
def stage(centre: Centre, tmp_path: Path) -> RoadStage:
    return RoadStage(centre, tmp_path, SITE_COUNT)


@contextmanager
def agent_at(stage: RoadStage, site: str, door: HeldDoor) -> Iterator[FieldUnit]:
    """A real agent at a site, behind a door."""
    made = FieldUnit("rsu-real", stage.folder / "rsu-real", stage.centre, sensors=SENSORS, device_address=door.address)
    try:
        made.enroll()
        stage.centre.wayside("nodes", "update", made.node_id, "--site", site)
        made.configure(AGENT_CONFIG)
        made.until_online()
        yield made
    finally:
        made.agent.stop()


def begun_rollout(stage: RoadStage, node_ids: tuple[str, ...]) -> str:
    """A rollout to these units, one after the other, that has begun at the first."""
    layer, plan = stage.folder / "layer.toml", stage.folder / "plan.toml"
    layer.write_text(
        f'name = "outage"\npriority = 400\n[selector]\nnodes = {json.dumps(node_ids)}\n'
        f"[config]\nreport_period_s = {PERIOD_S}\ntelemetry = {{ sample_period_s = 3 }}\n"
    )
    plan.write_text('max_in_flight_count = 1\ntrial_timeout = "30m"\n')
    applied = stage.centre.wayside("config", "apply", "-f", str(layer), "--plan", str(plan))
    rollout = str(applied["rollout"])
    stage.until_begun(rollout, 0)
    return rollout


def test_a_line_that_dies_is_one_alarm_and_all_comes_back_by_itself(centre: Centre, stage: RoadStage) -> None:
    road, here = stage.road, stage.road.unit_ids[: SITE_COUNT // 2]
    *back, lost = road.behind_line
    changed = (*here[1::3], *back[1::3])
    begins = ("--comes-with", json.dumps({"report_period_s": PERIOD_S}), "--never-back", lost)
    with (
        HeldDoor(centre.addresses[0]) as door,
        stage.running(*begins) as units,
        agent_at(stage, f"g98-s{SITE_COUNT}", door) as agent,
    ):
        members = {f"nodes/{each}" for each in (*road.behind_line, agent.node_id)}
        apply_policy(centre, clear_after_s=HOUR_S)
        own = (MARK, f"nodes/{agent.node_id}")
        until("the agent has an alarm of its own", lambda: told(centre, "alarm.raised") == [own], 60)
        rollout = begun_rollout(stage, changed)

        cut_s = time.monotonic()
        units.kill(signal.SIGUSR1)
        door.cut()
        until("all of them are missed", lambda: [_missing(each) for each in alarms(centre)] == [len(members)], 60)
        (area,) = alarms(centre)
        assert (area["kind"], area["subject"], area["severity"]) == ("area.unreachable", AREA, "SEVERITY_CRITICAL")
        assert area["is_storm"]
        folded = [(each["kind"], each["subject"], each.get("parent")) for each in alarms(centre, "--members")]
        assert sorted(folded) == sorted([(area["kind"], AREA, ""), (*own, area["name"])])
        until("the rollout rests", lambda: _rollout(centre, rollout)["state"] == "STATE_PAUSED", 60)
        assert area["name"] in _rollout(centre, rollout)["message"]

        mend_s = time.monotonic()
        units.kill(signal.SIGUSR2)
        door.let_go()
        until("all but one are back", lambda: not_back(centre, area["name"]) == [f"nodes/{lost}"], 120)
        apply_policy(centre, clear_after_s=0)
        until("the alarm is over", lambda: ("area.unreachable", AREA) in told(centre, "alarm.cleared"), 60)
        assert stage.ended(rollout, 120)["state"] == "STATE_SUCCEEDED"
        assert set(stage.begun(rollout)) == set(changed)
        assert_paced(road, mend_s)
        alone = ("node.unreachable", f"nodes/{lost}")
        until("who is still missing has an alarm of its own", lambda: told(centre, "alarm.raised")[-1] == alone, 90)

        assert cut_s < mend_s
        assert told(centre, "alarm.raised") == [own, ("area.unreachable", AREA), alone]
        assert {(each["kind"], each["subject"]) for each in alarms(centre, "--members")} == {own, alone}
        assert_restored(centre.wayside("alarms", "report", area["name"]), members, f"nodes/{lost}")
        assert int(agent.node().get("lost_report_count", 0)) == 0


def assert_restored(report: dict[str, Any], members: set[str], lost: str) -> None:
    """The report names the missing one first, then the others in the order of their return."""
    first, *others = report["members"]
    assert (first["node"], first.get("return_time")) == (lost, None)
    assert {each["node"] for each in others} == members - {lost}
    assert [each["return_time"] for each in others] == sorted(each["return_time"] for each in others)
    assert all(each["lost_time"] < each["return_time"] for each in others)
    assert all(int(each["backfilled_count"]) > 0 for each in others)
    assert {int(each.get("lost_report_count", 0)) for each in report["members"]} == {0}
    assert report["half_restored_after"]
    assert not report.get("restored_after")


def not_back(centre: Centre, alarm: str) -> list[str]:
    """Members of an area alarm that the restore report misses."""
    members = centre.wayside("alarms", "report", alarm)["members"]
    return [str(each["node"]) for each in members if not each.get("return_time")]


def _missing(alarm: dict[str, Any]) -> int:
    return int(alarm.get("member_count", 0)) - int(alarm.get("recovered_count", 0))


def _rollout(centre: Centre, name: str) -> dict[str, Any]:
    return centre.wayside("rollouts", "show", name)
