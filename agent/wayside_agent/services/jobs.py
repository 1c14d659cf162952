"""Does jobs: makes each durable before it begins, has the work done, brings its files up, and says what came of it.

`core/job.py` decides; one loop here owns all records. Work runs in tasks of its own, a few at once, and only hands in
how it ended. Jobs are state: the manager repeats what it wants, the unit repeats an outcome whenever it is still wanted
although the manager holds what was said before. A disk that takes nothing lets no job begin.
Usage: `jobs.follow(desired_state)`; `run()` for ever, which is `step()` again and again.
"""

import asyncio
import contextlib
import json
import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

from wayside.errors import InvalidArgumentError, ResourceExhaustedError, WaysideError
from wayside.v1 import node_service_pb2 as wire
from wayside_agent.core import job as rules
from wayside_agent.core.job import (
    Event,
    Job,
    Kind,
    Outcome,
    Phase,
    RefusedError,
    Situation,
    State,
    Step,
    Target,
    next_step,
    room,
)
from wayside_agent.ports.errors import RestartRequestedError
from wayside_agent.ports.jobs import Assignment, Worker, Yield
from wayside_agent.services import job_words
from wayside_agent.services.job_sending import Sending
from wayside_agent.services.job_world import MAX_RUNNING_COUNT, World

if TYPE_CHECKING:
    from wayside_agent.core.job_work import Work

logger = logging.getLogger(__name__)

RETRY_S = 30.0
"""Before a disk that refused is asked again."""
PROGRESS_PERIOD_S = 5.0
"""Progress of one job is reported no more often."""
MAX_ASKED_COUNT = 8
"""Jobs that others than the manager ask for, at a time."""
LOOK_PERIOD_S = 10.0
"""While a job waits: its time may be over, or the time become known."""

Change = Callable[[Job], Job]


@dataclass(slots=True)
class _AtWork:
    """One job that a task works at."""

    scope: asyncio.Timeout
    is_stopped: bool = False
    percent: int = 0
    message: str = ""
    is_news: bool = False
    reported_s: float = 0.0

    def stop(self) -> None:
        """Ends the work; it has its outcome when its task has ended."""
        self.is_stopped = True
        with contextlib.suppress(RuntimeError):  # its task has not begun, or has just ended
            self.scope.reschedule(asyncio.get_running_loop().time())


