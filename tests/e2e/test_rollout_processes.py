"""Rollouts over a road of simulated units, with managers that are killed, stopped by their operator, or two."""

import random
import shutil
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.simulated_road import RoadStage
from wayside_demo.centre import Centre
from wayside_demo.stage import BIN, Program, StoryError, until
from wayside_manager.services.rollout_stepper import TICK_S

SITE_COUNT = 12
KILLS = 3
PROMISE_S = 10.0
REVERTED_S = 33
"""A sample period [s] the units take back."""


@pytest.fixture(scope="module")
def centre(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Centre]:
    """A manager whose database is named, for others to share, and a broker."""
    folder = tmp_path_factory.mktemp("centre")
    made = Centre(folder, folder)
    with (made.data / "manager.toml").open("a") as settings:
        settings.write(f'database_url = "sqlite:///{made.data / "manager.db"}"\n')
    made.start()
    yield made
    made.stop()


@pytest.fixture(scope="module")
def stage(centre: Centre, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RoadStage]:
    """The road, with its units online."""
    made = RoadStage(centre, tmp_path_factory.mktemp("road"), SITE_COUNT)
    with made.running("--reverts", f'"sample_period_s":{REVERTED_S}'):
        yield made


@pytest.fixture
def other(centre: Centre, tmp_path: Path) -> Iterator[Program]:
    """A second manager over the same database."""
    data = tmp_path / "manager"
    shutil.copytree(centre.data, data, ignore=shutil.ignore_patterns("manager.db*", "lock", "run"))
    serve = ["serve", "--data", str(data), "--device-port", "0", "--operator-port", "0"]
    manager = Program("other", [str(BIN / "wayside-manager"), *serve], tmp_path)
    manager.start()
    until("the other manager listens", (data / "run" / "endpoints.json").exists, 30)
    yield manager
    manager.stop()


def kill(centre: Centre) -> None:
    """kill -9 of the manager, which is started again."""
    centre.watch.stop()
    centre.manager.stop(signal.SIGKILL)
    centre.start_manager()


def test_a_manager_killed_at_any_moment_tells_every_unit_once(stage: RoadStage) -> None:
    moments = random.Random(4)  # noqa: S311  # the same each time
    rollout = stage.apply("telemetry = { sample_period_s = 2 }")
    for _ in range(KILLS):
        stage.until_begun(rollout, len(stage.begun(rollout)))
        moment_s = time.monotonic() + moments.uniform(0.0, 1.5)
        until("the moment comes", lambda: time.monotonic() >= moment_s, 2)  # noqa: B023  # called at once
        kill(stage.centre)
    ended = stage.ended(rollout, 150)
    assert ended["state"] == "STATE_SUCCEEDED", ended
    stage.assert_kept(rollout)


def test_two_managers_over_one_database_tell_every_unit_once(stage: RoadStage, other: Program) -> None:
    rollout = stage.apply("telemetry = { sample_period_s = 3 }")
    stage.until_begun(rollout, 0)
    kill(stage.centre)  # whichever of the two has the lease from now on moves it, and tells units that are here
    stage.until_begun(rollout, len(stage.begun(rollout)))
    ended = stage.ended(rollout, 150)
    assert ended["state"] == "STATE_SUCCEEDED", ended
    stage.assert_kept(rollout)
    assert other.is_running()


def test_one_order_stops_the_fleet(stage: RoadStage, capsys: pytest.CaptureFixture[str]) -> None:
    rollout = stage.apply("telemetry = { sample_period_s = 4 }", plan="max_in_flight_count = 1\n")
    stage.until_begun(rollout, 0)
    begin_s = time.monotonic()
    stopped = stage.centre.wayside("rollouts", "abort", "--all")
    taken_s = time.monotonic() - begin_s
    assert [each["name"] for each in stopped["rollouts"]] == [rollout]
    end_s = begin_s + PROMISE_S + TICK_S  # a stepper that goes on would have told somebody by then
    until("it would have gone on", lambda: time.monotonic() > end_s, PROMISE_S + TICK_S + 1)
    begins_s = [note["time_s"] for note in stage.notes(rollout) if note["event"] == "begin"]
    assert max(begins_s) < begin_s + PROMISE_S
    assert 0 < len(begins_s) < SITE_COUNT
    assert stage.ended(rollout, 15)["state"] == "STATE_ABORTED"
    with capsys.disabled():  # the figures
        sys.stdout.write(
            f"\nabort --all: done after {taken_s:.2f} s, last unit told at {max(begins_s) - begin_s:+.2f} s,"
            f" {len(begins_s)} of {SITE_COUNT} units told\n"
        )


def test_failures_in_the_first_wave_stop_the_second(stage: RoadStage) -> None:
    plan = "max_failure_count = 2\n[[waves]]\ncount = 3\n[[waves]]\npercent = 100\n"
    rollout = stage.apply(f"telemetry = {{ sample_period_s = {REVERTED_S} }}", plan=plan)
    ended = stage.ended(rollout, 120)
    assert ended["state"] == "STATE_FAILED", ended
    nodes = stage.centre.wayside("rollouts", "nodes", rollout)["nodes"]
    first = {node["node"].removeprefix("nodes/") for node in nodes if node["wave"] == 1}
    assert len(first) == 3
    assert set(stage.begun(rollout)) <= first
    drifts = {drift["node"]: drift for drift in stage.centre.wayside("config", "drift", "--all")["drifts"]}
    assert len(drifts) == SITE_COUNT  # they are what they were, and it is said why
    failed = [node["node"] for node in nodes if node["state"] == "STATE_FAILED"]
    assert {drifts[name]["cause"] for name in failed} == {"CAUSE_REVERTED"}
    assert {drifts[name]["message"] for name in failed} == {"this unit is made to take it back"}


def test_a_change_of_the_whole_fleet_needs_a_second_person(stage: RoadStage) -> None:
    stage.centre.wayside("policy", "set", "--four-eyes", "fleet-config", "--max-nodes", str(SITE_COUNT - 1))
    try:
        with pytest.raises(StoryError, match=f"reaches {SITE_COUNT} nodes and needs a second person"):
            stage.apply("telemetry = { sample_period_s = 6 }")
        assert stage.centre.wayside("rollouts", "abort", "--all")["rollouts"] == []
    finally:
        stage.centre.wayside("policy", "set", "--no-four-eyes")
