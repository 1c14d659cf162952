"""AlarmService over real TLS: what is wrong, for whom, who takes care, and what becomes an alarm."""

from datetime import timedelta
from typing import Any

import pytest
from google.protobuf.duration_pb2 import Duration

from tests.link.manager_api.alarm_world import DOOR, LEAK, SILENT_S, dead_line, line_of, says, told
from tests.link.manager_api.peer import Clock, LocalManager, NodeCredential, Peer, role
from wayside.errors import (
    ConflictError,
    FailedPreconditionError,
    InvalidArgumentError,
    NotFoundError,
    PermissionDeniedError,
)
from wayside.v1 import access_service_pb2, alarm_pb2, alarm_service_pb2

ALARM = alarm_pb2.Alarm
POLICY: dict[str, Any] = {
    "storm_percent": 50.0,
    "storm_min_count": 3,
    "storm_window": Duration(seconds=300),
    "escalate_after": Duration(seconds=4 * 3600),
    "reconnects_per_second": 100.0,
}


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


async def policy(peer: Peer) -> alarm_pb2.AlarmPolicy:
    return (await peer.call(peer.alarm.GetAlarmPolicy, alarm_service_pb2.GetAlarmPolicyRequest())).policy


async def update(peer: Peer, **fields: Any) -> alarm_pb2.AlarmPolicy:  # noqa: ANN401  # fields of a message
    request = alarm_service_pb2.UpdateAlarmPolicyRequest(policy=alarm_pb2.AlarmPolicy(**fields))
    return (await peer.call(peer.alarm.UpdateAlarmPolicy, request)).policy


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
            await update(ann, storm_min_count=5)
    with pytest.raises(PermissionDeniedError):
        await get(rsu_peer, name)


async def test_the_policy_is_the_products_until_somebody_changes_it(operator: Peer) -> None:
    assert await policy(operator) == alarm_pb2.AlarmPolicy(**POLICY, etag="0")
    rules = [
        alarm_pb2.AlarmRule(
            kind="can.*.load", failed_severity=alarm_pb2.SEVERITY_MAJOR, raise_after=Duration(seconds=5)
        ),
        alarm_pb2.AlarmRule(kind="gnss.fix", is_silenced=True),
    ]
    given: dict[str, Any] = {
        "rules": rules,
        "storm_percent": 12.5,
        "storm_min_count": 2,
        "storm_window": Duration(seconds=10),
        "escalate_after": Duration(),
        "reconnects_per_second": 1.0,
    }
    assert await update(operator, **given, etag="0") == alarm_pb2.AlarmPolicy(**given, etag="1")
    assert await policy(operator) == alarm_pb2.AlarmPolicy(**given, etag="1")
    with pytest.raises(ConflictError):
        await update(operator, etag="0")
    assert await update(operator) == alarm_pb2.AlarmPolicy(**POLICY, etag="2")


def _rule(kind: str = "gnss.fix", **fields: Any) -> dict[str, Any]:  # noqa: ANN401  # fields of a message
    return {"rules": [alarm_pb2.AlarmRule(kind=kind, **fields)]}


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"storm_percent": -1.0}, "storm_percent"),
        ({"storm_percent": 100.1}, "storm_percent"),
        ({"storm_percent": float("nan")}, "storm_percent"),
        ({"storm_min_count": 1}, "storm_min_count"),
        ({"storm_min_count": 10_001}, "storm_min_count"),
        ({"storm_min_count": -3}, "storm_min_count"),
        ({"storm_window": Duration(seconds=9)}, "storm_window"),
        ({"storm_window": Duration(seconds=3601)}, "storm_window"),
        ({"storm_window": Duration(seconds=2**62)}, "storm_window"),
        ({"escalate_after": Duration(seconds=-1)}, "escalate_after"),
        ({"escalate_after": Duration(seconds=31 * 86_400)}, "escalate_after"),
        ({"reconnects_per_second": 0.5}, "reconnects_per_second"),
        ({"reconnects_per_second": 100_001.0}, "reconnects_per_second"),
        ({"reconnects_per_second": float("inf")}, "reconnects_per_second"),
        (_rule("gnss.fox"), r"rules\[0\].kind"),
        (_rule(""), r"rules\[0\].kind"),
        (_rule("*.*.*.*"), r"rules\[0\].kind"),
        (_rule("can." + "x" * 80), r"rules\[0\].kind"),
        (_rule(failed_severity=9), r"rules\[0\].failed_severity"),
        (_rule(degraded_severity=-1), r"rules\[0\].degraded_severity"),
        (_rule(raise_after=Duration(seconds=86_401)), r"rules\[0\].raise_after"),
        (_rule(clear_after=Duration(seconds=-1)), r"rules\[0\].clear_after"),
        ({"rules": [alarm_pb2.AlarmRule(kind="gnss.fix")] * 2}, r"rules\[1\].kind"),
        ({"rules": [alarm_pb2.AlarmRule(kind=f"can.b{n}.load") for n in range(201)]}, "policy.rules"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
async def test_a_policy_out_of_bounds_is_refused_by_the_name_of_its_field(
    operator: Peer, fields: dict[str, Any], field: str
) -> None:
    with pytest.raises(InvalidArgumentError, match=field):
        await update(operator, **fields)
    assert (await policy(operator)).etag == "0"
