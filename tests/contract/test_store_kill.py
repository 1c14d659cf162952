"""kill -9 at any moment: every report that was acknowledged is in the database afterwards."""

import asyncio
import random
import subprocess
import sys

from tests.contract.manager_store import batch, enrolled, health, opened
from wayside_manager.store.migrate import migrate

RUN_COUNT = 4
NODE_COUNT = 8
WRITER = """
import asyncio, os, sys
from datetime import UTC, datetime
from wayside_manager.core.reports import HealthFacts, Report
from wayside_manager.services.report_writer import ReportWriter
from wayside_manager.store.bus import LocalBus
from wayside_manager.store.sql import open_store

async def report(writer, node_id, start):
    sequence = start
    while True:
        sequence += 1
        facts = HealthFacts("", "1.0.0", 0, 30.0)
        fact = Report(sequence, None, 0, b"x" * (sequence % 400), facts)
        acknowledged = await writer.submit(node_id, "spool-a", [fact])
        os.write(1, b"%s %d\\n" % (node_id.encode(), acknowledged))

async def main(url, node_ids):
    async with open_store(url) as store:
        writer = ReportWriter(store, LocalBus(), now=lambda: datetime.now(UTC), pace_s=0.0)
        async with asyncio.TaskGroup() as group:
            group.create_task(writer.run())
            for node_id in node_ids:
                start = await store.acknowledged_sequence(node_id, "spool-a")
                group.create_task(report(writer, node_id, start))

asyncio.run(main(sys.argv[1], sys.argv[2:]))
"""


def killed_run(url: str, node_ids: list[str], line_count: int) -> dict[str, int]:
    """Starts a writer, kills it after it acknowledged some reports; per node the last it acknowledged."""
    command = [sys.executable, "-c", WRITER, url, *node_ids]
    acknowledged = {}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout is not None
        for _ in range(line_count):
            node_id, sequence = writer.stdout.readline().split()
            acknowledged[node_id] = int(sequence)
        writer.kill()
        for line in writer.stdout:  # what it said between our last look and its end counts as well
            node_id, sequence = line.split()
            acknowledged[node_id] = int(sequence)
    return acknowledged


async def test_every_acknowledged_report_survives_kill_9(store_url: str) -> None:
    node_ids = [f"rsu-{index}" for index in range(NODE_COUNT)]
    await migrate(store_url)
    async with opened(store_url) as store:
        for node_id in node_ids:
            await enrolled(store, node_id)
    chance = random.Random(2)  # noqa: S311  # where the kill falls, not a secret
    for _ in range(RUN_COUNT):
        said = await asyncio.to_thread(killed_run, store_url, node_ids, chance.randint(1, 300))
        async with opened(store_url) as store:
            for node_id, sequence in said.items():
                assert await store.acknowledged_sequence(node_id, "spool-a") >= sequence
                newest = (await store.list_reports(node_id, page_size=1)).items[0]
                assert newest.sequence >= sequence


async def test_the_history_after_a_kill_has_no_holes(store_url: str) -> None:
    await migrate(store_url)
    async with opened(store_url) as store:
        await enrolled(store, "rsu-1")
    said = await asyncio.to_thread(killed_run, store_url, ["rsu-1"], 150)
    async with opened(store_url) as store:
        newest = await store.acknowledged_sequence("rsu-1", "spool-a")
        found = (await store.list_reports("rsu-1", page_size=1000)).items
        assert newest >= said["rsu-1"]
        assert [report.sequence for report in reversed(found)] == list(range(1, newest + 1))
        assert (await store.get_node("rsu-1")).status.lost_report_count == 0
        assert (await store.record_reports([batch("rsu-1", health(newest + 1))])).sequences == (newest + 1,)
