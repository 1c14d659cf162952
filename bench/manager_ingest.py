"""Reports per second through the manager's writer into SQLite, against bare SQLite doing the same writes.

One report is a row of history, a node's status and its spool's sequence; both sides commit with synchronous FULL.
"steady" offers what 10,000 nodes at 30 s send, and measures the share of a core. Set TMPDIR to measure another disk.
"""

import asyncio
import sqlite3
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

from bench._harness import Report as Figures
from wayside_manager.core.credentials import CredentialKind, CredentialRecord
from wayside_manager.core.enrollment import EnrollmentRequest, TokenRecord
from wayside_manager.core.nodes import NodeKind
from wayside_manager.core.reports import HealthFacts, Report
from wayside_manager.ports.store import Store
from wayside_manager.services.report_writer import ReportWriter
from wayside_manager.store.bus import LocalBus
from wayside_manager.store.migrate import migrate
from wayside_manager.store.sql import open_store

NODE_COUNT = 1_000
BODY = bytes(313)  # size of the health report of measured-manager.md
ROUND_COUNT = 10
STEADY_S = 6.0
STEADY_PER_S = 333.0
FACTS = HealthFacts("1.0.0", "1.0.0", 1, 30.0)


def main() -> None:
    """Runs the benchmark."""
    with tempfile.TemporaryDirectory() as name:
        asyncio.run(_measure(Path(name))).print()


async def _measure(directory: Path) -> Figures:
    figures = Figures("manager-ingest")
    url = f"sqlite:///{directory}/manager.db"
    await migrate(url)
    async with open_store(url) as store:
        await _enrol(figures, store)
        await _saturate(figures, store)
        await _offer_steadily(figures, store)
    _measure_peer(figures, directory / "peer.db")
    rate, peer_rate = figures.figures["writer, reports/s"], figures.figures["bare sqlite, batch 1,000, reports/s"]
    figures.add_ratio("rate: writer / bare sqlite, batch 1,000", rate / peer_rate)
    figures.add_ratio("rate: writer / bare sqlite, each alone", rate / figures.figures["bare sqlite, alone, reports/s"])
    return figures


async def _enrol(figures: Figures, store: Store) -> None:
    now = datetime.now(UTC)
    await store.add_token(TokenRecord("ab", now, now + timedelta(hours=1), NODE_COUNT))
    start_s = time.perf_counter()
    for index in range(NODE_COUNT):
        key = f"{index:064x}"
        request = EnrollmentRequest("ab", f"n{index}", f"E{index}", NodeKind.RSU, key, partial(_certificate, key, now))
        await store.enroll(request, now=now)
    figures.add("enrolments/s", NODE_COUNT / (time.perf_counter() - start_s), digits=0)


def _certificate(key: str, now: datetime, node_id: str) -> CredentialRecord:
    life = timedelta(days=30)
    return CredentialRecord(key, f"nodes/{node_id}", CredentialKind.CERTIFICATE, now, now + life, key_sha256=key)


@asynccontextmanager
async def _running(store: Store) -> AsyncIterator[ReportWriter]:
    writer = ReportWriter(store, LocalBus(), now=lambda: datetime.now(UTC))
    async with asyncio.TaskGroup() as group:
        task = group.create_task(writer.run())
        yield writer
        task.cancel()


def _report(sequence: int) -> Report:
    return Report(sequence, datetime.now(UTC), 3, BODY, FACTS)


async def _saturate(figures: Figures, store: Store) -> None:
    """Every node sends its next report as soon as the one before is acknowledged."""

    async def send(writer: ReportWriter, node_id: str) -> None:
        for sequence in range(1, ROUND_COUNT + 1):
            await writer.submit(node_id, "spool", [_report(sequence)])

    async with _running(store) as writer:
        start_s, start_cpu_s = time.perf_counter(), time.process_time()
        async with asyncio.TaskGroup() as group:
            for index in range(NODE_COUNT):
                group.create_task(send(writer, f"n{index}"))
        elapsed_s, cpu_s = time.perf_counter() - start_s, time.process_time() - start_cpu_s
    count = NODE_COUNT * ROUND_COUNT
    figures.add("writer, reports/s", count / elapsed_s, digits=0)
    figures.add("writer, CPU us/report", cpu_s / count * 1e6, digits=1)


async def _offer_steadily(figures: Figures, store: Store) -> None:
    delays_s: list[float] = []

    async def send(writer: ReportWriter, index: int) -> None:
        await asyncio.sleep(index / STEADY_PER_S)
        start_s = time.perf_counter()
        sequence = ROUND_COUNT + 1 + index // NODE_COUNT
        await writer.submit(f"n{index % NODE_COUNT}", "spool", [_report(sequence)])
        delays_s.append(time.perf_counter() - start_s)

    async with _running(store) as writer:
        start_s, start_cpu_s = time.perf_counter(), time.process_time()
        async with asyncio.TaskGroup() as group:
            for index in range(int(STEADY_S * STEADY_PER_S)):
                group.create_task(send(writer, index))
        elapsed_s, cpu_s = time.perf_counter() - start_s, time.process_time() - start_cpu_s
    delays_s.sort()
    figures.add("steady 333/s, share of a core, %", cpu_s / elapsed_s * 100, digits=1)
    figures.add("steady 333/s, wait for the commit p50, ms", delays_s[len(delays_s) // 2] * 1e3, digits=1)
    figures.add("steady 333/s, wait for the commit p99, ms", delays_s[len(delays_s) * 99 // 100] * 1e3, digits=1)


def _measure_peer(figures: Figures, path: Path) -> None:
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("CREATE TABLE report (node TEXT, sequence INTEGER, body BLOB, PRIMARY KEY (node, sequence))")
    connection.execute("CREATE TABLE status (node TEXT PRIMARY KEY, sequence INTEGER, body BLOB)")
    for label, batch_count, round_count in (("alone", 1, 1_000), ("batch 1,000", 1_000, ROUND_COUNT)):
        start_s = time.perf_counter()
        for sequence in range(round_count):
            rows = [(f"{label}{sequence}-{index}", sequence, BODY) for index in range(batch_count)]
            connection.execute("BEGIN")
            connection.executemany("INSERT INTO report VALUES (?, ?, ?)", rows)
            connection.executemany("INSERT OR REPLACE INTO status VALUES (?, ?, ?)", rows)
            connection.execute("COMMIT")
        rate = batch_count * round_count / (time.perf_counter() - start_s)
        figures.add(f"bare sqlite, {label}, reports/s", rate, digits=0)
    connection.close()
