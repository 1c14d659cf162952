"""Ways into the fleet with real processes: an operator's approval, a registration, and another unit's place."""

import json
import subprocess
from pathlib import Path
from typing import Any

from tests.e2e.trust_stage import FAST, MakeUnit, until_connected, until_reports
from wayside_demo.centre import Centre
from wayside_demo.field import FieldUnit
from wayside_demo.stage import BIN, until

PENDING = 3  # exit status of `wayside-agent enroll --no-wait`


def asked(unit: FieldUnit, *options: str) -> "subprocess.CompletedProcess[str]":
    """Enrols without a token."""
    return unit.command("enroll", "--ca-file", str(unit.centre.data / "operator" / "ca.pem"), *options)


def shown(centre: Centre, node_id: str) -> dict[str, Any]:
    return centre.wayside("nodes", "show", node_id)


def key_of(unit: FieldUnit) -> dict[str, str]:
    printed: dict[str, str] = json.loads(unit.command("key", "show", "--json").stdout)
    return printed


def test_an_unknown_unit_is_refused_until_the_policy_lets_it_ask_and_an_operator_admits_it(
    unit: MakeUnit, centre: Centre
) -> None:
    rsu = unit("rsu-unknown", enrolled=False)
    refused = asked(rsu, "--no-wait")
    assert refused.returncode == 1
    assert "takes no unknown units" in refused.stderr
    centre.wayside("policy", "set", "--accept-unknown")
    waiting = asked(rsu, "--no-wait")
    assert waiting.returncode == PENDING
    assert rsu.command("run").returncode == 1
    (request,) = centre.wayside("nodes", "waiting")["enrollment_requests"]
    assert request["key_sha256"] == key_of(rsu)["key_sha256"]
    centre.wayside("nodes", "admit", request["name"], "--as", "rsu-known")
    enrolled = asked(rsu)
    assert enrolled.stdout == "enrolled as nodes/rsu-known\n"
    rsu.agent.start()
    until_connected(rsu)
    assert shown(centre, "rsu-known")["esn"] == "ESN-rsu-unknown"
    assert not centre.wayside("nodes", "waiting")["enrollment_requests"]


def test_a_registered_unit_needs_no_token_and_nobody_else_gets_its_place(
    unit: MakeUnit, centre: Centre, tmp_path: Path
) -> None:
    rsu, other = unit("rsu-registered", enrolled=False), unit("rsu-other", enrolled=False)
    body = "".join(key_of(rsu)["public_key_pem"].splitlines()[1:-1])
    rows = tmp_path / "units.csv"
    (tmp_path / "k12.json").write_text('{"name": "k12"}')
    centre.wayside("sites", "apply", "-f", str(tmp_path / "k12.json"), "--tenant", "root")
    rows.write_text(
        f"node_id,esn,kind,public_key,site\nrsu-registered,ESN-rsu-registered,rsu,{body},k12\nbad,,rsu,x,\n"
    )
    imported = subprocess.run(
        [str(BIN / "wayside"), "nodes", "import", str(rows), "--output", "json"],
        env=centre.environment,
        capture_output=True,
        text=True,
        check=False,
    )
    outcomes = [each["outcome"] for each in json.loads(imported.stdout)["results"]]
    assert outcomes == ["OUTCOME_CREATED", "OUTCOME_REFUSED"]

    other.settings.write_text(rsu.settings.read_text())
    stolen = asked(other)
    assert stolen.returncode == 1
    assert "registered with another key" in stolen.stderr
    assert asked(rsu).stdout == "enrolled as nodes/rsu-registered\n"
    rsu.until_online()
    assert shown(centre, "rsu-registered")["site"] == "sites/k12"


def test_a_replacement_inherits_and_the_old_unit_is_out(unit: MakeUnit, centre: Centre, tmp_path: Path) -> None:
    old = unit("rsu-place")
    (tmp_path / "k12.json").write_text('{"name": "k12"}')
    centre.wayside("sites", "apply", "-f", str(tmp_path / "k12.json"), "--tenant", "root")
    centre.wayside("nodes", "update", "rsu-place", "--site", "k12", "--label", "lane=3")
    old.configure(FAST)
    old.until_online()
    old.until_config("OUTCOME_APPLIED", 1)

    new = FieldUnit("rsu-place", tmp_path / "replacement", centre)
    new.settings.write_text(new.settings.read_text().replace("ESN-rsu-place", "ESN-2"))
    unbound = new.enroll()
    assert unbound.returncode == 1
    assert "use a token bound to it" in unbound.stderr
    bound = new.enroll(centre.wayside("nodes", "token", "--node", "rsu-place")["token"])
    assert bound.returncode == 0, bound.stderr
    until("the old unit is out", lambda: not old.status()["is_manager_reached"], 10)
    new.agent.start()
    try:
        until_connected(new)
        until("it has the old one's configuration", lambda: new.status().get("config_revision", 0) >= 1, 20)
        until_reports(new)
        node = shown(centre, "rsu-place")
        assert (node["site"], node["esn"]) == ("sites/k12", "ESN-2")
        assert node["labels"] == [{"key": "lane", "value": "3"}]
        assert not old.status()["is_manager_reached"]
        assert int(node["lost_report_count"]) == 0
    finally:
        new.agent.stop()
