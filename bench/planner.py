"""Steps of a fleet-wide rollout, read, planned and saved, over 10,000 nodes at 2,000 sites of corridors.

Floors: a step takes at most 200 ms, a preview of a change for the whole fleet at most 2 s, both on SQLite. Between the
steps the nodes say that they have it, which is not timed. Set TMPDIR to measure another disk.
"""

import asyncio
import hashlib
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from typing import Any

from sqlalchemy import create_engine, insert

from bench._harness import Report as Figures
from wayside_manager.core.access import EVERYWHERE
from wayside_manager.core.configs import ConfigLayerRecord
from wayside_manager.core.reports import ConfigFacts, ConfigOutcome, HealthFacts, Report, ReportBatch
from wayside_manager.core.rollout import RolloutNodeState, RolloutPlan, RolloutState, Wave
from wayside_manager.core.rollout_plan import next_step
from wayside_manager.core.selectors import NodeSelector
from wayside_manager.ports.rollouts import Lease
from wayside_manager.ports.store import Store
from wayside_manager.store import tables
from wayside_manager.store.migrate import migrate
from wayside_manager.store.moments import as_us
from wayside_manager.store.sql import open_store

NODE_COUNT = 10_000
SITE_COUNT = 2_000
SITES_PER_CORRIDOR = 100
STEP_FLOOR_MS = 200.0
PREVIEW_FLOOR_MS = 2_000.0
STEPS_MAX = 60
START = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
EVERYBODY = NodeSelector(all_nodes=True)
NO_CONFIG_SHA256 = hashlib.sha256(b"{}").hexdigest()


def main() -> None:
    """Runs the benchmark."""
    with tempfile.TemporaryDirectory() as name:
        asyncio.run(_measure(Path(name))).print()


async def _measure(directory: Path) -> Figures:
    figures = Figures("planner")
    url = f"sqlite:///{directory}/manager.db"
    await migrate(url)
    _make_fleet(url)
    async with open_store(url) as store:
        await _measure_preview(figures, store)
        await _measure_rollout(figures, store)
    return figures


async def _measure_preview(figures: Figures, store: Store) -> None:
    """A change of one value for every node."""
    start_s = time.perf_counter()
    preview = await store.preview_config([_layer(25)], [], reach=EVERYWHERE)
    preview_ms = (time.perf_counter() - start_s) * 1e3
    assert sum(len(group.node_ids) for group in preview.changes) == NODE_COUNT
    figures.add(f"preview of a change for {NODE_COUNT:,} nodes, ms", preview_ms, digits=0)
    figures.add_ratio("preview: floor of 2 s / time", PREVIEW_FLOOR_MS / preview_ms)


async def _measure_rollout(figures: Figures, store: Store) -> None:
    """A change for every node, wave by wave along the corridors, until it is through."""
    plan = RolloutPlan(waves=(Wave(count=100), Wave(percent=10.0)))
    start_s = time.perf_counter()
    applied = await store.apply_layer(_layer(20), now=START, plan=plan)
    figures.add("apply a layer that changes every node, ms", (time.perf_counter() - start_s) * 1e3, digits=0)
    rollout_id, now, sequence = applied.effect.rollout_id, START, 1
    lease = await store.take_lease("rollouts", "bench", now=START, life_s=1e6)
    assert lease is not None
    times_ms: list[tuple[float, float, float]] = []
    for _ in range(STEPS_MAX):
        now += timedelta(seconds=1)
        times_ms.append(await _step(store, rollout_id, lease, now))
        if (await store.get_rollout(rollout_id)).state is not RolloutState.RUNNING:
            break
        sequence += 1
        await _answer(store, rollout_id, now, sequence)
    assert (await store.get_rollout(rollout_id)).state is RolloutState.SUCCEEDED
    totals_ms = [sum(each) for each in times_ms]
    for index, name in enumerate(("read", "plan", "save")):
        some_ms = [each[index] for each in times_ms]
        figures.add(f"{name}, median, ms", median(some_ms), digits=1)
        figures.add(f"{name}, longest, ms", max(some_ms), digits=1)
    figures.add("steps of the rollout", len(times_ms), digits=0)
    figures.add("step, median, ms", median(totals_ms), digits=1)
    figures.add("step, longest, ms", max(totals_ms), digits=1)
    figures.add_ratio("longest step: floor of 200 ms / time", STEP_FLOOR_MS / max(totals_ms))


