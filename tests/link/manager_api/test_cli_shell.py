"""`wayside jobs shell` as a person has it: over a terminal, with Ctrl-] to leave; and with what is none."""

import asyncio
import os
import sys
import termios
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from tests.link.manager_api.job_unit import job_session, say, told_job
from tests.link.manager_api.peer import LocalManager, Peer, role
from tests.link.manager_api.stubs import CALL_S
from wayside.errors import FailedPreconditionError
from wayside.v1 import job_pb2, job_service_pb2, node_service_pb2

ASK = job_service_pb2.CreateJobRequest(
    node="nodes/rsu-1", job_id="sh", spec=job_pb2.JobSpec(shell=job_pb2.ShellJob()), note="the door sensor lies"
)
PROGRAM = (sys.executable, "-c", "from wayside_manager.cli.operator import main; main()", "jobs", "shell", "sh")


@pytest.fixture
async def unit(manager: LocalManager, operator: Peer, rsu_peer: Peer) -> AsyncIterator[Any]:
    """The unit's end of a shell that is open and was granted."""
    await operator.set_policy(allows_shells=True)
    with pytest.raises(FailedPreconditionError) as caught:
        await operator.call(operator.job.CreateJob, ASK)
    approval = caught.value.metadata["approval"]
    async with manager.stranger(token=await operator.make_operator("second", role("admin"))) as second:
        await second.decide(approval)
    await operator.call(operator.job.CreateJob, ASK, wayside_approval=approval)
    session = await job_session(rsu_peer)
    await told_job(session, "sh")
    await say(session, 1, "sh", "running")
    call = rsu_peer.node.OpenShell(None, timeout=CALL_S)
    await call.write(node_service_pb2.OpenShellRequest(job="jobs/sh", output=b"$ "))
    yield call
    call.cancel()


def environment(manager: LocalManager) -> dict[str, str]:
    return os.environ | {
        "WAYSIDE_CONTEXT": str(manager.folder.operator / "context.toml"),
        "LINES": "33",
        "COLUMNS": "99",
    }


@asynccontextmanager
async def at_a_terminal(manager: LocalManager) -> AsyncIterator[tuple[int, asyncio.subprocess.Process]]:
    """The command at a terminal, and the person's end of that."""
    person, terminal = os.openpty()
    try:
        process = await asyncio.create_subprocess_exec(
            *PROGRAM, stdin=terminal, stdout=terminal, stderr=asyncio.subprocess.PIPE, env=environment(manager)
        )
        os.close(terminal)
        try:
            yield person, process
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
    finally:
        os.close(person)


async def seen(person: int, wanted: bytes) -> bytes:
    """What the terminal shows, until it shows this."""
    found = b""
    while wanted not in found:
        found += await asyncio.to_thread(os.read, person, 4096)
    return found


async def ended(process: asyncio.subprocess.Process) -> tuple[int | None, bytes]:
    _, err = await process.communicate()
    return process.returncode, err


async def test_a_person_types_and_reads_and_leaves(manager: LocalManager, unit: Any) -> None:  # noqa: ANN401  # grpc's own type
    async with at_a_terminal(manager) as (person, process):
        await seen(person, b"$ ")
        assert not termios.tcgetattr(person)[3] & (termios.ECHO | termios.ICANON | termios.ISIG)
        size = await unit.read()
        assert (size.rows, size.columns) == (33, 99)
        os.write(person, b"uptime\r")
        assert await typed(unit, b"uptime\r") == b"uptime\r"
        await unit.write(node_service_pb2.OpenShellRequest(output=b"up 3 days \xff\r\n$ "))
        assert b"up 3 days \xff\r\n$ " in await seen(person, b"\n$ ")
        os.write(person, b"\x03")  # Ctrl-C is the shell's
        assert await typed(unit, b"\x03") == b"\x03"
        os.write(person, b"\x1d")
        assert await ended(process) == (0, b"")


async def typed(unit: Any, wanted: bytes) -> bytes:  # noqa: ANN401  # grpc's own type
    """What reaches the unit, as far as that is long."""
    found = b""
    while len(found) < len(wanted):
        found += (await unit.read()).input
    return found


async def test_the_end_of_the_shell_is_the_end_of_the_command(manager: LocalManager, unit: Any) -> None:  # noqa: ANN401  # grpc's own type
    async with at_a_terminal(manager) as (person, process):
        await seen(person, b"$ ")
        await unit.done_writing()
        assert await ended(process) == (0, b"")


@pytest.mark.usefixtures("unit")
async def test_without_anything_to_type_on_a_sentence_says_so(manager: LocalManager) -> None:
    process = await asyncio.create_subprocess_exec(
        *PROGRAM,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env=environment(manager),
    )
    assert await ended(process) == (2, b"error: a shell needs a terminal, or a pipe, on standard input\n")


@pytest.mark.usefixtures("rsu")
async def test_what_is_no_shell_is_told_and_the_terminal_is_as_before(manager: LocalManager, operator: Peer) -> None:
    await operator.create_job("rsu-1", "sh", self_test=job_pb2.SelfTestJob())
    async with at_a_terminal(manager) as (person, process):
        before = termios.tcgetattr(person)[3]
        code, err = await ended(process)
        assert (code, err.startswith(b"error: "), len(err.splitlines())) == (1, True, 1)
        assert termios.tcgetattr(person)[3] == before
