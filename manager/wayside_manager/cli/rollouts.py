"""`wayside rollouts`: create, list, show, nodes, watch, pause, resume, abort, retry."""

import uuid
from typing import Annotated

import typer

from wayside.v1 import node_pb2, rollout_pb2, rollout_service_pb2
from wayside_manager.cli.client import ManagerClient
from wayside_manager.cli.option_sets import option_set
from wayside_manager.cli.output import Output, print_error, print_json_line, print_line, print_table
from wayside_manager.cli.plan_options import PlanOptions
from wayside_manager.cli.rollout_view import (
    COLUMNS,
    NODE_COLUMNS,
    StateWord,
    node_row,
    print_rollout,
    progress,
    row,
    state_value,
    state_word,
)
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
from wayside_manager.cli.standstill import ABORT, PAUSE, one_or_all, stop

FAILED_SHOWN = 20

app = typer.Typer(no_args_is_help=True, help="Rollouts: who gets a release or a configuration, when, and when to stop.")

RolloutArgument = Annotated[str, typer.Argument(help="Rollout, as listed.")]
StoppedArgument = Annotated[str, typer.Argument(help="Rollout, as listed; left out with --all.")]
AllOption = Annotated[bool, typer.Option("--all", help="Every rollout under way; needs no second person.")]
RequestIdOption = Annotated[str, typer.Option(help="UUID that makes a repeated call harmless.")]


@app.command("create")
@reported
@naming_nodes
@option_set("plan", PlanOptions)
def create(
    release: Annotated[str, typer.Argument(help="Release, as 1.1.0 or releases/1.1.0.")],
    *,
    selector: node_pb2.NodeSelector | None,
    plan: PlanOptions,
    tenant: TenantOption = "",
    request_id: RequestIdOption = "",
    output: OutputOption = None,
    context: ContextOption = None,
) -> None:
    """Starts to roll a release out. Changes of configuration start theirs by themselves."""
    request = rollout_service_pb2.CreateRolloutRequest(
        release=resource_name(release, "releases"),
        selector=selector,
        plan=plan.message(),
        request_id=request_id or str(uuid.uuid4()),
        tenant=resource_name(tenant, "tenants") if tenant else "",
    )
    made = run(lambda manager: manager.call(manager.rollout.CreateRollout, request), context).rollout
    print_rollout(made, output)


@app.command("list")
@reported
def list_rollouts(output: OutputOption = None, context: ContextOption = None) -> None:
    """Lists rollouts, newest first."""
    request = rollout_service_pb2.ListRolloutsRequest()
    rollouts = run(
        lambda manager: listed(manager, manager.rollout.ListRollouts, request, lambda page: page.rollouts), context
    )
    print_listed("rollouts", rollouts, output, columns=COLUMNS, row=row)


@app.command("show")
@reported
def show(rollout: RolloutArgument, output: OutputOption = None, context: ContextOption = None) -> None:
    """Shows one rollout: how far its waves are, and what nodes wait for."""
    request = rollout_service_pb2.GetRolloutRequest(name=resource_name(rollout, "rollouts"))
    print_rollout(run(lambda manager: manager.call(manager.rollout.GetRollout, request), context).rollout, output)


@app.command("nodes")
@reported
def nodes(
    rollout: RolloutArgument,
    state: Annotated[list[StateWord] | None, typer.Option(help="Only nodes in this state; repeat for more.")] = None,
    output: OutputOption = None,
    context: ContextOption = None,
) -> None:
    """Lists the nodes of a rollout by wave, then name."""
    request = rollout_service_pb2.ListRolloutNodesRequest(
        name=resource_name(rollout, "rollouts"), states=map(state_value, state or ())
    )
    found = run(
        lambda manager: listed(manager, manager.rollout.ListRolloutNodes, request, lambda page: page.nodes), context
    )
    print_listed("nodes", found, output, columns=NODE_COLUMNS, row=node_row)


@app.command("watch")
@reported
def watch(rollout: RolloutArgument, output: OutputOption = None, context: ContextOption = None) -> None:
    """Shows progress until the rollout ends; exit 1 unless it has succeeded then.

    With json, one object per change and line.
    """
    request = rollout_service_pb2.WatchRolloutRequest(name=resource_name(rollout, "rollouts"))
    is_json = chosen_output(output) is Output.JSON

    async def watched(manager: ManagerClient) -> rollout_pb2.Rollout:
        present, line = rollout_pb2.Rollout(), ""
        async for answer in manager.watch(manager.rollout.WatchRollout, request):
            present = answer.rollout
            if is_json:
                print_json_line(present)
            elif progress(present) != line:
                line = progress(present)
                print_line(line)
        if not is_json and present.state != rollout_pb2.Rollout.STATE_SUCCEEDED:
            await _print_failed(manager, present.name)
        return present

    ended = run(watched, context)
    if ended.state != rollout_pb2.Rollout.STATE_SUCCEEDED:
        print_error(f"rollout {resource_id(ended.name)} has {state_word(ended)}: {ended.message or 'nobody said why'}")
        raise typer.Exit(1)


async def _print_failed(manager: ManagerClient, name: str) -> None:
    request = rollout_service_pb2.ListRolloutNodesRequest(
        name=name, states=[rollout_pb2.RolloutNode.STATE_FAILED], page_size=FAILED_SHOWN
    )
    failed = (await manager.call(manager.rollout.ListRolloutNodes, request)).nodes
    if failed:
        print_table(NODE_COLUMNS, map(node_row, failed))


@app.command("pause")
@reported
def pause(
    rollout: StoppedArgument = "",
    *,
    is_all: AllOption = False,
    output: OutputOption = None,
    context: ContextOption = None,
) -> None:
    """Hands out nothing new until resumed; nodes under way finish. With --all, nothing in the whole fleet."""
    stop(one_or_all(rollout, is_all=is_all), PAUSE, output=output, context=context)


@app.command("resume")
@reported
def resume(rollout: RolloutArgument, output: OutputOption = None, context: ContextOption = None) -> None:
    """Goes on handing out."""
    request = rollout_service_pb2.ResumeRolloutRequest(name=resource_name(rollout, "rollouts"))
    print_rollout(run(lambda manager: manager.call(manager.rollout.ResumeRollout, request), context).rollout, output)


@app.command("abort")
@reported
def abort(
    rollout: StoppedArgument = "",
    *,
    is_all: AllOption = False,
    output: OutputOption = None,
    context: ContextOption = None,
) -> None:
    """Ends a rollout, or all: nodes that have not switched keep what they run, what succeeded stays."""
    stop(one_or_all(rollout, is_all=is_all), ABORT, output=output, context=context)


@app.command("retry")
@reported
def retry(
    rollout: RolloutArgument,
    request_id: RequestIdOption = "",
    output: OutputOption = None,
    context: ContextOption = None,
) -> None:
    """Starts a new rollout of the same thing to the nodes of an ended one that did not succeed."""
    request = rollout_service_pb2.RetryRolloutRequest(
        name=resource_name(rollout, "rollouts"), request_id=request_id or str(uuid.uuid4())
    )
    print_rollout(run(lambda manager: manager.call(manager.rollout.RetryRollout, request), context).rollout, output)
