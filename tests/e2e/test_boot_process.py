"""The launcher with real processes: whose code runs, and what becomes of a release that crashes or hangs."""

import asyncio
import json
import os
import runpy
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.releases import archive
from tests.slots import put
from wayside_agent import boot
from wayside_agent.core.boot_choice import MAX_STARTS, decoded
from wayside_agent.drivers.slot_dir import SlotDir

FIRMWARE = Path(__file__).parents[2] / "firmware_images"
BUILD = runpy.run_path(str(FIRMWARE / "build.py"))
LAUNCH = """
import sys
from pathlib import Path
from wayside_agent import boot
boot.launch(Path(sys.argv[1]), sys.argv[2:], margin_s=0)
print("factory")
"""
SAY = """
import json, os, signal, sys
import wayside_agent
left = signal.alarm(0)
print(json.dumps({"file": wayside_agent.__file__, "arguments": sys.argv[1:], "slot": os.environ["WAYSIDE_SLOT"],
                  "pid": os.getpid(), "alarm": left, "path": sys.path, "heaps": os.environ["MALLOC_ARENA_MAX"]}))
"""
LOAD = """
import sys
import wayside_agent.app, wayside_agent.cli.main
from importlib.metadata import entry_points
for group in ("can", "gnss", "radio", "sensor"):
    for entry in entry_points(group=f"wayside.{group}"):
        entry.load()
files = [getattr(module, "__file__", None) or "" for module in sys.modules.values()]
print(wayside_agent.app.__file__, [name for name in files if "site-packages" in name])
"""
KNOWING = """
import sys
from pathlib import Path
from wayside_agent import boot
boot.launch(Path(sys.argv[1]), [])
if sys.argv[2] == "crash":
    raise SystemExit("broken off")
boot.excuse(Path(sys.argv[1]))
print("done")
"""
HANG = "import signal\nsignal.pause()\n"
CRASH = (FIRMWARE / "overlays" / "crash-at-start" / "site" / "wayside_agent" / "__main__.py").read_text()


def tiny(main: str) -> bytes:
    return archive("1.1.0", {"site/wayside_agent/__init__.py": b"", "site/wayside_agent/__main__.py": main.encode()})


def knowing() -> bytes:
    """A release whose starts are counted, with the launcher of this one."""
    package = Path(boot.__file__).parent
    names = ("boot.py", "core/boot_choice.py", "drivers/boot_id.py", "drivers/slot_starts.py")
    files = {name: (package / name).read_bytes() for name in names}
    files |= dict.fromkeys(("__init__.py", "core/__init__.py", "drivers/__init__.py"), b"")
    files["__main__.py"] = KNOWING.encode()
    return archive("1.1.0", {f"site/wayside_agent/{name}": content for name, content in files.items()})


def put_for_good(state_dir: Path, content: bytes) -> None:
    """Chooses a release for good, as if its gate had passed it."""
    put_on_trial(state_dir, content, gate_timeout_s=20.0)

    async def committed() -> None:
        options = SlotDir.Options(directory=str(state_dir / "slots"), running_slot="a")
        async with SlotDir(options) as slots:
            await slots.commit()

    asyncio.run(committed())


def put_on_trial(state_dir: Path, content: bytes, *, gate_timeout_s: float) -> None:
    async def chosen() -> None:
        async with SlotDir(SlotDir.Options(directory=str(state_dir / "slots"))) as slots:
            await slots.choose(await put(slots, state_dir, content, "1.1.0"), gate_timeout_s=gate_timeout_s)

    asyncio.run(chosen())


def started(state_dir: Path, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("WAYSIDE_")} | variables
    command = [sys.executable, "-c", LAUNCH, str(state_dir), *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=30, check=False, env=environment)


def test_a_release_runs_with_one_heap_unless_told_otherwise(tmp_path: Path) -> None:
    put_on_trial(tmp_path, tiny(SAY), gate_timeout_s=20.0)
    assert json.loads(started(tmp_path).stdout)["heaps"] == "1"
    assert json.loads(started(tmp_path, MALLOC_ARENA_MAX="4").stdout)["heaps"] == "4"


