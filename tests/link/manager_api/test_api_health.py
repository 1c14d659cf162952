"""HealthService over real TLS: units say how they are, operators ask how they are and were."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from google.protobuf.timestamp_pb2 import Timestamp

from tests.link.manager_api.peer import Clock, LocalManager, NodeCredential, Peer, Session, role
from wayside.errors import InvalidArgumentError, NotFoundError, PermissionDeniedError, WaysideError
from wayside.v1 import fleet_service_pb2, health_pb2, health_service_pb2, job_pb2, node_pb2, node_service_pb2
from wayside_manager.api.history_samples import sample_of
from wayside_manager.services.history import History
from wayside_manager.store.sql import open_store

OK, FAILED = health_pb2.HEALTH_STATE_OK, health_pb2.HEALTH_STATE_FAILED
UNKNOWN, DEGRADED = health_pb2.HEALTH_STATE_UNKNOWN, health_pb2.HEALTH_STATE_DEGRADED


def stamp(time: datetime) -> Timestamp:
    message = Timestamp()
    message.FromDatetime(time.astimezone(UTC))
    return message


def check(name: str, state: Any = OK, **fields: Any) -> health_pb2.HealthCheck:  # noqa: ANN401  # fields of a message
    return health_pb2.HealthCheck(name=name, state=state, **fields)


def report(*checks: health_pb2.HealthCheck, **fields: Any) -> node_pb2.HealthReport:  # noqa: ANN401  # fields of a message
    message = node_pb2.HealthReport(agent_version="1.0.0", checks=checks, **fields)
    message.report_period.seconds = 30
    return message


async def says(manager: LocalManager, credential: NodeCredential, *reports: node_pb2.HealthReport) -> None:
    """Sends the reports of a unit, and waits until they are written."""
    async with manager.node(credential) as peer:
        session = await Session(peer).opened()
        for sequence, message in enumerate(reports, 1):
            await session.report(sequence, health=message)
        while (await session.until("ack")).sequence < len(reports):
            pass


async def health(peer: Peer, node_id: str = "rsu-1") -> health_pb2.NodeHealth:
    request = health_service_pb2.GetNodeHealthRequest(node=f"nodes/{node_id}")
    return (await peer.call(peer.health.GetNodeHealth, request)).health


async def listed(peer: Peer, **fields: Any) -> dict[str, int]:  # noqa: ANN401  # fields of a message
    answer = await peer.call(peer.health.ListNodeHealth, health_service_pb2.ListNodeHealthRequest(**fields))
    return {one.node.removeprefix("nodes/"): one.state for one in answer.health}


@pytest.fixture
async def haikou(manager: LocalManager, operator: Peer) -> AsyncIterator[Peer]:
    """Somebody who sees one city, in which `haikou-1` is; `sanya-1` is in another."""
    for tenant_id in ("haikou", "sanya"):
        await operator.make_tenant(tenant_id)
        token = await operator.enrollment_token(tenant=f"tenants/{tenant_id}")
        await manager.enroll(f"{tenant_id}-1", token=token)
    async with manager.stranger(token=await operator.make_operator("ann", role("viewer", "haikou"))) as peer:
        yield peer


async def test_a_node_is_explained_by_the_worst_of_its_checks(
    manager: LocalManager, operator: Peer, rsu: NodeCredential, clock: Clock
) -> None:
    end = clock() + timedelta(days=3)
    since = stamp(clock() - timedelta(hours=1))
    bad = check("gnss.fix", FAILED, reason="no fix for 600 s", since_time=since, value=600.0, unit="s")
    slow = check("host.cpu", DEGRADED, reason="0.95 is above 0.9", value=0.95)
    autonomy = node_pb2.AutonomyHealth(
        node_certificate_expire_time=stamp(end), signing_expire_time=stamp(end + timedelta(days=1))
    )
    await says(manager, rsu, report(check("a"), slow, bad, autonomy=autonomy, shed_loads=["telemetry"]))
    found = await health(operator)
    assert (found.state, found.cause, found.reason) == (FAILED, "gnss.fix", "no fix for 600 s")
    assert [one.name for one in found.checks] == ["gnss.fix", "host.cpu"]
    assert (found.checks[0].since_time, found.checks[0].value, found.checks[0].unit) == (since, 600.0, "s")
    assert (found.check_count, list(found.shed_loads)) == (3, ["telemetry"])
    assert (found.autonomy.ToTimedelta(), found.autonomy_limit) == (timedelta(days=3), "node certificate")


async def test_a_node_that_falls_silent_is_unknown_and_keeps_what_it_said(
    manager: LocalManager, operator: Peer, rsu: NodeCredential, clock: Clock
) -> None:
    assert (await health(operator)).cause == "node.presence"
    await says(manager, rsu, report(check("a")))
    assert (await health(operator)).state == OK
    told = clock()
    clock.push(seconds=61)
    found = await health(operator)
    assert (found.state, found.cause, found.check_count) == (UNKNOWN, "node.presence", 1)
    assert found.since_time == stamp(told + timedelta(seconds=60))
    assert [one.name for one in found.checks] == ["node.presence"]


async def test_a_node_without_checks_is_unknown(manager: LocalManager, operator: Peer, rsu: NodeCredential) -> None:
    await says(manager, rsu, report())
    found = await health(operator)
    assert (found.state, found.cause, found.check_count) == (UNKNOWN, "", 0)
    assert found.reason


@pytest.mark.parametrize("trouble", ["silent", "garbage", "refused"])
async def test_one_of_three_in_trouble_never_blanks_the_other_two(
    manager: LocalManager, operator: Peer, trouble: str
) -> None:
    units = {node_id: await manager.enroll(node_id) for node_id in ("n1", "n2", "n3")}
    for node_id in ("n1", "n2"):
        await says(manager, units[node_id], report(check("a", value=1.0)))
    if trouble == "garbage":
        junk = [check(name, 77, reason="\x00" * 900, value=float("nan")) for name in ("a", "a", "", "Ü", "b" * 81)]
        wild = check("c", FAILED, since_time=Timestamp(seconds=-(2**62)), value=float("inf"), unit="x" * 999)
        software = node_pb2.SoftwareHealth(start_count=-(2**63), start_reason="\n" * 99)
        await says(manager, units["n3"], report(*junk, wild, software=software))
    if trouble == "refused":
        with pytest.raises(WaysideError):
            await says(manager, units["n3"], node_pb2.HealthReport(agent_version="\x00"))
    found = await listed(operator)
    assert (found["n1"], found["n2"]) == (OK, OK)
    assert found["n3"] == (FAILED if trouble == "garbage" else UNKNOWN)
    assert (await listed(operator, states=[OK])).keys() == {"n1", "n2"}
    names = (await operator.call(operator.fleet.ListNodes, fleet_service_pb2.ListNodesRequest())).nodes
    assert len(names) == 3


async def test_what_a_unit_says_of_its_checks_is_kept_within_bounds(
    manager: LocalManager, operator: Peer, rsu: NodeCredential
) -> None:
    long = check("a.long", DEGRADED, reason="é\n" * 500)
    many = [check(f"c{index}", UNKNOWN) for index in range(150)]
    await says(manager, rsu, report(long, check("a.long", FAILED), check("NOT A NAME", FAILED), *many))
    found = await health(operator)
    assert (found.check_count, found.cause) == (100, "a.long")
    assert found.checks[0].reason == "é " * 100


async def test_reach_decides_which_nodes_are_seen(haikou: Peer, operator: Peer, clock: Clock) -> None:
    assert (await listed(haikou)).keys() == {"haikou-1"}
    assert (await listed(operator)).keys() == {"haikou-1", "sanya-1"}
    with pytest.raises(NotFoundError):
        await health(haikou, "sanya-1")
    begin = stamp(clock() - timedelta(hours=1))
    request = health_service_pb2.ListHealthHistoryRequest(node="nodes/sanya-1", begin_time=begin)
    with pytest.raises(NotFoundError):
        await haikou.call(haikou.health.ListHealthHistory, request)
    answer = await haikou.call(
        haikou.health.GetAvailability, health_service_pb2.GetAvailabilityRequest(begin_time=begin)
    )
    assert [one.node_count for one in answer.groups] == [1]


async def test_a_node_may_not_ask(rsu_peer: Peer) -> None:
    with pytest.raises(PermissionDeniedError):
        await listed(rsu_peer)


async def test_history_has_every_minute_also_those_nobody_reported(
    manager: LocalManager, operator: Peer, rsu: NodeCredential, clock: Clock
) -> None:
    clock.time = (clock.time + timedelta(hours=1)).replace(minute=0, second=0, microsecond=0)  # all within one hour
    begin = clock()
    for _ in range(3):
        await says_at(manager, rsu, clock)
        clock.push(seconds=30)
    clock.push(seconds=300)
    await fold(manager, clock)
    request = health_service_pb2.ListHealthHistoryRequest(
        node="nodes/rsu-1", begin_time=stamp(begin), end_time=stamp(begin + timedelta(minutes=5))
    )
    answer = await operator.call(operator.health.ListHealthHistory, request)
    assert answer.history_class == health_service_pb2.HISTORY_CLASS_MINUTES
    assert [one.report_count for one in answer.samples] == [2, 1, 0, 0, 0]
    assert [one.ok.seconds for one in answer.samples] == [60, 60, 0, 0, 0]
    assert [one.name for one in answer.samples[0].quantities] == ["host.temperature_celsius"]
    assert answer.samples[0].quantities[0].mean == 41.0
    request.history_class = health_service_pb2.HISTORY_CLASS_HOURS
    (hour,) = (await operator.call(operator.health.ListHealthHistory, request)).samples
    assert (hour.report_count, hour.heard.seconds) == (3, 120)


async def says_at(manager: LocalManager, credential: NodeCredential, clock: Clock) -> None:
    """One report, made now."""
    message = report(check("a"), host=node_pb2.HostHealth(temperature_celsius=41.0))
    async with manager.node(credential) as peer:
        session = await Session(peer).opened()
        sequence = (await session.until("welcome")).acknowledged_sequence + 1
        said = node_service_pb2.Report(
            sequence=sequence, record_time=stamp(clock()), time_quality=node_pb2.TIME_QUALITY_GNSS, health=message
        )
        await session.call.write(node_service_pb2.SessionRequest(report=said))
        await session.until("ack")


async def fold(manager: LocalManager, clock: Clock) -> None:
    """As the manager's own loop does, without waiting for it; the lease is taken from that."""
    clock.push(seconds=120)
    async with open_store(manager.folder.database_url) as store:
        await History(store, sample_of, now=clock, holder="test").step()


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({}, "begin_time"),
        ({"begin_time": Timestamp(seconds=100), "end_time": Timestamp(seconds=100)}, "end_time"),
        ({"begin_time": Timestamp(seconds=-(2**60))}, "begin_time"),
        ({"begin_time": Timestamp(seconds=1), "history_class": 1}, "end_time"),
        ({"begin_time": Timestamp(seconds=1), "end_time": Timestamp(seconds=61), "history_class": 9}, "history_class"),
    ],
    ids=["no-begin", "empty", "impossible", "too-many", "unknown-class"],
)
async def test_a_span_that_cannot_be_is_refused(
    operator: Peer, rsu: NodeCredential, fields: dict[str, Any], field: str
) -> None:
    request = health_service_pb2.ListHealthHistoryRequest(node=f"nodes/{rsu.node_id}", **fields)
    with pytest.raises(InvalidArgumentError, match=field):
        await operator.call(operator.health.ListHealthHistory, request)


