"""`wayside rollouts`: create, list, show, watch, pause, resume, abort."""

import uuid
from collections import Counter
from typing import Annotated

import typer

from wayside.v1 import node_pb2, release_pb2, release_service_pb2
from wayside_manager.api.node_messages import kind_value
from wayside_manager.cli.client import ManagerClient
from wayside_manager.cli.output import (
    Output,
    local_time,
    print_error,
    print_fields,
    print_json,
    print_json_line,
    print_line,
    print_table,
    short,
)
from wayside_manager.cli.running import (
    ContextOption,
    KindOption,
    LabelOption,
    OutputOption,
    TenantOption,
    chosen_output,
    labels,
    listed,
    print_listed,
    reported,
    resource_id,
    resource_name,
    run,
)

PAGE_SIZE = 100  # a rollout of 10,000 nodes is about 2 MB
COLUMNS = ("ROLLOUT", "TENANT", "RELEASE", "STATE", "NODES", "CREATED", "MESSAGE")
NODE_COLUMNS = ("NODE", "STATE", "PHASE", "PROGRESS", "MESSAGE")

app = typer.Typer(no_args_is_help=True, help="Rollouts: who gets a release, how many at a time, when to stop.")

RolloutArgument = Annotated[str, typer.Argument(help="Rollout, as listed.")]


@app.command("create")
@reported
def create(  # noqa: PLR0913  # one parameter per option
    release: Annotated[str, typer.Argument(help="Release, as 1.1.0 or releases/1.1.0.")],
    *,
    all_nodes: Annotated[bool, typer.Option("--all", help="Every node in service.")] = False,
    node: Annotated[list[str] | None, typer.Option(help="Only this node; repeat for more.")] = None,
    kind: KindOption = None,
    label: LabelOption = None,
    max_in_flight: Annotated[int, typer.Option(min=1, help="Nodes under way at a time.")] = 1,
    max_failures: Annotated[int, typer.Option(min=1, help="Failed nodes at which it stops.")] = 1,
    tenant: TenantOption = "",
    request_id: Annotated[str, typer.Option(help="UUID that makes a retried create harmless.")] = "",
    output: OutputOption = None,
    context: ContextOption = None,
) -> None:
    """Starts to roll a release out. Name the nodes with --all, --node, --kind or --label."""
    selector = node_pb2.NodeSelector(
        all_nodes=all_nodes,
        nodes=[resource_name(one, "nodes") for one in node or ()],
        kinds=map(kind_value, kind or ()),
        labels=labels(label or ()),
    )
    request = release_service_pb2.CreateRolloutRequest(
        release=resource_name(release, "releases"),
        selector=selector,
        max_in_flight_count=max_in_flight,
        max_failure_count=max_failures,
        request_id=request_id or str(uuid.uuid4()),
        tenant=resource_name(tenant, "tenants") if tenant else "",
    )
    _print(run(lambda manager: manager.call(manager.release.CreateRollout, request), context).rollout, output)


@app.command("list")
@reported
def list_rollouts(output: OutputOption = None, context: ContextOption = None) -> None:
    """Lists rollouts, newest first."""
    request = release_service_pb2.ListRolloutsRequest(page_size=PAGE_SIZE)
    rollouts = run(
        lambda manager: listed(manager, manager.release.ListRollouts, request, lambda page: page.rollouts), context
    )
    print_listed("rollouts", rollouts, output, columns=COLUMNS, row=_row)


@app.command("show")
@reported
def show(rollout: RolloutArgument, output: OutputOption = None, context: ContextOption = None) -> None:
    """Shows one rollout with its nodes."""
    request = release_service_pb2.GetRolloutRequest(name=resource_name(rollout, "rollouts"))
    _print(run(lambda manager: manager.call(manager.release.GetRollout, request), context).rollout, output)


