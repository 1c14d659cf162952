"""A step of the alarm engine, read, decided and written, over 10,000 nodes of which 400 fall silent, on SQLite.

Four lines of 20 sites each, on four roads, die at once; every twentieth of the other nodes has a check that failed.
Steps: nothing wrong, what is wrong found, all of it raised, the lines dead, nothing new, the lines back. The steps are
those of the service, with a lease and events; between them a clock is set, and nobody waits. The floor is the pause
between two looks, 1 s: a step that takes longer delays the next. CPU time is of all threads of this process.
"""

import asyncio
import gc
import tempfile
import time
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import create_engine, insert, select, update

from bench._fleet import NODE_COUNT, SITE_COUNT, make_fleet
from bench._harness import Report as Figures
from wayside_manager.core.access import EVERYWHERE
from wayside_manager.ports.alarms import AlarmQuestion
from wayside_manager.ports.store import Store
from wayside_manager.services.alarm_engine import REST_S, AlarmEngine
from wayside_manager.store import tables
from wayside_manager.store.bus import LocalBus
from wayside_manager.store.migrate import migrate
from wayside_manager.store.moments import as_us
from wayside_manager.store.sql import open_store

START = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
SITES_PER_LINE = 20
DEAD_LINES = ("line-000", "line-005", "line-010", "line-015")
"""Five nodes stand at a site, so 400 are behind them; each is a fifth of its road: it is the line, not the road."""
LOST_COUNT = 400
FAILED_EVERY = 20
CALM_RUNS = 5
TOLD = AlarmQuestion()


class Clock:
    """The engine's clock."""

    def __init__(self) -> None:
        self.time = START

    def __call__(self) -> datetime:
        """The time it was set to."""
        return self.time


def main() -> None:
    """Runs the benchmark."""
    with tempfile.TemporaryDirectory() as name:
        asyncio.run(_measure(f"sqlite:///{Path(name) / 'alarms.db'}")).print()


async def _measure(url: str) -> Figures:
    figures, clock = Figures("alarms"), Clock()
    await migrate(url)
    make_fleet(url, START)
    _draw_lines(url)
    async with AsyncExitStack() as stack:
        store = await stack.enter_async_context(open_store(url))
        engine = AlarmEngine(store, LocalBus(), now=clock, holder="bench")
        gc.freeze()  # as the manager does before it serves
        longest_ms = [await _step(figures, engine, clock, "nothing wrong") for _ in range(CALM_RUNS)]
        failed_count = _fail(url)
        longest_ms.append(await _step(figures, engine, clock, f"{failed_count} checks failed, found"))
        clock.time += timedelta(seconds=50)
        longest_ms.append(await _step(figures, engine, clock, f"{failed_count} checks failed, raised"))
        _hear(url, clock.time - timedelta(seconds=120))
        longest_ms.append(await _step(figures, engine, clock, "400 of 10,000 lost, raised as 4"))
        found = await _count(store)
        assert found == failed_count + len(DEAD_LINES), found
        longest_ms += [await _step(figures, engine, clock, "nothing new") for _ in range(CALM_RUNS)]
        _hear(url, clock.time + timedelta(hours=1))
        longest_ms.append(await _step(figures, engine, clock, "400 are back"))
    figures.add_ratio("pause of 1 s / longest step", REST_S * 1e3 / max(longest_ms))
    return figures


async def _step(figures: Figures, engine: AlarmEngine, clock: Clock, name: str) -> float:
    """One look; the longest of a name is kept. Milliseconds."""
    clock.time += timedelta(seconds=5)
    begin_cpu_s, begin_s = time.process_time(), time.perf_counter()
    await engine.step()
    wall_ms, cpu_ms = (time.perf_counter() - begin_s) * 1e3, (time.process_time() - begin_cpu_s) * 1e3
    for unit, value in (("ms", wall_ms), ("ms of CPU", cpu_ms)):
        figure = f"step, {name}, {unit}"
        figures.add(figure, max(value, figures.figures.get(figure, 0.0)), digits=0)
    return wall_ms


async def _count(store: Store) -> int:
    """Alarms that people are told."""
    count, token = 0, ""
    while True:
        page = await store.list_alarms(TOLD, reach=EVERYWHERE, page_size=1000, page_token=token)
        count, token = count + len(page.items), page.next_page_token
        if not token:
            return count


def _draw_lines(url: str) -> None:
    """Sites get lines of twenty each."""
    engine = create_engine(url)
    with engine.begin() as connection:
        for first in range(0, SITE_COUNT, SITES_PER_LINE):
            site_ids = [f"site-{index:04}" for index in range(first, first + SITES_PER_LINE)]
            line = update(tables.sites).where(tables.sites.c.site_id.in_(site_ids))
            connection.execute(line.values(backhaul=_line(first)))
    engine.dispose()


def _line(site_index: int) -> str:
    return f"line-{site_index // SITES_PER_LINE:03}"


def _fail(url: str) -> int:
    """A check of every twentieth node has failed, but of none behind the lines that die; how many."""
    rows = [
        {
            "node_id": f"node-{index:05}",
            "name": "gnss.antenna",
            "state": "failed",
            "since_us": as_us(START),
            "reason": "the antenna is open",
            "value": None,
            "unit": "",
        }
        for index in range(0, NODE_COUNT, FAILED_EVERY)
        if _line(index % SITE_COUNT) not in DEAD_LINES
    ]
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.execute(insert(tables.node_checks), rows)
    engine.dispose()
    return len(rows)


def _hear(url: str, at: datetime) -> None:
    """The nodes behind the dead lines were heard last then."""
    behind = select(tables.nodes.c.node_id).join(tables.sites, tables.sites.c.site_id == tables.nodes.c.site_id)
    lost = tables.node_status.c.node_id.in_(behind.where(tables.sites.c.backhaul.in_(DEAD_LINES)))
    engine = create_engine(url)
    with engine.begin() as connection:
        heard = update(tables.node_status).where(lost).values(last_report_us=as_us(at))
        assert connection.execute(heard).rowcount == LOST_COUNT
    engine.dispose()
