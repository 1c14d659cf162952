"""A unit that does jobs: real service, real records on a disk; its manager, clock and workers are the test's."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, cast

from wayside.errors import WaysideError
from wayside.v1 import job_pb2
from wayside.v1 import node_service_pb2 as wire
from wayside_agent.core.job import Artifact, Job, Run
from wayside_agent.core.trusted_time import Estimate, TimeSource
from wayside_agent.drivers.job_store import JobDir
from wayside_agent.ports.jobs import Assignment, Yield
from wayside_agent.services.job_world import World
from wayside_agent.services.jobs import Jobs

State = job_pb2.Job.State
FINAL = frozenset(
    {State.STATE_SUCCEEDED, State.STATE_FAILED, State.STATE_CANCELLED, State.STATE_EXPIRED, State.STATE_REFUSED}
)


class KilledError(BaseException):
    """The process ends here."""


def target(
    job: str = "jobs/j1", *, expire_s: float = 2000.0, is_cancelled: bool = False, **spec: object
) -> wire.JobTarget:
    message = wire.JobTarget(job=job, is_cancelled=is_cancelled, spec=cast("Any", spec or {"self_test": {}}))
    message.expire_time.FromMilliseconds(round(expire_s * 1000))
    return message


class Disk:
    """The real store; it refuses or dies at a save as a test says."""

    def __init__(self, folder: Path) -> None:
        self.real = JobDir(folder, max_bytes=10_000_000)
        self.errors: list[WaysideError] = []
        self.save_count = 0
        self.kill_at: tuple[int, str] | None = None

    async def save(self, job: Job) -> None:
        if self.errors:
            raise self.errors.pop(0)
        self.save_count += 1
        if self.kill_at == (self.save_count, "before"):
            raise KilledError
        await self.real.save(job)
        if self.kill_at == (self.save_count, "after"):
            raise KilledError

    async def load(self) -> Sequence[Job]:
        return await self.real.load()

    async def forget(self, name: str) -> None:
        await self.real.forget(name)

    async def folder(self, name: str) -> Path:
        return await self.real.folder(name)

    async def clear(self, name: str) -> None:
        await self.real.clear(name)

    async def artifacts(self, name: str, files: Sequence[str], *, max_bytes: int) -> tuple[Artifact, ...]:
        return await self.real.artifacts(name, files, max_bytes=max_bytes)

    def path(self, name: str, file: str) -> Path:
        return self.real.path(name, file)


async def well(_assignment: Assignment[Any]) -> Yield:
    return Yield("done", {"answer": 42})


class Unit:
    """One unit; `does` is what its workers do."""

    def __init__(self, folder: Path) -> None:
        self.disk = Disk(folder / "jobs")
        self.utc_s = 1000.0
        self.is_time_known = True
        self.boot_id, self.start_count = "boot-1", 0
        self.reports: list[job_pb2.JobReport] = []
        self.is_acknowledging = self.is_connected = True
        self.spool_is_full = False
        self.begun: list[str] = []
        self.does: Callable[[Assignment[Any]], Awaitable[Yield]] = well
        self.uploaded: dict[tuple[str, str], bytes] = {}
        self.upload_errors: list[WaysideError] = []
        self.changed = asyncio.Event()
        self.upload_looks_left = 0
        """How often it is still found that uploads are shed."""
        self.restart()

    def restart(self, *, boot_id: str = "") -> None:
        """One more life of the agent; with a boot id also of the computer."""
        self.boot_id = boot_id or self.boot_id
        self.start_count += 1
        self.jobs = Jobs(
            World(
                store=self.disk,
                worker=lambda _: self,
                uploads=self,
                submit=self.submit,
                is_acknowledged=lambda _: self.is_acknowledging,
                is_connected=lambda: self.is_connected,
                time=lambda: Estimate(self.utc_s, TimeSource.MANAGER, 1.0 if self.is_time_known else None),
                run=Run(self.boot_id, f"start-{self.start_count}"),
                upload_max_bytes_per_s=lambda: 0,
                may_upload=self.may_upload,
                pause=lambda _: asyncio.sleep(0),
            )
        )

    async def work(self, assignment: Assignment[Any], /) -> Yield:
        self.begun.append(assignment.job)
        return await self.does(assignment)

    async def upload(
        self, job: str, artifact: Artifact, path: Path, *, max_bytes_per_s: int, progress: Callable[[int], None]
    ) -> None:
        if self.upload_errors:
            raise self.upload_errors.pop(0)
        assert not max_bytes_per_s
        self.uploaded[job, artifact.file] = await asyncio.to_thread(path.read_bytes)
        progress(artifact.size_bytes)

    def may_upload(self) -> bool:
        self.upload_looks_left -= 1
        return self.upload_looks_left < 0

    async def submit(self, report: wire.Report) -> int:
        if self.spool_is_full:
            return 0
        self.reports.append(report.job)
        self.changed.set()
        return len(self.reports)

    def wants(self, *targets: wire.JobTarget) -> None:
        self.jobs.follow(wire.DesiredState(revision=1, jobs=targets))

    def outcomes(self, job: str = "jobs/j1") -> list[job_pb2.JobReport]:
        return [report for report in self.reports if report.job == job and report.state in FINAL]

    async def outcome(self, job: str = "jobs/j1", *, count: int = 1) -> job_pb2.JobReport:
        """The outcome once it has been said so often."""
        async with asyncio.timeout(10):
            while len(self.outcomes(job)) < count:
                self.changed.clear()
                await self.changed.wait()
        return self.outcomes(job)[-1]


@asynccontextmanager
async def awake(unit: Unit) -> AsyncIterator[None]:
    """The unit's process, for one block."""
    async with asyncio.timeout(20), asyncio.TaskGroup() as group:
        task = group.create_task(unit.jobs.run())
        yield
        task.cancel()
