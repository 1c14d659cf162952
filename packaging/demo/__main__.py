"""The main job of Wayside, end to end, on real logs: `make demo`.

A broker, a manager, one RSU and one OBU run as real processes over TLS on loopback. The story enrols the units, shows
live values, changes their configuration, rolls out a release, kills the OBU in the middle of its download, rolls out a
release that must fail its health gate, and takes the manager away for 20 s. It ends with Ctrl-C, or by itself with
DEMO_EXIT=1; its last line is then one JSON object, and its exit status is 0 only if everything happened.
"""

import json
import os
import shutil
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from broker import broker
from recordings import ROOT, found
from rich.console import Console
from rich.table import Table
from stage import BIN, Program, StoryError, free_port, run, until
from units import Unit, unit
from witness import OperatorWatch, TelemetryWitness

OUTAGE_S = 20.0
GOOD_VERSION, BAD_VERSION = "1.1.0", "1.2.0"
SLOW_BYTES_PER_S = 3_000_000  # slow enough to be caught in the middle of a download
NODES = ("rsu-g98-k12", "obu-0001")
LIVE_SIGNALS = ("EngineSpeed", "latitude", "longitude", "speed", "satellite_count", "spat_count", "bsm_count")

say = Console(highlight=False, soft_wrap=True)


