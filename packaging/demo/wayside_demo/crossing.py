"""A crossing of the demo: its lights speak, a vehicle is warned of them, and a city's centre sees both."""

import json
import threading
from collections import Counter
from pathlib import Path
from typing import Any

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion
from rich.console import Console
from rich.table import Table

from wayside_demo.broker import plain_broker
from wayside_demo.centre import Centre
from wayside_demo.field import FieldUnit
from wayside_demo.recordings import Recordings
from wayside_demo.road_air import NODE, PHASE_ID, REGION, RoadAir, write_broadcasts, write_drive
from wayside_demo.stage import StoryError, free_port, until

RSU, OBU = "rsu-crossing", "obu-taxi"
WARNINGS = frozenset({"red-light", "hazard"})
WANTED_S = 60.0


class Crossing:
    """Two units more, and who watches them."""

    def __init__(self, work_dir: Path, log_dir: Path, centre: Centre, say: Console) -> None:
        self._folder = work_dir / "crossing"
        self._centre = centre
        self._say = say
        self._broker_port = free_port()
        self._broker = plain_broker(self._broker_port, work_dir=work_dir, log_dir=log_dir)
        self._foreign = ForeignClient()
        self._units: list[FieldUnit] = []
        self._air: RoadAir | None = None

    def show(self, recordings: Recordings) -> dict[str, Any]:
        """Lets them drive and speak; what a foreign MQTT client has seen of it."""
        self._folder.mkdir()
        write_drive(self._folder / "drive.nmea")
        write_broadcasts(self._folder / "crossing.jsonl")
        rsu_port, obu_port, signal_port = free_port(), free_port(), free_port()
        self._broker.start()
        until("the city's broker listens", lambda: self._foreign.has_connected(self._broker_port), 20)
        self._units = [
            FieldUnit(RSU, self._folder / RSU, self._centre, sensors=self._rsu(rsu_port, obu_port, signal_port)),
            FieldUnit(OBU, self._folder / OBU, self._centre, kind="obu", sensors=self._obu(obu_port, rsu_port)),
        ]
        for unit in self._units:
            if (enrolled := unit.enroll()).returncode:
                raise StoryError(f"{unit.node_id} was not enrolled: {enrolled.stderr.strip()[-300:]}")
        self._air = RoadAir(recordings.radio, recordings.controller, rsu_port=rsu_port, signal_port=signal_port)
        self._air.start()
        for unit in self._units:
            unit.until_online()
        until("the vehicle is warned of the red light and of the road works", self._is_warned, WANTED_S)
        until("the city sees the lights and a vehicle", self._is_seen, WANTED_S)
        self._tell()
        self.close()
        return {"warnings_shown": sorted(self._foreign.warnings), "city_messages": dict(self._foreign.from_platform)}

    def close(self) -> None:
        """Ends everything; more than once is well."""
        if self._air is not None:
            self._air.close()
        self._foreign.close()
        for unit in self._units:
            unit.agent.stop()
        self._broker.stop()

    def _is_warned(self) -> bool:
        return self._foreign.warnings.keys() >= WARNINGS

    def _is_seen(self) -> bool:
        return all(self._foreign.from_platform[name] for name in ("HB", "SPAT", "BSM"))

    def _tell(self) -> None:
        table = Table("warning", "distance", "in", "latency", "text", box=None)
        for kind, said in sorted(self._foreign.warnings.items()):
            distance, time_s, text = said.get("distance_m"), said.get("time_s"), said.get("text", {})
            table.add_row(
                kind,
                "" if distance is None else f"{distance:g} m",
                "" if time_s is None else f"{time_s:g} s",
                f"{1000 * said['latency_s']:.1f} ms",
                f"{text.get('en', '')} / {text.get('zh', '')}",
            )
        self._say.print(table)
        counts = ", ".join(f"{count} {name}" for name, count in sorted(self._foreign.from_platform.items()))
        self._say.print(f"  the city's centre (T/ITS 0117) got: {counts}")

    def _rsu(self, own_port: int, obu_port: int, signal_port: int) -> str:
        return f"""\
[gnss]
driver = "simulator"

{_radio(own_port, obu_port)}

[v2x]
broadcast_files = ["{self._folder / "crossing.jsonl"}"]

[v2x.signal]
controller = "127.0.0.1"
bind_host = "127.0.0.1"
bind_port = {signal_port}
region = {REGION}
node = {NODE}
phase_ids = {{ 4 = {PHASE_ID} }}
conflicts = [[2, 4], [4, 6]]

[v2x.platforms.city]
host = "localhost"
port = {self._broker_port}
tls = false
mqtt_version = "3.1.1"
heartbeat_period_s = 2
ttl_s = 10

[[v2x.platforms.city.up]]
kind = "SPAT"
limit_per_s = 2

[[v2x.platforms.city.up]]
kind = "BSM"
limit_per_s = 2
"""

    def _obu(self, own_port: int, rsu_port: int) -> str:
        return f"""\
[gnss]
driver = "replay"
options = {{ path = "{self._folder / "drive.nmea"}", loop = true }}

{_radio(own_port, rsu_port)}

[v2x.vehicle]

[v2x.warnings]
host = "localhost"
port = {self._broker_port}
"""


def _radio(own_port: int, other_port: int) -> str:
    return f"""\
[radio]
driver = "udp"
options = {{ bind_port = {own_port}, radio_host = "127.0.0.1", radio_port = {other_port}, layout = "dsmp" }}"""


class ForeignClient:
    """A client of another project (paho) at the city's broker, which is the vehicle's display, too."""

    def __init__(self) -> None:
        self._client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id="demo-city")
        self._connected = threading.Event()
        self.warnings: dict[str, dict[str, Any]] = {}
        """How the first of each kind began."""
        self.from_platform: Counter[str] = Counter()
        """By the first part of their names."""

    def has_connected(self, port: int) -> bool:
        """Connects; whether it has."""
        if not self._connected.is_set():
            self._client.on_connect = self._on_connect
            self._client.on_message = self._on_message
            try:
                self._client.connect("localhost", port)
            except OSError:
                return False
            self._client.loop_start()
        return self._connected.wait(5)

    def close(self) -> None:
        """Ends the connection."""
        self._client.disconnect()
        self._client.loop_stop()

    def _on_connect(self, client: mqtt.Client, *_: object) -> None:
        client.subscribe("#")
        self._connected.set()

    def _on_message(self, _client: mqtt.Client, _data: object, message: mqtt.MQTTMessage) -> None:
        parts = message.topic.split("/")
        if parts[:2] == ["V2X", "RSU"]:
            self.from_platform[parts[3]] += 1
            return
        try:
            said = json.loads(message.payload)
        except ValueError:
            return
        if isinstance(said, dict) and said.get("action") == "begin":
            self.warnings.setdefault(str(said["kind"]), said)
