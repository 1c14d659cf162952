"""Starts of the agent, counted in a file that survives kill -9."""

import asyncio
import signal
import sys
from pathlib import Path

import pytest

from wayside_agent.core.starts import StartReason
from wayside_agent.drivers.start_log import RESULT_FILE, StartLog

LIFE = """
import sys, time
from pathlib import Path
from wayside_agent.drivers.start_log import StartLog
log = StartLog(Path(sys.argv[1]))
start = log.begin()
print(start.reason, start.starts.start_count, start.starts.unasked_count, flush=True)
if sys.argv[2] == "ends":
    log.end()
else:
    time.sleep(60)
"""


async def lived(state: Path, end: str) -> str:
    """What a process says of its start; it then ends by itself, or is killed."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", LIFE, str(state), end, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    async with asyncio.timeout(30):
        said = (await process.stdout.readline()).decode().strip()
        if end != "ends":
            process.send_signal(signal.SIGKILL)
        await process.wait()
    return said


async def test_a_process_that_is_killed_has_crashed_and_one_that_ends_has_not(tmp_path: Path) -> None:
    said = [await lived(tmp_path, end) for end in ("ends", "killed", "killed", "ends", "ends")]
    assert said == ["asked 1 0", "asked 2 0", "crash 3 1", "crash 4 2", "asked 5 2"]


@pytest.mark.parametrize(
    ("result", "reason", "unasked_count"),
    [
        (b"watchdog", StartReason.WATCHDOG, 1),
        (b"signal\n", StartReason.CRASH, 1),
        (b"success", StartReason.ASKED, 0),
        (b"\xff" * 10_000, StartReason.CRASH, 1),
    ],
    ids=["watchdog", "signal", "success", "garbage"],
)
def test_what_systemd_says_of_an_end_counts_once(
    tmp_path: Path, result: bytes, reason: StartReason, unasked_count: int
) -> None:
    StartLog(tmp_path).begin()
    (tmp_path / RESULT_FILE).write_bytes(result)
    start = StartLog(tmp_path).begin()
    assert (start.reason, start.starts.unasked_count) == (reason, unasked_count)
    assert not (tmp_path / RESULT_FILE).exists()
    assert StartLog(tmp_path).begin().reason is StartReason.CRASH


def test_a_disk_that_refuses_leaves_the_start_unknown_and_stops_nothing(tmp_path: Path) -> None:
    gone = tmp_path / "gone"
    log = StartLog(gone, clock_s=lambda: 7.0)
    start = log.begin()
    assert (start.reason, start.time_s, start.unasked_per_day(7.0)) == (StartReason.UNKNOWN, 7.0, None)
    log.end()


def test_a_file_that_is_damaged_begins_anew(tmp_path: Path) -> None:
    StartLog(tmp_path).begin()
    (tmp_path / "starts.state").write_bytes(b"garbage")
    start = StartLog(tmp_path).begin()
    assert (start.reason, start.starts.start_count) == (StartReason.ASKED, 1)
