"""The life of a job on the unit: one readable table, what is durable of it, and the next step.

    WAITING -> RUNNING -> SENDING -> DONE -> SETTLED     done, its files are there, its outcome is written
       |          |          |        ^        |
       |          |          +--------+        +-> DONE  a manager restored from a backup asks again
       |          +-------------------+        ENDED, CANCELLED, TIMED_OUT, INTERRUPTED
       +------------------------------+        REFUSED, CANCELLED, EXPIRED: it never begins

Every phase but WAITING is durable before anything is done about it, so a job of one name begins at most once: whoever
finds RUNNING after a start does not begin again but says what became of it (`recovered`). The outcome is what DONE was
reached with; nothing leads from there to another one. What is settled is remembered until its `expire_s` is over, for
until then a manager that forgot could ask again.
Usage: `step = next_step(job, target, situation)`, then `job = begun(job, run, now_s=…)` or another of the functions.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum

from wayside.errors import FailedPreconditionError, WaysideError
from wayside.names import PLATFORM_JOB_PREFIX

FILE_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,99}\Z")
"""What an artifact may be called."""
JOB_NAME = re.compile(r"jobs/([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)\Z")
ASKED_PREFIX = f"jobs/{PLATFORM_JOB_PREFIX}"
"""Of jobs that a platform of T/ITS 0117 asked for, not the manager; which is told of them by this name."""
MAX_MESSAGE_CHARS = 500
"""Of a `JobReport`."""
MAX_RESULT_BYTES = 64 * 1024
"""Of a `JobReport`."""
MAX_REMEMBERED_COUNT = 256
"""Settled jobs that are remembered; those that expire first are forgotten first."""
REMEMBERED_S = 86_400.0
"""How long a settled job is remembered after it could begin: the clock of a restored manager may be wrong."""


LATE_S = 300.0
"""How long after a job's time its files may hold its outcome back; twice as late the manager calls it lost."""
MIN_SENDING_S = 60.0
"""Time to bring files that a unit has, which was away or slow."""


class RefusedError(WaysideError):
    """The unit does not do this: not known, switched off by its settings, or not allowed there."""

    default_reason = "REFUSED"


class Kind(StrEnum):
    """What there is to do; the names of the fields of `JobSpec.work`."""

    REBOOT = "reboot"
    RESTART_SERVICE = "restart_service"
    SELF_TEST = "self_test"
    DEBUG_BUNDLE = "debug_bundle"
    PACKET_CAPTURE = "packet_capture"
    DIAGNOSTIC = "diagnostic"
    LOG_LEVEL = "log_level"
    NETWORK_PROBE = "network_probe"
    FILE_PULL = "file_pull"
    FILE_PUSH = "file_push"
    GNSS_SNAPSHOT = "gnss_snapshot"
    CAN_SNAPSHOT = "can_snapshot"
    SHELL = "shell"


ENDS_THE_AGENT = frozenset({Kind.REBOOT, Kind.RESTART_SERVICE})
"""Work that may end what others are at: it waits for them, and what comes after waits for it."""


class Phase(StrEnum):
    """Where a job stands on the unit."""

    WAITING = "WAITING"
    """Wanted and not begun; nothing of it is durable."""
    RUNNING = "RUNNING"
    """Begun, or about to be."""
    SENDING = "SENDING"
    """The work is over; files are on their way to the manager."""
    DONE = "DONE"
    """It has its outcome, which is said until the manager has written it."""
    SETTLED = "SETTLED"
    """The manager wants it no more."""


class State(StrEnum):
    """Final states; the words of `Job.State`."""

    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"
    EXPIRED = "EXPIRED"
    REFUSED = "REFUSED"


class Event(StrEnum):
    """What happened."""

    BEGUN = "BEGUN"  # there is room, and its time is not over
    REFUSED = "REFUSED"  # the unit does not do this
    EXPIRED = "EXPIRED"  # its time was over before it began
    CANCELLED = "CANCELLED"  # an operator stopped it
    WORKED = "WORKED"  # the work is over and brought files
    ENDED = "ENDED"  # nothing is left to do
    TIMED_OUT = "TIMED_OUT"  # it took too long
    INTERRUPTED = "INTERRUPTED"  # the agent was started again meanwhile
    DROPPED = "DROPPED"  # the manager wants it no more
    SEEN = "SEEN"  # the manager wants again what was settled


