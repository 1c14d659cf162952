"""A shell: asked for by two people, joined on one manager, recorded to the last byte."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import grpc.aio
import pytest

from tests.link.manager_api.job_unit import job_session, say, told_job
from tests.link.manager_api.peer import LocalManager, Peer, role
from tests.link.manager_api.stubs import CALL_S
from wayside.errors import FailedPreconditionError, NotFoundError, PermissionDeniedError, WaysideError
from wayside.status import from_rpc_error
from wayside.v1 import (
    access_service_pb2,
    audit_service_pb2,
    job_pb2,
    job_service_pb2,
    node_pb2,
    node_service_pb2,
)

FLEET_JOB, SHELL = access_service_pb2.DANGEROUS_ACTION_FLEET_JOB, access_service_pb2.DANGEROUS_ACTION_SHELL
ASK = job_service_pb2.CreateJobRequest(
    node="nodes/rsu-1", job_id="sh", spec=job_pb2.JobSpec(shell=job_pb2.ShellJob()), note="the door sensor lies"
)


@pytest.fixture
async def second(manager: LocalManager, operator: Peer) -> AsyncIterator[Peer]:
    token = await operator.make_operator("second", role("admin"))
    async with manager.stranger(token=token) as peer:
        yield peer


@pytest.fixture
async def shell(operator: Peer, second: Peer, rsu_peer: Peer) -> Peer:
    """A unit that was told to open shell sh, which a second person has granted."""
    await operator.set_policy(allows_shells=True)
    approval = (await refused(operator, ASK)).metadata["approval"]
    await second.decide(approval)
    await operator.call(operator.job.CreateJob, ASK, wayside_approval=approval)
    session = await job_session(rsu_peer)
    await told_job(session, "sh")
    await say(session, 1, "sh", "running")
    return rsu_peer


async def refused(peer: Peer, request: Any) -> WaysideError:  # noqa: ANN401  # any request
    rpc: Any = peer.job.CreateJob if isinstance(request, job_service_pb2.CreateJobRequest) else peer.job.CreateFleetJob
    with pytest.raises(WaysideError) as caught:
        await peer.call(rpc, request)
    return caught.value


async def ended(call: Any) -> WaysideError | None:  # noqa: ANN401  # grpc's own type
    """How a stream ended, passing over what is still said."""
    try:
        while await call.read() is not grpc.aio.EOF:
            pass
        code = await call.code()
    except grpc.aio.AioRpcError as exc:
        return from_rpc_error(exc)
    if code is grpc.StatusCode.OK:
        return None
    trailers = await call.trailing_metadata()
    return from_rpc_error(grpc.aio.AioRpcError(code, grpc.aio.Metadata(), trailers, await call.details(), None))


def opened(unit: Peer) -> Any:  # noqa: ANN401  # grpc's own type
    return unit.node.OpenShell(None, timeout=CALL_S)


def attached(operator: Peer) -> Any:  # noqa: ANN401  # grpc's own type
    return operator.job.AttachShell(None, timeout=CALL_S, metadata=operator.metadata)


async def recorded(operator: Peer, job_id: str = "sh") -> list[dict[str, Any]]:
    """The recording, when it is whole."""
    watch = job_service_pb2.WatchJobRequest(name=f"jobs/{job_id}")
    async for answer in operator.stream(operator.job.WatchJob, watch):
        if any(each.sha256 for each in answer.job.artifacts):
            break
    request = job_service_pb2.FetchJobArtifactRequest(job=f"jobs/{job_id}", file="session.log")
    content = b"".join([each.content async for each in operator.stream(operator.job.FetchJobArtifact, request)])
    return [json.loads(line) for line in content.splitlines()]


async def test_both_sides_talk_and_every_byte_is_recorded(operator: Peer, shell: Peer) -> None:
    unit, person = opened(shell), attached(operator)
    await person.write(job_service_pb2.AttachShellRequest(name="jobs/sh", rows=24, columns=80))
    await unit.write(node_service_pb2.OpenShellRequest(job="jobs/sh", output=b"$ "))
    assert (await person.read()).output == b"$ "
    size = await unit.read()
    assert (size.rows, size.columns) == (24, 80)
    await person.write(job_service_pb2.AttachShellRequest(input=b"uptime\r"))
    assert (await unit.read()).input == b"uptime\r"
    await unit.write(node_service_pb2.OpenShellRequest(output=b"up 3 days \xff\r\n"))
    assert (await person.read()).output == b"up 3 days \xff\r\n"
    await unit.done_writing()
    assert await ended(person) is None
    assert await ended(unit) is None
    log = await recorded(operator)
    said = [(each["from"], each.get("text", each.get("base64"))) for each in log if "event" not in each]
    assert sorted(said[:2]) == sorted([("operator", None), ("unit", "$ ")])
    assert said[2:] == [("operator", "uptime\r"), ("unit", "dXAgMyBkYXlzIP8NCg==")]
    assert {"rows": 24, "columns": 80}.items() <= next(each for each in log if each["from"] == "operator").items()
    assert all(each["time"].endswith("Z") for each in log)
    assert [each["event"] for each in log if "event" in each][-1] == "the shell ended"


async def test_when_the_operator_leaves_the_shell_is_closed(operator: Peer, shell: Peer) -> None:
    unit, person = opened(shell), attached(operator)
    await unit.write(node_service_pb2.OpenShellRequest(job="jobs/sh", output=b"$ "))
    await person.write(job_service_pb2.AttachShellRequest(name="jobs/sh"))
    assert (await person.read()).output == b"$ "
    person.cancel()
    assert await ended(unit) is None


async def test_cancelling_the_job_cuts_both_off(operator: Peer, shell: Peer) -> None:
    unit, person = opened(shell), attached(operator)
    await unit.write(node_service_pb2.OpenShellRequest(job="jobs/sh", output=b"$ "))
    await person.write(job_service_pb2.AttachShellRequest(name="jobs/sh"))
    await person.read()
    await operator.call(operator.job.CancelJob, job_service_pb2.CancelJobRequest(name="jobs/sh"))
    assert await ended(person) is None
    assert await ended(unit) is None
    again = attached(operator)
    await again.write(job_service_pb2.AttachShellRequest(name="jobs/sh"))
    assert (await ended(again)).reason == "JOB_ENDED"  # type: ignore[union-attr]  # it must have failed


async def test_one_person_talks_and_only_the_one_who_asked(operator: Peer, second: Peer, shell: Peer) -> None:
    unit, person = opened(shell), attached(operator)
    await unit.write(node_service_pb2.OpenShellRequest(job="jobs/sh", output=b"$ "))
    await person.write(job_service_pb2.AttachShellRequest(name="jobs/sh"))
    await person.read()
    for peer, reason in ((operator, "SHELL_TAKEN"), (second, "SHELL_OTHER")):
        other = attached(peer)
        await other.write(job_service_pb2.AttachShellRequest(name="jobs/sh"))
        assert (await ended(other)).reason == reason  # type: ignore[union-attr]  # it must have failed
    twice = opened(shell)
    await twice.write(node_service_pb2.OpenShellRequest(job="jobs/sh"))
    assert (await ended(twice)).reason == "SHELL_OPEN"  # type: ignore[union-attr]  # it must have failed


async def test_a_shell_is_no_other_units_and_no_other_work(manager: LocalManager, operator: Peer, shell: Peer) -> None:
    async with manager.node(await manager.enroll("rsu-2")) as other:
        call = opened(other)
        await call.write(node_service_pb2.OpenShellRequest(job="jobs/sh"))
        assert isinstance(await ended(call), NotFoundError)
    await operator.create_job("rsu-1", "j1", self_test=job_pb2.SelfTestJob())
    call = opened(shell)
    await call.write(node_service_pb2.OpenShellRequest(job="jobs/j1"))
    assert (await ended(call)).reason == "NO_SHELL"  # type: ignore[union-attr]  # it must have failed
    call = attached(operator)
    await call.write(job_service_pb2.AttachShellRequest(name="jobs/j1"))
    assert (await ended(call)).reason == "NO_SHELL"  # type: ignore[union-attr]  # it must have failed


async def test_a_message_that_is_too_large_ends_the_shell(operator: Peer, shell: Peer) -> None:
    unit, person = opened(shell), attached(operator)
    await unit.write(node_service_pb2.OpenShellRequest(job="jobs/sh", output=b"$ "))
    await person.write(job_service_pb2.AttachShellRequest(name="jobs/sh", input=bytes(65_537)))
    assert (await ended(person)).reason == "SHELL_INVALID"  # type: ignore[union-attr]  # it must have failed
    assert await ended(unit) is None


async def test_a_recording_that_is_full_can_be_read(operator: Peer, second: Peer, shell: Peer) -> None:
    await operator.set_policy(allows_shells=True)
    small = job_service_pb2.CreateJobRequest(
        node="nodes/rsu-1", job_id="small", spec=job_pb2.JobSpec(shell=job_pb2.ShellJob(), artifact_max_bytes=1000)
    )
    approval = (await refused(operator, small)).metadata["approval"]
    await second.decide(approval)
    await operator.call(operator.job.CreateJob, small, wayside_approval=approval)
    unit = opened(shell)
    await unit.write(node_service_pb2.OpenShellRequest(job="jobs/small", output=b"x" * 2000))
    error = await ended(unit)
    assert error is not None
    assert error.reason == "RECORDING_FULL"
    log = await recorded(operator, "small")
    assert log[-1]["event"] == "the shell ended"


async def test_a_unit_opens_the_shell_of_a_job_once(operator: Peer, shell: Peer) -> None:
    calls = [opened(shell) for _ in range(8)]
    async with asyncio.TaskGroup() as group:
        for call in calls:
            group.create_task(call.write(node_service_pb2.OpenShellRequest(job="jobs/sh")))
        open_ones = {group.create_task(ended(call)) for call in calls}
        refusals = []
        while len(open_ones) > 1:
            done, open_ones = await asyncio.wait(open_ones, return_when=asyncio.FIRST_COMPLETED)
            refusals += [task.result() for task in done]
        person = attached(operator)
        await person.write(job_service_pb2.AttachShellRequest(name="jobs/sh"))
        await person.done_writing()
        assert await ended(person) is None
    assert {None if each is None else each.reason for each in refusals} == {"SHELL_OPEN"}
    assert [task.result() for task in open_ones] == [None]
    assert [each["event"] for each in await recorded(operator) if "event" in each][-1] == "the shell ended"


async def test_attaching_is_in_the_audit_trail_at_once(operator: Peer, shell: Peer) -> None:
    unit, person = opened(shell), attached(operator)
    await unit.write(node_service_pb2.OpenShellRequest(job="jobs/sh", output=b"$ "))
    await person.write(job_service_pb2.AttachShellRequest(name="jobs/sh"))
    await person.read()

    entries = (
        await operator.call(operator.audit.ListAuditEntries, audit_service_pb2.ListAuditEntriesRequest())
    ).entries
    assert any(each.action.endswith("/AttachShell") for each in entries)


@pytest.mark.usefixtures("rsu")
async def test_a_shell_needs_the_policy_and_always_a_second_person(operator: Peer) -> None:
    assert (await refused(operator, ASK)).reason == "SHELLS_FORBIDDEN"
    await operator.set_policy(allows_shells=True)
    error = await refused(operator, ASK)
    assert isinstance(error, FailedPreconditionError)
    assert (error.reason, "always needs a second person" in error.message) == ("APPROVAL_REQUIRED", True)


@pytest.mark.usefixtures("rsu")
async def test_who_may_run_jobs_may_not_reach_into_units(manager: LocalManager, operator: Peer) -> None:
    await operator.set_policy(allows_shells=True)
    push = job_pb2.FilePushJob(path="/etc/wayside/x", content=b"x")
    async with manager.stranger(token=await operator.make_operator("op", role("operator"))) as peer:
        await peer.create_job("rsu-1", reboot=job_pb2.RebootJob())
        for spec in (job_pb2.JobSpec(file_push=push), job_pb2.JobSpec(shell=job_pb2.ShellJob())):
            error = await refused(peer, job_service_pb2.CreateJobRequest(node="nodes/rsu-1", spec=spec))
            assert isinstance(error, PermissionDeniedError), error
        everybody = node_pb2.NodeSelector(all_nodes=True)
        fleet = job_service_pb2.CreateFleetJobRequest(selector=everybody, spec=job_pb2.JobSpec(file_push=push))
        assert isinstance(await refused(peer, fleet), PermissionDeniedError)


@pytest.mark.usefixtures("rsu")
async def test_what_the_policy_names_needs_a_second_person_and_nothing_else(
    manager: LocalManager, operator: Peer
) -> None:
    await manager.enroll("rsu-2")
    push = job_pb2.JobSpec(file_push=job_pb2.FilePushJob(path="/etc/wayside/x", content=b"x"))
    await operator.set_policy(four_eyes_actions=[SHELL, FLEET_JOB], max_unapproved_node_count=1)
    await operator.create_job("rsu-1", reboot=job_pb2.RebootJob())
    one = job_service_pb2.CreateJobRequest(node="nodes/rsu-1", spec=push)
    assert (await refused(operator, one)).reason == "APPROVAL_REQUIRED"
    reboot, everybody = job_pb2.JobSpec(reboot=job_pb2.RebootJob()), node_pb2.NodeSelector(all_nodes=True)
    fleet = job_service_pb2.CreateFleetJobRequest(selector=everybody, spec=reboot)
    error = await refused(operator, fleet)
    assert (error.reason, "reaches 2 nodes" in error.message) == ("APPROVAL_REQUIRED", True)
    fleet.selector.CopyFrom(node_pb2.NodeSelector(nodes=["nodes/rsu-1"]))
    await operator.call(operator.job.CreateFleetJob, fleet)
    fleet.spec.CopyFrom(push)
    assert (await refused(operator, fleet)).reason == "APPROVAL_REQUIRED"
    await operator.set_policy(max_unapproved_node_count=0)
    await operator.call(operator.job.CreateJob, one)
