"""Jobs that run what the settings name, and the log level: argument lists, bounded output, nothing left behind."""

import asyncio
import logging
import os
from pathlib import Path

import pytest

from tests.contract.job_worker import worked
from wayside_agent.core.job import RefusedError
from wayside_agent.core.job_work import Diagnostic, LogLevel, Reboot, RestartService
from wayside_agent.drivers.job_commands import DiagnosticWorker, RebootWorker, RestartServiceWorker
from wayside_agent.drivers.job_log_level import LogLevelWorker
from wayside_agent.ports.errors import DeviceAbsentError, DeviceFaultError, RestartRequestedError


async def test_a_diagnostic_brings_what_it_says(tmp_path: Path) -> None:
    worker = DiagnosticWorker({"say": ("sh", "-c", "echo out; echo err >&2")})
    found = await worked(worker, Diagnostic("say"), tmp_path)
    assert (found.is_success, found.files) == (True, [])
    assert sorted(str(found.result["output"]).split()) == ["err", "out"]


async def test_arguments_are_read_by_no_shell(tmp_path: Path) -> None:
    worker = DiagnosticWorker({"say": ("echo", "$(touch /x); `id`")})
    assert (await worked(worker, Diagnostic("say"), tmp_path)).result["output"] == "$(touch /x); `id`\n"


async def test_one_that_ends_badly_has_failed_and_says_how(tmp_path: Path) -> None:
    found = await worked(DiagnosticWorker({"bad": ("sh", "-c", "exit 3")}), Diagnostic("bad"), tmp_path)
    assert (found.is_success, found.message) == (False, "exit status 3")


async def test_long_output_comes_as_a_file_and_is_cut_to_what_the_job_may_bring(tmp_path: Path) -> None:
    worker = DiagnosticWorker({"long": ("head", "-c", "3000000", "/dev/zero")})
    found = await worked(worker, Diagnostic("long"), tmp_path, max_bytes=100_000)
    assert (found.files, found.result["is_cut"]) == (["output.txt"], True)
    assert (tmp_path / "output.txt").stat().st_size == 100_000


async def test_a_program_sees_nothing_of_the_agents_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WAYSIDE_TEST_SECRET", "hunter2")
    found = await worked(DiagnosticWorker({"env": ("env",)}), Diagnostic("env"), tmp_path)
    assert "hunter2" not in str(found.result["output"])


async def test_one_that_is_stopped_leaves_no_process(tmp_path: Path) -> None:
    pipe = tmp_path / "alive"
    os.mkfifo(pipe)
    # both the shell and its child hold the pipe open for writing as long as they live
    script = f"exec 3>{pipe}; sleep 1000 & sleep 1000"
    worker = DiagnosticWorker({"hang": ("sh", "-c", script)})
    async with asyncio.timeout(20), asyncio.TaskGroup() as group:
        task = group.create_task(worked(worker, Diagnostic("hang"), tmp_path / "work"))
        reader = await asyncio.to_thread(os.open, pipe, os.O_RDONLY)
        task.cancel()
    try:
        assert await asyncio.to_thread(os.read, reader, 1) == b""  # nobody writes any more
    finally:
        os.close(reader)


async def test_what_a_program_leaves_behind_does_not_hold_its_outcome(tmp_path: Path) -> None:
    # the daemon has a session of its own and holds the output open; it ends with the pipe of the test
    pipe = tmp_path / "alive"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDWR)
    try:
        worker = DiagnosticWorker({"serve": ("sh", "-c", f"setsid cat {pipe} & echo up; exit 3")})
        found = await worked(worker, Diagnostic("serve"), tmp_path / "work")
        assert (found.message, found.result["output"]) == ("exit status 3", "up\n")
    finally:
        os.close(reader)


@pytest.mark.parametrize("name", ["", "other", "say "])
async def test_what_the_settings_do_not_name_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(RefusedError, match=r"\[jobs\.diagnostics\]"):
        await worked(DiagnosticWorker({"say": ("echo",)}), Diagnostic(name), tmp_path)
    with pytest.raises(RefusedError, match=r"\[jobs\.services\]"):
        await worked(RestartServiceWorker({}), RestartService(name or "x"), tmp_path)


async def test_a_program_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(DeviceAbsentError, match="no such program"):
        await worked(DiagnosticWorker({"x": ("wayside-no-such-program",)}), Diagnostic("x"), tmp_path)


async def test_a_service_is_restarted_by_its_command(tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    worker = RestartServiceWorker({"gnss": ("touch", str(mark)), "bad": ("sh", "-c", "echo Access denied; exit 1")})
    assert (await worked(worker, RestartService("gnss"), tmp_path / "work")).message == "restarted"
    assert mark.exists()
    with pytest.raises(DeviceFaultError, match=r"jobs\.services\.bad: sh ended with status 1 \(Access denied\)"):
        await worked(worker, RestartService("bad"), tmp_path / "work")


async def test_no_service_is_the_agent_itself(tmp_path: Path) -> None:
    with pytest.raises(RestartRequestedError, match="jobs/j1"):
        await worked(RestartServiceWorker({}), RestartService(""), tmp_path)


async def test_a_reboot_runs_its_command_and_then_waits_for_the_end(tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    async with asyncio.timeout(20), asyncio.TaskGroup() as group:
        task = group.create_task(worked(RebootWorker(("touch", str(mark))), Reboot(), tmp_path / "work"))
        while not await asyncio.to_thread(mark.exists):  # noqa: ASYNC110
            await asyncio.sleep(0)
        assert not task.done()
        task.cancel()


async def test_a_reboot_that_is_not_allowed_says_so(tmp_path: Path) -> None:
    with pytest.raises(DeviceFaultError, match=r"jobs\.reboot_command: false ended with status 1"):
        await worked(RebootWorker(("false",)), Reboot(), tmp_path)
    with pytest.raises(RefusedError, match=r"jobs\.reboot_command is empty"):
        await worked(RebootWorker(()), Reboot(), tmp_path)


async def test_the_log_level_goes_back_by_itself(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    root = logging.getLogger()
    usual = root.level
    worker = LogLevelWorker("WARNING")
    try:
        with caplog.at_level(logging.INFO):
            await worked(worker, LogLevel("ERROR", 1000.0), tmp_path)
            assert root.level == logging.ERROR
            await worked(worker, LogLevel("DEBUG", 0.01), tmp_path)
            assert root.level == logging.DEBUG
            async with asyncio.timeout(10):
                while root.level == logging.DEBUG:  # noqa: ASYNC110  # the loop's timer
                    await asyncio.sleep(0)
            assert root.level == logging.WARNING
    finally:
        root.setLevel(usual)
