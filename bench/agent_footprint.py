"""The idle agent: CPU, RSS and PSS after 60 s, exec to first accepted report; beside it, its libraries alone.

The agent is enrolled, connected over mutual TLS, without sensors, and reports every 30 s. The start is the median of
five, seen by an operator's watch.
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
from wayside_demo.centre import Centre
from wayside_demo.field import FieldUnit

IDLE_S = float(os.environ.get("FOOTPRINT_IDLE_S", "60"))
START_COUNT = 5
START_TIMEOUT_S = 30
CLOCK_TICKS = os.sysconf("SC_CLK_TCK")
MEBIBYTE = 1024 * 1024
FLOOR = "import asyncio, ssl, grpc.aio, google.protobuf.message, aiomqtt, msgspec"


def main() -> None:
    """Measures and prints."""
    report = Report("agent-footprint")
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
    before_s, begin_s = _cpu_s(pid), time.monotonic()
    time.sleep(IDLE_S)
    idle_ratio = (_cpu_s(pid) - before_s) / (time.monotonic() - begin_s)
    memory = _memory_bytes(pid)
    floor = _floor_bytes()
    report.add("idle CPU, % of a core", idle_ratio * 100)
    report.add("RSS, MiB", memory["Rss"] / MEBIBYTE, digits=1)
    report.add("PSS, MiB", memory["Pss"] / MEBIBYTE, digits=1)
    report.add("RSS of the libraries alone, MiB", floor["Rss"] / MEBIBYTE, digits=1)
    report.add_ratio("RSS: agent / its libraries alone", memory["Rss"] / floor["Rss"])
    unit.agent.stop()


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


def _cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / CLOCK_TICKS


def _memory_bytes(pid: int) -> dict[str, int]:
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:]
    return {line.split(":")[0]: int(line.split()[1]) * 1024 for line in lines if line.endswith("kB")}


def _floor_bytes() -> dict[str, int]:
    command = [sys.executable, "-c", f"{FLOOR}; print(flush=True); input()"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as bare:
        assert bare.stdout
        bare.stdout.readline()
        memory = _memory_bytes(bare.pid)
        bare.communicate("\n")
    return memory


if __name__ == "__main__":
    main()
