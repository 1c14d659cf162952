"""The agent as a process: how it starts, stops and fails. No manager is there; offline is normal."""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.link.agent_peer import credentials
from wayside_demo.stage import BIN

STOP_S = 5.0
SETTINGS = """\
state_dir = "state"
database_dir = "dbc"

[node]
id = "rsu-1"
esn = "ESN-1"
kind = "rsu"

[manager]
device_address = "127.0.0.1:1"
enrollment_address = "127.0.0.1:1"

"""
SIMULATORS = (
    '[[can]]\nname = "body"\ndriver = "simulator"\n[gnss]\ndriver = "simulator"\n[radio]\ndriver = "simulator"\n'
)
ROGUE = """\
import asyncio
import os
import signal
import msgspec
from wayside_agent.core.frames import BusCounters


def stop_in(phase):
    if os.environ.get("STOP_IN") == phase:
        os.kill(os.getpid(), signal.SIGTERM)


stop_in("import")


class Rogue:
    class Options(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
        fault: str = ""

    def __init__(self, options):
        self._fault = options.fault
        stop_in("make")

    async def __aenter__(self):
        stop_in("open")
        return self

    async def __aexit__(self, *_):
        stop_in("close")
        if self._fault == "hangs at the end":
            await asyncio.sleep(3600)

    async def read(self):
        stop_in("read")
        if os.environ.get("STOP_IN") == "close":
            os.kill(os.getpid(), signal.SIGTERM)
        if self._fault == "a bug":
            raise ZeroDivisionError("a bug of a driver")
        if self._fault == "a cancel of nobody":
            raise asyncio.CancelledError
        await asyncio.Event().wait()

    def counters(self):
        return BusCounters()
"""