class Story:
    """The demo, step by step; what was seen is in `seen`."""

    def __init__(self, work_dir: Path) -> None:
        self.work_dir = work_dir
        self.log_dir = work_dir / "logs"
        self.log_dir.mkdir()
        self.data = work_dir / "manager"
        self.environment = os.environ | {"WAYSIDE_CONTEXT": str(self.data / "operator" / "context.toml")}
        self.programs: list[Program] = []
        self.units: dict[str, Unit] = {}
        self.seen: dict[str, Any] = {"ok": False}
        self.watch = OperatorWatch([str(BIN / "wayside"), "nodes", "watch", "--output", "json"], self.environment)
        self.releases: dict[str, Path] = {}
        self._builder = threading.Thread(target=self._build_releases, daemon=True)
        self._build_error: StoryError | None = None

    def steps(self) -> tuple[tuple[str, Callable[[], None]], ...]:
        """Every step and its title, in order."""
        return (
            ("Recordings", self.choose_recordings),
            ("A manager and a broker", self.start_centre),
            ("One RSU and one OBU enrol", self.enrol),
            ("Live values", self.show_live),
            ("A configuration change", self.change_config),
            (f"Release {GOOD_VERSION} to both; the OBU loses power mid-download", self.roll_out_good),
            (f"Release {BAD_VERSION} is deaf to V2X: the health gate takes it back", self.roll_out_bad),
            (f"The manager is gone for {OUTAGE_S:g} s", self.cut_manager),
            ("What was seen", self.sum_up),
        )

    def wayside(self, *arguments: str) -> dict[str, Any]:
        """Runs the operators' command line and returns its JSON."""
        say.print(f"  [dim]$ wayside {' '.join(arguments)}[/dim]")
        printed = run([str(BIN / "wayside"), *arguments, "--output", "json"], environment=self.environment)
        document: dict[str, Any] = json.loads(printed)
        return document

    def choose_recordings(self) -> None:
        self.recordings = found(self.work_dir)
        self.seen["data"] = self.recordings.kind
        if self.recordings.kind == "real":
            say.print("  Real CAN (J1939 truck, NMEA 2000), Beidou and RTK NMEA, Chinese SPAT/BSM/RSM packets.")
        else:
            say.print("  No public recordings here; recordings made by the project's own simulator are played.")
        self._builder.start()

    def start_centre(self) -> None:
        run([str(BIN / "wayside-manager"), "init", str(self.data), "--device-port", "0", "--operator-port", "0"])
        manager_command = [str(BIN / "wayside-manager"), "serve", "--data", str(self.data)]
        self.manager = self._program(Program("manager", manager_command, self.log_dir))
        self._fix_ports()
        self.manager.start()
        certificates = self.work_dir / "broker"
        run(
            [str(BIN / "wayside-manager"), "certificate", str(certificates)]
            + ["--data", str(self.data), "--hostname", "localhost", "--hostname", "127.0.0.1"]
        )
        self.broker_port = free_port()
        self.broker = self._program(
            broker(self.broker_port, certificates=certificates, work_dir=self.work_dir, log_dir=self.log_dir)
        )
        self.broker.start()
        until("the manager and the broker listen", self._centre_answers, 20)
        say.print(f"  manager on {self.device_address} (mutual TLS), {self.broker.name} on port {self.broker_port} (TLS)")

    def enrol(self) -> None:
        operator = self.data / "operator"
        self.witness = TelemetryWitness(
            self.broker_port,
            ca_file=operator / "ca.pem",
            certificate_file=operator / "operator.pem",
            key_file=operator / "operator.key",
        )
        token = self.wayside("nodes", "token", "--uses", "2")["token"]
        token_file = self.work_dir / "token"
        token_file.touch(mode=0o600)
        token_file.write_text(token)
        for node_id in NODES:
            made = unit(
                node_id,
                self.work_dir,
                self.log_dir,
                self.recordings,
                addresses=(self.device_address, self.operator_address),
            )
            self.units[node_id] = made
            printed = run(
                [str(BIN / "wayside-agent"), "enroll", "--settings", str(made.settings)]
                + ["--token-file", str(token_file), "--ca-file", str(operator / "ca.pem")]
            )
            say.print(f"  {printed.strip()}")
        token_file.unlink()
        self.apply_config(telemetry_period="1s", max_download=SLOW_BYTES_PER_S)
        for made in self.units.values():
            self._program(made.agent).start()
        self.watch.start()
        for node_id in NODES:
            until(f"{node_id} online", lambda node_id=node_id: self._presence(node_id) == "PRESENCE_ONLINE", 30)  # type: ignore[misc]  # mypy cannot type a lambda's default
        self.seen["nodes"] = len(NODES)
        self.seen["release_before"] = {n: self._health(n).get("agent_version", "") for n in NODES}
        say.print("  both online")

    def apply_config(self, *, telemetry_period: str, max_download: int) -> None:
        layer = self.work_dir / "demo.toml"
        layer.write_text(
            f"""\
name = "configLayers/demo"
priority = 100

[selector]
all_nodes = true

[config]
report_period = "1s"

[config.telemetry]
broker_host = "localhost"
broker_port = {self.broker_port}
publish_period = "{telemetry_period}"
sample_period = "0.5s"

[config.update]
max_download_bytes_per_second = {max_download}
health_gate_timeout = "12s"
"""
        )
        self.wayside("config", "apply", "-f", str(layer))
        database = self.work_dir / "obu.toml"
        database.write_text(
            f"""\
name = "configLayers/obu-can"
priority = 200

[selector]
kinds = ["NODE_KIND_OBU"]

[[config.can.buses]]
name = "body"
database_name = "{self.recordings.obu_database.name}"
"""
        )
        if telemetry_period == "1s":
            self.wayside("config", "apply", "-f", str(database))

    def show_live(self) -> None:
        def flows() -> bool:
            values = self.witness.values
            return all(any("latitude" in name for name in values.get(n, {})) for n in NODES) and any(
                name.startswith("can.") for name in values.get("obu-0001", {})
            )

        until("live values of both units at the broker", flows, 20)
        time.sleep(3)
        table = Table("unit", "signal", "value", box=None)
        for node_id in NODES:
            for name, value in sorted(self.witness.values[node_id].items()):
                if name.rsplit(".", 1)[-1] in LIVE_SIGNALS:
                    table.add_row(node_id, name, f"{value:.6g}" if "itude" not in name else f"{value:.6f}")
        say.print(table)

    def change_config(self) -> None:
        before = {n: self._config_revision(n) for n in NODES}
        self.apply_config(telemetry_period="0.5s", max_download=SLOW_BYTES_PER_S)
        for node_id in NODES:
            until(
                f"{node_id} applies the new configuration",
                lambda n=node_id: self._config_revision(n) > before[n],  # type: ignore[misc]  # as above
                20,
            )
            say.print(f"  {node_id}: revision {before[node_id]} → {self._config_revision(node_id)}, applied")
        self.seen["config_revision"] = max(self._config_revision(n) for n in NODES)

    def roll_out_good(self) -> None:
        self._publish(GOOD_VERSION)
        self._roll_out(GOOD_VERSION)
        obu = NODES[1]

        def is_halfway() -> bool:
            update = self._update(obu)
            total = int(update.get("total_bytes", 0))
            return update.get("phase") == "PHASE_DOWNLOADING" and total // 4 < int(update.get("downloaded_bytes", 0))

        until("the OBU is in the middle of its download", is_halfway, 30)
        at_bytes = int(self._update(obu)["downloaded_bytes"])
        self.units[obu].agent.kill(signal.SIGKILL)
        say.print(f"  {obu}: kill -9 at {at_bytes / 1e6:.1f} MB")
        self._until_running(GOOD_VERSION, 60)
        resumed_bytes = int(self._update(obu).get("resumed_from_bytes", 0))
        self.seen["resume_shown"] = resumed_bytes > 0
        self.seen["resumed_from_bytes"] = resumed_bytes
        self.seen["release_after"] = {n: self._running(n) for n in NODES}
        say.print(f"  {obu}: went on at byte {resumed_bytes:,}; both run {GOOD_VERSION}, proven by their health gates")

    def roll_out_bad(self) -> None:
        self.apply_config(telemetry_period="0.5s", max_download=0)
        self._publish(BAD_VERSION)
        self._roll_out(BAD_VERSION)

        def is_taken_back(node_id: str) -> bool:
            update = self._update(node_id)
            return update.get("phase") == "PHASE_ROLLED_BACK" and self._running(node_id) == GOOD_VERSION

        for node_id in NODES:
            until(f"{node_id} takes {BAD_VERSION} back", lambda n=node_id: is_taken_back(n), 60)  # type: ignore[misc]  # as above
            say.print(f"  {node_id}: back on {self._running(node_id)}: {self._update(node_id).get('message')}")
        self.seen["rollback_shown"] = True
        self.seen["release_after"] = {n: self._running(n) for n in NODES}

    def cut_manager(self) -> None:
        self.watch.stop()
        before = self.witness.batch_count
        self.manager.stop(signal.SIGKILL)
        say.print(f"  kill -9 of the manager; the units run on for {OUTAGE_S:g} s")
        time.sleep(OUTAGE_S)
        during = self.witness.batch_count - before
        self.manager.start()
        until("the manager is back", self._centre_answers, 20)
        self.watch.start()
        for node_id in NODES:
            until(f"{node_id} hands over what it owed", lambda n=node_id: self._owes_nothing(n), 40)  # type: ignore[misc]  # as above
        say.print(f"  telemetry went on meanwhile ({during} batches); every report arrived")

    def sum_up(self) -> None:
        nodes = [self.watch.node(n) for n in NODES]
        health = [node["health"] for node in nodes]
        self.seen |= {
            "can_frames": sum(int(b["frame_count"]) for h in health for b in h.get("can_buses", [])),
            "fixes": sum(int(h["gnss"]["fix_count"]) for h in health),
            "v2x_messages": sum(int(c["count"]) for h in health for c in h["radio"]["received"]),
            "telemetry_batches": self.witness.batch_count,
            "telemetry_batches_missing": self.witness.missing_count,
            "reports_lost": sum(int(node["lost_report_count"]) for node in nodes),
            "broker": self.broker.name,
        }
        self.seen["ok"] = bool(
            self.seen["nodes"] == len(NODES)
            and self.seen["resume_shown"]
            and self.seen["rollback_shown"]
            and self.seen["reports_lost"] == 0
            and self.seen["telemetry_batches_missing"] == 0
            and min(self.seen[k] for k in ("can_frames", "fixes", "v2x_messages", "telemetry_batches")) > 0
            and all(v == GOOD_VERSION for v in self.seen["release_after"].values())
        )
        table = Table(box=None, show_header=False)
        for key, value in self.seen.items():
            table.add_row(key, str(value))
        say.print(table)

    def close(self) -> None:
        """Ends every program."""
        self.watch.stop()
        if hasattr(self, "witness"):
            self.witness.close()
        for program in reversed(self.programs):
            program.stop()

    def _program(self, program: Program) -> Program:
        self.programs.append(program)
        return program

    def _fix_ports(self) -> None:
        """Gives the manager the same ports after its restart."""
        settings = self.data / "manager.toml"
        device, operator = free_port(), free_port()
        text = settings.read_text()
        settings.write_text(
            text.replace("device_port = 0", f"device_port = {device}").replace(
                "operator_port = 0", f"operator_port = {operator}"
            )
        )
        self.device_address, self.operator_address = f"localhost:{device}", f"localhost:{operator}"

    def _centre_answers(self) -> bool:
        for program in (self.manager, self.broker):
            if not program.is_running():
                raise StoryError(f"{program.name} ended: {program.last_words()}")
        return (self.data / "run" / "endpoints.json").exists() and _listens(self.device_address)

    def _build_releases(self) -> None:
        try:
            for version, overlay in ((GOOD_VERSION, ""), (BAD_VERSION, "silent-radio")):
                target = self.work_dir / f"agent-{version}.tar.gz"
                command = [sys.executable, str(ROOT / "firmware_images" / "build.py")]
                command += ["--version", version, "--output", str(target)]
                if overlay:
                    command += ["--overlay", str(ROOT / "firmware_images" / "overlays" / overlay)]
                run(command, timeout_s=120)
                self.releases[version] = target
        except StoryError as error:
            self._build_error = error

    def _publish(self, version: str) -> None:
        until(f"release {version} is built", lambda: version in self.releases or self._build_error is not None, 120)
        if self._build_error:
            raise self._build_error
        release = self.wayside("releases", "publish", str(self.releases[version]))
        say.print(f"  published {release['name']}, {int(release['size_bytes']) / 1e6:.1f} MB")

    def _roll_out(self, version: str) -> None:
        arguments = ["--all", "--max-in-flight", "2", "--max-failures", "3"]
        self.wayside("rollouts", "create", f"releases/{version}", *arguments)

    def _until_running(self, version: str, timeout_s: float) -> None:
        for node_id in NODES:
            until(
                f"{node_id} runs {version} for good",
                lambda n=node_id: self._update(n).get("phase") == "PHASE_COMMITTED" and self._running(n) == version,  # type: ignore[misc]  # as above
                timeout_s,
            )

    def _health(self, node_id: str) -> dict[str, Any]:
        health: dict[str, Any] = self.watch.node(node_id).get("health", {})
        return health

    def _update(self, node_id: str) -> dict[str, Any]:
        update: dict[str, Any] = self.watch.node(node_id).get("update", {})
        return update

    def _running(self, node_id: str) -> str:
        return str(self._update(node_id).get("running_version", ""))

    def _presence(self, node_id: str) -> str:
        return str(self.watch.node(node_id).get("presence", ""))

    def _config_revision(self, node_id: str) -> int:
        report = self.watch.node(node_id).get("config", {})
        applied = report.get("outcome") == "OUTCOME_APPLIED"
        return int(report.get("running_revision", 0)) if applied else 0

    def _owes_nothing(self, node_id: str) -> bool:
        spools = {s["name"]: s for s in self._health(node_id).get("spools", [])}
        waiting = int(spools.get("reports", {}).get("record_count", 99))
        return self._presence(node_id) == "PRESENCE_ONLINE" and waiting <= 1


