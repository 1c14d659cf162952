"""Jobs of a real agent under a real manager: whoever dies in between, each ends with one outcome and begins once."""

import asyncio
import json
import signal
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.link.conftest import Mosquitto, mosquitto
from tests.link.platform_centre import centre as platform
from wayside_demo.centre import Centre
from wayside_demo.field import FieldUnit
from wayside_demo.stage import until

__all__ = ["mosquitto"]

FAST = "[config]\nreport_period_s = 1\n"
ENDED = frozenset({"SUCCEEDED", "FAILED", "CANCELLED", "EXPIRED", "REFUSED", "LOST"})

PLATFORM = """\
[v2x.platforms.city]
host = "127.0.0.1"
port = {port}
tls = false
allow = ["query", "reboot"]
up = [{{ kind = "BSM" }}]

[jobs]
reboot_command = ["/bin/sh", "-c", "echo begun >> {folder}/begun"]
"""


def settings(folder: Path) -> str:
    """What the unit allows: a diagnostic that notes that it began, and goes on until it may end."""
    script = f"echo begun >> {folder}/begun; while [ ! -e {folder}/go ]; do sleep 0.1; done; echo done"
    return f"jobs = {{ diagnostics = {{ wait = {json.dumps(['/bin/sh', '-c', script])} }} }}"


def job(centre: Centre, name: str) -> dict[str, Any]:
    return centre.wayside("jobs", "show", name)


def state(centre: Centre, name: str) -> str:
    return str(job(centre, name)["state"]).removeprefix("STATE_")


def ended(centre: Centre, name: str) -> bool:
    return state(centre, name) in ENDED


def outcomes(centre: Centre, name: str) -> int:
    """How often the end of a job was written."""
    found = centre.wayside("events", "list", "--event", "job.ended", "--count", "1000")["events"]
    return sum(event["subject"] == f"jobs/{name}" for event in found)


@pytest.fixture
def rsu(unit: Callable[..., FieldUnit], tmp_path: Path, request: pytest.FixtureRequest) -> FieldUnit:
    """A unit that is online and allows the diagnostic `wait`."""
    made = unit(
        f"rsu-{request.node.name.removeprefix('test_')[:20].replace('_', '-').strip('-')}", extra=settings(tmp_path)
    )
    made.configure(FAST)
    made.until_online()
    return made


def began(folder: Path) -> int:
    """How often the diagnostic began."""
    path = folder / "begun"
    return len(path.read_text().splitlines()) if path.exists() else 0


def test_a_debug_bundle_comes_whole_and_without_secrets(centre: Centre, rsu: FieldUnit, tmp_path: Path) -> None:
    shown = centre.printed("jobs", "run", rsu.node_id, "debug-bundle", "--into", str(tmp_path / "bundle"))
    assert "succeeded" in shown
    (bundle,) = (tmp_path / "bundle").glob("*.tar.gz")
    with tarfile.open(bundle) as archive:
        names = archive.getnames()
        content = b"".join(file.read() for name in names if (file := archive.extractfile(name)) is not None)
    assert any("status" in name for name in names)
    key = next((rsu.folder / "state").rglob("*.key*"), None) or next((rsu.folder / "state").rglob("*key*"))
    assert b"PRIVATE KEY" not in content
    assert key.read_bytes() not in content


def test_killed_agent_fails_the_job_once_and_never_begins_it_again(
    centre: Centre, rsu: FieldUnit, tmp_path: Path
) -> None:
    centre.wayside("jobs", "run", rsu.node_id, "diagnostic", "diagnostic=wait", "--id", "j-agent-killed")
    until("it begins", lambda: began(tmp_path) == 1, 30)
    rsu.agent.kill(signal.SIGKILL)
    (tmp_path / "go").touch()
    until("it has an outcome", lambda: ended(centre, "j-agent-killed"), 60)
    found = job(centre, "j-agent-killed")
    assert (found["state"], "interrupted" in found["message"]) == ("STATE_FAILED", True)
    assert (began(tmp_path), outcomes(centre, "j-agent-killed")) == (1, 1)


