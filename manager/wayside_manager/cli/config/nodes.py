"""`wayside config show|explain|drift|schema`: the configuration of nodes, where it comes from, and who differs."""

import json
from collections.abc import Iterable, Iterator
from typing import Annotated

import typer
from google.protobuf.json_format import MessageToDict

from wayside.v1 import config_service_pb2, node_pb2
from wayside_manager.cli.config.values import (
    change_row,
    print_config_json,
    shortened,
    tidied,
    whole,
)
from wayside_manager.cli.output import (
    Output,
    as_mapping,
    local_time,
    print_fields,
    print_json,
    print_line,
    print_table,
    worded,
)
from wayside_manager.cli.running import (
    ContextOption,
    OutputOption,
    chosen_output,
    listed,
    reported,
    resource_id,
    resource_name,
    run,
)
from wayside_manager.cli.selector_options import naming_nodes

ORIGIN_COLUMNS = ("VALUE", "IS", "SET BY", "DEFAULT", "RUNNING")
OPINION_COLUMNS = ("LAYER", "PRIORITY", "SAYS", "VARIABLES")
DRIFT_COLUMNS = ("NODE", "CAUSE", "SINCE", "VALUE", "RUNS", "SHOULD", "MESSAGE")

NodeArgument = Annotated[str, typer.Argument(help="Node, as rsu-1 or nodes/rsu-1.")]


@reported
def show(
    node: NodeArgument,
    *,
    revision: Annotated[int, typer.Option(min=0, help="Revision; 0: the one the layers ask for.")] = 0,
    output: OutputOption = None,
    context: ContextOption = None,
) -> None:
    """Shows what a node should run, merged from all layers, and where it stands."""
    request = config_service_pb2.GetNodeConfigRequest(node=resource_name(node, "nodes"), revision=revision)
    answer = run(lambda manager: manager.call(manager.config.GetNodeConfig, request), context)
    if chosen_output(output) is Output.JSON:
        print_config_json(answer)
        return
    drifts = config_service_pb2.ListConfigDriftRequest(selector=node_pb2.NodeSelector(nodes=[request.node]))
    differing = run(lambda manager: manager.call(manager.config.ListConfigDrift, drifts), context).drifts
    print_fields(
        {
            "revision": answer.revision,
            "wanted": answer.target_revision,
            "told": answer.told_revision,
            "running": answer.running_revision,
            "trial": answer.trial,
            "node says": worded(node_pb2.ConfigReport.Outcome, answer.report.outcome, "OUTCOME_"),
            "because": answer.report.message,
            "differs": "; ".join(map(_drift_text, differing)),
            "problem": answer.problem,
            "schema of": answer.schema_version,
        }
    )
    values = tidied(MessageToDict(answer.config))
    print_json(values if isinstance(values, dict) else {})


@reported
def explain(
    node: NodeArgument,
    path: Annotated[str, typer.Argument(help="A value or everything below it, as telemetry.publish_period_s.")] = "",
    output: OutputOption = None,
    context: ContextOption = None,
) -> None:
    """Tells where each value comes from: the layers that say something of it, variables, the default, what runs."""
    request = config_service_pb2.ExplainNodeConfigRequest(node=resource_name(node, "nodes"), path=path)
    answer = run(lambda manager: manager.call(manager.config.ExplainNodeConfig, request), context)
    if chosen_output(output) is Output.JSON:
        print_config_json(answer)
        return
    if path and answer.origins:
        _print_origins(answer.origins)
    else:
        print_table(ORIGIN_COLUMNS, map(_origin_row, answer.origins))


@reported
@naming_nodes
def drift(
    *, selector: node_pb2.NodeSelector | None, output: OutputOption = None, context: ContextOption = None
) -> None:
    """Lists nodes that run something else than they should, value by value."""
    request = config_service_pb2.ListConfigDriftRequest(selector=selector)
    drifts = run(
        lambda manager: listed(manager, manager.config.ListConfigDrift, request, lambda page: page.drifts), context
    )
    if chosen_output(output) is Output.JSON:
        print_json({"drifts": [tidied(as_mapping(each)) for each in drifts]})
    else:
        print_table(DRIFT_COLUMNS, (row for each in drifts for row in _drift_rows(each)))


@reported
def schema(
    version: Annotated[str, typer.Argument(help="Version of the agent; none: the newest the manager knows.")] = "",
    context: ContextOption = None,
) -> None:
    """Prints the JSON schema of the configuration that a version of the agent takes."""
    request = config_service_pb2.GetConfigSchemaRequest(version=version)
    answer = run(lambda manager: manager.call(manager.config.GetConfigSchema, request), context)
    print_json(json.loads(answer.schema_json))


def _origin_row(origin: config_service_pb2.ConfigOrigin) -> tuple[object, ...]:
    last = origin.opinions[-1] if origin.opinions else None
    return (
        origin.path,
        shortened(origin, "value"),
        f"{resource_id(last.layer)} ({last.priority})" if last else "",
        shortened(origin, "default_value"),
        shortened(origin, "running_value"),
    )


def _print_origins(origins: Iterable[config_service_pb2.ConfigOrigin]) -> None:
    """Each value on a line, and below it who says what; values that nobody says anything of are a line each."""
    was_told = False
    for index, origin in enumerate(origins):
        if index and (origin.opinions or was_told):
            print_line("")
        print_line(_origin_line(origin))
        was_told = bool(origin.opinions)
        if was_told:
            print_table(OPINION_COLUMNS, map(_opinion_row, origin.opinions))


def _origin_line(origin: config_service_pb2.ConfigOrigin) -> str:
    """`telemetry.broker_host = "localhost" (set by base, default "", runs -)`; what it runs only where that differs."""
    value, default, running = (whole(origin, field) for field in ("value", "default_value", "running_value"))
    notes = []
    if not origin.HasField("value"):
        notes.append("default")
    elif origin.opinions:
        notes.append(f"set by {resource_id(origin.opinions[-1].layer)}")
    if origin.HasField("value") and origin.HasField("default_value"):
        notes.append(f"default {default}")
    if running != value:
        notes.append(f"runs {running}")
    shown = value if origin.HasField("value") else default
    return f"{origin.path} = {shown} ({', '.join(notes)})" if notes else f"{origin.path} = {shown}"


def _opinion_row(opinion: config_service_pb2.ConfigOpinion) -> tuple[object, ...]:
    variables = ", ".join(f"{name} of {source}" for name, source in sorted(opinion.variables.items()))
    return resource_id(opinion.layer), opinion.priority, whole(opinion, "value"), variables


def _drift_text(drift: config_service_pb2.ConfigDrift) -> str:
    """`reverted: manager: not reached since the change`."""
    return f"{_cause(drift)}: {drift.message}" if drift.message else _cause(drift)


def _cause(drift: config_service_pb2.ConfigDrift) -> str:
    return worded(config_service_pb2.ConfigDrift.Cause, drift.cause, "CAUSE_")


def _drift_rows(drift: config_service_pb2.ConfigDrift) -> Iterator[tuple[object, ...]]:
    """One line per value; the first also says who and why."""
    first = (resource_id(drift.node), _cause(drift), local_time(drift.since_time))
    if not drift.values:
        yield *first, "", "", "", drift.message
    for index, change in enumerate(drift.values):
        path, runs, should, _ = change_row(change)
        yield *(first if not index else ("", "", "")), path, runs, should, drift.message if not index else ""