async def test_availability_counts_a_failure_and_its_repair(
    manager: LocalManager, operator: Peer, rsu: NodeCredential, clock: Clock
) -> None:
    begin = clock()
    for checks, minutes in ((check("a"), 30), (check("a", FAILED), 6), (check("a"), 24)):
        async with manager.node(rsu) as peer:
            session = await Session(peer).opened()
            sequence = (await session.until("welcome")).acknowledged_sequence + 1
            message = report(checks)
            message.report_period.seconds = 3600
            await session.report(sequence, health=message)
            await session.until("ack")
        clock.push(minutes=minutes)
    request = health_service_pb2.GetAvailabilityRequest(
        begin_time=stamp(begin - timedelta(hours=1)), grouping=health_service_pb2.AVAILABILITY_GROUPING_SITE
    )
    (found,) = (await operator.call(operator.health.GetAvailability, request)).groups
    assert (found.group, found.node_count, found.failure_count) == ("", 1, 1)
    assert found.availability_ratio == pytest.approx(0.9, abs=0.001)
    assert found.mttr.seconds == 360
    request.selector.sites.append("sites/nowhere")
    with pytest.raises(WaysideError, match="nowhere"):
        await operator.call(operator.health.GetAvailability, request)


@pytest.mark.parametrize(
    ("fields", "field"), [({"states": [0]}, "states"), ({"page_size": -1}, "page_size")], ids=["unset-state", "page"]
)
async def test_a_list_that_cannot_be_is_refused(operator: Peer, fields: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidArgumentError, match=field):
        await listed(operator, **fields)


async def test_a_word_on_a_job_of_64_kib_fits_and_a_larger_one_is_refused(
    manager: LocalManager, rsu: NodeCredential
) -> None:
    async with manager.node(rsu) as peer:
        session = await Session(peer).opened()
        result = b'{"a":"' + b"x" * (64 * 1024 - 8) + b'"}'
        word = job_pb2.JobReport(job="jobs/j1", state=job_pb2.Job.STATE_RUNNING, result_json=result)
        await session.report(1, job=word)
        assert (await session.until("ack")).sequence == 1
        await session.report(2, job=job_pb2.JobReport(job="jobs/j1", state=job_pb2.Job.STATE_UNSPECIFIED))
        with pytest.raises(InvalidArgumentError, match="state"):
            await session.until("ack")