def test_a_release_runs_its_own_code_only_with_the_same_arguments_and_under_an_alarm(tmp_path: Path) -> None:
    put_on_trial(tmp_path, tiny(SAY), gate_timeout_s=20.0)
    said = json.loads(started(tmp_path, "run", "--settings", "x.toml").stdout)
    site = tmp_path / "slots" / "a" / "site"
    assert said["file"] == str(site / "wayside_agent" / "__init__.py")
    assert said["arguments"] == ["run", "--settings", "x.toml"]
    assert said["slot"] == "a"
    assert 18 <= said["alarm"] <= 21
    assert not [entry for entry in said["path"] if "site-packages" in entry]


def test_the_launcher_keeps_its_process_id(tmp_path: Path) -> None:
    put_on_trial(tmp_path, tiny(SAY), gate_timeout_s=20.0)
    with subprocess.Popen([sys.executable, "-c", LAUNCH, str(tmp_path)], stdout=subprocess.PIPE, text=True) as process:
        said = json.loads(process.communicate(timeout=30)[0])
    assert said["pid"] == process.pid


def test_a_process_that_runs_a_slot_already_stays(tmp_path: Path) -> None:
    put_on_trial(tmp_path, tiny(SAY), gate_timeout_s=20.0)
    assert started(tmp_path, WAYSIDE_SLOT="a").stdout == "factory\n"


def test_a_release_that_crashes_at_its_start_goes_back_by_itself(tmp_path: Path) -> None:
    put_on_trial(tmp_path, tiny(CRASH), gate_timeout_s=20.0)
    for _ in range(2):
        assert "faulty on purpose" in started(tmp_path).stderr
    done = started(tmp_path)
    assert done.stdout == "factory\n"
    assert "without passing its health gate" in done.stderr


def test_a_release_that_hangs_is_killed_by_the_alarm_and_goes_back(tmp_path: Path) -> None:
    put_on_trial(tmp_path, tiny(HANG), gate_timeout_s=0.5)
    assert [started(tmp_path).returncode for _ in range(3)] == [-signal.SIGALRM, -signal.SIGALRM, 0]


def test_a_release_for_good_that_breaks_off_its_starts_is_left_for_the_factory_software(tmp_path: Path) -> None:
    put_for_good(tmp_path, knowing())
    for _ in range(1 + MAX_STARTS):  # in the first one it says that it is to be counted
        assert started(tmp_path, str(tmp_path), "crash").stderr == "broken off\n"
    left = started(tmp_path, str(tmp_path), "crash")
    assert left.stdout == "factory\n"
    assert left.stderr.startswith(f"wayside-agent: slot a: the release broke off {MAX_STARTS} starts in a row")
    again = started(tmp_path, str(tmp_path), "crash")
    assert (again.stdout, again.stderr) == ("factory\n", "")
    choice = decoded((tmp_path / "slots" / "boot.json").read_bytes())
    assert (choice.active, choice.bootable, choice.failed_slot) == ("", (), "a")
    assert (tmp_path / "slots" / "starts").read_text().split()[2] == "0"  # it may be installed again


def test_a_start_that_came_far_or_another_start_of_the_machine_begins_the_count_anew(tmp_path: Path) -> None:
    put_for_good(tmp_path, knowing())
    for _ in range(2):
        for _ in range(MAX_STARTS - 1):
            assert started(tmp_path, str(tmp_path), "crash").stderr == "broken off\n"
        assert started(tmp_path, str(tmp_path), "end").stdout == "done\n"
    for _ in range(MAX_STARTS):
        started(tmp_path, str(tmp_path), "crash")
    counted = tmp_path / "slots" / "starts"
    release, _, count = counted.read_text().split()
    assert int(count) == MAX_STARTS
    counted.write_text(f"{release} 0f0e0d0c-another-start {count}\n")
    assert started(tmp_path, str(tmp_path), "crash").stderr == "broken off\n"


