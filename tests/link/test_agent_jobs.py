"""Files of jobs on their way up, and shells, against managers that behave as told."""

import asyncio
import hashlib
from pathlib import Path

import pytest

from tests.link.agent_peer import Context, RoughManager, sound
from tests.link.agent_unit import link_to
from wayside.errors import (
    FailedPreconditionError,
    InvalidArgumentError,
    UnavailableError,
    WaysideError,
)
from wayside.status import to_status
from wayside.v1 import node_service_pb2 as wire
from wayside_agent.core.job import Artifact
from wayside_agent.core.job_work import Shell
from wayside_agent.drivers.job_shell import ShellWorker
from wayside_agent.link.uploads import CHUNK_BYTES, beginning, upload
from wayside_agent.ports.jobs import Assignment

CONTENT = bytes(range(256)) * 3000  # 768,000 bytes: two chunks and a part of one


class Shelf:
    """Keeps a file as a manager should; it may break off after some chunks, or say something else."""

    def __init__(self, *, there: bytes = b"", break_after: int | None = None, first: int | None = None) -> None:
        self.content = bytearray(there)
        self.break_after = break_after
        self.first = first
        self.begin = wire.UploadBegin()
        self.sizes: list[int] = []
        self.refusal: WaysideError | None = None

    async def take(self, context: Context) -> None:
        request = await context.read()
        assert isinstance(request, wire.UploadJobArtifactRequest)
        self.begin = request.begin
        if self.refusal:
            await context.abort_with_status(to_status(self.refusal))
        await self._says(context, len(self.content) if self.first is None else self.first)
        while isinstance(request := await context.read(), wire.UploadJobArtifactRequest):
            self.content += request.content
            self.sizes.append(len(request.content))
            if len(self.sizes) == self.break_after:
                await context.abort_with_status(to_status(UnavailableError("stopping")))
        if len(self.content) == self.begin.size_bytes:
            await self._says(context, self.begin.size_bytes)

    async def _says(self, context: Context, offset_bytes: int) -> None:
        await context.write(wire.UploadJobArtifactResponse(offset_bytes=offset_bytes).SerializeToString())


@pytest.fixture
def path(tmp_path: Path) -> Path:
    found = tmp_path / "found.bin"
    found.write_bytes(CONTENT)
    return found


def artifact(content: bytes = CONTENT) -> Artifact:
    return Artifact("found.bin", len(content), hashlib.sha256(content).hexdigest())


async def brought(shelf: Shelf, path: Path, content: bytes = CONTENT) -> list[int]:
    """Brings the file; the progress that was told."""
    told: list[int] = []
    async with asyncio.timeout(20), RoughManager(sound) as manager, link_to(manager) as link:
        manager.conversations["UploadJobArtifact"] = shelf.take
        await link.upload("jobs/j1", artifact(content), path, max_bytes_per_s=0, progress=told.append)
    return told


async def test_a_file_arrives_whole_in_small_chunks(path: Path) -> None:
    shelf = Shelf()
    told = await brought(shelf, path)
    assert bytes(shelf.content) == CONTENT
    assert max(shelf.sizes) == CHUNK_BYTES
    assert (shelf.begin.job, shelf.begin.file, shelf.begin.sha256) == ("jobs/j1", "found.bin", artifact().sha256)
    assert (told[0], told[-1]) == (0, len(CONTENT))


async def test_a_broken_upload_goes_on_where_the_manager_says(path: Path) -> None:
    shelf = Shelf(break_after=1)
    with pytest.raises(UnavailableError):
        await brought(shelf, path)
    shelf.break_after, shelf.sizes = None, []
    await brought(shelf, path)
    assert bytes(shelf.content) == CONTENT
    assert sum(shelf.sizes) == len(CONTENT) - CHUNK_BYTES


async def test_a_file_that_is_there_already_is_not_sent_again(path: Path) -> None:
    shelf = Shelf(there=CONTENT)
    await brought(shelf, path)
    assert shelf.sizes == []


