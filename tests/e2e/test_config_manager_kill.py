"""kill -9 of the manager at every step of a trial it has written: both sides agree afterwards. And changes by hand."""

import asyncio
import signal
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from typing import Any

import pytest

from wayside.node_config import canonical
from wayside_agent.drivers.config_file import ConfigFile
from wayside_demo.centre import Centre
from wayside_demo.field import FieldUnit
from wayside_demo.stage import until

REPORT_PERIOD_S = 2
SLACK_S = 10.0  # of the command line and this machine
HELD = 'needs_confirmation = true\ntrial_timeout = "3m"\n'


@pytest.fixture(scope="module")
def rsu(centre: Centre, tmp_path_factory: pytest.TempPathFactory) -> Iterator[FieldUnit]:
    """A live unit that runs its first configuration."""
    made = FieldUnit("rsu-steps", tmp_path_factory.mktemp("unit") / "rsu-steps", centre)
    made.enroll()
    made.configure(config(10))
    made.until_online()
    made.until_config("OUTCOME_APPLIED", 1, 120)
    yield made
    made.agent.stop()


def config(sample_period_s: int) -> str:
    return f"[config]\nreport_period_s = {REPORT_PERIOD_S}\n[config.telemetry]\nsample_period_s = {sample_period_s}\n"


def written(centre: Centre, rollout: str) -> tuple[str, str]:
    """State and phase of the only node of a rollout, as they are in the database."""
    with closing(sqlite3.connect(f"file:{centre.data / 'manager.db'}?mode=ro", uri=True)) as database:
        query = "SELECT state, phase FROM rollout_nodes WHERE rollout_id = ?"
        row: tuple[str, str] = database.execute(query, [rollout.removeprefix("rollouts/")]).fetchone()
        return row


def killed_when(centre: Centre, rollout: str, *steps: str) -> None:
    """Kills the manager as soon as it has written one of these states or phases, and starts it again."""
    deadline_s = time.monotonic() + 60
    while not set(written(centre, rollout)) & set(steps):
        assert time.monotonic() < deadline_s, (steps, written(centre, rollout))
    centre.manager.stop(signal.SIGKILL)
    centre.watch.stop()
    centre.start_manager()


def drifts(rsu: FieldUnit) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = rsu.centre.wayside("config", "drift", "--node", rsu.node_id)["drifts"]
    return found


@pytest.mark.parametrize(
    ("decision", "last", "state"),
    [("confirm", "succeeded", "STATE_SUCCEEDED"), ("cancel", "rolled_back", "STATE_FAILED")],
    ids=["kept", "taken back"],
)
def test_a_manager_killed_at_every_step_of_a_trial_agrees_with_the_unit_afterwards(
    rsu: FieldUnit, centre: Centre, decision: str, last: str, state: str
) -> None:
    before = rsu.status()["config"]["running_revision"]
    rollout = rsu.configure(config(20 if decision == "confirm" else 30), plan=HELD)["rollout"]
    killed_when(centre, rollout, "in_flight")
    killed_when(centre, rollout, "provisional")
    centre.wayside("config", decision, rsu.node_id, "--trial", rollout)
    killed_when(centre, rollout, last)

    until("the rollout ends", lambda: centre.wayside("rollouts", "show", rollout)["state"] == state, 60)
    until("the unit has nothing on trial", lambda: not rsu.status()["config"]["trial"], 20)
    running = rsu.status()["config"]["running_revision"]
    if state == "STATE_SUCCEEDED":
        assert running > before
        until("nothing drifts", lambda: not drifts(rsu), 20)
    else:
        assert running == before
        until("it is said why", lambda: [each["cause"] for each in drifts(rsu)] == ["CAUSE_REVERTED"], 20)
        assert drifts(rsu)[0]["message"]
    assert int(rsu.node()["lost_report_count"]) == 0


def test_a_configuration_changed_by_hand_on_the_unit_is_listed_within_a_report_period(rsu: FieldUnit) -> None:
    rsu.configure(config(40))
    until("nothing drifts", lambda: not drifts(rsu), 120)
    rsu.agent.stop()
    file = ConfigFile(rsu.folder / "state" / "configuration.state")
    state = file.load()
    assert state is not None
    by_hand = canonical({"report_period_s": REPORT_PERIOD_S, "telemetry": {"sample_period_s": 99}})
    asyncio.run(file.save(replace(state, committed=replace(state.committed, content=by_hand))))
    rsu.agent.start()
    until("it is back", lambda: rsu.status().get("is_manager_reached") is True, 20)
    until("it drifts", lambda: bool(drifts(rsu)), REPORT_PERIOD_S + SLACK_S)
    (drift,) = drifts(rsu)
    assert drift["cause"] == "CAUSE_CHANGED"
    assert [(each["path"], each["before"], each["after"]) for each in drift["values"]] == [
        ("telemetry.sample_period_s", 99, 40)
    ]
