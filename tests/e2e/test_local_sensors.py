"""A cabinet sensor publishes on the unit's own broker; its values become readings of the unit."""

import json
import os
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pytest
from paho.mqtt import publish

from wayside_demo.field import FieldUnit
from wayside_demo.stage import Program, free_port, until

MOSQUITTO = shutil.which("mosquitto", path=f"{os.environ.get('PATH', '')}:/usr/sbin")


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


def test_json_and_msgpack_of_a_local_sensor_become_readings(unit: Callable[..., FieldUnit], broker_port: int) -> None:
    rsu = unit("rsu-cabinet", extra=f'sensors = [{{ driver = "mqtt", options = {{ port = {broker_port} }} }}]')
    rsu.configure("[config]\nreport_period_s = 1\n")
    rsu.until_online()

    def send(payload: bytes) -> bool:
        publish.single("wayside/sensors/cabinet", payload, qos=1, hostname="localhost", port=broker_port)
        return int(rsu.node().get("health", {}).get("feed", {}).get("accepted_count", 0)) >= 2

    payload = {"temperature": 61.5, "unit": {"temperature": "degC"}}
    until("JSON arrives", lambda: send(json.dumps(payload).encode()), 20)
    assert rsu.status()["readings"]["feed.cabinet.temperature"]["value"] == 61.5

    def has_humidity() -> bool:
        send(msgspec.msgpack.encode({"humidity": 88.0}))
        return "feed.cabinet.humidity" in rsu.status()["readings"]

    until("msgpack arrives", has_humidity, 20)
    publish.single("wayside/sensors/cabinet", b"\xff not a document", qos=1, hostname="localhost", port=broker_port)
    until("rubbish is counted", lambda: int(rsu.node()["health"]["feed"]["refused_count"]) == 1, 10)
    assert rsu.agent.is_running()


def test_what_a_camera_sees_is_on_the_air_and_its_silence_is_told(
    unit: Callable[..., FieldUnit], broker_port: int
) -> None:
    rsu = unit(
        "rsu-road",
        extra=f"""
[v2x.local_broker]
host = "localhost"
port = {broker_port}

[v2x.perception]
latitude_deg = 20.03
longitude_deg = 110.33
silent_s = 0.5
sensors = {{ camera = {{ source = "video" }} }}
""",
    )
    rsu.until_online()

    def is_said() -> bool:
        seen = {"tracking_id": 7, "class": "car", "latitude_deg": 20.0301, "longitude_deg": 110.33}
        document = {"time_ms": time.time_ns() // 1_000_000, "sensor_id": "camera", "objects": [seen]}
        publish.single("wayside/perception/camera", json.dumps(document), hostname="localhost", port=broker_port)
        now = rsu.status()["v2x"]["perception"]
        return bool(now["sent_messages"] and now["latency_s"]["object_to_air"]["count"])

    def is_told() -> bool:
        checks = {each["name"]: each["state"] for each in rsu.node()["health"]["checks"]}
        return checks.get("perception.camera") == "HEALTH_STATE_FAILED"

    until("the object is on the air", is_said, 20)
    until("the manager knows that the camera is silent", is_told, 20)