class Jobs:
    """The jobs of one unit."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._jobs: dict[str, Job] = {}
        self._wanted: dict[str, tuple[Target, wire.JobTarget]] = {}
        self._asked: dict[str, tuple[Target, wire.JobTarget]] = {}
        self._at_work: dict[str, _AtWork] = {}
        self._handed_in: dict[str, Change] = {}
        self._said: dict[str, int] = {}
        self._is_started = self._is_heard = False
        self._fault = ""
        self._wake = asyncio.Event()
        self._sending = Sending(world, self._hand_in)
        self._group: asyncio.TaskGroup | None = None

    @property
    def jobs(self) -> tuple[Job, ...]:
        """All that are known, settled ones too."""
        return tuple(self._jobs.values())

    def follow(self, state: wire.DesiredState) -> None:
        """Takes the jobs the manager wants now."""
        self._wanted = {**self._asked, **job_words.targets(state)}
        self._is_heard = True
        for name, sequence in tuple(self._said.items()):
            if name in self._wanted and self._world.is_acknowledged(sequence):
                del self._said[name]  # it holds the outcome and wants the job: it lost it, or has not looked yet
        self._wake.set()

    def ask(self, target: wire.JobTarget) -> None:
        """Takes a job that somebody else than the manager asks for; the unit's settings judge it all the same.

        One of a name is done once, whoever asks again; the manager is told its outcome, also after a restart.

        Raises: ResourceExhaustedError: too many are asked for. InvalidArgumentError: its name is none.
        """
        asked = job_words.targets(wire.DesiredState(jobs=[target]))
        if not asked or not target.job.startswith(rules.ASKED_PREFIX):
            raise InvalidArgumentError(f"job {target.job[:80]!r}: is no name of a job that a platform asks for")
        if len(self._asked.keys() | asked) > MAX_ASKED_COUNT:
            raise ResourceExhaustedError(f"{target.job}: {MAX_ASKED_COUNT} such jobs are not done yet; ask later")
        self._asked |= asked
        self._wanted = {**self._asked, **self._wanted}
        self._wake.set()

    async def start(self) -> None:
        """Reads what is durable, and ends what the former life of the agent was at.

        Raises: DeviceFaultError: the disk refuses.
        """
        for job in await self._world.store.load():
            found = rules.recovered(job, self._world.run)
            if found != job:
                await self._world.store.save(found)
            self._jobs[job.name] = found
            if found.phase is Phase.SENDING:
                self._sending.add(found)
            if found.phase is Phase.DONE and found.name.startswith(rules.ASKED_PREFIX):
                self._asked[found.name] = Target(found.name, found.kind, found.expire_s), wire.JobTarget(job=found.name)
        self._wanted = {**self._asked, **self._wanted}  # nobody asks for their outcomes, so they are said unasked
        self._is_started = True

    async def run(self) -> None:
        """Does jobs for ever.

        Raises (in a group): RestartRequestedError: a job wants the agent to start again.
        """
        async with asyncio.TaskGroup() as group:
            self._group = group
            group.create_task(self._sending.run(), name="jobs-sending")
            while True:
                self._wake.clear()
                wait_s = await self.step()
                try:
                    async with asyncio.timeout(wait_s):
                        await self._wake.wait()
                except TimeoutError:
                    pass

    async def step(self) -> float | None:
        """Takes every step that is due; how long to wait at most [s], `None`: until something happens."""
        try:
            if not self._is_started:
                await self.start()
            await self._take_in()
            await self._walk()
            await self._forget()
            self._fault = ""
            waits: list[float | None] = []
        except WaysideError as error:  # the disk: what could not be made durable is tried again
            self._note(error)
            waits = [RETRY_S]
        waits += [await self._tell_progress(name, work) for name, work in tuple(self._at_work.items())]
        if await self._say():
            waits.append(RETRY_S)
        if any(job.phase is Phase.WAITING for job in self._jobs.values()):
            waits.append(LOOK_PERIOD_S)
        return min((wait_s for wait_s in waits if wait_s is not None), default=None)

    def _note(self, error: WaysideError) -> None:
        if not self._fault:
            logger.error("jobs: %s; no job goes on that cannot be kept", error)
        self._fault = str(error)

    async def _take_in(self) -> None:
        """Makes durable how work ended that was handed in."""
        for name, change in tuple(self._handed_in.items()):
            job = self._jobs.get(name)
            if job is not None and job.phase in {Phase.RUNNING, Phase.SENDING}:
                await self._keep(change(job))
            del self._handed_in[name]

    async def _walk(self) -> None:
        for name, (target, message) in self._wanted.items():
            if name not in self._jobs:
                limit = message.spec.upload_max_bytes_per_second
                self._jobs[name] = Job(name, target.kind, target.expire_s, upload_max_bytes_per_s=max(0, limit))
        unwanted = [job.name for job in self._jobs.values() if job.name not in self._wanted]
        refused: WaysideError | None = None
        for name in (*self._wanted, *unwanted):
            try:
                await self._step_of(self._jobs[name])
            except WaysideError as error:  # the folder of one job may be all that is broken
                refused = refused or error
        if refused is not None:
            raise refused

    async def _step_of(self, job: Job) -> None:
        target, message = self._wanted.get(job.name, (None, None))
        if target is None and job.phase is Phase.WAITING and self._is_heard:
            del self._jobs[job.name]
            return
        step = next_step(job, target, self._situation(job))
        if step is Step.BEGIN and message is not None:
            await self._begin(job, message)
        elif step is Step.STOP:
            if job.name in self._at_work:
                self._at_work[job.name].stop()
        elif step is not Step.REST:
            await self._keep(_CHANGES[step](job))

    def _situation(self, job: Job) -> Situation:
        estimate = self._world.time()
        others = [each for each in self._jobs.values() if each.phase is Phase.RUNNING]
        # who ends the agent is let past only by what is at work already
        others += [each for each in self._before(job) if each.kind in rules.ENDS_THE_AGENT]
        return Situation(
            is_heard=self._is_heard,
            utc_s=None if estimate.error_s is None else estimate.utc_s,
            has_room=room(job.kind, [each.kind for each in others], limit=MAX_RUNNING_COUNT),
        )

    def _before(self, job: Job) -> list[Job]:
        """Jobs that wait and were made before another."""
        names = list(self._wanted)
        if job.name not in self._wanted:
            return []
        earlier = [self._jobs[name] for name in names[: names.index(job.name)]]
        return [each for each in earlier if each.phase is Phase.WAITING]

    async def _begin(self, job: Job, message: wire.JobTarget) -> None:
        from wayside_agent.services import job_asks  # 10 ms that a unit without jobs does without

        try:
            work = job_asks.work_of(message.spec)
            bounds = job_asks.timeout_s(message.spec), job_asks.max_bytes(message.spec)
            worker = self._world.worker(Kind(message.spec.WhichOneof("work") or ""))
        except (RefusedError, InvalidArgumentError) as error:
            await self._keep(rules.ended(job, Event.REFUSED, Outcome(State.REFUSED, str(error))))
            return
        is_own = job.kind is Kind.RESTART_SERVICE and not message.spec.restart_service.service
        job = rules.begun(job, self._world.run, now_s=self._world.time().utc_s, timeout_s=bounds[0], is_own=is_own)
        await self._keep(job)
        if self._world.time().utc_s >= job.expire_s:  # a disk can take its time
            await self._keep(_expired(job))
            return
        logger.info("%s: begun (%s)", job.name, job.kind)
        await self._world.submit(job_words.progress_report(job))
        if self._group is not None:
            at_work = _AtWork(asyncio.timeout(bounds[0]), reported_s=self._world.mono_s())
            self._at_work[job.name] = at_work
            self._group.create_task(self._work(job, work, worker, at_work, bounds), name=job.name)

    async def _work(
        self, job: Job, work: "Work", worker: Worker[Any], at_work: _AtWork, bounds: tuple[float, int]
    ) -> None:
        """Does the work and hands in how it ended.

        Raises: RestartRequestedError.
        """
        timeout_s, max_bytes = bounds
        try:
            async with at_work.scope:
                if at_work.is_stopped:
                    at_work.stop()
                change = await self._done(job, work, worker, at_work, max_bytes)
        except TimeoutError:
            if at_work.is_stopped:
                change = partial(rules.ended, event=Event.CANCELLED, outcome=Outcome(State.CANCELLED, "stopped"))
            else:
                outcome = Outcome(State.FAILED, f"not done within {timeout_s:g} s, and stopped")
                change = partial(rules.ended, event=Event.TIMED_OUT, outcome=outcome)
        finally:
            self._at_work.pop(job.name, None)
        self._hand_in(job.name, change)

    async def _done(self, job: Job, work: "Work", worker: Worker[Any], at_work: _AtWork, max_bytes: int) -> Change:
        def progress(percent: int, message: str) -> None:
            at_work.percent, at_work.message, at_work.is_news = percent, message, True
            if self._world.mono_s() - at_work.reported_s >= PROGRESS_PERIOD_S:
                self._wake.set()

        try:
            folder = await self._world.store.folder(job.name)
            found = await worker.work(Assignment(job.name, work, folder, max_bytes, progress))
            artifacts = await self._world.store.artifacts(job.name, found.files, max_bytes=max_bytes)
        except RefusedError as error:
            return partial(rules.ended, event=Event.REFUSED, outcome=Outcome(State.REFUSED, str(error)))
        except (WaysideError, OSError) as error:
            return partial(rules.ended, event=Event.ENDED, outcome=Outcome(State.FAILED, str(error)))
        except RestartRequestedError:
            raise
        except Exception as error:  # a bug of one worker must not take the agent along
            logger.exception("%s: its work broke", job.name)
            message = f"its work broke: {type(error).__name__}; the agent's log says where"
            return partial(rules.ended, event=Event.ENDED, outcome=Outcome(State.FAILED, message))
        if artifacts:
            return partial(rules.worked, outcome=_outcome(found), artifacts=artifacts)
        return partial(rules.ended, event=Event.ENDED, outcome=_outcome(found))

    def _hand_in(self, name: str, change: Change) -> None:
        self._handed_in[name] = change
        self._wake.set()

    async def _keep(self, job: Job) -> None:
        """Makes a step durable, then takes it."""
        before = self._jobs[job.name].phase
        await self._world.store.save(job)
        self._jobs[job.name] = job
        if job.phase is Phase.DONE and job.outcome is not None:
            logger.info("%s: %s", job.name, job.outcome.state, extra={"outcome": job.outcome.message})
            self._said.pop(job.name, None)
        if job.phase is Phase.SENDING:
            self._sending.add(job)
            await self._world.submit(job_words.progress_report(job, 99, "done; its files are on their way"))
        elif before in {Phase.RUNNING, Phase.SENDING}:
            self._sending.leave(job.name)
            await self._world.store.clear(job.name)

    async def _forget(self) -> None:
        situation_s = self._world.time()
        utc_s = None if situation_s.error_s is None else situation_s.utc_s
        for job in rules.forgotten(self._jobs.values(), utc_s):
            if job.name not in self._wanted:
                await self._world.store.forget(job.name)
                del self._jobs[job.name]

    async def _tell_progress(self, name: str, work: _AtWork) -> float | None:
        """Reports progress if there is news and the time has come; how long until then [s]."""
        if not work.is_news:
            return None
        wait_s = work.reported_s + PROGRESS_PERIOD_S - self._world.mono_s()
        if wait_s > 0:
            return wait_s
        work.is_news, work.reported_s = False, self._world.mono_s()
        if self._world.is_connected():  # what nobody hears now is no news later
            await self._world.submit(job_words.progress_report(self._jobs[name], work.percent, work.message))
        return None

    async def _say(self) -> bool:
        """Says each outcome that is wanted and was not said; whether one could not be."""
        for name in tuple(self._wanted):
            job = self._jobs.get(name)
            if job is not None and job.phase is Phase.DONE and name not in self._said:
                sequence = await self._world.submit(job_words.outcome_report(job))
                if not sequence:
                    return True
                if self._asked.pop(name, None) is None:
                    self._said[name] = sequence
                else:
                    del self._wanted[name]  # who asked does not ask for the outcome
        return False


def _outcome(found: Yield) -> Outcome:
    state = State.SUCCEEDED if found.is_success else State.FAILED
    result = json.dumps(found.result, separators=(",", ":"), default=str).encode() if found.result else b""
    return Outcome(state, found.message, result)


def _expired(job: Job) -> Job:
    return rules.ended(job, Event.EXPIRED, Outcome(State.EXPIRED, "its time was over before it could begin"))


def _cancelled(job: Job) -> Job:
    message = "cancelled before it began"
    if job.phase is Phase.SENDING:
        message = "cancelled while its files were on their way"
    outcome = replace(job.outcome or Outcome(State.CANCELLED), state=State.CANCELLED, message=message)
    return rules.ended(job, Event.CANCELLED, outcome)


_CHANGES: dict[Step, Change] = {
    Step.EXPIRE: _expired,
    Step.CANCEL: _cancelled,
    Step.SETTLE: rules.settled,
    Step.RECALL: rules.recalled,
}