class Unit:
    """One enrolled unit and the processes it starts."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.settings = folder / "agent.toml"
        self.identity = folder / "state" / "identity"
        self.environment = {key: value for key, value in os.environ.items() if key != "NOTIFY_SOCKET"}
        self.processes: list[subprocess.Popen[str]] = []
        self.configure(SIMULATORS)
        self.enrol()

    def configure(self, devices: str) -> None:
        self.settings.write_text(SETTINGS + devices)

    def enrol(self) -> None:
        self.identity.mkdir(mode=0o700, parents=True)
        own = credentials()
        (self.identity / "key.pem").write_bytes(own.key_pem)
        (self.identity / "certificate.pem").write_bytes(own.certificate_pem)
        (self.identity / "authorities.pem").write_bytes(own.certificate_pem)
        (self.identity / "node").write_text("rsu-1\n")

    def install(self, name: str, source: str, entry: str = "rogue:Rogue") -> None:
        """A driver of a third party, found as any other."""
        site = self.folder / "site"
        metadata = site / "rogue-1.0.dist-info"
        metadata.mkdir(parents=True)
        (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: rogue\nVersion: 1.0\n")
        (metadata / "entry_points.txt").write_text(f"[wayside.can]\n{name} = {entry}\n")
        (site / "rogue.py").write_text(source)
        self.environment["PYTHONPATH"] = str(site)

    def start(self, *arguments: str) -> "subprocess.Popen[str]":
        process = subprocess.Popen(
            [str(BIN / "wayside-agent"), *(arguments or ("run",)), "--settings", str(self.settings)],
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.processes.append(process)
        return process

    def ended(self, *arguments: str) -> tuple[int, str]:
        """Exit status and standard error of a process that ends by itself."""
        process = self.start(*arguments)
        _, errors = process.communicate(timeout=20)
        return process.returncode, errors

    def until_running(self, process: "subprocess.Popen[str]", words: str = '"running"') -> str:
        """Reads its log until it says so."""
        assert process.stderr
        log = ""
        for line in process.stderr:
            log += line
            if words in line:
                return log
        pytest.fail(f"it ended: {log}")


@pytest.fixture
def unit(tmp_path: Path) -> Iterator[Unit]:
    made = Unit(tmp_path)
    yield made
    for process in made.processes:
        process.kill()
        process.communicate()


def stopped(process: "subprocess.Popen[str]", how: signal.Signals = signal.SIGTERM) -> tuple[int, str]:
    begin_s = time.monotonic()
    process.send_signal(how)
    _, errors = process.communicate(timeout=STOP_S)
    assert time.monotonic() - begin_s < STOP_S
    return process.returncode, errors


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_a_running_agent_stops_with_status_0(unit: Unit, how: signal.Signals) -> None:
    process = unit.start()
    unit.until_running(process)
    status, log = stopped(process, how)
    assert status == 0
    assert "Traceback" not in log


@pytest.mark.parametrize("after_s", [0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.5, 0.6])
def test_an_agent_that_is_stopped_while_it_starts_ends_at_once(unit: Unit, after_s: float) -> None:
    process = unit.start()
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(after_s)
    status, log = stopped(process)
    assert status in {0, -signal.SIGTERM}, log  # before Python runs our first line the signal is not ours
    assert "Traceback" not in log


@pytest.mark.parametrize("phase", ["import", "make", "open", "read", "close"])
def test_an_agent_that_is_stopped_in_any_phase_ends_with_status_0(unit: Unit, phase: str) -> None:
    unit.install("rogue", ROGUE)
    unit.environment["STOP_IN"] = phase
    unit.configure('[[can]]\nname = "body"\ndriver = "rogue"\n')
    status, log = unit.ended()
    assert status == 0, log
    assert "Traceback" not in log


def test_a_device_that_hangs_does_not_hold_up_the_stop(unit: Unit) -> None:
    unit.install("rogue", ROGUE)
    unit.configure('[[can]]\nname = "body"\ndriver = "rogue"\noptions = { fault = "hangs at the end" }\n')
    process = unit.start()
    unit.until_running(process)
    assert stopped(process)[0] == 0


@pytest.mark.parametrize("fault", ["a bug", "a cancel of nobody"])
def test_a_bug_ends_the_process_with_status_1_and_one_sentence(unit: Unit, fault: str) -> None:
    unit.install("rogue", ROGUE)
    unit.configure(f'[[can]]\nname = "body"\ndriver = "rogue"\noptions = {{ fault = "{fault}" }}\n')
    status, log = unit.ended()
    assert status == 1
    last = log.splitlines()[-1]
    assert last.startswith("wayside-agent: a bug ended the agent: ")
    assert all(line.startswith(("{", "wayside-agent: ")) for line in log.splitlines()), log


def test_a_driver_that_is_broken_is_named(unit: Unit) -> None:
    unit.install("rogue", "import a_library_nobody_has\n")
    unit.configure('[[can]]\nname = "body"\ndriver = "rogue"\n')
    for command in ("run", "check"):
        status, log = unit.ended(command)
        assert status == (2 if command == "run" else 1)
        assert "Traceback" not in log


def _corrupt_key(unit: Unit) -> None:
    (unit.identity / "key.pem").write_bytes(b"garbage")


def _corrupt_certificate(unit: Unit) -> None:
    (unit.identity / "certificate.pem").write_bytes(b"garbage")


def _state_is_a_file(unit: Unit) -> None:
    unit.configure("[spool]\nreports_max_bytes = 2000000\n")
    unit.settings.write_text(unit.settings.read_text().replace('"state"', '"agent.toml"'))


def _state_in_proc(unit: Unit) -> None:
    unit.settings.write_text(unit.settings.read_text().replace('"state"', '"/proc/wayside"'))


def _spool_is_a_file(unit: Unit) -> None:
    (unit.folder / "state" / "spool").write_text("")


def _no_runtime_dir(unit: Unit) -> None:
    unit.settings.write_text('runtime_dir = "/proc/wayside"\n' + unit.settings.read_text())


def _not_enrolled(unit: Unit) -> None:
    (unit.identity / "node").unlink()


@pytest.mark.parametrize(
    "spoil",
    [
        _corrupt_key,
        _corrupt_certificate,
        _state_is_a_file,
        _state_in_proc,
        _spool_is_a_file,
        _no_runtime_dir,
        _not_enrolled,
    ],
)
def test_what_stands_in_the_way_is_one_sentence_and_status_1(unit: Unit, spoil: Callable[[Unit], None]) -> None:
    spoil(unit)
    status, log = unit.ended()
    sentences = [line for line in log.splitlines() if not line.startswith("{")]
    assert status == 1, log
    assert 1 <= len(sentences) <= 2, log  # the launcher may have a word of its own before
    assert all(sentence.startswith("wayside-agent: ") for sentence in sentences), log
    assert "Group" not in log


def test_a_second_agent_on_the_same_state_is_refused_and_the_first_runs_on(unit: Unit) -> None:
    first = unit.start()
    unit.until_running(first)
    status, log = unit.ended()
    assert status == 1
    assert "another process holds it" in log.splitlines()[-1]
    assert first.poll() is None


@pytest.mark.parametrize(
    "devices",
    [
        '[[can]]\nname = "body"\ndriver = "magic"\n',
        '[[can]]\nname = "body"\ndriver = "simulator"\noptions = { colour = 1 }\n',
        "[gnss]\n",
        "x = [[[[",
    ],
)
def test_mistakes_in_settings_are_status_2(unit: Unit, devices: str) -> None:
    unit.configure(devices)
    status, log = unit.ended()
    assert status == 2
    assert len([line for line in log.splitlines() if not line.startswith("{")]) == 1


@pytest.mark.parametrize("command", ["status", "check", "run", "enroll"])
def test_an_address_that_is_none_is_no_traceback(unit: Unit, command: str) -> None:
    unit.configure("")
    unit.settings.write_text(unit.settings.read_text().replace("127.0.0.1:1", "a..b:99999"))
    if command == "run":
        process = unit.start()
        log = unit.until_running(process, "manager:")
        assert stopped(process)[0] == 0
    else:
        extra = ["--token-file", str(unit.settings), "--ca-file", str(unit.identity / "authorities.pem")]
        status, log = unit.ended(command, *(extra if command == "enroll" else []))
        assert status == 1
    assert "Traceback" not in log
