"""Live reports over real TLS: how a node is now, ahead of what its spool still holds."""

import asyncio
import sqlite3
from datetime import datetime, timedelta
from typing import Any

import pytest

from tests.link.manager_api.peer import Clock, LocalManager, NodeCredential, Peer, Session
from wayside.errors import InvalidArgumentError
from wayside.v1 import fleet_service_pb2, job_pb2, node_pb2, node_service_pb2, release_pb2
from wayside_manager.api import session as session_module
from wayside_manager.core.limits import Rate


def said(version: str, time: datetime, **fields: Any) -> node_service_pb2.Report:  # noqa: ANN401  # fields of a message
    report = node_service_pb2.Report(health=node_pb2.HealthReport(agent_version=version), **fields)
    report.record_time.FromDatetime(time)
    return report


async def show(session: Session, report: node_service_pb2.Report) -> None:
    await session.call.write(node_service_pb2.SessionRequest(live=report))


async def owe(session: Session, report: node_service_pb2.Report) -> None:
    await session.call.write(node_service_pb2.SessionRequest(report=report))


async def acknowledged(session: Session, sequence: int) -> None:
    while (await session.until("ack")).sequence < sequence:
        pass


def history(manager: LocalManager) -> list[int]:
    with sqlite3.connect(manager.folder.path / "manager.db") as connection:
        return [row[0] for row in connection.execute("SELECT sequence FROM reports ORDER BY sequence")]


async def test_a_live_report_is_shown_and_neither_kept_nor_acknowledged(
    manager: LocalManager, operator: Peer, rsu_peer: Peer, clock: Clock
) -> None:
    session = await Session(rsu_peer).opened()
    await show(session, said("now", clock()))
    await owe(session, said("old", clock() - timedelta(hours=20), sequence=1))
    await acknowledged(session, 1)
    node = await operator.get_node("rsu-1")
    assert node.health.agent_version == "now"
    assert node.presence == node_pb2.PRESENCE_ONLINE
    assert history(manager) == [1]

    again = await Session(rsu_peer).opened()
    assert (await again.until("welcome")).acknowledged_sequence == 1


async def test_a_backlog_comes_up_to_the_present_and_loses_nothing(
    manager: LocalManager, operator: Peer, rsu_peer: Peer, clock: Clock
) -> None:
    session, count = await Session(rsu_peer).opened(), 120
    shown = []
    for number in range(1, count + 1):
        if number % 40 == 1:
            await show(session, said(f"live {number}", clock()))
        await owe(session, said(f"old {number}", clock() - timedelta(minutes=count - number), sequence=number))
        if number % 40 == 0 and number < count:
            await acknowledged(session, number)
            shown.append((await operator.get_node("rsu-1")).health.agent_version)
    await acknowledged(session, count)
    assert shown == ["live 1", "live 41"]
    assert (await operator.get_node("rsu-1")).health.agent_version == f"old {count}"  # which is the newest
    assert history(manager) == list(range(1, count + 1))
    assert (await operator.get_node("rsu-1")).lost_report_count == 0


async def test_watchers_see_a_live_report_at_once(operator: Peer, rsu_peer: Peer, clock: Clock) -> None:
    watch = operator.stream(operator.fleet.WatchNodes, fleet_service_pb2.WatchNodesRequest())
    session = await Session(rsu_peer).opened()
    await show(session, said("now", clock()))
    async with asyncio.timeout(20):
        async for change in watch:
            if change.node.health.agent_version == "now":
                break


WORDS: dict[str, Any] = {
    "config": node_pb2.ConfigReport(revision=1),
    "update": release_pb2.UpdateReport(phase=release_pb2.UpdateReport.PHASE_IDLE),
    "job": job_pb2.JobReport(job="jobs/j1", state=job_pb2.Job.STATE_RUNNING),
}


@pytest.mark.parametrize(
    "report",
    [
        *(pytest.param(node_service_pb2.Report(**{kind: word}), id=kind) for kind, word in WORDS.items()),
        pytest.param(node_service_pb2.Report(), id="nothing"),
        pytest.param(node_service_pb2.Report(sequence=7, health=node_pb2.HealthReport()), id="in the spool"),
        pytest.param(node_service_pb2.Report(health=node_pb2.HealthReport(agent_version="x" * 80_000)), id="too large"),
        pytest.param(node_service_pb2.Report(health=node_pb2.HealthReport(config_revision=-1)), id="malformed"),
    ],
)
async def test_only_health_of_a_bounded_size_is_shown(
    operator: Peer, rsu_peer: Peer, report: node_service_pb2.Report
) -> None:
    session = await Session(rsu_peer).opened()
    await show(session, report)
    error = await session.ended()
    assert isinstance(error, InvalidArgumentError)
    assert error.reason in {"REPORT_INVALID", "REPORT_TOO_LARGE"}
    assert not (await operator.get_node("rsu-1")).HasField("last_report_time")


async def test_who_shows_too_much_is_read_more_slowly_and_neighbours_are_not(
    manager: LocalManager, operator: Peer, rsu: NodeCredential, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session_module, "LIVE_RATE", Rate(rate_per_s=0.01, burst=3))
    async with manager.node(rsu) as peer, manager.node(await manager.enroll("rsu-2")) as neighbour:
        flood = await Session(peer).opened()
        for number in range(50):
            await show(flood, said(f"live {number}", clock()))
        await owe(flood, said("late", clock(), sequence=1))
        quiet = await Session(neighbour).opened()
        await show(quiet, said("now", clock()))
        await owe(quiet, said("kept", clock(), sequence=1))
        await acknowledged(quiet, 1)
        assert (await operator.get_node("rsu-2")).health.agent_version == "kept"
    assert history(manager) == [1]
