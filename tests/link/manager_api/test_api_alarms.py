"""AlarmService over real TLS: what is wrong, for whom, who takes care, and what becomes an alarm."""

from datetime import timedelta

import pytest
from google.protobuf.duration_pb2 import Duration

from tests.link.manager_api.alarm_world import DOOR, LEAK, SILENT_S, clears_at_once, dead_line, line_of, says, told
from tests.link.manager_api.peer import Clock, LocalManager, NodeCredential, Peer, role
from wayside.errors import (
    FailedPreconditionError,
    InvalidArgumentError,
    NotFoundError,
    PermissionDeniedError,
)
from wayside.v1 import access_service_pb2, alarm_pb2, alarm_service_pb2

ALARM = alarm_pb2.Alarm


async def get(peer: Peer, name: str) -> alarm_pb2.Alarm:
    return (await peer.call(peer.alarm.GetAlarm, alarm_service_pb2.GetAlarmRequest(name=name))).alarm


async def acknowledge(peer: Peer, name: str, note: str = "") -> alarm_pb2.Alarm:
    request = alarm_service_pb2.AcknowledgeAlarmRequest(name=name, note=note)
    return (await peer.call(peer.alarm.AcknowledgeAlarm, request)).alarm


async def shelve(peer: Peer, name: str, seconds: int, note: str = "") -> alarm_pb2.Alarm:
    request = alarm_service_pb2.ShelveAlarmRequest(name=name, duration=Duration(seconds=seconds), note=note)
    return (await peer.call(peer.alarm.ShelveAlarm, request)).alarm


async def restored(peer: Peer, name: str) -> alarm_pb2.RestoreReport:
    request = alarm_service_pb2.GetRestoreReportRequest(name=name)
    return (await peer.call(peer.alarm.GetRestoreReport, request)).report


async def test_what_a_unit_says_becomes_an_alarm_and_is_over_when_it_says_so(
    manager: LocalManager, operator: Peer, rsu: NodeCredential, clock: Clock
) -> None:
    await says(manager, rsu, LEAK)
    alarm = await get(operator, await told(operator, "alarm.raised"))
    assert (alarm.kind, alarm.subject, alarm.message) == (LEAK.name, "nodes/rsu-1", LEAK.reason)
    assert (alarm.severity, alarm.state) == (alarm_pb2.SEVERITY_MAJOR, ALARM.STATE_RAISED)
    assert (alarm.tenant, alarm.member_count, alarm.occurrence_count) == ("tenants/root", 1, 1)
    assert await operator.list_alarms() == [alarm]
    await says(manager, rsu)
    while not (await get(operator, alarm.name)).HasField("clear_time"):
        clock.push(seconds=30)
        await says(manager, rsu)
    assert await told(operator, "alarm.cleared") == alarm.name
    assert await operator.list_alarms() == []
    assert [each.state for each in await operator.list_alarms(show_cleared=True)] == [ALARM.STATE_CLEARED]


async def test_a_line_that_dies_is_one_alarm_and_its_end_is_reported(
    manager: LocalManager, operator: Peer, clock: Clock
) -> None:
    units = await line_of(manager, operator, "g98-east", 4)
    begin = clock()
    alarm = await dead_line(manager, operator, clock, units)
    assert (alarm.kind, alarm.subject, alarm.is_storm) == ("area.unreachable", "backhauls/g98-east", True)
    assert (alarm.member_count, alarm.recovered_count, alarm.severity) == (4, 0, alarm_pb2.SEVERITY_CRITICAL)
    report = await restored(operator, alarm.name)
    assert [each.HasField("return_time") for each in report.members] == [False] * 4
    assert not report.HasField("half_restored_after")
    clock.push(seconds=60)
    for unit in units[:3]:
        # of the time between: what comes late counts once it is back, what it gave up from what it had given up before
        await says(manager, unit, skipped=2, at=begin + timedelta(seconds=SILENT_S))
        await says(manager, unit)
    assert await told(operator, "alarm.calmed") == alarm.name
    report = await restored(operator, alarm.name)
    assert [each.node for each in report.members] == [
        "nodes/g98-east-3",
        "nodes/g98-east-0",
        "nodes/g98-east-1",
        "nodes/g98-east-2",
    ]
    assert [each.backfilled_count for each in report.members] == [0, 1, 1, 1]
    assert [each.lost_report_count for each in report.members] == [0, 2, 2, 2]
    assert report.members[1].site == "sites/s-g98-east-0"
    assert report.half_restored_after.ToTimedelta() >= timedelta(seconds=SILENT_S)
    assert not report.HasField("restored_after")


async def test_reports_given_up_before_the_silence_are_not_of_it(
    manager: LocalManager, operator: Peer, clock: Clock
) -> None:
    units = await line_of(manager, operator, "x", 3)
    for unit in units:
        await says(manager, unit, skipped=7)
    alarm = await dead_line(manager, operator, clock, units)
    assert [each.lost_report_count for each in (await restored(operator, alarm.name)).members] == [0, 0, 0]


async def test_a_person_takes_an_alarm_on_and_puts_it_aside(
    manager: LocalManager, operator: Peer, rsu: NodeCredential
) -> None:
    await says(manager, rsu, LEAK)
    name = await told(operator, "alarm.raised")
    await acknowledge(operator, name, "on my way")
    taken = await acknowledge(operator, name, "there in ten minutes")
    assert (taken.acknowledger, taken.note) == ("operators/admin", "there in ten minutes")
    shelved = await shelve(operator, name, 600)
    assert (shelved.HasField("shelve_end_time"), shelved.note) == (True, "there in ten minutes")
    assert await operator.list_alarms() == []
    assert [each.name for each in await operator.list_alarms(show_shelved=True)] == [name]
    assert not (await shelve(operator, name, 0)).HasField("shelve_end_time")
    assert [each.name for each in await operator.list_alarms()] == [name]
    assert await told(operator, "alarm.acknowledged", count=2) == name
    assert await told(operator, "alarm.shelved", count=2) == name


