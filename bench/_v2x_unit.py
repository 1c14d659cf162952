"""A unit with a radio on loopback, enrolled at a real manager, and the air around it: for the benchmarks of V2X."""

import json
import os
import shutil
import socket
import statistics
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench import _v2x_road as road
from bench._harness import reference_loop_ns
from bench.agent_footprint import cpu_s
from wayside.v2x.peek import MessageKind, message_kind
from wayside_demo.centre import Centre
from wayside_demo.field import FieldUnit
from wayside_demo.stage import StoryError, free_port, until

ROOT = Path(__file__).parents[1]
SO_TIMESTAMPNS = 35
_STAMP = struct.Struct("@ll")
START_TIMEOUT_S = 15.0
FIX_HZ = {"rsu": 1.0, "obu": 10.0}
"""Epochs of the receiver, as such units have them."""

SETTINGS = """\
[gnss]
driver = "simulator"
options = {{ loses_fix = false, rate_hz = {rate_hz} }}

[radio]
driver = "udp"
options = {{ bind_port = {radio_port}, radio_host = "127.0.0.1", radio_port = {air_port} }}
"""
RSU = """\
[v2x.signal]
controller = "127.0.0.1"
bind_host = "127.0.0.1"
bind_port = {signal_port}
region = {region}
node = {node}
phase_ids = {{ {phase_ids} }}

[v2x]
broadcast_files = ["{map}"]

[v2x.local_broker]
port = {broker_port}

[v2x.perception]
latitude_deg = {latitude_deg}
longitude_deg = {longitude_deg}
sensors = {{ s0 = {{ latitude_deg = {latitude_deg}, longitude_deg = {longitude_deg} }} }}
"""
BEAT = """
import socket, sys, time
sock, due_s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM), time.monotonic()
while True:
    due_s += 0.1
    time.sleep(max(0.0, due_s - time.monotonic()))
    sock.sendto(bytes([0x7F]), ("127.0.0.1", int(sys.argv[1])))
"""
OBU = """\
[v2x.vehicle]
"""
SPIN = "import os; os.nice(19)\nwhile True: pass"


@contextmanager
def awake_cores() -> Iterator[None]:
    """Keeps the cores of a virtual machine while the block runs, by work that gives way to any other.

    Whenever a virtual core sleeps, other guests fill the caches of the real one: the same work then costs up to
    twice as much. A core of one's own, as a roadside unit has, does not lose them so.
    """
    spinning = [subprocess.Popen([sys.executable, "-c", SPIN]) for _ in range(os.cpu_count() or 1)]
    try:
        yield
    finally:
        for process in spinning:
            process.kill()
            process.wait()


@dataclass
class Air:
    """What the unit says, with the kernel's time of each message [ns]."""

    port: int = 0
    times_ns: dict[MessageKind, list[int]] = field(default_factory=lambda: {kind: [] for kind in MessageKind})

    beats_ns: list[int] = field(default_factory=list)
    """The same of a process that does nothing but send ten times a second: how punctual this machine is."""

    @contextmanager
    def listening(self) -> Iterator["Air"]:
        """Listens while the block runs."""
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.bind(("127.0.0.1", 0))
            sock.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
            sock.settimeout(0.2)
            self.port = sock.getsockname()[1]
            is_over = threading.Event()
            thread = threading.Thread(target=self._listen, args=(sock, is_over), name="air")
            thread.start()
            try:
                yield self
            finally:
                is_over.set()
                thread.join()

    def _listen(self, sock: socket.socket, is_over: threading.Event) -> None:
        while not is_over.is_set():
            try:
                data, ancillary, _, _ = sock.recvmsg(2048, socket.CMSG_SPACE(_STAMP.size))
            except TimeoutError:
                continue
            kind = message_kind(data)
            seconds, nanoseconds = _STAMP.unpack(ancillary[0][2])
            times_ns = self.beats_ns if kind is None else self.times_ns[kind]
            times_ns.append(seconds * 1_000_000_000 + nanoseconds)

    def begin(self) -> None:
        """Forgets what was heard."""
        for times in (*self.times_ns.values(), self.beats_ns):
            times.clear()


@dataclass
class Run:
    """One stretch of time under some load."""

    cpu_ratio: float
    """Of one core of this machine."""
    loop_ns: float
    """What the reference loop took meanwhile, as time of a core: others use this machine, too."""
    traffic: dict[str, float]
    status: dict[str, Any]


