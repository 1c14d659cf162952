"""What is said of jobs: what the manager wants as targets, what became of it as reports.

Usage: `targets(desired_state)`, `outcome_report(job)`.
"""

from wayside.errors import InvalidArgumentError
from wayside.v1 import job_pb2
from wayside.v1 import node_service_pb2 as wire
from wayside_agent.core.job import JOB_NAME, MAX_MESSAGE_CHARS, Job, Kind, Target
from wayside_agent.core.stamps import NANOSECONDS_PER_SECOND

MAX_TARGET_COUNT = 1000
"""Jobs of one desired state that are looked at; a manager gives a node 100."""


def targets(state: wire.DesiredState) -> dict[str, tuple[Target, wire.JobTarget]]:
    """The jobs the manager wants, by their names and in their order; one that is named badly is passed over."""
    return {each.job: (_target(each), each) for each in state.jobs[:MAX_TARGET_COUNT] if JOB_NAME.match(each.job)}


def _target(message: wire.JobTarget) -> Target:
    chosen = message.spec.WhichOneof("work")
    return Target(
        name=message.job,
        kind=Kind(chosen) if chosen else None,
        expire_s=message.expire_time.ToNanoseconds() / NANOSECONDS_PER_SECOND,
        is_cancelled=message.is_cancelled,
    )


def progress_report(job: Job, percent: int = 0, message: str = "") -> wire.Report:
    """Word of a job at work."""
    return _report(job, job_pb2.Job.STATE_RUNNING, percent, message)


def outcome_report(job: Job) -> wire.Report:
    """Word of the outcome of a job that has one."""
    if job.outcome is None:
        raise InvalidArgumentError(f"{job.name}: has no outcome")
    state = job_pb2.Job.State.Value(f"STATE_{job.outcome.state}")
    report = _report(job, state, 100 if state == job_pb2.Job.STATE_SUCCEEDED else 0, job.outcome.message)
    report.job.result_json = job.outcome.result_json
    return report


def _report(job: Job, state: "job_pb2.Job.State.ValueType", percent: int, message: str) -> wire.Report:
    report = job_pb2.JobReport(
        job=job.name,
        state=state,
        progress_percent=min(100, max(0, percent)),
        # what a file name or a program brought in may be half a character, which no report can carry
        message=message[:MAX_MESSAGE_CHARS].encode(errors="replace").decode(),
    )
    if job.begin_s is not None:
        report.begin_time.FromMilliseconds(round(job.begin_s * 1000))
    return wire.Report(job=report)