async def test_what_cannot_be_said_of_an_alarm_is_refused(
    manager: LocalManager, operator: Peer, rsu: NodeCredential
) -> None:
    await clears_at_once(operator, DOOR.name)
    await says(manager, rsu, DOOR)
    name = await told(operator, "alarm.raised")
    with pytest.raises(FailedPreconditionError, match="about one node"):
        await restored(operator, name)
    for seconds in (-1, 31 * 86_400, 2**40):
        with pytest.raises(InvalidArgumentError, match="duration: give 0 s to "):
            await shelve(operator, name, seconds)
    for note in ("x" * 501, "a\x07b"):
        with pytest.raises(InvalidArgumentError, match="note: give at most 500"):
            await acknowledge(operator, name, note)
    await says(manager, rsu)
    await told(operator, "alarm.cleared")
    for call in (acknowledge(operator, name), shelve(operator, name, 60)):
        with pytest.raises(FailedPreconditionError, match="is over"):
            await call
    for call in (get(operator, "alarms/a-0"), acknowledge(operator, "alarms/a-0"), shelve(operator, "alarms/a-0", 1)):
        with pytest.raises(NotFoundError):
            await call
    for wrong in ("a-0", "nodes/rsu-1", "alarms/", "alarms/../x"):
        with pytest.raises((InvalidArgumentError, NotFoundError)):
            await get(operator, wrong)


async def test_alarms_are_listed_worst_first_and_page_by_page(
    manager: LocalManager, operator: Peer, rsu: NodeCredential
) -> None:
    second = await manager.enroll("rsu-2")
    for unit in (rsu, second):
        await says(manager, unit, DOOR, LEAK)
    await told(operator, "alarm.raised", count=4)
    whole = await operator.list_alarms()
    assert [each.kind for each in whole] == [LEAK.name] * 2 + [DOOR.name] * 2
    seen: list[alarm_pb2.Alarm] = []
    request = alarm_service_pb2.ListAlarmsRequest(page_size=3)
    while not seen or request.page_token:
        page = await operator.call(operator.alarm.ListAlarms, request)
        seen += page.alarms
        request.page_token = page.next_page_token
    assert seen == whole
    major = await operator.list_alarms(min_severity=alarm_pb2.SEVERITY_MAJOR, subject="nodes/rsu-2")
    assert [(each.kind, each.subject) for each in major] == [(LEAK.name, "nodes/rsu-2")]
    assert await operator.list_alarms(parent=whole[0].name) == []
    request = alarm_service_pb2.ListAlarmsRequest(page_size=1)
    token = (await operator.call(operator.alarm.ListAlarms, request)).next_page_token
    for fields, field in (
        ({"page_size": -1}, "page_size"),
        ({"page_token": "x"}, "page_token"),
        ({"page_token": token, "show_cleared": True}, "page_token"),
        ({"min_severity": 9}, "min_severity"),
        ({"parent": "nodes/rsu-1"}, "parent"),
    ):
        with pytest.raises(InvalidArgumentError, match=field):
            await operator.list_alarms(**fields)


@pytest.mark.parametrize(
    ("binding", "seen"),
    [
        (role("operator", "haikou"), {"backhauls/h", "nodes/h-0"}),
        (role("operator", "haikou", sites=("s-h-0",)), {"nodes/h-0"}),
        (role("operator", "sanya"), set()),
        (role("operator"), {"backhauls/h", "nodes/h-0"}),
    ],
    ids=["tenant", "one-site", "another-tenant", "everybody"],
)
async def test_people_see_alarms_of_what_they_are_bound_to(
    manager: LocalManager, operator: Peer, clock: Clock, binding: access_service_pb2.Binding, seen: set[str]
) -> None:
    for tenant_id in ("haikou", "sanya"):
        await operator.make_tenant(tenant_id)
    units = await line_of(manager, operator, "h", 4, tenant="haikou")
    await says(manager, units[0], LEAK)
    leak = await told(operator, "alarm.raised")
    for unit in units:
        await says(manager, unit, *((LEAK,) if unit is units[0] else ()))
    clock.push(seconds=SILENT_S)
    area = await told(operator, "alarm.raised", count=2)
    async with manager.stranger(token=await operator.make_operator("ann", binding)) as ann:
        assert {each.subject for each in await ann.list_alarms(show_members=True)} == seen
        for name, subject in ((leak, "nodes/h-0"), (area, "backhauls/h")):
            if subject in seen:
                await get(ann, name)
                await acknowledge(ann, name)
            else:
                for call in (get(ann, name), acknowledge(ann, name), shelve(ann, name, 60), restored(ann, name)):
                    with pytest.raises(NotFoundError, match="does not exist"):
                        await call


async def test_who_may_only_look_takes_nothing_on_and_units_ask_nothing(
    manager: LocalManager, operator: Peer, rsu: NodeCredential, rsu_peer: Peer
) -> None:
    await says(manager, rsu, LEAK)
    name = await told(operator, "alarm.raised")
    async with manager.stranger(token=await operator.make_operator("ann", role("viewer"))) as ann:
        await get(ann, name)
        for call in (acknowledge(ann, name), shelve(ann, name, 1)):
            with pytest.raises(PermissionDeniedError):
                await call
        with pytest.raises(PermissionDeniedError):
            await ann.call(ann.alarm.UpdateAlarmPolicy, alarm_service_pb2.UpdateAlarmPolicyRequest())
    with pytest.raises(PermissionDeniedError):
        await get(rsu_peer, name)