async def _step(store: Store, rollout_id: str, lease: Lease, now: datetime) -> tuple[float, float, float]:
    """Milliseconds of reading, planning and saving one step."""
    begin_s = time.perf_counter()
    seen = await store.rollout_situation(rollout_id, now=now)
    read_s = time.perf_counter()
    step = next_step(seen.rollout, seen.nodes, seen.facts, seen.roads, now=now)
    planned_s = time.perf_counter()
    if step.changes(seen.rollout):
        await store.save_step(seen.rollout, step, now=now, lease=lease)
    saved_s = time.perf_counter()
    return (read_s - begin_s) * 1e3, (planned_s - read_s) * 1e3, (saved_s - planned_s) * 1e3


async def _answer(store: Store, rollout_id: str, now: datetime, sequence: int) -> None:
    """Who was told says that it runs it."""
    content = b'{"report_period_s":20}'
    sha256 = hashlib.sha256(content).hexdigest()
    facts = ConfigFacts(1, 1, ConfigOutcome.APPLIED, rollout_id, "", sha256, content)
    batches, token = [], ""
    while True:
        page = await store.list_rollout_nodes(
            rollout_id, states=frozenset({RolloutNodeState.IN_FLIGHT}), page_size=1000, page_token=token
        )
        batches += [
            ReportBatch(node.node_id, "spool", (Report(sequence, now, 3, b"", facts),), now) for node in page.items
        ]
        token = page.next_page_token
        if not token:
            break
    await store.record_reports(batches)


def _layer(period_s: int) -> ConfigLayerRecord:
    return ConfigLayerRecord("base", EVERYBODY, 0, {"report_period_s": period_s}, START, START)


def _make_fleet(url: str) -> None:
    """Nodes as enrolment leaves them, heard just now; five at a site, a hundred sites on a corridor."""
    now_us = as_us(START)
    stamps = {"create_us": now_us, "update_us": now_us, "revision": 1}
    owned = stamps | {"tenant_id": "root", "display_name": ""}
    site_ids = [f"site-{index:04}" for index in range(SITE_COUNT)]
    corridor_ids = [f"g{index}" for index in range(SITE_COUNT // SITES_PER_CORRIDOR)]
    node_ids = [f"node-{index:05}" for index in range(NODE_COUNT)]
    no_place = {"kind": "", "latitude_deg": None, "longitude_deg": None, "time_zone": "", "variables": "{}"}
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.execute(insert(tables.sites), [owned | no_place | {"site_id": each} for each in site_ids])
        connection.execute(
            insert(tables.corridors),
            [owned | {"corridor_id": each, "is_ring": False, "max_in_flight_percent": 20.0} for each in corridor_ids],
        )
        connection.execute(
            insert(tables.corridor_sites),
            [
                {
                    "corridor_id": corridor_ids[index // SITES_PER_CORRIDOR],
                    "place": index % SITES_PER_CORRIDOR,
                    "site_id": site_id,
                    "stake_m": 500.0 * index,
                }
                for index, site_id in enumerate(site_ids)
            ],
        )
        connection.execute(
            insert(tables.nodes),
            [
                owned
                | {
                    "node_id": node_id,
                    "esn": node_id,
                    "kind": "rsu",
                    "site_id": site_ids[index % SITE_COUNT],
                    "variables": "{}",
                    "state": "enrolled",
                    "registered_key_sha256": "",
                    "trusted_sha256": "",
                }
                for index, node_id in enumerate(node_ids)
            ],
        )
        connection.execute(insert(tables.node_status), [_status(node_id, now_us) for node_id in node_ids])
        connection.execute(insert(tables.node_desired), [_desired(node_id) for node_id in node_ids])
    engine.dispose()


def _status(node_id: str, now_us: int) -> dict[str, Any]:
    facts = HealthFacts("", "1.0.0", 0, 30.0, "", NO_CONFIG_SHA256)
    return {
        "node_id": node_id,
        "last_report_us": now_us + 3_600_000_000,  # heard throughout
        "report_period_us": 30_000_000,
        "health": b"",
        "config_report": b"",
        "update_report": b"",
        "running_release": facts.running_release,
        "running_version": facts.running_version,
        "running_config_revision": facts.running_config_revision,
        "update_phase": "",
        "lost_report_count": 0,
        "model": facts.model,
        "running_config_sha256": facts.running_config_sha256,
        "config_outcome": "",
        "config_trial": "",
        "penalty": 0.0,
    }


def _desired(node_id: str) -> dict[str, Any]:
    return {
        "node_id": node_id,
        "revision": 0,
        "config_revision": 0,
        "config_sha256": "",
        "target_config_revision": 0,
        "target_config_sha256": "",
        "config_problem": "",
        "config_trial": "",
        "config_trial_timeout_us": 120_000_000,
        "config_decision": "",
    }
