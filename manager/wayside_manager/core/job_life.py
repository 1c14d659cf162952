"""What becomes of a job: one table, and the words and happenings that move a job along it.

`NEXT` says which state follows on what; what is not in it changes nothing. A final word of the node that comes after
the outcome is kept beside it (`late_report`), so that nobody has to guess what a lost unit did.
Usage: `after(job, JobEvent.CANCEL, now=now)` is the job to be, or the same one; `heard(job, facts, now=now)` after a
word of the node.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from enum import StrEnum

from wayside_manager.core.jobs import ENDED, LOSE_AFTER, OPEN, JobRecord, JobState
from wayside_manager.core.nodes import UpdatePhase
from wayside_manager.core.reports import JobFacts


class JobEvent(StrEnum):
    """What can happen to a job. The first six are words of the node."""

    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"
    EXPIRED = "expired"
    REFUSED = "refused"
    TELL = "tell"
    """It is about to be sent to the node."""
    CANCEL = "cancel"
    """Somebody wants it stopped."""
    OVERDUE = "overdue"
    """Its time to begin is over."""
    SILENCE = "silence"
    """The time for the node's last word is over, or the node is out of service."""


_WORDS: Mapping[JobEvent, JobState] = {
    JobEvent.RUNNING: JobState.RUNNING,
    JobEvent.SUCCEEDED: JobState.SUCCEEDED,
    JobEvent.FAILED: JobState.FAILED,
    JobEvent.CANCELLED: JobState.CANCELLED,
    JobEvent.EXPIRED: JobState.EXPIRED,
    JobEvent.REFUSED: JobState.REFUSED,
}
NEXT: Mapping[tuple[JobState, JobEvent], JobState] = {
    (JobState.QUEUED, JobEvent.TELL): JobState.TOLD,
    (JobState.QUEUED, JobEvent.CANCEL): JobState.CANCELLED,
    (JobState.QUEUED, JobEvent.OVERDUE): JobState.EXPIRED,
    (JobState.QUEUED, JobEvent.SILENCE): JobState.CANCELLED,
    (JobState.TOLD, JobEvent.SILENCE): JobState.LOST,
    (JobState.RUNNING, JobEvent.SILENCE): JobState.LOST,
    # a word counts whatever we know of its being told: the database may have been restored from a backup
    **{(state, word): after for state in sorted(OPEN) for word, after in _WORDS.items()},
}


def after(job: JobRecord, event: JobEvent, *, now: datetime, message: str = "") -> JobRecord:
    """The job after an event that is no word of its node; the same one if the event means nothing to it."""
    state = NEXT.get((job.state, event))
    if state is not None:
        told = replace(job, tell_time=now) if event is JobEvent.TELL else replace(job, message=message or job.message)
        return _with_state(told, state, now)
    if event is JobEvent.CANCEL and job.is_open:
        return replace(job, is_cancelling=True)
    return job


def heard(job: JobRecord, facts: JobFacts, *, now: datetime) -> JobRecord:
    """The job after a word of its node; the same one if there is nothing new in it."""
    try:
        word = JobEvent(facts.state)
        wanted = _WORDS[word]
    except (ValueError, KeyError):  # QUEUED and LOST are the manager's words
        return job
    state = NEXT.get((job.state, word))
    if state is None:
        return _heard_late(job, wanted, facts.message)
    progress = 100 if state is JobState.SUCCEEDED else facts.progress_percent
    said = replace(
        job,
        progress_percent=progress,
        message=facts.message,
        result_json=facts.result_json or job.result_json,
        begin_time=facts.begin_time or job.begin_time,
    )
    if state is JobState.RUNNING and job.state is not JobState.RUNNING:
        said = replace(said, lose_time=now + timedelta(seconds=job.work.timeout_s) + LOSE_AFTER)
    return _with_state(said, state, now)


def _with_state(job: JobRecord, state: JobState, now: datetime) -> JobRecord:
    return replace(job, state=state, end_time=now if state in ENDED else None)


def _heard_late(job: JobRecord, word: JobState, message: str) -> JobRecord:
    """A node repeats its outcome until it hears that it is written: only what differs is news."""
    if word is job.state or (word is JobState.RUNNING and job.late_report):
        return job
    return replace(job, late_report=f"{word}: {message}" if message else str(word))


def rollout_word(job: JobRecord, *, is_called_back: bool) -> UpdatePhase | None:
    """What a fleet job's rollout hears by this; `None`: nothing, because the node has not said how it went.

    `is_called_back`: the node waits for another turn; that its job was cancelled is then no failure.
    """
    match job.state:
        case JobState.RUNNING:
            return UpdatePhase.PROVISIONAL
        case JobState.SUCCEEDED:
            return UpdatePhase.COMMITTED
        case JobState.CANCELLED if is_called_back:
            return UpdatePhase.NONE
        case JobState.FAILED | JobState.CANCELLED | JobState.EXPIRED | JobState.REFUSED:
            return UpdatePhase.FAILED
    return None  # of a lost one the plan's own patience decides: nobody knows whether the unit is up