def test_killed_manager_hears_the_outcome_when_it_is_back(centre: Centre, rsu: FieldUnit, tmp_path: Path) -> None:
    centre.wayside("jobs", "run", rsu.node_id, "diagnostic", "diagnostic=wait", "--id", "j-manager-killed")
    until("it begins", lambda: began(tmp_path) == 1, 30)
    centre.watch.stop()
    centre.manager.stop(signal.SIGKILL)
    (tmp_path / "go").touch()  # it ends while nobody listens
    until("the unit notices", lambda: not rsu.status()["is_manager_reached"], 30)
    centre.start_manager()
    until("it has an outcome", lambda: ended(centre, "j-manager-killed"), 60)
    assert state(centre, "j-manager-killed") == "SUCCEEDED"
    assert (began(tmp_path), outcomes(centre, "j-manager-killed")) == (1, 1)


def test_restart_of_the_agent_is_done_when_it_is_back(centre: Centre, rsu: FieldUnit) -> None:
    shown = centre.printed("jobs", "run", rsu.node_id, "restart-service", "--id", "j-restart", "--wait")
    assert "succeeded" in shown
    assert outcomes(centre, "j-restart") == 1


def test_an_away_unit_does_its_job_later_or_never(centre: Centre, rsu: FieldUnit) -> None:
    rsu.agent.stop()
    centre.wayside("jobs", "run", rsu.node_id, "self-test", "--id", "j-late", "--ttl", "1h")
    centre.wayside("jobs", "run", rsu.node_id, "self-test", "--id", "j-never", "--ttl", "10s")
    until("time ends it", lambda: state(centre, "j-never") == "EXPIRED", 40)
    assert state(centre, "j-late") == "QUEUED"
    rsu.agent.start()
    until("it is done", lambda: ended(centre, "j-late"), 60)
    assert (state(centre, "j-never"), outcomes(centre, "j-never"), outcomes(centre, "j-late")) == ("EXPIRED", 1, 1)


def test_the_kill_switch_stops_what_is_under_way(centre: Centre, rsu: FieldUnit, tmp_path: Path) -> None:
    centre.wayside("jobs", "run", rsu.node_id, "diagnostic", "diagnostic=wait", "--id", "j-stopped")
    until("it begins", lambda: began(tmp_path) == 1, 30)
    stopped = centre.wayside("stop", "--reason", "a test", "--yes")
    assert int(stopped["job_count"]) >= 1
    until("it ends", lambda: ended(centre, "j-stopped"), 30)
    assert (state(centre, "j-stopped"), outcomes(centre, "j-stopped")) == ("CANCELLED", 1)


def test_a_restart_that_a_platform_asks_for_happens_once(
    unit: Callable[..., FieldUnit], mosquitto: Mosquitto, tmp_path: Path
) -> None:
    made = unit("rsu-bridge", extra=PLATFORM.format(port=mosquitto.port, folder=tmp_path))
    made.until_online()
    asyncio.run(asked(mosquitto))
    until("the unit's job has begun", lambda: began(tmp_path) == 1, 20)
    made.agent.stop()
    made.until_online()
    asyncio.run(asked(mosquitto))
    said = made.status()
    bridge = said["v2x"]["platforms"]["city"]
    assert (bridge["is_reached"], bridge["refused_count"], bridge["foreign_count"]) == (True, 1, 0)
    assert said["readings"]["v2x.platform.city.reached"]["value"] == 1.0
    assert began(tmp_path) == 1

    def events() -> list[str]:
        found = made.centre.wayside("events", "list", "--event", "node.asked", "--count", "100")["events"]
        return [event["message"] for event in found if event["subject"] == "nodes/rsu-bridge"]

    until("the manager has heard", lambda: len(events()) > 0, 20)
    assert "interrupted: the agent was started again meanwhile" in events()[0]


async def asked(broker: Mosquitto) -> None:
    """A platform asks the unit who it is, for an update, and to restart."""
    async with platform(broker, "V2X/RSU/ESN-rsu-bridge") as city:
        await city.raw("BSM/UP")
        await city.says("INFOQuery", {"seqNum": 5})
        answer = await city.hears("INFOQuery/Response", seqNum=5, errorCode=0)
        assert answer["info"]["version"]
        assert answer["runningInfo"]["mem"]["total"] > answer["runningInfo"]["mem"]["used"] > 0
        await city.says("OTA/DOWN", {"seqNum": 6, "url": "http://platform.example/rsu.bin"})
        assert (await city.hears("OTA/DOWN/ACK", seqNum=6, errorCode=1))["errorDesc"].startswith("MANAGER_ONLY: ")
        await city.says("MNG/DOWN", {"reboot": 1, "seqNum": 7, "ack": True})
        await city.hears("MNG/DOWN/ACK", seqNum=7, errorCode=0)
