"""A unit and its manager as real processes: what an operator does and what goes wrong on the road."""

import signal
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from wayside_demo.centre import Centre
from wayside_demo.field import FieldUnit
from wayside_demo.recordings import SHIPPED
from wayside_demo.stage import until

MakeUnit = Callable[..., FieldUnit]
FAST = "[config]\nreport_period_s = 1\n"


def _received(unit: FieldUnit) -> int:
    return int(unit.node().get("health", {}).get("can_buses", [{"frame_count": 0}])[0]["frame_count"])


def _has_reported_since(unit: FieldUnit, time: str) -> bool:
    return bool(unit.node()["last_report_time"] != time)


def test_a_unit_reports_what_it_senses(unit: MakeUnit) -> None:
    rsu = unit("rsu-senses")
    rsu.configure(FAST)
    rsu.until_online()
    until("frames are reported", lambda: _received(rsu) > 0, 20)
    health = rsu.node()["health"]
    assert health["gnss"]["mode"] == "FIX_MODE_3D"
    assert health["radio"]["received"][0]["kind"] == "V2X_MESSAGE_KIND_BSM"
    status = rsu.status()
    assert status["is_running"]
    assert status["readings"]["gnss.latitude"]["unit"] == "deg"


def test_signals_are_decoded_by_the_named_database(unit: MakeUnit) -> None:
    rsu = unit("rsu-decodes")
    (rsu.folder / "dbc" / "sim.dbc").write_bytes((SHIPPED / "sim.dbc").read_bytes())
    changed = rsu.configure(FAST + '[config.can.buses.body]\ndatabase_name = "sim.dbc"\n')
    assert changed["changed_nodes"] == ["nodes/rsu-decodes"]
    rsu.until_online()
    rsu.until_config("OUTCOME_APPLIED", 1)
    until("values are decoded", lambda: any(name.startswith("can.body.") for name in rsu.status()["readings"]), 20)


def test_a_config_for_a_bus_that_does_not_exist_is_refused_and_the_old_one_runs(unit: MakeUnit) -> None:
    rsu = unit("rsu-no-bus")
    rsu.configure(FAST)
    rsu.until_online()
    rsu.until_config("OUTCOME_APPLIED", 1)
    rollout = rsu.configure(FAST + "[config.can.buses.gear]\n")["rollout"]
    report = rsu.until_word(rollout, "OUTCOME_REJECTED")
    assert "this unit has no CAN bus 'gear'; its settings name: body" in report["message"]
    assert int(report["running_revision"]) == 1


def test_a_database_that_does_not_parse_is_refused(unit: MakeUnit) -> None:
    rsu = unit("rsu-bad-dbc")
    (rsu.folder / "dbc" / "bad.dbc").write_text("BO_ this is no DBC\n")
    rollout = rsu.configure(FAST + '[config.can.buses.body]\ndatabase_name = "bad.dbc"\n')["rollout"]
    rsu.until_online()
    report = rsu.until_word(rollout, "OUTCOME_REJECTED")
    assert "bad.dbc" in report["message"]
    assert int(report["running_revision"]) == 0


def test_a_database_that_is_not_there_is_named(unit: MakeUnit) -> None:
    rsu = unit("rsu-no-dbc")
    rollout = rsu.configure(FAST + '[config.can.buses.body]\ndatabase_name = "absent.dbc"\n')["rollout"]
    rsu.until_online()
    assert "absent.dbc" in rsu.until_word(rollout, "OUTCOME_REJECTED")["message"]


def test_kills_lose_no_report(unit: MakeUnit) -> None:
    rsu = unit("rsu-killed")
    rsu.configure(FAST)
    rsu.until_online()
    for _ in range(8):
        rsu.agent.kill(signal.SIGKILL)
        until("it reports again", partial(_has_reported_since, rsu, rsu.node()["last_report_time"]), 20)
    assert int(rsu.node()["lost_report_count"]) == 0