_P, _E = Phase, Event
NEXT: dict[tuple[Phase, Event], Phase] = {
    (_P.WAITING, _E.BEGUN):       _P.RUNNING,
    (_P.WAITING, _E.REFUSED):     _P.DONE,
    (_P.WAITING, _E.EXPIRED):     _P.DONE,
    (_P.WAITING, _E.CANCELLED):   _P.DONE,
    (_P.RUNNING, _E.WORKED):      _P.SENDING,
    (_P.RUNNING, _E.ENDED):       _P.DONE,
    (_P.RUNNING, _E.REFUSED):     _P.DONE,
    (_P.RUNNING, _E.EXPIRED):     _P.DONE,
    (_P.RUNNING, _E.CANCELLED):   _P.DONE,
    (_P.RUNNING, _E.TIMED_OUT):   _P.DONE,
    (_P.RUNNING, _E.INTERRUPTED): _P.DONE,
    (_P.SENDING, _E.ENDED):       _P.DONE,
    (_P.SENDING, _E.CANCELLED):   _P.DONE,
    (_P.SENDING, _E.DROPPED):     _P.SETTLED,
    (_P.DONE,    _E.DROPPED):     _P.SETTLED,
    (_P.SETTLED, _E.SEEN):        _P.DONE,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Run:
    """One life of the computer and, in it, of the agent."""

    boot_id: str
    start_id: str
    """Random at each start of the agent."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a job ended."""

    state: State
    message: str = ""
    result_json: bytes = b""
    """A JSON object; empty: there is none."""


@dataclass(frozen=True, slots=True)
class Artifact:
    """A file that a job brought."""

    file: str
    """Plain file name."""
    size_bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Target:
    """A job the manager wants done."""

    name: str
    """`jobs/{job}`."""
    kind: Kind | None
    """`None`: this agent does not know it."""
    expire_s: float
    """Seconds since 1970."""
    is_cancelled: bool = False


@dataclass(frozen=True, slots=True)
class Job:
    """All that is durable of one job."""

    name: str
    kind: Kind | None
    expire_s: float
    phase: Phase = Phase.WAITING
    run: Run | None = None
    """The life it began in; `None`: it did not."""
    begin_s: float | None = None
    """When, seconds since 1970."""
    is_own: bool = False
    """Its work ends the agent itself: a start of it is its success."""
    outcome: Outcome | None = None
    """While SENDING: what it will be."""
    artifacts: tuple[Artifact, ...] = ()
    timeout_s: float = 600.0
    """How long its work may take."""
    upload_max_bytes_per_s: int = 0
    """0: as the configuration says."""


@dataclass(frozen=True, slots=True)
class Situation:
    """What decides about a step."""

    is_heard: bool
    """The manager has said since the start of the agent which jobs it wants."""
    utc_s: float | None
    """Trusted time; `None`: nobody knows whether a job's time is over."""
    has_room: bool = True
    """One more may run."""


class Step(StrEnum):
    """What to do next."""

    REST = "REST"
    BEGIN = "BEGIN"
    EXPIRE = "EXPIRE"
    STOP = "STOP"  # the work; it then ends as cancelled, unless it was faster
    CANCEL = "CANCEL"
    SETTLE = "SETTLE"
    RECALL = "RECALL"


def next_step(job: Job, target: Target | None, situation: Situation) -> Step:
    """The next step from what is durable, what the manager wants and what time it is."""
    if target is None:
        return _step_unwanted(job.phase) if situation.is_heard else Step.REST
    if job.phase is Phase.SETTLED:
        return Step.RECALL
    if target.is_cancelled and job.phase is not Phase.DONE:
        return Step.STOP if job.phase is Phase.RUNNING else Step.CANCEL
    if job.phase is not Phase.WAITING or situation.utc_s is None:
        return Step.REST
    if situation.utc_s >= job.expire_s:
        return Step.EXPIRE
    return Step.BEGIN if situation.has_room else Step.REST


def _step_unwanted(phase: Phase) -> Step:
    if phase is Phase.RUNNING:
        return Step.STOP
    return Step.SETTLE if phase in {Phase.SENDING, Phase.DONE} else Step.REST


def room(waiting: Kind | None, running: Iterable[Kind | None], *, limit: int) -> bool:
    """Whether a job of one kind may begin beside those that run."""
    others = tuple(running)
    if waiting in ENDS_THE_AGENT:
        return not others
    return len(others) < limit and not ENDS_THE_AGENT.intersection(others)


def begun(job: Job, run: Run, *, now_s: float, timeout_s: float = 600.0, is_own: bool = False) -> Job:
    """The job that is about to begin; make it durable first."""
    return replace(_after(job, Event.BEGUN), run=run, begin_s=now_s, timeout_s=timeout_s, is_own=is_own)


def sending_s(job: Job, utc_s: float) -> float:
    """How long its files may still hold its outcome back [s], above 0."""
    return max(MIN_SENDING_S, (job.begin_s or utc_s) + job.timeout_s + LATE_S - utc_s)


def ended(job: Job, event: Event, outcome: Outcome) -> Job:
    """The job with its outcome: after ENDED, REFUSED, EXPIRED, CANCELLED, TIMED_OUT or INTERRUPTED."""
    return replace(_after(job, event), outcome=_bounded(outcome), artifacts=())


def worked(job: Job, outcome: Outcome, artifacts: tuple[Artifact, ...]) -> Job:
    """The job whose work is over and whose files are to be sent."""
    return replace(_after(job, Event.WORKED), outcome=_bounded(outcome), artifacts=artifacts)


def sent(job: Job, problem: str = "") -> Job:
    """The job whose files are there, or not to be brought there for the reason of `problem`."""
    outcome = _outcome(job)
    if problem:
        outcome = replace(outcome, message=f"{outcome.message}; {problem}" if outcome.message else problem)
    return ended(job, Event.ENDED, outcome)


def settled(job: Job) -> Job:
    """The job that the manager wants no more."""
    return replace(_after(job, Event.DROPPED), outcome=replace(_outcome(job), result_json=b""), artifacts=())


def recalled(job: Job) -> Job:
    """The job that the manager asks for again: its outcome is said again."""
    return _after(job, Event.SEEN)


def recovered(job: Job, run: Run) -> Job:
    """The job as the agent finds it after a start: what was at work was interrupted, or is done by that very start."""
    if job.phase is not Phase.RUNNING or job.run is None:
        return job
    return ended(job, Event.INTERRUPTED, _interrupted(job, job.run, run))


def forgotten(jobs: Iterable[Job], utc_s: float | None) -> tuple[Job, ...]:
    """Settled jobs that need not be remembered any more."""
    held = sorted((job for job in jobs if job.phase is Phase.SETTLED), key=lambda job: job.expire_s)
    over = [job for job in held if utc_s is not None and utc_s > job.expire_s + REMEMBERED_S]
    too_many = held[: max(0, len(held) - MAX_REMEMBERED_COUNT)]
    return tuple({job.name: job for job in (*over, *too_many)}.values())


def damaged(name: str) -> Job:
    """What is left of a job whose record cannot be read: it may have begun, so it does not begin."""
    outcome = Outcome(State.FAILED, "its record on the unit was damaged; it may have begun, and is not begun again")
    return Job(name, None, expire_s=float("inf"), phase=Phase.DONE, outcome=outcome)


def _interrupted(job: Job, before: Run, now: Run) -> Outcome:
    if job.kind is Kind.REBOOT and before.boot_id != now.boot_id:
        return Outcome(State.SUCCEEDED, "the computer was started again")
    if job.is_own and before.start_id != now.start_id:
        return Outcome(State.SUCCEEDED, "the agent was started again")
    cause = "the agent" if before.boot_id == now.boot_id else "the computer"
    return Outcome(State.FAILED, f"interrupted: {cause} was started again meanwhile; it is not begun again")


def _outcome(job: Job) -> Outcome:
    if job.outcome is None:
        raise FailedPreconditionError(f"{job.name}: has no outcome while {job.phase}", reason="TRANSITION")
    return job.outcome


def _bounded(outcome: Outcome) -> Outcome:
    message = outcome.message
    if len(message) > MAX_MESSAGE_CHARS:
        message = f"{message[: MAX_MESSAGE_CHARS - 1]}…"
    is_small = len(outcome.result_json) <= MAX_RESULT_BYTES
    return replace(outcome, message=message, result_json=outcome.result_json if is_small else b'{"is_truncated":true}')


def _after(job: Job, event: Event) -> Job:
    following = NEXT.get((job.phase, event))
    if following is None:
        raise FailedPreconditionError(f"{job.name}: {event} cannot happen while {job.phase}", reason="TRANSITION")
    return replace(job, phase=following)
