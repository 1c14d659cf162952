"""Manager and agent do all their work inside the system call filters of their unit files."""

import ctypes
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from wayside_demo.centre import Centre
from wayside_demo.field import FieldUnit
from wayside_demo.stage import BIN, Program, until

HERE = Path(__file__).parent
UNITS = HERE.parents[1] / "packaging" / "systemd"


def _confined(unit: str) -> list[str]:
    return [sys.executable, str(HERE / "confined.py"), str(UNITS / f"{unit}.service")]


@pytest.fixture(scope="module", autouse=True)
def filters() -> None:
    """Skips where the filters cannot be applied."""
    if not shutil.which("systemd-analyze"):
        pytest.skip("needs systemd-analyze, of Debian's package systemd")
    try:
        ctypes.CDLL("libseccomp.so.2")
    except OSError:
        pytest.skip("needs libseccomp.so.2, of Debian's package libseccomp2")
    tried = subprocess.run([*_confined("wayside-manager"), "true"], capture_output=True, text=True, check=False)
    if tried.returncode:
        pytest.skip(f"the kernel takes no system call filter here: {tried.stderr.strip()[-200:]}")


@pytest.fixture(scope="module")
def centre(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Centre]:
    work_dir = tmp_path_factory.mktemp("confined")
    made = Centre(work_dir, work_dir)
    serve = [str(BIN / "wayside-manager"), "serve", "--data", str(made.data)]
    made.manager = Program("manager", _confined("wayside-manager") + serve, work_dir)
    made.start()
    yield made
    made.stop()


@pytest.mark.parametrize(
    "program",
    [
        "import os; os.chroot('/')",
        "import socket; socket.socket(socket.AF_PACKET, socket.SOCK_RAW)",
        "import mmap; mmap.mmap(-1, 4096, prot=mmap.PROT_WRITE | mmap.PROT_EXEC)",
        "import os; os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))",
    ],
)
@pytest.mark.parametrize("unit", ["wayside-agent", "wayside-manager"])
def test_the_filters_refuse_what_they_should(unit: str, program: str) -> None:
    ended = subprocess.run(
        [*_confined(unit), sys.executable, "-c", program], capture_output=True, text=True, check=False
    )
    assert ended.returncode == 1
    assert "Error" in ended.stderr.splitlines()[-1]


def test_the_agent_may_still_ask_the_kernel_about_its_clock() -> None:
    program = "from wayside_agent.drivers import kernel_clock; print(kernel_clock.is_synchronized())"
    command = [sys.executable, "-c", program]
    free = subprocess.run(command, capture_output=True, text=True, check=True)
    confined = subprocess.run([*_confined("wayside-agent"), *command], capture_output=True, text=True, check=True)
    assert confined.stdout == free.stdout


def test_a_password_is_hashed_inside_the_filters() -> None:
    program = "import asyncio; from wayside_manager.services.passwords import Passwords; "
    program += "print(asyncio.run(Passwords().hashed('correct horse battery')))"
    command = [*_confined("wayside-manager"), sys.executable, "-c", program]
    ended = subprocess.run(command, capture_output=True, text=True, check=True)
    assert (ended.stdout.startswith("$argon2id$"), ended.stderr) == (True, "")


def test_a_release_is_compiled_inside_the_filters(tmp_path: Path) -> None:
    (tmp_path / "module.py").write_text("A = 1\n")
    program = "import sys; from pathlib import Path; from wayside_agent.drivers.tree import compile_tree as work; "
    program += "work(Path(sys.argv[1]))"
    command = [*_confined("wayside-agent"), sys.executable, "-c", program, str(tmp_path)]
    ended = subprocess.run(command, capture_output=True, text=True, check=True)
    assert ended.stderr == ""
    assert list(tmp_path.glob("__pycache__/module.*.pyc"))


def test_a_confined_unit_reports_to_a_confined_manager_and_follows_its_configuration(
    centre: Centre, tmp_path: Path
) -> None:
    unit = FieldUnit("rsu-1", tmp_path / "rsu-1", centre)
    run = [str(BIN / "wayside-agent"), "run", "--settings", str(unit.settings)]
    unit.agent = Program("rsu-1", _confined("wayside-agent") + run, unit.folder)
    assert unit.enroll().returncode == 0
    # the database is compiled by a process that the agent starts
    (unit.folder / "dbc" / "sim.dbc").write_bytes((UNITS.parent / "demo/recordings/sim.dbc").read_bytes())
    unit.configure('[config]\nreport_period_s = 1\n[config.can.buses.body]\ndatabase_name = "sim.dbc"\n')
    try:
        unit.until_online()
        unit.until_config("OUTCOME_APPLIED", 1)
        until("values are decoded", lambda: any(name.startswith("can.") for name in unit.status()["readings"]), 20)
    finally:
        unit.agent.stop()
    for program in (unit.agent, centre.manager):
        assert "Operation not permitted" not in program.words()
        assert "Traceback" not in program.words()
