"""Managers that start and stop under load: every stop ends, every caller hears of it, nothing is left half done."""

import asyncio
from collections.abc import Coroutine
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.link.manager_api.peer import Clock, LocalManager, NodeCredential, Peer, Session, layer
from wayside.errors import WaysideError
from wayside.v1 import fleet_service_pb2
from wayside_manager.app import running
from wayside_manager.cli.initialise import initialise
from wayside_manager.settings import DataFolder, Settings

SETTINGS = Settings(device_port=0, operator_port=0, stop_grace_s=0.1)
CYCLE_COUNT = 12
NODE_IDS = tuple(f"rsu-{index}" for index in range(6))
STOP_S = 15.0


async def report_for_ever(peer: Peer, at_work: asyncio.Event) -> None:
    session = await Session(peer).opened()
    sequence = (await session.until("welcome")).acknowledged_sequence
    while True:
        sequence += 1
        await session.report(sequence)
        await session.until("ack")
        at_work.set()


async def watch_for_ever(operator: Peer) -> None:
    async for _ in operator.stream(operator.fleet.WatchNodes, fleet_service_pb2.WatchNodesRequest()):
        pass


async def change_for_ever(operator: Peer) -> None:
    period_s = 1
    while True:
        await operator.apply(layer(period_s=period_s))
        period_s = period_s % 60 + 1


async def told(work: Coroutine[Any, Any, None]) -> WaysideError | None:
    try:
        await work
    except WaysideError as error:
        return error
    return None


async def load(manager: LocalManager, nodes: list[NodeCredential], at_work: asyncio.Event) -> set[str]:
    """Sessions, watches and changes until the manager stops; the words with which they ended."""
    async with AsyncExitStack() as stack, asyncio.TaskGroup() as group:
        operator = await stack.enter_async_context(manager.operator())
        peers = [await stack.enter_async_context(manager.node(node)) for node in nodes]
        ends = [group.create_task(told(report_for_ever(peer, at_work))) for peer in peers]
        ends += [group.create_task(told(watch_for_ever(operator))) for _ in range(3)]
        ends += [group.create_task(told(change_for_ever(operator)))]
    return {type(end.result()).__name__ for end in ends}


async def test_every_stop_under_load_ends(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    folder = DataFolder(tmp_path / "manager")
    await initialise(folder, SETTINGS)
    async with running(folder, SETTINGS) as endpoints:
        manager = LocalManager(folder, endpoints, Clock())
        nodes = [await manager.enroll(node_id) for node_id in NODE_IDS]
    for cycle in range(CYCLE_COUNT):
        async with asyncio.timeout(STOP_S), asyncio.TaskGroup() as group:
            at_work = asyncio.Event()
            async with running(folder, SETTINGS) as endpoints:
                ends = group.create_task(load(LocalManager(folder, endpoints, Clock()), nodes, at_work))
                await at_work.wait()
                for _ in range(cycle * 7):  # the stop falls into another moment each time
                    await asyncio.sleep(0)
        assert ends.result() == {"UnavailableError"}
    assert [record.getMessage() for record in caplog.records if record.levelname in {"ERROR", "WARNING"}] == []