async def test_an_empty_file_arrives(path: Path) -> None:
    await asyncio.to_thread(path.write_bytes, b"")
    shelf = Shelf()
    await brought(shelf, path, b"")
    assert shelf.begin.size_bytes == 0


async def test_what_the_manager_refuses_is_said(path: Path) -> None:
    shelf = Shelf()
    shelf.refusal = FailedPreconditionError("the job has ended long ago", reason="JOB_ENDED")
    with pytest.raises(FailedPreconditionError, match="ended long ago"):
        await brought(shelf, path)


@pytest.mark.parametrize("first", [-1, len(CONTENT) + 1, 2**60])
async def test_an_offset_outside_the_file_ends_the_upload(path: Path, first: int) -> None:
    with pytest.raises(InvalidArgumentError, match="it is not sent"):
        await brought(Shelf(first=first), path)


async def test_a_file_that_became_shorter_is_not_sent_for_ever(path: Path) -> None:
    with pytest.raises(InvalidArgumentError, match="shorter than it was"):
        await brought(Shelf(), path, CONTENT + b"more")


async def test_a_rate_is_kept(path: Path) -> None:
    shelf, now_s = Shelf(), 0.0

    async def passes(wait_s: float) -> None:
        nonlocal now_s
        now_s += wait_s

    async with asyncio.timeout(20), RoughManager(sound) as manager, link_to(manager) as link:
        manager.conversations["UploadJobArtifact"] = shelf.take
        await upload(
            lambda: link._stub.UploadJobArtifact(None),
            manager.address,
            begin=beginning("jobs/j1", artifact()),
            path=path,
            max_bytes_per_s=64_000,
            progress=lambda _: None,
            clock=lambda: now_s,
            pause=passes,
        )
    assert bytes(shelf.content) == CONTENT
    assert now_s == pytest.approx(len(CONTENT) / 64_000)
    assert max(shelf.sizes) == 64_000


async def test_a_shell_is_talked_to_over_a_call(tmp_path: Path) -> None:
    heard = bytearray()

    async def operator(context: Context) -> None:
        first = await context.read()
        assert isinstance(first, wire.OpenShellRequest)
        assert first.job == "jobs/j1"
        typed = wire.OpenShellResponse(input=b"stty size; exit\n", rows=33, columns=99)
        await context.write(typed.SerializeToString())
        while isinstance(request := await context.read(), wire.OpenShellRequest):
            heard.extend(request.output)

    async with asyncio.timeout(20), RoughManager(sound) as manager, link_to(manager) as link:
        manager.conversations["OpenShell"] = operator
        worker = ShellWorker(link, is_allowed=True, command=("/bin/sh",), home=tmp_path)
        found = await worker.work(Assignment("jobs/j1", Shell(15), tmp_path, 0, lambda _percent, _message: None))
    assert found.result["ended_by"] == "the shell"
    assert b"33 99" in heard


async def test_what_is_shown_to_an_operator_who_has_left_breaks_nothing() -> None:
    async def leaves(context: Context) -> None:
        await context.read()

    async with asyncio.timeout(20), RoughManager(sound) as manager, link_to(manager) as link:
        manager.conversations["OpenShell"] = leaves
        async with link.terminal("jobs/j1") as terminal:
            assert await terminal.typed() is None
            await terminal.show(b"$ ")


async def test_a_shell_ends_when_the_operator_has_left(tmp_path: Path) -> None:
    async def leaves(context: Context) -> None:
        await context.read()

    async with asyncio.timeout(20), RoughManager(sound) as manager, link_to(manager) as link:
        manager.conversations["OpenShell"] = leaves
        worker = ShellWorker(link, is_allowed=True, command=("/bin/sh",), home=tmp_path)
        found = await worker.work(Assignment("jobs/j1", Shell(15), tmp_path, 0, lambda _percent, _message: None))
    assert found.result["ended_by"] == "the operator"
