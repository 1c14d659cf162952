"""Jobs on the unit: begun once, whatever happens; one outcome, said until nobody asks any more."""

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.contract.job_unit import KilledError, State, Unit, awake, target
from wayside.errors import FailedPreconditionError, ResourceExhaustedError, UnavailableError
from wayside.v1 import node_service_pb2 as wire
from wayside_agent.core.job import RefusedError
from wayside_agent.ports.errors import DeviceFaultError, RestartRequestedError
from wayside_agent.ports.jobs import Assignment, Yield

FILE = b"what was found"


@pytest.fixture
def unit(tmp_path: Path) -> Unit:
    return Unit(tmp_path)


async def for_ever(_assignment: Assignment[Any]) -> Yield:
    await asyncio.Event().wait()
    return Yield()


async def lived(unit: Unit, *targets: wire.JobTarget) -> None:
    """Does jobs until something ends the agent."""
    async with awake(unit):
        unit.wants(*targets)
        await asyncio.Event().wait()


async def with_file(assignment: Assignment[Any]) -> Yield:
    (assignment.folder / "found.txt").write_bytes(FILE)
    return Yield("found", files=("found.txt",))


async def test_uploads_that_are_shed_wait_and_are_made_up_for(unit: Unit) -> None:
    unit.does, unit.upload_looks_left = with_file, 5
    async with awake(unit):
        unit.wants(target())
        outcome = await unit.outcome()
    assert outcome.state == State.STATE_SUCCEEDED
    assert unit.uploaded == {("jobs/j1", "found.txt"): FILE}
    assert unit.upload_looks_left < 0


async def test_a_job_is_said_to_run_then_has_its_outcome(unit: Unit) -> None:
    async with awake(unit):
        unit.wants(target())
        outcome = await unit.outcome()
    assert [report.state for report in unit.reports] == [State.STATE_RUNNING, State.STATE_SUCCEEDED]
    assert (outcome.message, json.loads(outcome.result_json)) == ("done", {"answer": 42})
    assert outcome.begin_time.ToSeconds() == 1000


async def test_an_outcome_is_repeated_in_each_session_until_the_job_is_gone(unit: Unit) -> None:
    async with awake(unit):
        unit.wants(target())
        await unit.outcome()
        unit.wants(target())
        await unit.outcome(count=2)
        unit.is_acknowledging = False  # it waits in the spool: the next session brings it anyway
        unit.wants(target())
        unit.wants(target("jobs/j2"))
        await unit.outcome("jobs/j2")
        assert len(unit.outcomes()) == 2
    assert unit.begun == ["jobs/j1", "jobs/j2"]


async def test_a_manager_that_forgot_is_told_the_same_again(unit: Unit) -> None:
    async with awake(unit):
        unit.wants(target())
        first = await unit.outcome()
        unit.wants(target("jobs/j2"))
        await unit.outcome("jobs/j2")
        unit.wants(target())
        again = await unit.outcome(count=2)
    assert (again.state, again.message, unit.begun.count("jobs/j1")) == (first.state, first.message, 1)


@pytest.mark.parametrize("where", ["before", "after"])
@pytest.mark.parametrize("save", [1, 2, 3])
async def test_a_kill_at_every_step_leaves_one_outcome_and_one_begin(unit: Unit, save: int, where: str) -> None:
    unit.does = with_file
    unit.disk.kill_at = (save, where)
    with pytest.raises(BaseExceptionGroup) as killed:
        await lived(unit, target())
    assert killed.group_contains(KilledError)
    unit.restart()
    async with awake(unit):
        unit.wants(target())
        outcome = await unit.outcome()
        unit.wants(target())
        await unit.outcome(count=len(unit.outcomes()) + 1)
    assert len(unit.begun) == 1 or (save, where) == (1, "after")
    assert {(report.state, report.message) for report in unit.outcomes()} == {(outcome.state, outcome.message)}
    is_kept = (save, where) not in {(1, "after"), (2, "before")}
    assert outcome.state == (State.STATE_SUCCEEDED if is_kept else State.STATE_FAILED), outcome
    assert unit.uploaded == ({("jobs/j1", "found.txt"): FILE} if is_kept else {})


