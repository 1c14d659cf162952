"""The shell: on a terminal of its own, off by default, ended with whoever leaves first, nothing left behind."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.contract.job_worker import worked
from wayside.errors import UnavailableError
from wayside_agent.core.job import RefusedError
from wayside_agent.core.job_work import Shell
from wayside_agent.drivers.job_shell import ShellWorker
from wayside_agent.ports.jobs import Terminal, Typed


class Operator:
    """The operator's end, in the same process."""

    def __init__(self) -> None:
        self.typing: asyncio.Queue[Typed | None] = asyncio.Queue(maxsize=100)
        self.shown = b""
        self.news = asyncio.Event()
        self.is_broken = False

    @asynccontextmanager
    async def terminal(self, job: str) -> AsyncIterator[Terminal]:
        assert job == "jobs/j1"
        yield self

    async def typed(self) -> Typed | None:
        typed = await self.typing.get()
        if self.is_broken:
            raise UnavailableError("gone")
        return typed

    async def show(self, content: bytes) -> None:
        self.shown += content
        self.news.set()

    def says(self, text: str, rows: int = 0, columns: int = 0) -> None:
        self.typing.put_nowait(Typed(text.encode(), rows, columns))

    async def sees(self, text: str, *, after: str = "") -> None:
        """Until it is shown, behind the last of `after`."""
        async with asyncio.timeout(20):
            while text.encode() not in self.shown.rpartition(after.encode() or b"\0")[2]:
                self.news.clear()
                await self.news.wait()


def shell(operator: Operator, folder: Path, *, is_allowed: bool = True) -> ShellWorker:
    return ShellWorker(operator, is_allowed=is_allowed, command=("/bin/sh",), home=folder)


async def test_it_is_off_unless_the_settings_say_otherwise(tmp_path: Path) -> None:
    with pytest.raises(RefusedError, match=r"jobs\.allow_shell"):
        await worked(shell(Operator(), tmp_path, is_allowed=False), Shell(60), tmp_path)


async def test_what_is_typed_runs_and_what_it_says_is_shown(tmp_path: Path) -> None:
    operator = Operator()
    async with asyncio.TaskGroup() as group:
        task = group.create_task(worked(shell(operator, tmp_path), Shell(20), tmp_path / "work"))
        operator.says("stty size; echo $((40+2)) $HOME\n", 50, 132)
        await operator.sees("50 132")
        await operator.sees(f"42 {tmp_path}")
        operator.says("exit\n")
    assert task.result().result["ended_by"] == "the shell"


@pytest.fixture(params=[signal.SIG_DFL, signal.SIG_IGN], ids=["as usual", "where the keyboard was ignored"])
def keyboard(request: pytest.FixtureRequest) -> Iterator[None]:
    """What the agent was started with, such as by a shell that put it in the background."""
    before = signal.signal(signal.SIGINT, request.param)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("keyboard")
async def test_control_c_reaches_what_runs(tmp_path: Path) -> None:
    operator = Operator()
    async with asyncio.TaskGroup() as group:
        group.create_task(worked(shell(operator, tmp_path), Shell(20), tmp_path / "work"))
        operator.says("sh -c 'echo be\"\"gin; exec sleep 1000'\n")  # who says it has the terminal already
        await operator.sees("begin")
        operator.says("\x03")
        await operator.sees("$ ", after="begin\r\n")
        operator.says("echo a''fter; exit\n")
        await operator.sees("after\r\n", after="$ ")


async def test_it_sees_nothing_of_the_agents_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WAYSIDE_TEST_SECRET", "hunter2")
    operator = Operator()
    async with asyncio.TaskGroup() as group:
        group.create_task(worked(shell(operator, tmp_path), Shell(20), tmp_path / "work"))
        operator.says("env; echo th''ere\n")
        await operator.sees("there")
        operator.says("exit\n")
    assert b"hunter2" not in operator.shown


@pytest.mark.parametrize("end", ["leaves", "breaks", "time", "cancel"])
async def test_whoever_ends_it_no_process_of_it_is_left(tmp_path: Path, end: str) -> None:
    operator, pipe = Operator(), tmp_path / "alive"
    os.mkfifo(pipe)
    async with asyncio.TaskGroup() as group:
        duration_s = 1 if end == "time" else 20
        task = group.create_task(worked(shell(operator, tmp_path), Shell(duration_s), tmp_path / "work"))
        operator.says(f"exec 3>{pipe}; (trap '' HUP; sleep 1000) &\n")
        reader = await asyncio.to_thread(os.open, pipe, os.O_RDONLY)
        if end == "leaves":
            operator.typing.put_nowait(None)
        elif end == "breaks":
            operator.is_broken = True
            operator.says("")
        elif end == "cancel":
            task.cancel()
    try:
        assert await asyncio.to_thread(os.read, reader, 1) == b""  # nobody holds the pipe any more
    finally:
        os.close(reader)
    if end != "cancel":
        said = {"leaves": "the operator", "breaks": "a broken connection (gone)", "time": "time"}
        assert task.result().result["ended_by"] == said[end]


async def test_a_flood_waits_for_an_operator_who_is_slow(tmp_path: Path) -> None:
    operator = Operator()
    gate = asyncio.Event()

    async def slow(content: bytes) -> None:
        operator.shown += content
        operator.news.set()
        await gate.wait()

    operator.show = slow  # type: ignore[method-assign]
    async with asyncio.TaskGroup() as group:
        group.create_task(worked(shell(operator, tmp_path), Shell(20), tmp_path / "work"))
        operator.says("stty -echo; yes wayside | head -c 300000; echo; echo e''nd; exit\n")
        while not operator.shown:  # noqa: ASYNC110
            await asyncio.sleep(0)
        assert len(operator.shown) < 100_000
        gate.set()
    assert operator.shown.count(b"wayside\r\n") >= 37_000
    assert b"end" in operator.shown
