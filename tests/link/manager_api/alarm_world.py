"""Alarms of a running manager: units say how they are, and tests wait for what the manager makes of it.

await says(manager, rsu, check("environment.leak", FAILED, reason="water"))
name = await told(operator, "alarm.raised")          # `alarms/...`
units = await line_of(manager, operator, "g98", 3)   # heard from, each at a site, all behind one line
alarm = await dead_line(manager, operator, clock)
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any

from google.protobuf.field_mask_pb2 import FieldMask

from tests.link.manager_api.peer import Clock, LocalManager, NodeCredential, Peer, Session
from wayside.v1 import (
    alarm_pb2,
    alarm_service_pb2,
    event_pb2,
    fleet_service_pb2,
    health_pb2,
    node_pb2,
    node_service_pb2,
    site_pb2,
    site_service_pb2,
)

OK, DEGRADED, FAILED = health_pb2.HEALTH_STATE_OK, health_pb2.HEALTH_STATE_DEGRADED, health_pb2.HEALTH_STATE_FAILED
PERIOD_S = 5
SILENT_S = 15.0
"""More than two report periods, and less than what the engine takes for an absence of its own."""


def check(name: str, state: Any = OK, **fields: Any) -> health_pb2.HealthCheck:  # noqa: ANN401  # fields of a message
    return health_pb2.HealthCheck(name=name, state=state, **fields)


LEAK = check("environment.leak", FAILED, reason="there is water in the cabinet")
DOOR = check("environment.door", DEGRADED, reason="the cabinet is open")


async def says(
    manager: LocalManager,
    credential: NodeCredential,
    *checks: health_pb2.HealthCheck,
    skipped: int = 0,
    at: datetime | None = None,
) -> None:
    """One report of a unit, written when this returns; `skipped` it gave up before. `at`: a time its clock can know."""
    async with manager.node(credential) as peer:
        session = await Session(peer).opened()
        sequence = (await session.until("welcome")).acknowledged_sequence + 1 + skipped
        health = node_pb2.HealthReport(agent_version="1.0.0", checks=checks)
        health.report_period.seconds = PERIOD_S
        report = node_service_pb2.Report(sequence=sequence, health=health)
        if at is not None:
            report.record_time.FromDatetime(at)
            report.time_quality = node_pb2.TIME_QUALITY_GNSS
        await session.call.write(node_service_pb2.SessionRequest(report=report))
        await session.until("ack")


async def clears_at_once(operator: Peer, kind: str) -> None:
    """The policy lets an alarm be over as soon as what is wrong is."""
    rule = alarm_pb2.AlarmRule(kind=kind)
    rule.clear_after.SetInParent()
    policy = alarm_pb2.AlarmPolicy(rules=[rule])
    await operator.call(operator.alarm.UpdateAlarmPolicy, alarm_service_pb2.UpdateAlarmPolicyRequest(policy=policy))


@asynccontextmanager
async def events(operator: Peer, *kinds: str) -> AsyncIterator[AsyncIterator[event_pb2.Event]]:
    """Everything of these kinds from the beginning, as it falls."""
    request = fleet_service_pb2.WatchEventsRequest(cursor=0, filter=event_pb2.EventFilter(kinds=kinds))
    stream = operator.stream(operator.fleet.WatchEvents, request)

    async def found() -> AsyncIterator[event_pb2.Event]:
        async for answer in stream:
            if answer.HasField("event"):
                yield answer.event

    try:
        yield found()
    finally:
        await stream.aclose()


async def told(operator: Peer, kind: str, *, count: int = 1) -> str:
    """What the event of a kind is about, when it has fallen for the so many-th time."""
    async with events(operator, kind) as found:
        async for event in found:
            count -= 1
            if not count:
                return event.subject
    raise AssertionError(f"{kind} never fell")


async def line_of(
    manager: LocalManager, operator: Peer, line: str, count: int, *, tenant: str = "root"
) -> list[NodeCredential]:
    """Units at a site each, whose sites share a line."""
    units = []
    for number in range(count):
        node_id = f"{line}-{number}"
        site = site_pb2.Site(name=f"sites/s-{node_id}", tenant=f"tenants/{tenant}", backhaul=line)
        await operator.call(operator.site.ApplySite, site_service_pb2.ApplySiteRequest(site=site))
        token = await operator.enrollment_token(node=f"nodes/{node_id}", tenant=f"tenants/{tenant}")
        units.append(await manager.enroll(node_id, token=token))
        change = fleet_service_pb2.UpdateNodeRequest(
            node=node_pb2.Node(name=f"nodes/{node_id}", site=site.name), update_mask=FieldMask(paths=["site"])
        )
        await operator.call(operator.fleet.UpdateNode, change)
    return units


async def dead_line(
    manager: LocalManager, operator: Peer, clock: Clock, units: Sequence[NodeCredential]
) -> alarm_pb2.Alarm:
    """They are heard from, then never again: the alarm of that."""
    for unit in units:
        await says(manager, unit, at=clock())
    clock.push(seconds=SILENT_S)
    name = await told(operator, "alarm.raised")
    (alarm,) = [alarm for alarm in await operator.list_alarms(show_cleared=True) if alarm.name == name]
    return alarm
