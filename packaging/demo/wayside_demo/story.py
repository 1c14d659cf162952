"""The story the demo tells, step by step. What was seen is in `seen`; a step that does not happen raises StoryError."""

import json
import signal
import time
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from wayside_demo.centre import Centre
from wayside_demo.configuring import Configuring
from wayside_demo.crossing import WARNINGS, Crossing
from wayside_demo.dropping_link import DroppingLink
from wayside_demo.fleet import Fleet
from wayside_demo.operating import Operating
from wayside_demo.recordings import found
from wayside_demo.stage import BIN, Program, run, until
from wayside_demo.units import Unit, demo_layer, obu_layer, unit
from wayside_demo.updating import BAD_VERSION, DELTA_VERSION, GOOD_VERSION, Updating
from wayside_demo.witness import TelemetryWitness

OUTAGE_S = 20.0
SLOW_BYTES_PER_S = 3_000_000  # slow enough to be caught in the middle of a download
RSU, OBU = "rsu-g98-k12", "obu-0001"
NODES = (RSU, OBU)
LIVE_SIGNALS = ("EngineSpeed", "latitude", "longitude", "speed", "satellite_count", "spat_count", "bsm_count")
LIVE_S = 3.0
CUT_OFF_TIMEOUT_S = 30.0  # 5 s is what it takes; a busy machine may stretch it
PENDING_STATUS = 3  # of `wayside-agent enroll --no-wait`: an operator must decide