def test_a_corrupted_state_file_costs_only_itself(unit: MakeUnit) -> None:
    rsu = unit("rsu-corrupt")
    rsu.configure(FAST)
    rsu.until_online()
    rsu.until_config("OUTCOME_APPLIED", 1)
    rsu.agent.stop()
    state = rsu.folder / "state" / "configuration.state"
    state.write_bytes(b"\x00" * 40)
    rsu.until_online()
    until("it fetches its configuration again", lambda: rsu.status().get("config_revision") == 1, 20)
    assert list(state.parent.glob("configuration.state.corrupt-*"))
    assert "corrupt" in rsu.agent.words()


def test_a_second_agent_on_one_state_is_refused(unit: MakeUnit) -> None:
    rsu = unit("rsu-twice")
    rsu.until_online()
    second = rsu.command("run")
    assert second.returncode == 1
    assert "another" in second.stderr
    assert "Traceback" not in second.stderr


def test_a_retired_unit_does_not_come_back(unit: MakeUnit, centre: Centre) -> None:
    rsu = unit("rsu-retired")
    rsu.configure(FAST)
    rsu.until_online()
    centre.wayside("nodes", "retire", "rsu-retired", "--yes")
    until("the unit hears that it is retired", lambda: "retired" in rsu.agent.words(), 20)
    assert not rsu.status()["is_manager_reached"]
    assert rsu.agent.is_running()


def test_a_wrong_token_is_refused_with_one_sentence(unit: MakeUnit) -> None:
    refused = unit("rsu-wrong-token", enrolled=False).enroll("wse_not-a-token")
    assert refused.returncode == 1
    assert "token" in refused.stderr
    assert refused.stderr.count("\n") == 1


def test_a_manager_of_another_authority_is_refused(unit: MakeUnit, tmp_path: Path) -> None:
    from wayside_demo.stage import BIN, run

    run([str(BIN / "wayside-manager"), "init", str(tmp_path / "other")])
    refused = unit("rsu-wrong-ca", enrolled=False).enroll(ca_file=tmp_path / "other" / "operator" / "ca.pem")
    assert refused.returncode == 1
    assert refused.stderr.count("\n") == 1
    assert "authorities in use do not vouch for" in refused.stderr


def test_a_unit_that_is_not_enrolled_says_what_to_do(unit: MakeUnit) -> None:
    refused = unit("rsu-stranger", enrolled=False).command("run")
    assert refused.returncode == 1
    assert "run `wayside-agent enroll`" in refused.stderr


def test_malformed_settings_are_placed(unit: MakeUnit) -> None:
    rsu = unit("rsu-typo", enrolled=False, extra='colour = "red"')
    refused = rsu.command("run")
    assert refused.returncode == 2
    assert "agent.toml: line 3: field colour: " in refused.stderr
    assert rsu.command("status", "--json").returncode == 2


@pytest.mark.parametrize("drive", ["check", "status"])
def test_commands_work_without_a_running_agent(unit: MakeUnit, drive: str) -> None:
    rsu = unit(f"rsu-{drive}")
    done = rsu.command(drive)
    assert "Traceback" not in done.stderr
    assert done.returncode == (0 if drive == "check" else 1)


def test_a_spool_the_disk_no_longer_gives_is_set_aside(unit: MakeUnit) -> None:
    rsu = unit("rsu-bad-block")
    rsu.configure(FAST)
    rsu.until_online()
    rsu.agent.stop()
    spool = rsu.folder / "state" / "spool" / "reports"
    segment = min(spool.glob("*.seg"))
    segment.unlink()
    segment.mkdir()  # reading it fails as a bad block would: with an error of the operating system
    rsu.agent.start()
    until("it reports with a new spool", lambda: "a new spool begins" in rsu.agent.words(), 20)
    before = rsu.node()["last_report_time"]
    until("it reports again", partial(_has_reported_since, rsu, before), 20)
    assert list(spool.parent.glob("reports.faulty-*"))
