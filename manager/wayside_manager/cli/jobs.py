"""`wayside jobs`: kinds, run, run-fleet, list, show, watch, cancel, fetch, shell."""

import uuid
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from wayside.v1 import job_pb2, job_service_pb2, node_pb2
from wayside_manager.cli.client import ManagerClient
from wayside_manager.cli.job_files import fetched
from wayside_manager.cli.job_spec import KINDS, job_spec, kind_of, value_names, words_of
from wayside_manager.cli.option_sets import option_set
from wayside_manager.cli.output import (
    Output,
    local_time,
    print_error,
    print_fields,
    print_json,
    print_json_line,
    print_line,
    print_table,
    worded,
)
from wayside_manager.cli.plan_options import PlanOptions
from wayside_manager.cli.rollout_view import print_rollout
from wayside_manager.cli.running import (
    ContextOption,
    OutputOption,
    TenantOption,
    chosen_output,
    listed,
    print_listed,
    reported,
    resource_id,
    resource_name,
    run,
)
from wayside_manager.cli.selector_options import naming_nodes
from wayside_manager.cli.shell import talk

COLUMNS = ("JOB", "NODE", "WORK", "STATE", "DONE", "FILES", "BY", "MADE", "ENDED", "MESSAGE")
KIND_COLUMNS = ("KIND", "VALUES")
UNDER_WAY = frozenset({job_pb2.Job.STATE_QUEUED, job_pb2.Job.STATE_RUNNING})


class StateWord(StrEnum):
    """State of a job."""

    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"
    EXPIRED = "expired"
    REFUSED = "refused"
    LOST = "lost"


app = typer.Typer(no_args_is_help=True, help="Jobs: what a technician would drive out for.")
JobArgument = Annotated[str, typer.Argument(help="Job, as listed.")]
KindArgument = Annotated[str, typer.Argument(help="What to do; `wayside jobs kinds` lists it.")]
ValuesArgument = Annotated[list[str] | None, typer.Argument(help="NAME=VALUE; content=@FILE for bytes of a file.")]
TtlOption = Annotated[str, typer.Option("--ttl", help="Time in which a node must begin, as 1h.")]
TimeoutOption = Annotated[str, typer.Option("--timeout", help="Time the work may take, as 10m.")]
NoteOption = Annotated[str, typer.Option("--note", help="Why; everybody sees it.")]
FilesOption = Annotated[int, typer.Option("--max-bytes", min=0, help="Bytes of files at most. 0: 64 MiB.")]


@app.command("kinds")
@reported
def kinds(output: OutputOption = None) -> None:
    """Lists what a job can do, and the values each kind takes."""
    rows = [(name, value_names(field)) for name, field in KINDS.items()]
    if chosen_output(output) is Output.JSON:
        print_json({"kinds": [{"kind": name, "values": values} for name, values in rows]})
    else:
        print_table(KIND_COLUMNS, rows)


@app.command("run")
@reported
def run_job(  # noqa: PLR0913  # one option for each thing one may want
    node: Annotated[str, typer.Argument(help="Node, as rsu-1 or nodes/rsu-1.")],
    kind: KindArgument,
    values: ValuesArgument = None,
    *,
    ttl: TtlOption = "",
    timeout: TimeoutOption = "",
    note: NoteOption = "",
    max_bytes: FilesOption = 0,
    job_id: Annotated[str, typer.Option("--id", help="Makes a repeated call harmless: the job's name.")] = "",
    wait: Annotated[bool, typer.Option("--wait", help="Until it ends; exit 1 unless it succeeds.")] = False,
    into: Annotated[Path | None, typer.Option("--into", help="Folder for the files it brings; waits.")] = None,
    output: OutputOption = None,
    context: ContextOption = None,
) -> None:
    """Asks one node for some work, now or whenever it connects within its time."""
    spec = job_spec(kind, values or (), ttl=ttl, timeout=timeout, artifact_max_bytes=max_bytes)
    request = job_service_pb2.CreateJobRequest(
        node=resource_name(node, "nodes"), spec=spec, note=note, job_id=job_id or f"job-{uuid.uuid4().hex[:16]}"
    )
    made = run(lambda manager: manager.call(manager.job.CreateJob, request), context).job
    if wait or into is not None:
        _end(made.name, into, output, context)
    else:
        _print(made, output)


@app.command("run-fleet")
@reported
@naming_nodes
@option_set("plan", PlanOptions)
def run_fleet(  # noqa: PLR0913  # as above
    work: KindArgument,
    values: ValuesArgument = None,
    *,
    selector: node_pb2.NodeSelector | None,
    plan: PlanOptions,
    ttl: TtlOption = "",
    timeout: TimeoutOption = "",
    note: NoteOption = "",
    tenant: TenantOption = "",
    output: OutputOption = None,
    context: ContextOption = None,
) -> None:
    """Asks many nodes, in waves: `wayside rollouts watch` follows it."""
    request = job_service_pb2.CreateFleetJobRequest(
        selector=selector,
        spec=job_spec(work, values or (), ttl=ttl, timeout=timeout),
        plan=plan.message(),
        tenant=resource_name(tenant, "tenants") if tenant else "",
        note=note,
        request_id=str(uuid.uuid4()),
    )
    print_rollout(run(lambda manager: manager.call(manager.job.CreateFleetJob, request), context).rollout, output)