@pytest.mark.parametrize(
    ("spec", "boot_id", "state"),
    [
        ({"reboot": {}}, "boot-2", State.STATE_SUCCEEDED),
        ({"reboot": {}}, "", State.STATE_FAILED),
        ({"restart_service": {}}, "", State.STATE_SUCCEEDED),
        ({"restart_service": {"service": "gnss"}}, "", State.STATE_FAILED),
        ({"self_test": {}}, "boot-2", State.STATE_FAILED),
    ],
    ids=["reboot", "no reboot", "restart", "restart of a service", "test"],
)
async def test_after_a_restart_it_is_known_what_became_of_a_job(
    unit: Unit, spec: dict[str, Any], boot_id: str, state: int
) -> None:
    unit.does = for_ever
    async with awake(unit):
        unit.wants(target(**spec))
        while not unit.begun:  # noqa: ASYNC110
            await asyncio.sleep(0)
    unit.restart(boot_id=boot_id)
    async with awake(unit):
        unit.wants(target(**spec))
        assert (await unit.outcome()).state == state
    assert len(unit.begun) == 1


async def test_a_restart_of_the_agent_itself_ends_the_agent(unit: Unit) -> None:
    async def ends(_assignment: Assignment[Any]) -> Yield:
        raise RestartRequestedError("a job wants it")

    unit.does = ends
    with pytest.raises(BaseExceptionGroup) as ended:
        await lived(unit, target(restart_service={}))
    assert ended.group_contains(RestartRequestedError)


async def test_it_never_begins_after_its_time_nor_without_knowing_the_time(unit: Unit) -> None:
    async with awake(unit):
        unit.is_time_known = False
        unit.wants(target())
        unit.wants(target(), target("jobs/late", expire_s=999))
        await unit.jobs.step()
        assert unit.reports == []
        unit.is_time_known = True
        unit.wants(target(), target("jobs/late", expire_s=999))
        assert (await unit.outcome("jobs/late")).state == State.STATE_EXPIRED
        assert (await unit.outcome()).state == State.STATE_SUCCEEDED
    assert unit.begun == ["jobs/j1"]


async def test_one_that_is_cancelled_before_it_began_never_does(unit: Unit) -> None:
    async with awake(unit):
        unit.wants(target(is_cancelled=True))
        assert (await unit.outcome()).state == State.STATE_CANCELLED
    assert unit.begun == []


@pytest.mark.parametrize("is_dropped", [False, True], ids=["cancelled", "wanted no more"])
async def test_one_at_work_is_stopped(unit: Unit, is_dropped: bool) -> None:
    stopped = asyncio.Event()

    async def until_stopped(_assignment: Assignment[Any]) -> Yield:
        try:
            await asyncio.Event().wait()
        finally:
            stopped.set()
        return Yield()

    unit.does = until_stopped
    async with awake(unit):
        unit.wants(target())
        while not unit.begun:  # noqa: ASYNC110
            await asyncio.sleep(0)
        unit.wants(*([] if is_dropped else [target(is_cancelled=True)]))
        await stopped.wait()
        unit.wants(target(is_cancelled=True))
        assert (await unit.outcome()).state == State.STATE_CANCELLED
    assert len(unit.begun) == 1


async def test_one_that_takes_too_long_is_stopped_and_has_failed(unit: Unit) -> None:
    unit.does = for_ever
    async with awake(unit):
        unit.wants(target(self_test={}, timeout={"seconds": 1}))
        outcome = await unit.outcome()
    assert (outcome.state, outcome.message) == (State.STATE_FAILED, "not done within 1 s, and stopped")


