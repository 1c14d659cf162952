"""Steps of the alarm engine, read, judged and saved, over 10,000 nodes of which a line takes 400 away for a while.

Each 400 nodes share a line, and one in twenty says that something is not as it should be. Floor: a step takes at most
500 ms on SQLite, a tenth of the time between two. CPU time is of all threads of this process: on a machine that does
something else as well, it says more than the time on the wall. Set TMPDIR to measure another disk.
"""

import asyncio
import gc
import tempfile
import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from typing import NamedTuple

from sqlalchemy import Engine, create_engine, insert, update

from bench._fleet import NODE_COUNT, SITE_COUNT, make_fleet
from bench._harness import Report as Figures
from wayside_manager.core.alarm_step import next_step
from wayside_manager.core.alarms import AlarmState, AlarmStep, Key
from wayside_manager.core.presence import lost_limit_s
from wayside_manager.ports.rollouts import Lease
from wayside_manager.ports.store import Store
from wayside_manager.store import tables
from wayside_manager.store.migrate import migrate
from wayside_manager.store.moments import as_us
from wayside_manager.store.sql import open_store

STEP_FLOOR_MS = 500.0
QUIET_STEPS = 5
SITES_PER_LINE = 80
STEP_S = 5.0
PERIOD_S = 30.0
START = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
LOST = [f"node-{index:05}" for index in range(NODE_COUNT) if index % SITE_COUNT < SITES_PER_LINE]
FAULTY = [f"node-{index:05}" for index in range(NODE_COUNT) if index % 20 == 0 and index % SITE_COUNT >= SITES_PER_LINE]


class StepTimes(NamedTuple):
    """Milliseconds of one step."""

    read_ms: float
    judge_ms: float
    save_ms: float
    total_ms: float
    cpu_ms: float


@dataclass
class Bench:
    """An engine's state between steps."""

    store: Store
    engine: Engine
    lease: Lease
    now: datetime = START
    pending: Mapping[Key, datetime] = field(default_factory=dict)

    async def step(self) -> tuple[StepTimes, AlarmStep]:
        """One step, five seconds on."""
        self.now += timedelta(seconds=STEP_S)
        begin_cpu_s, begin_s = time.process_time(), time.perf_counter()
        situation, policy = await self.store.alarm_situation(now=self.now, begin_time=START - timedelta(days=1))
        read_s = time.perf_counter()
        step = next_step(replace(situation, pending=self.pending), policy, self.now)
        judged_s = time.perf_counter()
        raised = (*situation.alarms, *step.alarms)
        storms: dict[str, Collection[str]] = {
            alarm.alarm_id: [node.node_id for node in situation.nodes.values() if alarm.subject in node.areas]
            for alarm in raised
            if alarm.is_storm and alarm.state is AlarmState.RAISED
        }
        if step.is_change or storms:
            await self.store.save_alarm_step(step, storms=storms, now=self.now, lease=self.lease)
        saved_s = time.perf_counter()
        self.pending = step.pending
        times_s = (read_s - begin_s, judged_s - read_s, saved_s - judged_s, saved_s - begin_s)
        cpu_s = time.process_time() - begin_cpu_s
        return StepTimes(*(time_s * 1e3 for time_s in (*times_s, cpu_s))), step

    def hear(self, node_ids: Collection[str]) -> None:
        """These report now."""
        self._last_report(node_ids, self.now)

    def lose(self, node_ids: Collection[str]) -> None:
        """These reported so long ago that they are lost."""
        self._last_report(node_ids, self.now - timedelta(seconds=lost_limit_s(PERIOD_S)))

    def _last_report(self, node_ids: Collection[str], heard: datetime) -> None:
        status = tables.node_status
        with self.engine.begin() as connection:
            for node_id in node_ids:
                statement = update(status).where(status.c.node_id == node_id)
                connection.execute(statement.values(last_report_us=as_us(heard)))


def main() -> None:
    """Runs the benchmark."""
    with tempfile.TemporaryDirectory() as name:
        asyncio.run(_measure(f"sqlite:///{Path(name) / 'alarms.db'}")).print()


async def _measure(url: str) -> Figures:
    figures = Figures("alarms")
    await migrate(url)
    make_fleet(url, START)
    engine = create_engine(url)
    _furnish(engine)
    async with open_store(url) as store:
        gc.freeze()  # as the manager does before it serves
        lease = await store.take_lease("alarms", "bench", now=START, life_s=1e6)
        assert lease is not None
        bench = Bench(store, engine, lease)
        longest_ms = [await _timed(figures, bench, "480 doors are open", events=len(FAULTY))]
        longest_ms += [await _timed(figures, bench, "nothing new", steps=QUIET_STEPS)]
        bench.lose(LOST)
        longest_ms += [await _timed(figures, bench, "400 fall silent", events=1)]
        longest_ms += [await _timed(figures, bench, "the storm goes on", steps=QUIET_STEPS)]
        bench.hear(LOST[: len(LOST) // 2])
        longest_ms += [await _timed(figures, bench, "200 are back")]
        bench.hear(LOST)
        longest_ms += [await _timed(figures, bench, "all are back", events=1)]
    engine.dispose()
    figures.add_ratio("floor of 500 ms / longest step", STEP_FLOOR_MS / max(longest_ms))
    return figures


async def _timed(figures: Figures, bench: Bench, name: str, *, steps: int = 1, events: int = 0) -> float:
    """The longest of some steps [ms], which tell of so many events together."""
    done = [await bench.step() for _ in range(steps)]
    assert sum(len(step.events) for _, step in done) == events
    for part in StepTimes._fields:
        figures.add(f"{name}: {part[:-3]}, ms", median(getattr(times, part) for times, _ in done), digits=1)
    return max(times.total_ms for times, _ in done)


def _furnish(engine: Engine) -> None:
    """Gives sites their lines, and some nodes a fault."""
    with engine.begin() as connection:
        for index in range(SITE_COUNT):
            statement = update(tables.sites).where(tables.sites.c.site_id == f"site-{index:04}")
            connection.execute(statement.values(backhaul=f"line-{index // SITES_PER_LINE}"))
        fault = {
            "name": "environment.door",
            "state": "degraded",
            "reason": "it is open",
            "unit": "",
            "since_us": as_us(START),
        }
        rows = [fault | {"node_id": node_id} for node_id in FAULTY]
        connection.execute(insert(tables.node_checks), rows)
