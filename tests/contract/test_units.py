"""The unit files: right in every directive, and the sandbox no weaker than it was."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from wayside_agent.boot import ONE_HEAP

UNITS = Path(__file__).parents[2] / "packaging" / "systemd"
# Ten times the overall exposure that `systemd-analyze security` of systemd 252 finds; may only fall.
WORST_EXPOSURE = {"wayside-agent.service": 22, "wayside-install@.service": 4, "wayside-manager.service": 12}
# What no other version's scale may forgive.
CLOSED = (
    "CapabilityBoundingSet_CAP_SYS_ADMIN",
    "MemoryDenyWriteExecute",
    "NoNewPrivileges",
    "ProtectHome",
    "ProtectProc",
    "ProtectSystem",
    "SystemCallFilter_mount",
    "SystemCallFilter_raw_io",
    "SystemCallFilter_reboot",
    "UserOrDynamicUser",
)


@pytest.fixture(autouse=True)
def systemd_analyze() -> None:
    if not shutil.which("systemd-analyze"):
        pytest.skip("needs systemd-analyze, of Debian's package systemd")


def _analyzed(*arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(["systemd-analyze", *arguments], capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.parametrize("name", WORST_EXPOSURE)
def test_systemd_understands_every_directive(name: str, tmp_path: Path) -> None:
    program = shutil.which("true")
    lines = (UNITS / name).read_text().splitlines()
    assert sum(line.startswith("ExecStart=/opt/") for line in lines) == 1
    # verify wants the program to be there, and here it is not installed
    installed = [f"ExecStart={program}" if line.startswith("ExecStart=") else line for line in lines]
    (tmp_path / name).write_text("\n".join(installed) + "\n")
    verified = _analyzed("verify", "--man=no", str(tmp_path / name))
    assert verified.stdout + verified.stderr == ""
    assert verified.returncode == 0


@pytest.mark.parametrize("name", WORST_EXPOSURE)
def test_the_sandbox_is_no_weaker_than_it_was(name: str) -> None:
    rated = _analyzed("security", "--offline=true", f"--threshold={WORST_EXPOSURE[name]}", str(UNITS / name))
    if "offline" in rated.stderr:
        pytest.skip("this systemd-analyze cannot rate a file; 250 and later can")
    assert rated.returncode == 0, rated.stdout.splitlines()[-1]


@pytest.mark.parametrize("name", WORST_EXPOSURE)
def test_what_matters_most_is_closed(name: str) -> None:
    rated = _analyzed("security", "--offline=true", "--json=short", str(UNITS / name))
    if not rated.stdout.startswith("["):
        pytest.skip("this systemd-analyze cannot rate a file; 250 and later can")
    held = {finding["json_field"] for finding in json.loads(rated.stdout) if finding["set"]}
    assert set(CLOSED) <= held


def test_the_agent_has_one_heap_from_its_first_start_on() -> None:
    [(name, value)] = ONE_HEAP.items()
    assert f"\nEnvironment={name}={value}\n" in (UNITS / "wayside-agent.service").read_text()
