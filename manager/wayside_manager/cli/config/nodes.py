"""`wayside config show|explain|drift|schema`: the configuration of nodes, where it comes from, and who differs."""

import json
from collections.abc import Iterator
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
from wayside_manager.cli.output import Output, as_mapping, local_time, print_fields, print_json, print_table, short
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
    print_fields(
        {
            "revision": answer.revision,
            "wanted": answer.target_revision,
            "told": answer.told_revision,
            "running": answer.running_revision,
            "trial": answer.trial,
            "node says": short(node_pb2.ConfigReport.Outcome.Name(answer.report.outcome), "OUTCOME_"),
            "because": answer.report.message,
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
    print_table(ORIGIN_COLUMNS, map(_origin_row, answer.origins))
    for origin in answer.origins if path else ():
        print_table(OPINION_COLUMNS, map(_opinion_row, origin.opinions))


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


def _opinion_row(opinion: config_service_pb2.ConfigOpinion) -> tuple[object, ...]:
    variables = ", ".join(f"{name} of {source}" for name, source in sorted(opinion.variables.items()))
    return resource_id(opinion.layer), opinion.priority, whole(opinion, "value"), variables


def _drift_rows(drift: config_service_pb2.ConfigDrift) -> Iterator[tuple[object, ...]]:
    """One line per value; the first also says who and why."""
    cause = short(config_service_pb2.ConfigDrift.Cause.Name(drift.cause), "CAUSE_")
    first = (resource_id(drift.node), cause, local_time(drift.since_time))
    if not drift.values:
        yield *first, "", "", "", drift.message
    for index, change in enumerate(drift.values):
        path, runs, should, _ = change_row(change)
        yield *(first if not index else ("", "", "")), path, runs, should, drift.message if not index else ""
