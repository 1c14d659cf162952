"""`wayside config confirm|cancel|extend`: decisions on the trial of a configuration that is under way on a node."""

from typing import Annotated

import typer
from google.protobuf.duration_pb2 import Duration

from wayside.v1 import config_service_pb2
from wayside_manager.cli.output import Output, print_json, print_line
from wayside_manager.cli.running import (
    ContextOption,
    OutputOption,
    chosen_output,
    duration_s,
    reported,
    resource_id,
    resource_name,
    run,
)

NodeArgument = Annotated[str, typer.Argument(help="Node, as rsu-1 or nodes/rsu-1.")]
TrialOption = Annotated[str, typer.Option("--trial", help="The trial, as 'wayside config show' tells it.")]


@reported
def confirm(node: NodeArgument, trial: TrialOption, output: OutputOption = None, context: ContextOption = None) -> None:
    """Makes the trial under way final."""
    request = config_service_pb2.ConfirmConfigTrialRequest(node=resource_name(node, "nodes"), trial=_trial(trial))
    run(lambda manager: manager.call(manager.config.ConfirmConfigTrial, request), context)
    _print(request.node, f"will keep what it has on trial {request.trial}", output)


@reported
def cancel(node: NodeArgument, trial: TrialOption, output: OutputOption = None, context: ContextOption = None) -> None:
    """Ends the trial under way: the node goes back to what it ran."""
    request = config_service_pb2.CancelConfigTrialRequest(node=resource_name(node, "nodes"), trial=_trial(trial))
    run(lambda manager: manager.call(manager.config.CancelConfigTrial, request), context)
    _print(request.node, f"will go back from trial {request.trial}", output)


@reported
def extend(
    node: NodeArgument,
    trial: TrialOption,
    *,
    timeout: Annotated[str, typer.Option(help="How long it may last from its begin, such as 10m; up to 24h.")],
    output: OutputOption = None,
    context: ContextOption = None,
) -> None:
    """Gives the trial under way more time."""
    request = config_service_pb2.ExtendConfigTrialRequest(
        node=resource_name(node, "nodes"),
        trial=_trial(trial),
        timeout=Duration(seconds=min(duration_s(timeout, field="--timeout"), 10**9)),
    )
    run(lambda manager: manager.call(manager.config.ExtendConfigTrial, request), context)
    _print(request.node, f"has {timeout} for trial {request.trial}", output)


def _trial(text: str) -> str:
    """The id as nodes know it: the trial of a rollout is called as it is."""
    return text.removeprefix("rollouts/")


def _print(node: str, what: str, output: Output | None) -> None:
    if chosen_output(output) is Output.JSON:
        print_json({})
    else:
        print_line(f"{resource_id(node)} {what}")
