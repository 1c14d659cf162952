"""Durable records per second: the spool against SQLite (WAL, synchronous FULL), batches of 1 KB records.

Both write into the same temporary directory, in turns; set TMPDIR to measure another disk. A record counts once it
would survive a power cut.
"""

import asyncio
import sqlite3
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from bench._harness import Report
from wayside_agent.link.spool import FileSpool

RECORD = bytes(range(256)) * 4
BATCH_COUNTS = (1, 32, 256)
CALLER_COUNT = 32
ROUND_COUNT = 3
ROUND_S = 0.35
MAX_BYTES = 4 * 1024**3


def main() -> None:
    """Runs the benchmark."""
    with tempfile.TemporaryDirectory() as name:
        asyncio.run(_measure(Path(name))).print()


async def _measure(directory: Path) -> Report:
    report = Report("spool")
    connection = _sqlite(directory / "peer.db")
    async with FileSpool(directory / "spool", max_bytes=MAX_BYTES, max_records=10_000_000) as spool:
        for count in BATCH_COUNTS:
            await _compare(report, spool, connection, count)
        await _measure_callers(report, spool)
    connection.close()
    await _measure_drain(report, directory / "spool")
    return report


async def _compare(report: Report, spool: FileSpool, connection: sqlite3.Connection, count: int) -> None:
    async def append() -> int:
        await spool.append([RECORD] * count)
        return count

    async def insert() -> int:
        await asyncio.to_thread(_insert, connection, count)
        return count

    ours, peers = [], []
    for _ in range(ROUND_COUNT):  # in turns: another user of the disk hits both
        ours.append(await _rates(append))
        peers.append(await _rates(insert))
    (rate, cpu_us), (peer_rate, peer_cpu_us) = max(ours), max(peers)
    report.add(f"spool, batch {count}, records/s", rate, digits=0)
    report.add(f"sqlite, batch {count}, records/s", peer_rate, digits=0)
    report.add(f"spool, batch {count}, CPU us/record", cpu_us)
    report.add(f"sqlite, batch {count}, CPU us/record", peer_cpu_us)
    report.add_ratio(f"rate, batch {count}: spool / sqlite", rate / peer_rate)
    report.add_ratio(f"CPU, batch {count}: sqlite / spool", peer_cpu_us / cpu_us)


async def _measure_callers(report: Report, spool: FileSpool) -> None:
    async def append_together() -> int:
        async with asyncio.TaskGroup() as group:
            for _ in range(CALLER_COUNT):
                group.create_task(spool.append([RECORD]))
        return CALLER_COUNT

    rate, _ = max([await _rates(append_together) for _ in range(ROUND_COUNT)])
    report.add(f"spool, {CALLER_COUNT} callers of 1, records/s", rate, digits=0)
    alone = report.figures["spool, batch 1, records/s"]
    report.add_ratio(f"rate: {CALLER_COUNT} callers / 1 caller", rate / alone)


async def _measure_drain(report: Report, directory: Path) -> None:
    start = time.perf_counter()
    async with FileSpool(directory, max_bytes=MAX_BYTES, max_records=10_000_000) as spool:
        count = spool.state().record_count
        report.add("spool, open and check, records/s", count / (time.perf_counter() - start), digits=0)
        start = time.perf_counter()
        while spool.state().record_count:
            records = await spool.read(0, max_count=256)
            await spool.acknowledge(records[-1].sequence)
        report.add("spool, read and acknowledge 256, records/s", count / (time.perf_counter() - start), digits=0)


async def _rates(work: Callable[[], Awaitable[int]]) -> tuple[float, float]:
    """Records per second, and CPU microseconds per record, of work repeated for a while."""
    count = 0
    start_s, start_cpu_s = time.perf_counter(), time.process_time()
    while time.perf_counter() - start_s < ROUND_S:
        count += await work()
    elapsed_s, cpu_s = time.perf_counter() - start_s, time.process_time() - start_cpu_s
    return count / elapsed_s, cpu_s / count * 1e6


def _sqlite(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("CREATE TABLE record (sequence INTEGER PRIMARY KEY, payload BLOB NOT NULL)")
    return connection


def _insert(connection: sqlite3.Connection, count: int) -> None:
    connection.execute("BEGIN")
    connection.executemany("INSERT INTO record (payload) VALUES (?)", [(RECORD,)] * count)
    connection.execute("COMMIT")