@app.command("watch")
@reported
def watch(rollout: RolloutArgument, output: OutputOption = None, context: ContextOption = None) -> None:
    """Shows progress until the rollout ends; exit 1 unless every node runs the release then.

    With json, one object per change and line.
    """
    request = release_service_pb2.WatchRolloutRequest(name=resource_name(rollout, "rollouts"))
    is_json = chosen_output(output) is Output.JSON

    async def watched(manager: ManagerClient) -> release_pb2.Rollout:
        present = release_pb2.Rollout()
        async for answer in manager.watch(manager.release.WatchRollout, request):
            if is_json:
                print_json_line(answer.rollout)
            else:
                _print_changes(present, answer.rollout)
            present = answer.rollout
        return present

    ended = run(watched, context)
    if ended.state != release_pb2.Rollout.STATE_SUCCEEDED:
        print_error(f"rollout {resource_id(ended.name)} has {_state(ended)}: {ended.message or 'an operator ended it'}")
        raise typer.Exit(1)


@app.command("pause")
@reported
def pause(rollout: RolloutArgument, output: OutputOption = None, context: ContextOption = None) -> None:
    """Hands out nothing new until resumed; nodes under way finish."""
    request = release_service_pb2.PauseRolloutRequest(name=resource_name(rollout, "rollouts"))
    _print(run(lambda manager: manager.call(manager.release.PauseRollout, request), context).rollout, output)


@app.command("resume")
@reported
def resume(rollout: RolloutArgument, output: OutputOption = None, context: ContextOption = None) -> None:
    """Goes on handing out."""
    request = release_service_pb2.ResumeRolloutRequest(name=resource_name(rollout, "rollouts"))
    _print(run(lambda manager: manager.call(manager.release.ResumeRollout, request), context).rollout, output)


@app.command("abort")
@reported
def abort(rollout: RolloutArgument, output: OutputOption = None, context: ContextOption = None) -> None:
    """Ends a rollout; nodes that have not switched keep what they run."""
    request = release_service_pb2.AbortRolloutRequest(name=resource_name(rollout, "rollouts"))
    _print(run(lambda manager: manager.call(manager.release.AbortRollout, request), context).rollout, output)


def _state(rollout: release_pb2.Rollout) -> str:
    return short(release_pb2.Rollout.State.Name(rollout.state), "STATE_")


def _row(rollout: release_pb2.Rollout) -> tuple[object, ...]:
    return (
        resource_id(rollout.name),
        resource_id(rollout.tenant),
        resource_id(rollout.release),
        _state(rollout),
        _counts(rollout),
        local_time(rollout.create_time),
        rollout.message,
    )


def _counts(rollout: release_pb2.Rollout) -> str:
    """`3 succeeded, 1 in-flight, 6 pending`."""
    counts = Counter(node.state for node in rollout.nodes)
    named = ((short(release_pb2.RolloutNode.State.Name(state), "STATE_"), counts[state]) for state in sorted(counts))
    return ", ".join(f"{count} {name}" for name, count in named)


def _node_row(node: release_pb2.RolloutNode) -> tuple[str, ...]:
    update = node.update
    is_known = update.total_bytes > 0 and update.phase == release_pb2.UpdateReport.PHASE_DOWNLOADING
    return (
        resource_id(node.node),
        short(release_pb2.RolloutNode.State.Name(node.state), "STATE_"),
        short(release_pb2.UpdateReport.Phase.Name(update.phase), "PHASE_"),
        f"{100 * update.downloaded_bytes // update.total_bytes} %" if is_known else "",
        update.message,
    )


def _print(rollout: release_pb2.Rollout, output: Output | None) -> None:
    if chosen_output(output) is Output.JSON:
        print_json(rollout)
        return
    print_fields({name.lower(): value for name, value in zip(COLUMNS, _row(rollout), strict=True)})
    print_table(NODE_COLUMNS, map(_node_row, rollout.nodes))


def _print_changes(before: release_pb2.Rollout, after: release_pb2.Rollout) -> None:
    """A line per node whose row changed, and one for the rollout when it did."""
    rows = {node.node: _node_row(node) for node in before.nodes}
    for node in after.nodes:
        row = _node_row(node)
        if rows.get(node.node) != row:
            print_line("  ".join(cell for cell in row if cell))
    if (before.state, before.message) != (after.state, after.message) or _counts(before) != _counts(after):
        print_line(f"{resource_id(after.name)} {_state(after)}: {_counts(after)} {after.message}".rstrip())
