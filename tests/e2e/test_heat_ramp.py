"""A cabinet heats up and cools down: limits are passed, loads shed and taken up, an alarm is told and cleared."""

import json
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from paho.mqtt import publish

from wayside_demo.centre import Centre
from wayside_demo.field import FieldUnit
from wayside_demo.stage import Program, free_port, until

MOSQUITTO = shutil.which("mosquitto", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
CONFIG = """\
[config]
report_period_s = 1
[config.health.readings]
temperature_celsius = "feed.cabinet.temperature"
[config.derating]
order = ["telemetry", "decode"]
settle_s = 1
[config.derating.rules.hot]
temperature_above_celsius = 60
hold_s = 0
"""
POLICY = {"rules": [{"kind": "environment.temperature", "raise_after": "1s", "clear_after": "1s"}]}
CHECK = "environment.temperature"


@pytest.fixture
def broker_port(tmp_path: Path) -> Iterator[int]:
    """A plain broker on loopback, as it runs on a unit."""
    if MOSQUITTO is None:
        pytest.skip("needs mosquitto: install it, or run `make test` as root")
    port = free_port()
    config = tmp_path / "mosquitto.conf"
    config.write_text(f"listener {port} localhost\nallow_anonymous true\npersistence false\n")
    broker = Program("mosquitto", [MOSQUITTO, "-c", str(config)], tmp_path)
    broker.start()
    yield port
    broker.stop()


def state(unit: FieldUnit) -> str:
    """What the newest report says of the cabinet."""
    checks = unit.node().get("health", {}).get("checks", [])
    return next((str(each["state"]) for each in checks if each["name"] == CHECK), "")


def shed(unit: FieldUnit) -> list[str]:
    return [str(load) for load in unit.node().get("health", {}).get("shed_loads", [])]


def alarms(centre: Centre, *options: str) -> list[dict[str, Any]]:
    found = centre.wayside("alarms", "list", *options)["alarms"]
    return [alarm for alarm in found if alarm["kind"] == CHECK]


def test_a_cabinet_that_heats_up_and_cools_down_is_told_unloaded_and_taken_up_again(
    centre: Centre, unit: Callable[..., FieldUnit], broker_port: int, tmp_path: Path
) -> None:
    (tmp_path / "policy.json").write_text(json.dumps(POLICY))
    centre.wayside("alarms", "apply-policy", "-f", str(tmp_path / "policy.json"))
    rsu = unit("rsu-heat", extra=f'sensors = [{{ driver = "mqtt", options = {{ port = {broker_port} }} }}]')
    rsu.configure(CONFIG)
    rsu.until_online()
    rsu.until_config("OUTCOME_APPLIED", 1)

    def at(celsius: float, wanted: str, loads: list[str]) -> Callable[[], bool]:
        def holds() -> bool:
            payload = json.dumps({"temperature": celsius, "unit": {"temperature": "degC"}})
            publish.single("wayside/sensors/cabinet", payload, qos=1, hostname="localhost", port=broker_port)
            return (state(rsu), shed(rsu)) == (f"HEALTH_STATE_{wanted}", loads)

        return holds

    both = ["telemetry", "decode"]
    for celsius, wanted, loads in (
        (25.0, "OK", []),
        (59.0, "OK", []),
        (61.0, "OK", both),
        (66.0, "DEGRADED", both),
        (76.0, "FAILED", both),
    ):
        until(f"{celsius} degree Celsius is {wanted}, without {loads}", at(celsius, wanted, loads), 30)
    until("it is an alarm", lambda: [each["severity"] for each in alarms(centre)] == ["SEVERITY_MAJOR"], 30)
    assert "76 degree Celsius is above 75" in alarms(centre)[0]["message"]

    for celsius, wanted, loads in ((74.0, "FAILED", both), (64.0, "DEGRADED", both), (50.0, "OK", [])):
        until(f"{celsius} degree Celsius is {wanted}, without {loads}", at(celsius, wanted, loads), 30)
    until("the alarm is over", lambda: alarms(centre) == [], 30)
    assert [each["state"] for each in alarms(centre, "--cleared")] == ["STATE_CLEARED"]
    assert int(rsu.node().get("lost_report_count", 0)) == 0
    events = centre.wayside("events", "list", "--node", "rsu-heat", "--event", "alarm.*", "--count", "200")["events"]
    told = [each["kind"] for each in events if each["details"]["alarm_kind"] == CHECK]
    assert told == ["alarm.raised", "alarm.cleared"]