class Story:
    """The main job, end to end."""

    def __init__(self, work_dir: Path, say: Console) -> None:
        self.work_dir = work_dir
        self.log_dir = work_dir / "logs"
        self.log_dir.mkdir()
        self.say = say
        self.seen: dict[str, Any] = {"ok": False}
        self.units: dict[str, Unit] = {}
        self.centre = Centre(work_dir, self.log_dir)
        self.line = DroppingLink(self.centre.addresses[0])
        self.fleet = Fleet(self.centre)
        self.configuring = Configuring(work_dir, self.log_dir, self.centre, self.fleet, say)
        self.operating = Operating(work_dir, self.centre, say)
        self.updating = Updating(work_dir, self.fleet, NODES, people=self.centre.people, say=say)
        self.crossing = Crossing(work_dir, self.log_dir, self.centre, say)
        self.witness = TelemetryWitness()

    def steps(self) -> tuple[tuple[str, Callable[[], None]], ...]:
        """Every step and its title, in order."""
        return (
            ("Recordings", self.choose_recordings),
            ("A manager and a broker", self.start_centre),
            ("An RSU enrols with a token, an unknown OBU is let in by an operator", self.enrol),
            ("Live values", self.show_live),
            ("A configuration change", self.change_config),
            ("A bad configuration takes itself back", self.break_uplink),
            (f"Release {GOOD_VERSION} to both; the OBU loses power mid-download", self.roll_out_good),
            (f"Release {DELTA_VERSION} comes as a delta; the OBU's line is cut twice", self.roll_out_delta),
            (f"Release {BAD_VERSION} is deaf to V2X; the health gate takes it back", self.roll_out_bad),
            (f"The manager is gone for {OUTAGE_S:g} s", self.cut_manager),
            ("A road of simulated sites", self.build_road),
            ("The whole road is changed, but never two neighbours at once", self.change_road),
            ("The RSU is to hear a controller that is not there", self.miss_controller),
            ("A line is cut: half the road is silent, and it is one alarm", self.cut_line),
            ("Why is the RSU not green?", self.explain),
            ("A debug bundle, without driving out", self.fetch_bundle),
            ("A crossing: its lights speak, a taxi is warned, a city's centre watches", self.show_crossing),
            ("The OBU is stolen: its certificate is taken back", self.revoke_stolen),
            ("What was seen", self.sum_up),
        )

    @property
    def programs(self) -> tuple[Program, ...]:
        """Everything that runs."""
        units = (made.agent for made in self.units.values())
        return (self.centre.manager, self.centre.broker, *self.configuring.programs, *units)

    def choose_recordings(self) -> None:
        """Real recordings, or shipped ones."""
        self.updating.builder.start()
        self.recordings = found(self.work_dir)
        self.seen["data"] = self.recordings.kind
        if self.recordings.kind == "real":
            self.say.print("  Real CAN (J1939, NMEA 2000), Beidou and RTK NMEA, Chinese SPAT, BSM and RSM packets.")
        else:
            self.say.print("  No public recordings here; those made by the project's own simulators are played.")

    def start_centre(self) -> None:
        """The manager and the broker listen, on TLS."""
        self.centre.start()
        operator = self.centre.data / "operator"
        self.witness.start(
            self.centre.broker_port,
            ca_file=operator / "ca.pem",
            certificate_file=operator / "operator.pem",
            key_file=operator / "operator.key",
        )
        broker = self.centre.broker.name
        self.say.print(f"  manager on {self.centre.addresses[0]}, {broker} on localhost:{self.centre.broker_port}")

    def enrol(self) -> None:
        """The RSU trades a token for a certificate; the OBU is unknown, and an operator lets it in."""
        self.apply_layers(publish_period_s=1.0, max_download=SLOW_BYTES_PER_S)
        for node_id in NODES:
            device_address, enrollment_address = self.centre.addresses
            addresses = (self.line.address if node_id == OBU else device_address, enrollment_address)
            self.units[node_id] = unit(node_id, self.work_dir, self.log_dir, self.recordings, addresses=addresses)
        token_file = self.work_dir / "token"
        token_file.touch(mode=0o600)
        token_file.write_text(self.command("nodes", "token", "--node", RSU)["token"])
        self._enroll(RSU, "--token-file", str(token_file))
        token_file.unlink()
        self.command("policy", "set", "--accept-unknown")
        self._enroll(OBU, "--no-wait", expect=PENDING_STATUS)
        (waiting,) = self.command("nodes", "waiting")["enrollment_requests"]
        self.say.print(f"  {waiting['node_id']} asks to be let in, its key is {waiting['key_sha256'][:16]}…")
        self.command("nodes", "admit", waiting["name"])
        self._enroll(OBU)
        for node_id in NODES:
            self.units[node_id].agent.start()
        for node_id in NODES:
            until(f"{node_id} online", partial(self.fleet.is_online, node_id), 30)
        self.seen["nodes"] = sum(self.fleet.is_online(node_id) for node_id in NODES)
        self.seen["approval_shown"] = True
        self.seen["release_before"] = self.fleet.running_everywhere(NODES)
        self.say.print("  both online")

    def show_live(self) -> None:
        """Values of both units, as a foreign client sees them at the broker."""
        until("live values of both units at the broker", self._values_flow, 20)
        time.sleep(LIVE_S)
        table = Table("unit", "signal", "value", box=None)
        for node_id in NODES:
            for name, value in sorted(self._values(node_id).items()):
                if name.rsplit(".", 1)[-1] in LIVE_SIGNALS:
                    table.add_row(node_id, name, f"{value:.6f}" if "itude" in name else f"{value:.6g}")
        self.say.print(table)

    def change_config(self) -> None:
        """Both units apply a pushed change."""
        for node_id in NODES:
            until(f"{node_id} keeps its first one", partial(self.fleet.has_applied_after, node_id, 0), 30)
        before = {node_id: self.fleet.applied_revision(node_id) for node_id in NODES}
        self.apply_layers(publish_period_s=0.5, max_download=SLOW_BYTES_PER_S)
        for node_id in NODES:
            until(f"{node_id} applies it", partial(self.fleet.has_applied_after, node_id, before[node_id]), 20)
            self.say.print(f"  {node_id}: revision {before[node_id]} → {self.fleet.applied_revision(node_id)}, applied")
        self.seen["config_revision"] = max(self.fleet.applied_revision(node_id) for node_id in NODES)

    def break_uplink(self) -> None:
        """The RSU is told a manager that is not there, and comes back by itself."""
        self.seen |= self.configuring.break_uplink(self.command, RSU)

    def build_road(self) -> None:
        """Twelve simulated sites along a motorway."""
        self.seen |= self.configuring.build_road(self.command)

    def change_road(self) -> None:
        """A corridor-safe rollout."""
        self.seen |= self.configuring.change_road(self.command)

    def miss_controller(self) -> None:
        """A fault that the RSU finds by itself."""
        self.operating.miss_controller(self.command, RSU)

    def cut_line(self) -> None:
        """A mass outage."""
        self.seen |= self.operating.cut_line(self.command, self.configuring.the_road(), self.configuring.programs[0])

    def explain(self) -> None:
        """The fault, on one screen."""
        self.seen |= self.operating.explain(RSU)

    def fetch_bundle(self) -> None:
        """A job."""
        self.seen |= self.operating.fetch_bundle(RSU)

    def show_crossing(self) -> None:
        """V2X on the air, to a vehicle and to a platform of T/ITS 0117."""
        self.seen |= self.crossing.show(self.recordings)

    def roll_out_good(self) -> None:
        """Both units run the good release, although the OBU was killed in the middle of its download."""
        self.seen |= self.updating.roll_out_good(self.command, self.units[OBU])

    def roll_out_delta(self) -> None:
        """Both units fetch what is new of the next release, the OBU over a line that is cut twice."""
        self.apply_layers(publish_period_s=0.5, max_download=0)
        self.seen |= self.updating.roll_out_delta(self.command, self.units[OBU], self.line)

    def roll_out_bad(self) -> None:
        """Both units try the bad release and go back by themselves."""
        self.seen |= self.updating.roll_out_bad(self.command)

    def cut_manager(self) -> None:
        """The manager is killed, comes back, and nothing is lost."""
        before = self.witness.batch_count
        self.centre.watch.stop()
        self.centre.manager.stop(signal.SIGKILL)
        self.say.print(f"  kill -9 of the manager; the units run on for {OUTAGE_S:g} s")
        time.sleep(OUTAGE_S)
        back_time = datetime.now(UTC)
        self.centre.start_manager()
        for node_id in NODES:
            until(f"{node_id} hands over what it owed", partial(self.fleet.owes_nothing_since, node_id, back_time), 60)
        arrived = self.witness.batch_count - before
        self.say.print(f"  telemetry went on meanwhile ({arrived} batches); the reports of the outage arrived")

    def revoke_stolen(self) -> None:
        """A stolen unit is cut off within seconds, and stays out."""
        self.seen["reports_lost"] = sum(int(self.fleet.node(node_id)["lost_report_count"]) for node_id in NODES)
        begin_s = time.monotonic()
        self.command("nodes", "revoke", OBU, "--yes")
        until(f"{OBU} is cut off", self._is_cut_off, CUT_OFF_TIMEOUT_S)
        self.seen["revoked_cut_s"] = round(time.monotonic() - begin_s, 1)
        self.say.print(f"  {OBU}: out after {self.seen['revoked_cut_s']} s, and its certificate opens nothing")
        verdict = self.command("audit", "verify")
        self.seen["audit_entries"] = int(verdict["entry_count"])
        self.seen["audit_intact"] = bool(verdict["intact"])
        self.say.print(f"  audit trail: {self.seen['audit_entries']} entries, whole")

    def sum_up(self) -> None:
        """Adds up what was seen."""
        health = [self.fleet.node(node_id)["health"] for node_id in NODES]
        self.seen |= {
            "can_frames": sum(int(bus["frame_count"]) for word in health for bus in word["can_buses"]),
            "fixes": sum(int(word["gnss"]["fix_count"]) for word in health),
            "v2x_messages": sum(int(kind["count"]) for word in health for kind in word["radio"]["received"]),
            "telemetry_batches": self.witness.batch_count,
            "telemetry_batches_missing": self.witness.missing_count,
            "broker": self.centre.broker.name,
        }
        counted = ("can_frames", "fixes", "v2x_messages", "telemetry_batches")
        self.seen["ok"] = (
            self.seen["nodes"] == len(NODES)
            and self.seen["resume_shown"]
            and self.seen["delta_shown"]
            and self.seen["rollback_shown"]
            and self.seen["approval_shown"]
            and self.seen["config_reverted"]
            and self.seen["drift_shown"]
            and self.seen["road_trials"] == self.seen["simulated_units"]
            and self.seen["road_breaches"] == 0
            and self.seen["area_alarm_shown"]
            and self.seen["rollout_rested"]
            and self.seen["restored_shown"]
            and self.seen["node_explained"]
            and self.seen["bundle_fetched"]
            and set(self.seen["warnings_shown"]) >= WARNINGS
            and self.seen["audit_intact"]
            and self.seen["revoked_cut_s"] > 0
            and self.seen["release_after"] == DELTA_VERSION
            and self.seen["reports_lost"] == self.seen["telemetry_batches_missing"] == 0
            and all(self.seen[key] > 0 for key in counted)
        )

    def apply_layers(self, *, publish_period_s: float, max_download: int) -> None:
        """Applies the demo's two configuration layers."""
        layer, database = self.work_dir / "demo.toml", self.work_dir / "obu.toml"
        layer.write_text(
            demo_layer(
                self.centre.broker_port, publish_period_s=publish_period_s, max_download_bytes_per_s=max_download
            )
        )
        if not database.exists():
            database.write_text(obu_layer(self.recordings.obu_database.name))
            self.command("config", "apply", "-f", str(database))
        self.command("config", "apply", "-f", str(layer))

    def command(self, *arguments: str) -> dict[str, Any]:
        """Says and runs a command of the operator."""
        self.say.print(f"  [dim]$ wayside {' '.join(arguments)}[/dim]")
        return self.centre.wayside(*arguments)

    def close(self) -> None:
        """Ends everything."""
        self.centre.watch.stop()
        self.witness.close()
        self.crossing.close()
        self.line.close()
        for program in reversed(self.programs):
            program.stop()

    def _enroll(self, node_id: str, *options: str, expect: int = 0) -> None:
        command = [str(BIN / "wayside-agent"), "enroll", "--settings", str(self.units[node_id].settings)]
        trust = ["--ca-file", str(self.centre.data / "operator" / "ca.pem")]
        printed = run([*command, *trust, *options], expect=expect)
        self.say.print(f"  {printed.strip()}")

    def _is_cut_off(self) -> bool:
        """Whether the unit itself says that the manager has put it out."""
        status = json.loads(self.units[OBU].status())
        return not status["is_manager_reached"] and bool(status["manager_refusal"])

    def _values(self, node_id: str) -> dict[str, float]:
        return self.witness.values.get(node_id, {})

    def _values_flow(self) -> bool:
        has_place = all("gnss.latitude" in self._values(node_id) for node_id in NODES)
        return has_place and any(name.startswith("can.") for name in self._values(OBU))
