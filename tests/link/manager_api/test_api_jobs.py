"""Jobs over real sessions: asked for, told, done once and known once, whatever gets lost on the way."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from google.protobuf import json_format

from tests.link.manager_api.conftest import SETTINGS
from tests.link.manager_api.job_unit import job_session, say, settled_jobs, told_job, word
from tests.link.manager_api.peer import Clock, LocalManager, NodeCredential, Peer, Session, role
from wayside.errors import (
    AlreadyExistsError,
    FailedPreconditionError,
    InvalidArgumentError,
    NotFoundError,
)
from wayside.v1 import fleet_service_pb2, job_pb2, job_service_pb2, node_pb2, rollout_pb2
from wayside_manager.app import running
from wayside_manager.cli.initialise import initialise
from wayside_manager.settings import DataFolder

pytestmark = pytest.mark.usefixtures("rsu")
STATE = job_pb2.Job
SELF_TEST = job_pb2.SelfTestJob()


async def test_a_job_goes_to_the_unit_and_its_outcome_comes_back(operator: Peer, rsu_peer: Peer) -> None:
    made = await operator.create_job("rsu-1", "j1", note="it looks odd", self_test=SELF_TEST)
    assert (made.name, made.state, made.requester, made.note) == (
        "jobs/j1",
        STATE.STATE_QUEUED,
        "operators/admin",
        "it looks odd",
    )
    assert (made.spec.ttl.seconds, made.spec.timeout.seconds, made.spec.artifact_max_bytes) == (3600, 600, 64 << 20)
    session = await job_session(rsu_peer)
    target = await told_job(session, "j1")
    assert (target.spec, target.expire_time, target.is_cancelled) == (made.spec, made.expire_time, False)
    await say(session, 1, "j1", "running")
    await say(session, 2, "j1", "succeeded", "all well", result=b'{"devices": {"can0": "ok"}}')
    ended = await operator.ended_job("j1")
    assert (ended.state, ended.progress_percent, ended.message) == (STATE.STATE_SUCCEEDED, 100, "all well")
    assert json_format.MessageToDict(ended.result) == {"devices": {"can0": "ok"}}
    assert ended.HasField("end_time")
    await settled_jobs(session)


async def test_the_name_of_a_job_that_a_platform_asked_for_is_nobody_elses(operator: Peer) -> None:
    with pytest.raises(InvalidArgumentError, match="job_id") as caught:
        await operator.create_job("rsu-1", "platform-city-0011", self_test=SELF_TEST)
    assert caught.value.reason == "NAME_RESERVED"


async def test_a_result_with_a_number_no_double_holds_is_shown_as_text(operator: Peer, rsu_peer: Peer) -> None:
    await operator.create_job("rsu-1", "j1", self_test=SELF_TEST)
    session = await job_session(rsu_peer)
    await told_job(session, "j1")
    content = b'{"devices": 1' + b"0" * 400 + b"}"
    await say(session, 1, "j1", "succeeded", "all well", result=content)
    ended = await operator.ended_job("j1")
    assert json_format.MessageToDict(ended.result) == {"text": content.decode()}
    (listed,) = (await operator.call(operator.job.ListJobs, job_service_pb2.ListJobsRequest())).jobs
    assert listed.name == "jobs/j1"


async def test_a_watcher_sees_a_job_move(operator: Peer, rsu_peer: Peer) -> None:
    await operator.create_job("rsu-1", "j1", self_test=SELF_TEST)
    session = await job_session(rsu_peer)
    await told_job(session, "j1")
    seen: list[int] = []
    request = job_service_pb2.WatchJobRequest(name="jobs/j1")
    steps = iter((("running", 1), ("failed", 2)))
    async for answer in operator.stream(operator.job.WatchJob, request):
        if not seen or seen[-1] != answer.job.state:
            seen.append(answer.job.state)
            if step := next(steps, None):
                await say(session, step[1], "j1", step[0])
    assert seen == [STATE.STATE_QUEUED, STATE.STATE_RUNNING, STATE.STATE_FAILED]


async def test_an_outcome_that_is_repeated_is_one_outcome(operator: Peer, rsu_peer: Peer) -> None:
    await operator.create_job("rsu-1", "j1", self_test=SELF_TEST)
    session = await job_session(rsu_peer)
    await told_job(session, "j1")
    await say(session, 1, "j1", "succeeded", "once")
    first = await operator.get_job("j1")
    await session.report(1, job=word("j1", "succeeded", "once"))  # the acknowledgement was lost
    await say(session, 2, "j1", "succeeded", "said again at the next session")
    await say(session, 3, "j1", "failed", "and then otherwise")
    last = await operator.get_job("j1")
    assert (last.state, last.message, last.end_time) == (first.state, "once", first.end_time)
    assert last.late_report == "failed: and then otherwise"


async def test_a_session_that_breaks_half_way_loses_nothing(
    manager: LocalManager, operator: Peer, rsu: NodeCredential
) -> None:
    await operator.create_job("rsu-1", "j1", self_test=SELF_TEST)
    async with manager.node(rsu) as peer:
        session = await job_session(peer)
        await told_job(session, "j1")
        await session.report(1, job=word("j1", "running"))
        session.call.cancel()  # before it is acknowledged
    async with manager.node(rsu) as peer:
        session = await job_session(peer)
        await told_job(session, "j1")
        await session.report(1, job=word("j1", "running"))
        await say(session, 2, "j1", "succeeded")
    assert (await operator.ended_job("j1")).state == STATE.STATE_SUCCEEDED


@pytest.mark.parametrize("step", ["made", "told", "running", "succeeded"])
async def test_a_manager_that_restarts_at_any_step_ends_with_one_outcome(tmp_path: Path, step: str) -> None:
    folder, clock = DataFolder(tmp_path / "restarting"), Clock()
    await initialise(folder, SETTINGS)
    async with running(folder, SETTINGS, now=clock) as endpoints:
        manager = LocalManager(folder, endpoints, clock)
        rsu = await manager.enroll("rsu-1")
        async with manager.operator() as operator, manager.node(rsu) as peer:
            await operator.create_job("rsu-1", "j1", self_test=SELF_TEST)
            if step != "made":
                session = await job_session(peer)
                await told_job(session, "j1")
            if step in {"running", "succeeded"}:
                await session.report(1, job=word("j1", step))
                await session.until("ack")
    async with running(folder, SETTINGS, now=clock) as endpoints:
        manager = LocalManager(folder, endpoints, clock)
        async with manager.operator() as operator, manager.node(rsu) as peer:
            session = await job_session(peer)
            if step != "succeeded":
                await told_job(session, "j1")
            await say(session, 2, "j1", "succeeded")
            ended = await operator.ended_job("j1")
    assert (ended.state, ended.late_report) == (STATE.STATE_SUCCEEDED, "")


async def test_a_job_the_unit_has_not_got_is_cancelled_at_once_and_another_when_the_unit_says_so(
    operator: Peer, rsu_peer: Peer
) -> None:
    cancel = job_service_pb2.CancelJobRequest(name="jobs/j1")
    await operator.create_job("rsu-1", "j1", self_test=SELF_TEST)
    assert (await operator.call(operator.job.CancelJob, cancel)).job.state == STATE.STATE_CANCELLED
    await operator.create_job("rsu-1", "j2", self_test=SELF_TEST)
    session = await job_session(rsu_peer)
    await told_job(session, "j2")
    cancel.name = "jobs/j2"
    job = (await operator.call(operator.job.CancelJob, cancel)).job
    assert (job.state, job.is_cancelling) == (STATE.STATE_QUEUED, True)
    assert (await told_job(session, "j2")).is_cancelled
    await say(session, 1, "j2", "cancelled")
    assert (await operator.ended_job("j2")).state == STATE.STATE_CANCELLED
    assert (await operator.call(operator.job.CancelJob, cancel)).job.state == STATE.STATE_CANCELLED


async def test_time_ends_a_job_of_a_unit_that_never_comes(operator: Peer, clock: Clock) -> None:
    spec = job_pb2.JobSpec(self_test=SELF_TEST)
    spec.ttl.seconds = 10
    await operator.create_job("rsu-1", "j1", self_test=SELF_TEST, ttl=spec.ttl)
    clock.push(seconds=11)
    ended = await operator.ended_job("j1")
    assert (ended.state, ended.message) == (STATE.STATE_EXPIRED, "nobody began it in time")


async def test_a_unit_says_nothing_of_the_jobs_of_another(manager: LocalManager, operator: Peer) -> None:
    await operator.create_job("rsu-1", "j1", self_test=SELF_TEST)
    async with manager.node(await manager.enroll("rsu-2")) as peer:
        session = await job_session(peer)
        await say(session, 1, "j1", "succeeded")
    assert (await operator.get_job("j1")).state == STATE.STATE_QUEUED


@pytest.mark.parametrize(
    ("spec", "field"),
    [
        ({}, "spec.work"),
        ({"self_test": SELF_TEST, "artifact_max_bytes": 2 << 30}, "spec.artifact_max_bytes"),
        ({"packet_capture": job_pb2.PacketCaptureJob(interface="-w")}, "spec.packet_capture.interface"),
        ({"network_probe": job_pb2.NetworkProbeJob(count=101)}, "spec.network_probe.count"),
        ({"network_probe": job_pb2.NetworkProbeJob(host="-f")}, "spec.network_probe.host"),
        ({"log_level": job_pb2.LogLevelJob(level="TRACE")}, "spec.log_level.level"),
        ({"file_pull": job_pb2.FilePullJob(path="../x")}, "spec.file_pull.path"),
        ({"diagnostic": job_pb2.DiagnosticJob()}, "spec.diagnostic.diagnostic"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
async def test_what_is_out_of_bounds_is_refused_by_the_name_of_its_field(
    operator: Peer, spec: dict[str, Any], field: str
) -> None:
    with pytest.raises(InvalidArgumentError, match=field):
        await operator.create_job("rsu-1", **spec)


async def test_an_id_is_one_jobs_and_the_same_call_again_the_same_job(operator: Peer) -> None:
    made = await operator.create_job("rsu-1", "j1", self_test=SELF_TEST)
    assert await operator.create_job("rsu-1", "j1", self_test=SELF_TEST) == made
    with pytest.raises(AlreadyExistsError):
        await operator.create_job("rsu-1", "j1", reboot=job_pb2.RebootJob())
    with pytest.raises(NotFoundError):
        await operator.create_job("rsu-9", self_test=SELF_TEST)
    with pytest.raises(NotFoundError):
        await operator.get_job("j9")


async def test_jobs_are_listed_by_node_and_state(operator: Peer) -> None:
    for number in range(3):
        await operator.create_job("rsu-1", f"j{number}", self_test=SELF_TEST)
    await operator.call(operator.job.CancelJob, job_service_pb2.CancelJobRequest(name="jobs/j1"))
    request = job_service_pb2.ListJobsRequest(node="nodes/rsu-1", states=[STATE.STATE_QUEUED], page_size=1)
    first = await operator.call(operator.job.ListJobs, request)
    request.page_token = first.next_page_token
    second = await operator.call(operator.job.ListJobs, request)
    assert {job.name for answer in (first, second) for job in answer.jobs} == {"jobs/j0", "jobs/j2"}
    assert not second.next_page_token


async def test_a_fleet_job_is_a_rollout_that_gives_each_node_its_turn(operator: Peer, rsu_peer: Peer) -> None:
    session = await job_session(rsu_peer)
    await session.report(1)
    request = job_service_pb2.CreateFleetJobRequest(
        selector=node_pb2.NodeSelector(nodes=["nodes/rsu-1"]), spec=job_pb2.JobSpec(self_test=SELF_TEST), note="all"
    )
    rollout = (await operator.call(operator.job.CreateFleetJob, request)).rollout
    assert rollout.job.WhichOneof("work") == "self_test"
    desired = await session.until("desired_state")
    while not desired.jobs:
        desired = await session.until("desired_state")
    job_id = desired.jobs[0].job.removeprefix("jobs/")
    made = await operator.get_job(job_id)
    assert (made.rollout, made.requester, made.note) == (rollout.name, "operators/admin", "all")
    await say(session, 2, job_id, "running")
    await say(session, 3, job_id, "succeeded")
    ended = await operator.ended_rollout(rollout.name)
    assert ended.state == rollout_pb2.Rollout.STATE_SUCCEEDED


async def test_a_shell_is_no_work_for_a_fleet(operator: Peer) -> None:
    request = job_service_pb2.CreateFleetJobRequest(
        selector=node_pb2.NodeSelector(all_nodes=True), spec=job_pb2.JobSpec(shell=job_pb2.ShellJob())
    )
    with pytest.raises(FailedPreconditionError, match="for one node"):
        await operator.call(operator.job.CreateFleetJob, request)


async def test_stopping_everything_reaches_every_unit_that_is_connected(
    manager: LocalManager, operator: Peer, rsu_peer: Peer
) -> None:
    session = await job_session(rsu_peer)
    await operator.create_job("rsu-1", "j1", self_test=SELF_TEST)
    await told_job(session, "j1")
    away = await manager.enroll("rsu-2")
    await operator.create_job(away.node_id, "j2", self_test=SELF_TEST)
    with pytest.raises(InvalidArgumentError, match="reason"):
        await operator.call(operator.job.StopEverything, job_service_pb2.StopEverythingRequest())
    request = job_service_pb2.StopEverythingRequest(reason="smoke over the ring road")
    stopped = await operator.call(operator.job.StopEverything, request)
    assert (stopped.job_count, stopped.told_node_count, list(stopped.rollouts)) == (2, 1, [])
    while not (await told_job(session, "j1")).is_cancelled:  # the state of before may be told once more
        pass
    assert (await operator.get_job("j2")).state == STATE.STATE_CANCELLED


async def test_the_kill_switch_reaches_many_sessions(manager: LocalManager, operator: Peer) -> None:
    node_ids = [f"unit-{number}" for number in range(20)]
    credentials = [await manager.enroll(node_id) for node_id in node_ids]

    async def follow(credential: NodeCredential, is_told: asyncio.Event) -> None:
        async with manager.node(credential) as peer:
            session: Session = await job_session(peer)
            await session.report(1)
            target = await told_job(session, credential.node_id)
            is_told.set()
            while not target.is_cancelled:
                target = await told_job(session, credential.node_id)
            await say(session, 2, credential.node_id, "cancelled")

    async with asyncio.TaskGroup() as group:
        heard = [asyncio.Event() for _ in credentials]
        for credential, is_told in zip(credentials, heard, strict=True):
            group.create_task(follow(credential, is_told))
        for node_id in node_ids:
            await operator.create_job(node_id, node_id, self_test=SELF_TEST)
        for is_told in heard:
            await is_told.wait()
        request = job_service_pb2.StopEverythingRequest(reason="an exercise")
        stopped = await operator.call(operator.job.StopEverything, request)
    assert (stopped.job_count, stopped.told_node_count) == (20, 20)
    for node_id in node_ids:
        assert (await operator.get_job(node_id)).state == STATE.STATE_CANCELLED


async def test_who_may_reach_one_site_only_sees_and_asks_what_is_there(manager: LocalManager, operator: Peer) -> None:
    await operator.make_site("k1")
    await manager.enroll("rsu-2")
    here = node_pb2.Node(name="nodes/rsu-1", site="sites/k1")
    request = fleet_service_pb2.UpdateNodeRequest(node=here)
    request.update_mask.paths.append("site")
    await operator.call(operator.fleet.UpdateNode, request)
    for node_id in ("rsu-1", "rsu-2"):
        await operator.create_job(node_id, f"of-{node_id}", self_test=SELF_TEST)
    token = await operator.make_operator("local", role("operator", sites=("k1",)))
    async with manager.stranger(token=token) as local:
        await local.create_job("rsu-1", "own", self_test=SELF_TEST)
        listed = await local.call(local.job.ListJobs, job_service_pb2.ListJobsRequest())
        assert {each.name for each in listed.jobs} == {"jobs/own", "jobs/of-rsu-1"}
        assert (await local.get_job("of-rsu-1")).node == "nodes/rsu-1"
        with pytest.raises(NotFoundError):
            await local.get_job("of-rsu-2")
        with pytest.raises(NotFoundError):
            await local.create_job("rsu-2", self_test=SELF_TEST)
        stop = job_service_pb2.StopEverythingRequest(reason="smoke at k1")
        assert (await local.call(local.job.StopEverything, stop)).job_count == 2
    assert (await operator.get_job("of-rsu-2")).state == STATE.STATE_QUEUED
