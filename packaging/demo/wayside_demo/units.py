"""The two units of the demo: their settings files, and the releases they will be told to run."""

from dataclasses import dataclass
from pathlib import Path

from wayside_demo.recordings import Recordings
from wayside_demo.stage import BIN, Program, run


@dataclass(frozen=True, slots=True)
class Unit:
    """One unit: a folder with its settings and state, and its agent."""

    node_id: str
    settings: Path
    agent: Program

    def status(self) -> str:
        """What the running agent says of itself, JSON."""
        return run([str(BIN / "wayside-agent"), "status", "--json", "--settings", str(self.settings)])


def unit(node_id: str, work_dir: Path, log_dir: Path, recordings: Recordings, *, addresses: tuple[str, str]) -> Unit:
    """An RSU or OBU (by the first letters of its id), with its settings written and nothing started."""
    folder = work_dir / node_id
    folder.mkdir()
    settings = folder / "agent.toml"
    settings.write_text(_settings(node_id, recordings, addresses))
    command = [str(BIN / "wayside-agent"), "run", "--settings", str(settings)]
    return Unit(node_id, settings, Program(node_id, command, log_dir, restart=True))


def _settings(node_id: str, recordings: Recordings, addresses: tuple[str, str]) -> str:
    is_rsu = node_id.startswith("rsu")
    can, nmea = (recordings.rsu_can, recordings.rsu_nmea) if is_rsu else (recordings.obu_can, recordings.obu_nmea)
    device_address, enrollment_address = addresses
    return f"""\
state_dir = "state"
database_dir = "{recordings.obu_database.parent}"

[node]
id = "{node_id}"
esn = "DEMO-{node_id.upper()}"
kind = "{"rsu" if is_rsu else "obu"}"

[manager]
device_address = "{device_address}"
enrollment_address = "{enrollment_address}"
reconnect_cap_s = 5.0

[[can]]
name = "{"cabinet" if is_rsu else "body"}"
driver = "replay"
options = {{ path = "{can}", loop = true }}

[gnss]
driver = "replay"
options = {{ path = "{nmea}", loop = true, speed = 4.0 }}

[radio]
driver = "replay"
options = {{ path = "{recordings.radio}", period_s = 0.5, loop = true }}
"""


def demo_layer(broker_port: int, *, publish_period_s: float, max_download_bytes_per_s: int) -> str:
    """A configuration layer for every node, TOML."""
    return f"""\
name = "configLayers/demo"
priority = 100

[selector]
all_nodes = true

[config]
report_period_s = 1

[config.telemetry]
broker_host = "localhost"
broker_port = {broker_port}
publish_period_s = {publish_period_s}
sample_period_s = 0.5

[config.update]
max_download_bytes_per_s = {max_download_bytes_per_s}
health_gate_timeout_s = 12
"""


def obu_layer(database_name: str) -> str:
    """A configuration layer for the OBUs, TOML: what to decode on their bus."""
    return f"""\
name = "configLayers/obu-can"
priority = 200

[selector]
kinds = ["obu"]

[config.can.buses.body]
database_name = "{database_name}"

[config.update]
max_speed_mps = 100  # the recording drives for ever; a real vehicle stands still to be updated
"""
