"""Steps of fleet-wide rollouts, read, planned and saved, and previews, over 10,000 nodes at 2,000 sites.

Floors: a step takes at most 200 ms, a preview of a change for the whole fleet at most 2 s, both on SQLite. Between the
steps the nodes say that they have it, which is not timed. CPU time is of all threads of this process: on a machine
that does something else as well, it says more than the time on the wall. Set TMPDIR to measure another disk.
"""

import asyncio
import gc
import hashlib
import tempfile
import time
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from typing import NamedTuple

from bench._fleet import NODE_COUNT, RELEASE, make_fleet
from bench._harness import Report as Figures
from wayside_manager.core.access import EVERYWHERE
from wayside_manager.core.configs import ConfigLayerRecord
from wayside_manager.core.nodes import UpdatePhase
from wayside_manager.core.reports import ConfigFacts, ConfigOutcome, Report, ReportBatch, UpdateFacts
from wayside_manager.core.rollout import RolloutNodeState, RolloutPlan, RolloutSpec, RolloutState, Wave
from wayside_manager.core.rollout_plan import next_step
from wayside_manager.core.selectors import NodeSelector
from wayside_manager.ports.rollouts import Lease
from wayside_manager.ports.store import Store
from wayside_manager.store.migrate import migrate
from wayside_manager.store.sql import open_store

STEP_FLOOR_MS = 200.0
PREVIEW_FLOOR_MS = 2_000.0
STEPS_MAX = 60
PREVIEW_RUNS = 3
START = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
EVERYBODY = NodeSelector(all_nodes=True)
IN_WAVES = RolloutPlan(waves=(Wave(count=100), Wave(percent=10.0)))
CONTENT = b'{"report_period_s":20}'
LAYER = ConfigLayerRecord("base", EVERYBODY, 0, {"report_period_s": 20}, START, START)
SHARED = replace(LAYER, config={"report_period_s": 25})
OWN = replace(LAYER, config={"telemetry": {"broker_host": "broker.example", "username": "${node.id}"}})


class StepTimes(NamedTuple):
    """Milliseconds of one step."""

    read_ms: float
    plan_ms: float
    save_ms: float
    total_ms: float
    cpu_ms: float


def main() -> None:
    """Runs the benchmark."""
    with tempfile.TemporaryDirectory() as name:
        asyncio.run(_measure(Path(name))).print()


async def _measure(directory: Path) -> Figures:
    figures = Figures("planner")
    async with AsyncExitStack() as stack:
        store = await _fleet(stack, directory / "roads.db", has_corridors=True)
        gc.freeze()  # as the manager does before it serves
        await _measure_preview(figures, store, "preview of equal changes", SHARED)
        await _measure_preview(figures, store, "preview of a change per node", OWN)
        rollout_id = await _apply(figures, store, IN_WAVES)
        await _measure_rollout(figures, store, "configuration on roads", rollout_id)
        await _measure_rollout(figures, store, "release, dynamic, on roads", await _release(store))
    async with AsyncExitStack() as stack:
        store = await _fleet(stack, directory / "open.db", has_corridors=False)
        rollout_id = await _apply(figures, store, RolloutPlan())
        await _measure_rollout(figures, store, "configuration, all at once", rollout_id)
    return figures


async def _fleet(stack: AsyncExitStack, path: Path, *, has_corridors: bool) -> Store:
    url = f"sqlite:///{path}"
    await migrate(url)
    make_fleet(url, START, has_corridors=has_corridors)
    return await stack.enter_async_context(open_store(url))


async def _measure_preview(figures: Figures, store: Store, name: str, layer: ConfigLayerRecord) -> None:
    times_ms = []
    for _ in range(PREVIEW_RUNS):
        start_s = time.perf_counter()
        preview = await store.preview_config([layer], [], reach=EVERYWHERE)
        times_ms.append((time.perf_counter() - start_s) * 1e3)
        assert sum(len(group.node_ids) for group in preview.changes) == NODE_COUNT
    figures.add(f"{name}, longest, ms", max(times_ms), digits=0)
    figures.add_ratio(f"{name}: floor of 2 s / longest", PREVIEW_FLOOR_MS / max(times_ms))