@app.command("list")
@reported
def list_jobs(
    *,
    node: Annotated[str, typer.Option(help="Only of this node.")] = "",
    rollout: Annotated[str, typer.Option(help="Only of this fleet job.")] = "",
    state: Annotated[list[StateWord] | None, typer.Option(help="Only in this state; repeat for more.")] = None,
    output: OutputOption = None,
    context: ContextOption = None,
) -> None:
    """Lists jobs, newest first."""
    request = job_service_pb2.ListJobsRequest(
        node=resource_name(node, "nodes") if node else "",
        rollout=resource_name(rollout, "rollouts") if rollout else "",
        states=[job_pb2.Job.State.Value(f"STATE_{each.name}") for each in state or ()],
    )
    found = run(lambda manager: listed(manager, manager.job.ListJobs, request, lambda page: page.jobs), context)
    print_listed("jobs", found, output, columns=COLUMNS, row=job_row)


@app.command("show")
@reported
def show(job: JobArgument, output: OutputOption = None, context: ContextOption = None) -> None:
    """Shows one job, with what came of it."""
    request = job_service_pb2.GetJobRequest(name=resource_name(job, "jobs"))
    _print(run(lambda manager: manager.call(manager.job.GetJob, request), context).job, output)


@app.command("watch")
@reported
def watch(job: JobArgument, output: OutputOption = None, context: ContextOption = None) -> None:
    """Shows progress until the job ends; exit 1 unless it has succeeded then."""
    _end(resource_name(job, "jobs"), None, output, context)


@app.command("cancel")
@reported
def cancel(job: JobArgument, output: OutputOption = None, context: ContextOption = None) -> None:
    """Stops a job; one at work ends when its node says so."""
    request = job_service_pb2.CancelJobRequest(name=resource_name(job, "jobs"))
    _print(run(lambda manager: manager.call(manager.job.CancelJob, request), context).job, output)


@app.command("fetch")
@reported
def fetch(
    job: JobArgument,
    into: Annotated[Path, typer.Option("--into", help="Folder to write to.")] = Path(),
    output: OutputOption = None,
    context: ContextOption = None,
) -> None:
    """Fetches the files a job brought."""
    request = job_service_pb2.GetJobRequest(name=resource_name(job, "jobs"))

    async def done(manager: ManagerClient) -> list[Path]:
        return await fetched(manager, (await manager.call(manager.job.GetJob, request)).job, into)

    paths = run(done, context)
    if chosen_output(output) is Output.JSON:
        print_json({"files": [str(path) for path in paths]})
    else:
        for path in paths:
            print_line(str(path))


@app.command("shell")
@reported
def shell(job: JobArgument, context: ContextOption = None) -> None:
    """Talks to the shell that a job opened. Ctrl-] leaves. Both sides are recorded."""
    run(lambda manager: talk(manager, resource_name(job, "jobs")), context)


def job_row(job: job_pb2.Job) -> tuple[object, ...]:
    """What a list says of a job."""
    return (
        resource_id(job.name),
        resource_id(job.node),
        kind_of(job.spec),
        f"{state_word(job)}, cancelling" if job.is_cancelling and job.state in UNDER_WAY else state_word(job),
        f"{job.progress_percent} %",
        len(job.artifacts),
        resource_id(job.requester),
        local_time(job.create_time),
        local_time(job.end_time),
        job.message,
    )


def state_word(job: job_pb2.Job) -> str:
    """The state as people write it."""
    return worded(job_pb2.Job.State, job.state, "STATE_")


def _end(name: str, into: Path | None, output: Output | None, context: Path | None) -> None:
    """Follows a job to its end, and fetches its files.

    Raises: typer.Exit: it has not succeeded.
    """
    is_json = chosen_output(output) is Output.JSON
    request = job_service_pb2.WatchJobRequest(name=name)

    async def followed(manager: ManagerClient) -> tuple[job_pb2.Job, list[Path]]:
        job, line = job_pb2.Job(), ""
        async for answer in manager.watch(manager.job.WatchJob, request):
            job = answer.job
            present = f"{resource_id(job.name)}  {state_word(job)}  {job.progress_percent} %  {job.message}".rstrip()
            if is_json:
                print_json_line(job)
            elif present != line:
                line = present
                print_line(line)
        return job, [] if into is None else await fetched(manager, job, into)

    job, paths = run(followed, context)
    for path in paths if not is_json else ():
        print_line(str(path))
    if job.state != job_pb2.Job.STATE_SUCCEEDED:
        print_error(f"job {resource_id(job.name)} has {state_word(job)}: {job.message or 'nobody said why'}")
        raise typer.Exit(1)


def _print(job: job_pb2.Job, output: Output | None) -> None:
    if chosen_output(output) is Output.JSON:
        print_json(job)
        return
    files = (f"{each.file} ({each.received_bytes} of {each.size_bytes} bytes)" for each in job.artifacts)
    print_fields(
        {name.lower(): value for name, value in zip(COLUMNS, job_row(job), strict=True)}
        | {
            "work": words_of(job.spec),
            "files": ", ".join(files),
            "begins until": local_time(job.expire_time),
            "began": local_time(job.begin_time),
            "note": job.note,
            "fleet job": resource_id(job.rollout),
            "said later": job.late_report,
        }
    )
    for name, value in job.result.items():
        print_line(f"{name}: {value}")
