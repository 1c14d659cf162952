"""The agent as a process: how it starts, stops and fails. No manager is there; offline is normal."""

import json
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.e2e.agent_unit import ROGUE, Unit

STOP_S = 30.0  # of a process that hangs: one that is held up leaves after 4 s, on a busy machine later
STOPPED_IN_A_CALLBACK = """
import os, signal, sys, weakref

class Finder:
    @staticmethod
    def find_spec(name, path, target=None):
        if name == "wayside_agent.app":
            told = weakref.ref(Finder(), lambda _: os.kill(os.getpid(), signal.SIGTERM))

sys.meta_path.insert(0, Finder)
"""


@pytest.fixture
def unit(tmp_path: Path) -> Iterator[Unit]:
    made = Unit(tmp_path)
    yield made
    for process in made.processes:
        process.kill()
        process.communicate()


def stopped(process: "subprocess.Popen[str]", how: signal.Signals = signal.SIGTERM) -> tuple[int, str]:
    process.send_signal(how)
    _, errors = process.communicate(timeout=STOP_S)
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


def software_of(unit: Unit) -> dict[str, str]:
    """What a running agent says of its starts, once it answers."""
    while True:
        out, _ = unit.start("status", "--json").communicate(timeout=STOP_S)
        if "health" in (told := json.loads(out)):
            software: dict[str, str] = told["health"]["software"]
            return software


def test_a_life_says_how_the_one_before_ended(unit: Unit) -> None:
    reasons = []
    for how in (signal.SIGKILL, signal.SIGTERM, signal.SIGTERM):
        process = unit.start()
        unit.until_running(process)
        told = software_of(unit)
        reasons.append((told["start_reason"], told["start_count"], told.get("unasked_start_count", "0")))
        stopped(process, how)
    assert reasons == [("asked", "1", "0"), ("crash", "2", "1"), ("asked", "3", "1")]


def test_a_stop_while_python_swallows_exceptions_is_no_less_a_stop(unit: Unit) -> None:
    site = unit.folder / "early"
    site.mkdir()
    (site / "sitecustomize.py").write_text(STOPPED_IN_A_CALLBACK)
    unit.environment["PYTHONPATH"] = str(site)
    assert unit.ended() == (0, "")


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