async def _apply(figures: Figures, store: Store, plan: RolloutPlan) -> str:
    """The rollout of a layer that changes every node."""
    start_s = time.perf_counter()
    applied = await store.apply_layer(LAYER, now=START, plan=plan)
    figures.add("apply a layer that changes every node, ms", (time.perf_counter() - start_s) * 1e3, digits=0)
    return applied.effect.rollout_id


async def _release(store: Store) -> str:
    """A rollout of the release to everybody, and to who joins."""
    node_ids = await store.select_nodes(EVERYBODY, reach=EVERYWHERE, tenant_id="root")
    plan = replace(IN_WAVES, is_dynamic=True)
    await store.create_rollout(RolloutSpec("r1", RELEASE, node_ids, plan, EVERYBODY), now=START)
    return "r1"


async def _measure_rollout(figures: Figures, store: Store, name: str, rollout_id: str) -> None:
    """Steps until everybody has it."""
    now = START
    lease = await store.take_lease("rollouts", "bench", now=START, life_s=1e6)
    assert lease is not None
    steps: list[StepTimes] = []
    for sequence in range(1, STEPS_MAX):
        now += timedelta(seconds=1)
        steps.append(await _step(store, rollout_id, lease, now))
        if (await store.get_rollout(rollout_id)).state is not RolloutState.RUNNING:
            break
        await _answer(store, rollout_id, now, sequence)
    assert (await store.get_rollout(rollout_id)).state is RolloutState.SUCCEEDED
    figures.add(f"{name}: steps", len(steps), digits=0)
    for field in ("read_ms", "plan_ms", "save_ms"):
        figures.add(f"{name}: {field[:4]}, longest, ms", max(getattr(each, field) for each in steps), digits=1)
    totals_ms = [each.total_ms for each in steps]
    figures.add(f"{name}: step, median, ms", median(totals_ms), digits=1)
    figures.add(f"{name}: step, longest, ms", max(totals_ms), digits=1)
    figures.add(f"{name}: step, longest, ms of CPU", max(each.cpu_ms for each in steps), digits=1)
    figures.add_ratio(f"{name}: floor of 200 ms / longest step", STEP_FLOOR_MS / max(totals_ms))


async def _step(store: Store, rollout_id: str, lease: Lease, now: datetime) -> StepTimes:
    begin_cpu_s = time.process_time()
    begin_s = time.perf_counter()
    seen = await store.rollout_situation(rollout_id, now=now)
    read_s = time.perf_counter()
    step = next_step(seen.rollout, seen.nodes, seen.facts, seen.roads, now=now)
    planned_s = time.perf_counter()
    if step.changes(seen.rollout):
        await store.save_step(seen.rollout, step, now=now, lease=lease, joined=seen.joined)
    saved_s = time.perf_counter()
    times_s = (read_s - begin_s, planned_s - read_s, saved_s - planned_s, saved_s - begin_s)
    return StepTimes(*(time_s * 1e3 for time_s in (*times_s, time.process_time() - begin_cpu_s)))


async def _answer(store: Store, rollout_id: str, now: datetime, sequence: int) -> None:
    """Who was told says that it runs it."""
    sha256 = hashlib.sha256(CONTENT).hexdigest()
    facts: ConfigFacts | UpdateFacts = ConfigFacts(1, 1, ConfigOutcome.APPLIED, rollout_id, "", sha256, CONTENT)
    if (await store.get_rollout(rollout_id)).version:
        facts = UpdateFacts(RELEASE, rollout_id, UpdatePhase.COMMITTED, RELEASE, RELEASE)
    batches, token = [], ""
    while True:
        page = await store.list_rollout_nodes(
            rollout_id, states=frozenset({RolloutNodeState.IN_FLIGHT}), page_size=1000, page_token=token
        )
        report = Report(sequence, now, 3, b"", facts)
        batches += [ReportBatch(node.node_id, f"spool-{rollout_id}", (report,), now) for node in page.items]
        token = page.next_page_token
        if not token:
            break
    await store.record_reports(batches)
