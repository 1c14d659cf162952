"""The idle agent: CPU, RSS and PSS after 60 s, exec to first accepted report; beside it, its libraries alone.

The agent is enrolled, connected over mutual TLS, without sensors, and reports every 30 s. The start is the median of
five, seen by an operator's watch. Then it updates itself to a release of this checkout: RSS of the daemon before, at
its peak until it starts anew, and after; the peak of the helper beside it.
"""

import os
import statistics
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

from bench._harness import Report
from bench._peaks import Peaks, memory_bytes
from wayside_agent.boot import ONE_HEAP
from wayside_demo.centre import Centre, ReleaseBuilder
from wayside_demo.field import FieldUnit
from wayside_demo.stage import until

IDLE_S = float(os.environ.get("FOOTPRINT_IDLE_S", "60"))
START_COUNT = 5
START_TIMEOUT_S = 30
UPDATE_TIMEOUT_S = 90
SETTLED_S = 10.0
VERSION = "1.1.0"
CLOCK_TICKS = os.sysconf("SC_CLK_TCK")
MEBIBYTE = 1024 * 1024
FLOOR = "import asyncio, ssl, grpc.aio, google.protobuf.message, aiomqtt, msgspec"


def main() -> None:
    """Measures and prints."""
    report = Report("agent-footprint")
    os.environ |= ONE_HEAP  # as the unit file has it
    with tempfile.TemporaryDirectory() as folder:
        centre = Centre(Path(folder), Path(folder))
        centre.start()
        try:
            _measure(report, Path(folder), centre)
        finally:
            centre.stop()
    report.print()


def _measure(report: Report, folder: Path, centre: Centre) -> None:
    unit = FieldUnit("rsu-idle", folder / "unit", centre, sensors="")
    unit.enroll()
    starts_s = [_start_s(unit) for _ in range(START_COUNT)]
    report.add("exec to first accepted report, s", statistics.median(starts_s))
    pid = unit.agent.pid
    before_s, begin_s = cpu_s(pid), time.monotonic()
    time.sleep(IDLE_S)
    idle_ratio = (cpu_s(pid) - before_s) / (time.monotonic() - begin_s)
    memory = memory_bytes(pid)
    floor = _floor_bytes()
    report.add("idle CPU, % of a core", idle_ratio * 100)
    report.add("RSS, MiB", memory["Rss"] / MEBIBYTE, digits=1)
    report.add("PSS, MiB", memory["Pss"] / MEBIBYTE, digits=1)
    report.add("RSS of the libraries alone, MiB", floor["Rss"] / MEBIBYTE, digits=1)
    report.add_ratio("RSS: agent / its libraries alone", memory["Rss"] / floor["Rss"])
    _update(report, unit, folder, memory["Rss"])
    unit.agent.stop()


def _update(report: Report, unit: FieldUnit, folder: Path, before_bytes: int) -> None:
    """One update of the whole, and what it takes beside what the daemon has anyhow."""
    builder = ReleaseBuilder(folder, {VERSION: None})
    builder.start()
    artifact = builder.artifact(VERSION)
    unit.centre.people.sign(artifact)
    unit.centre.wayside("releases", "publish", str(artifact))
    with Peaks(unit.agent.pid) as peaks:
        unit.centre.wayside("rollouts", "create", f"releases/{VERSION}", "--all")
        until("it runs the release for good", lambda: _runs(unit), UPDATE_TIMEOUT_S)
    time.sleep(SETTLED_S)
    after_bytes = memory_bytes(unit.agent.pid)["Rss"]
    report.add("update, whole, MB", artifact.stat().st_size / 1e6, digits=1)
    report.add("update: RSS of the daemon grows by, MiB", (peaks.daemon_bytes - before_bytes) / MEBIBYTE, digits=1)
    report.add("update: RSS of the new daemon, MiB", after_bytes / MEBIBYTE, digits=1)
    report.add("update: peak of the helper, MiB", peaks.helper_bytes / MEBIBYTE, digits=1)


def _runs(unit: FieldUnit) -> bool:
    word = unit.node().get("update", {})
    return (word.get("phase"), word.get("running_version")) == ("PHASE_COMMITTED", VERSION)


def _start_s(unit: FieldUnit) -> float:
    """Time from exec until a watching operator sees a report that was made after it [s]."""
    unit.agent.stop()
    begin_time, begin_s = datetime.now(UTC), time.monotonic()
    unit.agent.start()
    while not _is_newer(unit.node().get("health", {}).get("sample_time"), begin_time):
        if time.monotonic() - begin_s > START_TIMEOUT_S:
            raise SystemExit(f"no report within {START_TIMEOUT_S} s: {unit.agent.last_words()}")
        time.sleep(0.002)
    return time.monotonic() - begin_s


def _is_newer(sample_time: str | None, begin_time: datetime) -> bool:
    return sample_time is not None and datetime.fromisoformat(sample_time) > begin_time


def cpu_s(pid: int) -> float:
    """Time a process has had of a core [s]."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / CLOCK_TICKS


def _floor_bytes() -> dict[str, int]:
    command = [sys.executable, "-c", f"{FLOOR}; print(flush=True); input()"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as bare:
        assert bare.stdout
        bare.stdout.readline()
        memory = memory_bytes(bare.pid)
        bare.communicate("\n")
    return memory


if __name__ == "__main__":
    main()