@pytest.mark.parametrize(
    ("spec", "word"),
    [
        ({"timeout": {"seconds": 1}}, "does not know such work"),
        ({"packet_capture": {"duration": {"seconds": 601}}}, "duration: 601 s is not 0.1 to 600 s"),
        ({"log_level": {"level": "LOUD"}}, "'LOUD' is none of DEBUG"),
        ({"network_probe": {"count": 101}}, "count: 101 is not 1 to 100"),
        ({"network_probe": {"count": -1}}, "count: -1 is not 1 to 100"),
        ({"shell": {"duration": {"seconds": 7201}}}, "not 1 to 7200 s"),
        ({"self_test": {}, "timeout": {"seconds": -5}}, "timeout: -5 s"),
        ({"self_test": {}, "artifact_max_bytes": 2**40}, "artifact_max_bytes"),
        ({"file_push": {"path": "/a", "content": b"x" * (1024 * 1024 + 1)}}, "content"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
async def test_what_is_out_of_bounds_or_not_known_is_refused(unit: Unit, spec: dict[str, Any], word: str) -> None:
    async with awake(unit):
        unit.wants(target(**spec))
        outcome = await unit.outcome()
    assert (outcome.state, unit.begun) == (State.STATE_REFUSED, [])
    assert word in outcome.message


@pytest.mark.parametrize(
    ("error", "state"),
    [
        (RefusedError("not here"), State.STATE_REFUSED),
        (DeviceFaultError("broken"), State.STATE_FAILED),
        (OSError(5, "broken"), State.STATE_FAILED),
    ],
    ids=["refused", "fault", "system"],
)
async def test_what_a_worker_says_is_the_outcome(unit: Unit, error: Exception, state: int) -> None:
    async def fails(_assignment: Assignment[Any]) -> Yield:
        raise error

    unit.does = fails
    async with awake(unit):
        unit.wants(target())
        assert (await unit.outcome()).state == state


async def test_a_bug_in_a_worker_ends_its_job_and_nothing_else(unit: Unit, caplog: pytest.LogCaptureFixture) -> None:
    async def broken(assignment: Assignment[Any]) -> Yield:
        if assignment.job == "jobs/j1":
            raise KeyError("no such thing")
        return Yield("done")

    unit.does = broken
    async with awake(unit):
        unit.wants(target(), target("jobs/j2"))
        outcome = await unit.outcome()
        assert (await unit.outcome("jobs/j2")).state == State.STATE_SUCCEEDED
    assert outcome.state == State.STATE_FAILED
    assert "KeyError" in outcome.message
    assert "Traceback" in caplog.text


async def test_two_work_at_once_and_who_ends_the_agent_works_alone(unit: Unit) -> None:
    gates = {name: asyncio.Event() for name in ("jobs/a", "jobs/b", "jobs/c", "jobs/reboot", "jobs/d")}

    async def gated(assignment: Assignment[Any]) -> Yield:
        await gates[assignment.job].wait()
        return Yield()

    unit.does = gated
    wanted = [target("jobs/reboot", reboot={}) if name == "jobs/reboot" else target(name) for name in gates]
    async with awake(unit):
        unit.wants(*wanted)
        for name, gate in gates.items():
            while name not in unit.begun:  # noqa: ASYNC110
                await asyncio.sleep(0)
            gate.set()
            await unit.outcome(name)
    assert sorted(unit.begun[:2]) == ["jobs/a", "jobs/b"], "at once"
    assert unit.begun[2:] == ["jobs/c", "jobs/reboot", "jobs/d"]


async def test_a_disk_that_refuses_lets_nothing_begin(unit: Unit, caplog: pytest.LogCaptureFixture) -> None:
    unit.disk.errors = [ResourceExhaustedError("disk full")]
    async with awake(unit):
        unit.wants(target())
        while unit.disk.errors:  # noqa: ASYNC110
            await asyncio.sleep(0)
        assert unit.begun == []
        unit.wants(target())
        assert (await unit.outcome()).state == State.STATE_SUCCEEDED
    assert "disk full" in caplog.text


async def test_a_spool_that_is_full_gets_the_outcome_later(unit: Unit) -> None:
    async with awake(unit):
        unit.spool_is_full = True
        unit.wants(target())
        while not unit.begun:  # noqa: ASYNC110
            await asyncio.sleep(0)
        await unit.jobs.step()
        unit.spool_is_full = False
        unit.wants(target())
        assert (await unit.outcome()).state == State.STATE_SUCCEEDED


async def test_a_damaged_record_costs_its_job_and_no_other(unit: Unit, tmp_path: Path) -> None:
    async with awake(unit):
        unit.wants(target(), target("jobs/j2"))
        await unit.outcome()
        await unit.outcome("jobs/j2")
    (tmp_path / "jobs" / "j1" / "record").write_bytes(b"\xff" * 100)
    unit.restart()
    async with awake(unit):
        unit.wants(target(), target("jobs/j2"))
        damaged = await unit.outcome(count=2)
        assert (await unit.outcome("jobs/j2", count=2)).state == State.STATE_SUCCEEDED
    assert (damaged.state, len(unit.begun)) == (State.STATE_FAILED, 2)
    assert "damaged" in damaged.message


def unreadable(record: Path) -> None:
    record.unlink()
    record.symlink_to("/proc/self/mem")  # its first byte cannot be read: EIO


def no_file(record: Path) -> None:
    record.unlink()
    record.mkdir()
    (record / "x").touch()


def no_folder(record: Path) -> None:
    record.unlink()
    record.parent.rmdir()
    record.parent.touch()


@pytest.mark.parametrize("rot", [unreadable, no_file, no_folder])
async def test_a_record_that_the_disk_does_not_give_costs_its_job_and_no_other(
    unit: Unit, tmp_path: Path, rot: Callable[[Path], None]
) -> None:
    async with awake(unit):
        unit.wants(target(), target("jobs/j2"))
        await unit.outcome()
        await unit.outcome("jobs/j2")
    await asyncio.to_thread(rot, tmp_path / "jobs" / "j1" / "record")
    for life in (2, 3):
        unit.restart()
        async with awake(unit):
            unit.wants(target(), target("jobs/j2"))
            damaged = await unit.outcome(count=life)
            await unit.outcome("jobs/j2", count=life)
        assert (damaged.state, len(unit.begun)) == (State.STATE_FAILED, 2)
        assert "damaged" in damaged.message


async def test_a_folder_that_takes_nothing_holds_its_job_and_no_other(unit: Unit, tmp_path: Path) -> None:
    async with awake(unit):
        unit.wants(target("jobs/j0"))
        await unit.outcome("jobs/j0")
        await asyncio.to_thread((tmp_path / "jobs" / "j1").touch)
        unit.wants(target("jobs/j0"), target(), target("jobs/j2"))
        assert (await unit.outcome("jobs/j2")).state == State.STATE_SUCCEEDED
        assert unit.begun == ["jobs/j0", "jobs/j2"]


async def test_files_are_there_before_the_outcome_and_gone_from_the_unit_after_it(unit: Unit, tmp_path: Path) -> None:
    unit.does = with_file
    unit.upload_errors = [UnavailableError("away")] * 3
    async with awake(unit):
        unit.wants(target())
        outcome = await unit.outcome()
        assert unit.uploaded == {("jobs/j1", "found.txt"): FILE}
    assert (outcome.state, outcome.message) == (State.STATE_SUCCEEDED, "found")
    assert not (tmp_path / "jobs" / "j1" / "files").exists()


@pytest.mark.parametrize(
    ("errors", "word"),
    [
        ([FailedPreconditionError("the job has ended long ago")], "ended long ago"),
        ([UnavailableError("it does not answer")] * 50, "does not answer"),
    ],
    ids=["refused", "tried in vain"],
)
async def test_files_that_cannot_be_brought_do_not_hold_the_outcome(
    unit: Unit, errors: list[Exception], word: str
) -> None:
    unit.does = with_file
    unit.upload_errors = errors  # type: ignore[assignment]
    async with awake(unit):
        unit.wants(target())
        outcome = await unit.outcome()
    assert outcome.state == State.STATE_SUCCEEDED
    assert outcome.message.startswith("found; found.txt could not be brought to the manager")
    assert word in outcome.message


async def test_files_on_their_way_survive_a_restart_and_go_on(unit: Unit) -> None:
    unit.does = with_file
    unit.is_connected = False
    unit.upload_errors = [UnavailableError("away")] * 1_000_000
    async with awake(unit):
        unit.wants(target())
        while len(unit.upload_errors) > 999_900:  # noqa: ASYNC110  # tries do not count while it is away
            await asyncio.sleep(0)
    unit.upload_errors.clear()
    unit.restart()
    async with awake(unit):
        unit.wants(target())
        assert (await unit.outcome()).message == "found"
    assert unit.uploaded == {("jobs/j1", "found.txt"): FILE}


async def test_files_of_a_cancelled_job_stay_here(unit: Unit, tmp_path: Path) -> None:
    unit.does = with_file
    unit.is_connected = False
    unit.upload_errors = [UnavailableError("away")] * 1_000_000
    async with awake(unit):
        unit.wants(target())
        while len(unit.upload_errors) > 999_990:  # noqa: ASYNC110
            await asyncio.sleep(0)
        unit.wants(target(is_cancelled=True))
        assert (await unit.outcome()).state == State.STATE_CANCELLED
    assert not (tmp_path / "jobs" / "j1" / "files").exists()


async def test_too_large_files_are_a_failure(unit: Unit) -> None:
    unit.does = with_file
    async with awake(unit):
        unit.wants(target(self_test={}, artifact_max_bytes=5))
        outcome = await unit.outcome()
    assert outcome.state == State.STATE_FAILED
    assert "5 are allowed" in outcome.message


@pytest.mark.parametrize("name", ["jobs/../x", "jobs/", "x", "jobs/A", "jobs/a/b", "jobs/" + "a" * 64, "jobs/a\n"])
async def test_a_job_of_another_name_touches_nothing(unit: Unit, tmp_path: Path, name: str) -> None:
    async with awake(unit):
        unit.wants(target(name), target())
        await unit.outcome()
    assert unit.begun == ["jobs/j1"]
    assert [path.name for path in (tmp_path / "jobs").iterdir()] == ["j1"]


async def test_progress_is_told_while_somebody_listens(unit: Unit) -> None:
    gate = asyncio.Event()

    async def progresses(assignment: Assignment[Any]) -> Yield:
        assignment.progress(40, "nearly half")
        await gate.wait()
        return Yield()

    unit.does = progresses
    async with awake(unit):
        unit.wants(target())
        while not unit.begun:  # noqa: ASYNC110
            await asyncio.sleep(0)
        assert await unit.jobs.step() is not None  # the report is due in some seconds, not at once
        gate.set()
        await unit.outcome()
    assert [report.progress_percent for report in unit.reports] == [0, 100]