@pytest.mark.parametrize("content", [b"", b"\xff" * 5000, b"a b c", b"a b -1", b"a b " + b"9" * 4000])
def test_a_damaged_count_stands_in_nobodys_way(tmp_path: Path, content: bytes) -> None:
    put_for_good(tmp_path, knowing())
    (tmp_path / "slots" / "starts").write_bytes(content)
    assert started(tmp_path, str(tmp_path), "end").stdout == "done\n"


def test_a_release_that_is_too_old_to_excuse_itself_is_never_counted(tmp_path: Path) -> None:
    put_for_good(tmp_path, tiny(CRASH))
    for _ in range(MAX_STARTS + 3):
        assert "faulty on purpose" in started(tmp_path).stderr


def test_settings_that_nobody_can_read_are_no_fault_of_the_release(tmp_path: Path) -> None:
    put_for_good(tmp_path, BUILD["built"]("1.1.0"))
    settings = tmp_path / "agent.toml"
    settings.write_text(f'state_dir = "{tmp_path}"\nno_such_field = 1\n')
    for _ in range(3):
        assert "no_such_field" in started(tmp_path, "run", "--settings", str(settings)).stderr
    assert (tmp_path / "slots" / "starts").read_text().split()[2] == "0"


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A real release of this agent on trial."""
    state_dir = tmp_path_factory.mktemp("real")
    put_on_trial(state_dir, BUILD["built"]("1.1.0"), gate_timeout_s=60.0)
    return state_dir


def test_a_built_release_holds_everything_the_agent_needs(built: Path) -> None:
    site = built / "slots" / "a" / "site"
    done = subprocess.run(
        [sys.executable, "-s", "-S", "-P", "-c", LOAD],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env=os.environ | {"PYTHONPATH": str(site), "PYTHONDONTWRITEBYTECODE": "1"},
    )
    assert done.stdout == f"{site}/wayside_agent/app.py []\n", done.stderr[-1500:]


def test_a_built_release_answers_from_its_slot(built: Path) -> None:
    done = started(built, "--help")
    assert done.returncode == 0, done.stderr[-1500:]
    assert "enroll" in done.stdout


def test_the_same_inputs_build_the_same_bytes() -> None:
    assert BUILD["built"]("1.1.0") == BUILD["built"]("1.1.0")


def test_a_built_release_names_no_path_of_the_machine_that_built_it(built: Path) -> None:
    site = built / "slots" / "a" / "site"
    root = str(FIRMWARE.parent).encode()
    found = [path for path in site.rglob("*") if path.suffix in {".py", ".txt", ".json", ""} and path.is_file()]
    assert not [path for path in found if root in path.read_bytes()]
    assert not list(site.rglob("direct_url.json"))


def test_a_silent_radio_overlay_changes_one_file() -> None:
    plain = BUILD["closure"]("wayside-agent")
    assert {"wayside-agent", "wayside-proto", "grpcio"} <= {dist.name for dist in plain}
    overlay = FIRMWARE / "overlays" / "silent-radio"
    assert [path.name for path in overlay.rglob("*.py")] == ["__main__.py"]


def test_the_daemon_imports_nothing_that_judges_or_unpacks_releases() -> None:
    looking = LOAD + "print('LOADED', *sorted({name.partition('.')[0] for name in sys.modules}), 'END')\n"
    looking += "print('PARTS', *sorted(name for name in sys.modules if name.startswith('wayside')))\n"
    ended = subprocess.run([sys.executable, "-c", looking], capture_output=True, text=True, timeout=60, check=True)
    modules = set(ended.stdout.partition("LOADED")[2].split())
    assert "wayside_agent.drivers.installer_process" in modules
    assert modules.isdisjoint({"tuf", "securesystemslib", "detools", "urllib3", "cryptography", "tarfile"})
    assert not any(name.startswith("wayside_agent.update") for name in modules)
