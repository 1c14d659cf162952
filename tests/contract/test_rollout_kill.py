"""kill -9 of a manager at every persisted step of a rollout: each node is told once, and the rollout ends."""

import asyncio
import subprocess
import sys
from collections.abc import Awaitable, Callable
from typing import TypeAlias

import pytest

from tests.contract.manager_store import START, after, layer, opened, release
from tests.contract.simulated_fleet import Fate, Fleet
from wayside_manager.core.rollout import ENDED, RolloutPlan, RolloutSpec, Wave
from wayside_manager.ports.store import Store
from wayside_manager.services.rollout_stepper import LEASE_LIFE_S, RolloutStepper
from wayside_manager.store.bus import LocalBus
from wayside_manager.store.migrate import migrate

NODE_IDS = tuple(f"rsu-{index}" for index in range(1, 5))
PLAN = RolloutPlan(waves=(Wave(count=1),), max_in_flight_count=2, max_failure_count=2)
ROUNDS_MAX = 20
Begin: TypeAlias = Callable[[Store], Awaitable[str]]

# Steps again and again until a step comes to its end, each time in a child that ends itself by SIGKILL one statement
# later than the one before; says how many were killed. Forked, because the imports cost more than the step.
STEPPER = """
import asyncio, os, signal, sys
from datetime import datetime, timedelta
from sqlalchemy import event
from sqlalchemy.engine import Engine
from wayside_manager.services.rollout_stepper import LEASE_LIFE_S, RolloutStepper
from wayside_manager.store.bus import LocalBus
from wayside_manager.store.sql import open_store

url, moment, first, count = sys.argv[1], datetime.fromisoformat(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])
left = 0

def die(*_):
    global left
    left -= 1
    if left < 0:
        os.kill(os.getpid(), signal.SIGKILL)

def written(connection, cursor, statement, *_):
    if statement.split(" ", 1)[0] in {"INSERT", "UPDATE", "DELETE"}:
        die()

async def step(now):
    async with open_store(url) as store:
        event.listen(Engine, "after_cursor_execute", written)
        event.listen(Engine, "commit", die)
        await RolloutStepper(store, LocalBus(), now=lambda: now).step_all()

killed = 0
for index in range(count):
    left = first + index
    child = os.fork()
    if child == 0:
        asyncio.run(step(moment + timedelta(seconds=index * LEASE_LIFE_S)))
        os._exit(0)
    _, status = os.waitpid(child, 0)
    if status == 0:
        break
    assert os.WTERMSIG(status) == signal.SIGKILL, status
    killed += 1
print(killed)
"""


def killed_steps(url: str, at_s: float, *, first: int = 0, count: int = ROUNDS_MAX) -> int:
    """How many steppers were killed, each a statement later, until one came to its end; `count` at most."""
    command = [sys.executable, "-c", STEPPER, url, after(at_s).isoformat(), str(first), str(count)]
    ended = subprocess.run(command, check=False, capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr
    return int(ended.stdout)


async def start_config(store: Store) -> str:
    applied = await store.apply_layer(layer("base", {"report_period_s": 20}), now=START, plan=PLAN)
    return applied.effect.rollout_id


async def start_release(store: Store) -> str:
    await store.add_release(release("1.1.0"))
    return (await store.create_rollout(RolloutSpec("r1", "1.1.0", NODE_IDS, PLAN), now=START)).rollout_id


@pytest.mark.parametrize("begin", [start_config, start_release], ids=["config", "release"])
async def test_a_manager_killed_at_every_statement_tells_each_node_once(begin: Begin, store_url: str) -> None:
    await migrate(store_url)
    async with opened(store_url) as store:
        fleet = Fleet(store, period_s=3600.0)  # heard throughout, while the manager is killed again and again
        for node_id in NODE_IDS:
            await fleet.add(node_id)
        fleet.units["rsu-3"].fate = Fate.REVERT
        rollout_id = await begin(store)
        at_s, kill_count = 0.0, 0
        for _ in range(ROUNDS_MAX):
            fleet.clock.time = after(at_s)
            await fleet.live()
            kill_count += await asyncio.to_thread(killed_steps, store_url, at_s)
            at_s += ROUNDS_MAX * LEASE_LIFE_S
            if (await store.get_rollout(rollout_id)).state in ENDED:
                break
        states = {node.node_id: str(node.state) for node in (await store.list_rollout_nodes(rollout_id)).items}
        assert states == {"rsu-1": "succeeded", "rsu-2": "succeeded", "rsu-3": "failed", "rsu-4": "succeeded"}
        assert kill_count > 10
        for node_id in NODE_IDS:
            assert fleet.told[node_id].count(rollout_id) == 1


async def test_a_manager_killed_with_the_lease_is_followed_by_the_next(store_url: str) -> None:
    await migrate(store_url)
    async with opened(store_url) as store:
        fleet = Fleet(store, period_s=3600.0)  # heard throughout, while the manager is killed again and again
        for node_id in NODE_IDS:
            await fleet.add(node_id)
        rollout_id = await start_config(store)
        assert await asyncio.to_thread(killed_steps, store_url, 0.0, first=4, count=1) == 1
        stepper = RolloutStepper(store, LocalBus(), now=fleet.clock)
        await stepper.step_all()
        assert all(node.tell_time is None for node in (await store.list_rollout_nodes(rollout_id)).items)
        fleet.clock.time = after(LEASE_LIFE_S)
        await stepper.step_all()
        assert (await store.list_rollout_nodes(rollout_id)).items[0].tell_time == after(LEASE_LIFE_S)