class V2xUnit:
    """An enrolled unit with a broker beside it; `extra` goes into its settings."""

    def __init__(self, kind: str, folder: Path, centre: Centre, air: Air, *, broker_port: int, extra: str = "") -> None:
        self.kind = kind
        self.broker_port = broker_port
        self.radio_port, self.signal_port = _free_udp_port(), _free_udp_port()
        sensors = SETTINGS.format(radio_port=self.radio_port, air_port=air.port, rate_hz=FIX_HZ[kind])
        sensors += self._rsu(folder) if kind == "rsu" else OBU
        self.unit = FieldUnit(f"{kind}-load", folder / kind, centre, sensors=sensors + extra, kind=kind)
        self.unit.enroll()
        self._result = folder / f"{kind}-result.json"
        self._process: subprocess.Popen[bytes] | None = None

    def _rsu(self, folder: Path) -> str:
        file = folder / "crossing.jsonl"
        file.write_text(json.dumps(road.crossing()) + "\n")
        return RSU.format(
            signal_port=self.signal_port,
            region=road.REGION,
            node=road.NODE,
            phase_ids=", ".join(f"{phase} = {number}" for phase, number in road.PHASES.items()),
            map=file,
            broker_port=self.broker_port,
            latitude_deg=road.LATITUDE_DEG,
            longitude_deg=road.LONGITUDE_DEG,
        )

    def start(self, mode: str = "peek") -> None:
        """Starts the agent, and waits until it answers."""
        arguments = [str(self.unit.settings), str(self._result), mode]
        command = [sys.executable, "-m", "bench._v2x_agent", *arguments]
        with (self.unit.folder / "agent.log").open("wb") as log:
            self._process = subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=log)
        try:
            until("the agent answers", lambda: bool(self._status().get("is_manager_reached")), START_TIMEOUT_S)
        except StoryError as error:
            self._process.kill()
            words = (self.unit.folder / "agent.log").read_text()[-2000:]
            raise SystemExit(f"{error}; its last words:\n{words}") from None

    def stop(self) -> dict[str, Any]:
        """Ends the agent; what it wrote of its messages."""
        assert self._process
        self._process.terminate()
        self._process.wait(10)
        result: dict[str, Any] = json.loads(self._result.read_text())
        return result

    def run(self, time_s: float, *, vehicles: int, objects: int = 0, settle_s: float = 5.0, air: Air) -> Run:
        """Lets traffic come, and sensors see it, for a time; its CPU is that of the time after it settled."""
        assert self._process
        arguments = [str(self.radio_port), str(self.signal_port), str(vehicles)]
        command = [sys.executable, "-m", "bench._v2x_traffic", *arguments]
        beat = subprocess.Popen([sys.executable, "-c", BEAT, str(air.port)])
        sensor_command = [sys.executable, "-m", "bench._v2x_road", str(self.broker_port), str(objects)]
        sensor = subprocess.Popen(sensor_command, cwd=ROOT)
        with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as traffic:
            time.sleep(settle_s)
            air.begin()
            before_s, begin_s = cpu_s(self._process.pid), time.monotonic()
            loop_ns = _loop_ns_over(time_s)
            cpu_ratio = (cpu_s(self._process.pid) - before_s) / (time.monotonic() - begin_s)
            for process in (beat, sensor):
                process.kill()
                process.wait()
            said, _ = traffic.communicate()
        time.sleep(1.0)
        return Run(cpu_ratio, loop_ns, json.loads(said), self._status())

    def _status(self) -> dict[str, Any]:
        said = self.unit.command("status", "--json").stdout
        status: dict[str, Any] = json.loads(said) if said.startswith("{") else {}
        return status


def _free_udp_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _loop_ns_over(time_s: float) -> float:
    """The median of the reference loop, tried every second of a time [ns]."""
    begin_s, tries = time.monotonic(), []
    while (left_s := begin_s + time_s - time.monotonic()) > 0:
        tries.append(reference_loop_ns(time.thread_time_ns, runs=1))
        time.sleep(min(1.0, left_s))
    return statistics.median(tries)


@contextmanager
def local_broker(folder: Path) -> Iterator[int]:
    """A broker in plain text, as a unit has one; its port."""
    port, config = free_port(), folder / "local.conf"
    config.write_text(f"listener {port} 127.0.0.1\nallow_anonymous true\npersistence false\nlog_dest none\n")
    mosquitto = shutil.which("mosquitto", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    if mosquitto is None:
        raise SystemExit("this benchmark needs mosquitto: apt-get install mosquitto")
    with subprocess.Popen([mosquitto, "-c", str(config)]) as broker:
        try:
            yield port
        finally:
            broker.terminate()