def _listens(address: str) -> bool:
    import socket

    host, _, port = address.rpartition(":")
    try:
        with socket.create_connection((host, int(port)), timeout=1):
            return True
    except OSError:
        return False


def main() -> int:
    """Tells the story; the exit status is 0 if all of it happened."""
    begin = time.monotonic()
    work_dir = Path(tempfile.mkdtemp(prefix="wayside-demo-"))
    story = Story(work_dir)
    is_interrupted = False
    try:
        for number, (title, step) in enumerate(story.steps(), start=1):
            say.print(f"\n[bold cyan]{number}. {title}[/bold cyan]")
            step()
        story.seen["seconds"] = round(time.monotonic() - begin, 1)
        if not os.environ.get("DEMO_EXIT"):
            say.print(f"\nEverything runs on. Try:  WAYSIDE_CONTEXT={story.data}/operator/context.toml wayside nodes list")
            say.print("Ctrl-C ends it.")
            signal.pause()
    except KeyboardInterrupt:
        is_interrupted = True
    except StoryError as error:
        say.print(f"[bold red]{error}[/bold red]")
        story.seen["error"] = str(error)
        for program in story.programs:
            say.print(f"[dim]--- {program.name}: {program.last_words()}[/dim]", markup=True)
    finally:
        story.close()
    story.seen.setdefault("seconds", round(time.monotonic() - begin, 1))
    if story.seen["ok"] or is_interrupted:
        shutil.rmtree(work_dir, ignore_errors=True)
    else:
        say.print(f"logs: {work_dir}/logs")
    if os.environ.get("DEMO_EXIT"):
        print(json.dumps(story.seen))
    return 0 if story.seen["ok"] else 1


if __name__ == "__main__":
    sys.exit(main())
