"""`wayside health`: list, show, history, availability."""

from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Annotated

import typer
from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp

from wayside.v1 import health_pb2, health_service_pb2, node_pb2
from wayside_manager.cli.output import Output, local_time, print_fields, print_json, print_table, worded
from wayside_manager.cli.running import (
    ContextOption,
    OutputOption,
    chosen_output,
    duration_s,
    listed,
    print_listed,
    reported,
    resource_id,
    resource_name,
    run,
)
from wayside_manager.cli.selector_options import naming_nodes

COLUMNS = ("NODE", "STATE", "SINCE", "CAUSE", "REASON", "SHED", "AUTONOMY")
CHECK_COLUMNS = ("CHECK", "STATE", "SINCE", "VALUE", "REASON")
HISTORY_COLUMNS = ("BEGIN", "HEARD", "OK", "DEGRADED", "FAILED", "REPORTS", "QUANTITIES")
AVAILABILITY_COLUMNS = ("GROUP", "NODES", "AVAILABLE", "FAILURES", "MTBF", "MTTR")
_SECONDS_PER_HOUR = 3600.0
_SECONDS_PER_DAY = 86_400.0


class StateWord(StrEnum):
    """State of a node or check, as people write it."""

    OK = "ok"
    DEGRADED = "degraded"
    FAILED = "failed"
    UNKNOWN = "unknown"


class HistoryWord(StrEnum):
    """How fine history is."""

    MINUTES = "minutes"
    HOURS = "hours"


class GroupingWord(StrEnum):
    """What nodes are grouped by."""

    ALL = "all"
    SITE = "site"
    MODEL = "model"
    EXPOSURE = "exposure"


app = typer.Typer(no_args_is_help=True, help="How nodes are, were, and why.")
NodeArgument = Annotated[str, typer.Argument(help="Node, as rsu-1 or nodes/rsu-1.")]
LastOption = Annotated[str, typer.Option("--last", help="How far back: 45s, 10m, 2h or 30d.")]


@app.command("list")
@reported
def list_health(
    state: Annotated[list[StateWord] | None, typer.Option(help="Only in this state; repeat for more.")] = None,
    output: OutputOption = None,
    context: ContextOption = None,
) -> None:
    """Lists nodes with the one check that decides how they are."""
    request = health_service_pb2.ListNodeHealthRequest(states=map(_state_value, state or ()))
    found = run(
        lambda manager: listed(manager, manager.health.ListNodeHealth, request, lambda page: page.health), context
    )
    print_listed("health", found, output, columns=COLUMNS, row=_row)


@app.command("show")
@reported
def show(node: NodeArgument, output: OutputOption = None, context: ContextOption = None) -> None:
    """Shows every check of a node that is not ok. `wayside nodes show` explains it with what went before."""
    request = health_service_pb2.GetNodeHealthRequest(node=resource_name(node, "nodes"))
    found = run(lambda manager: manager.call(manager.health.GetNodeHealth, request), context).health
    if chosen_output(output) is Output.JSON:
        print_json(found)
        return
    print_fields({name.lower(): value for name, value in zip(COLUMNS, _row(found), strict=True)})
    if found.checks:
        print_table(CHECK_COLUMNS, map(check_row, found.checks))


@app.command("history")
@reported
def history(
    node: NodeArgument,
    *,
    last: LastOption = "24h",
    fine: Annotated[HistoryWord | None, typer.Option("--by", help="How fine; else the finest that is kept.")] = None,
    output: OutputOption = None,
    context: ContextOption = None,
) -> None:
    """Lists how a node was, oldest first."""
    word = fine.name if fine else "UNSPECIFIED"
    request = health_service_pb2.ListHealthHistoryRequest(
        node=resource_name(node, "nodes"),
        begin_time=_before_now(last),
        history_class=health_service_pb2.HistoryClass.Value(f"HISTORY_CLASS_{word}"),
    )
    answer = run(lambda manager: manager.call(manager.health.ListHealthHistory, request), context)
    if chosen_output(output) is Output.JSON:
        print_json(answer)
    else:
        print_table(HISTORY_COLUMNS, map(_history_row, answer.samples))


@app.command("availability")
@reported
@naming_nodes
def availability(
    *,
    selector: node_pb2.NodeSelector | None,
    grouping: Annotated[GroupingWord, typer.Option("--by", help="What to group nodes by.")] = GroupingWord.SITE,
    last: LastOption = "30d",
    output: OutputOption = None,
    context: ContextOption = None,
) -> None:
    """Shows availability and mean time between failures, by site, model or exposure class."""
    word = "UNSPECIFIED" if grouping is GroupingWord.ALL else grouping.name
    request = health_service_pb2.GetAvailabilityRequest(
        begin_time=_before_now(last),
        grouping=health_service_pb2.AvailabilityGrouping.Value(f"AVAILABILITY_GROUPING_{word}"),
        selector=selector,
    )
    answer = run(lambda manager: manager.call(manager.health.GetAvailability, request), context)
    if chosen_output(output) is Output.JSON:
        print_json(answer)
    else:
        print_table(AVAILABILITY_COLUMNS, map(_availability_row, answer.groups))


def state_word(state: health_pb2.HealthState.ValueType) -> str:
    """`ok`, `degraded`, `failed` or `unknown`."""
    return worded(health_pb2.HealthState, state, "HEALTH_STATE_")


def check_row(check: health_pb2.HealthCheck) -> tuple[object, ...]:
    """What a table says of a check."""
    value = f"{check.value:.4g} {check.unit}".rstrip() if check.HasField("value") else ""
    return (check.name, state_word(check.state), local_time(check.since_time), value, check.reason)


def autonomy_words(health: health_pb2.NodeHealth) -> str:
    """How long the unit can do alone."""
    if not health.HasField("autonomy"):
        return "unknown"
    days = health.autonomy.ToTimedelta().total_seconds() / _SECONDS_PER_DAY
    return f"{days:.1f} d, then {health.autonomy_limit}" if days > 0 else f"over: {health.autonomy_limit}"


def _row(health: health_pb2.NodeHealth) -> tuple[object, ...]:
    return (
        resource_id(health.node),
        state_word(health.state),
        local_time(health.since_time),
        health.cause,
        health.reason,
        ", ".join(health.shed_loads),
        autonomy_words(health),
    )


def _history_row(sample: health_pb2.HealthSample) -> tuple[object, ...]:
    quantities = ", ".join(f"{each.name} {each.min:.4g}..{each.max:.4g}" for each in sample.quantities)
    spans = (sample.heard, sample.ok, sample.degraded, sample.failed)
    return (local_time(sample.begin_time), *map(_seconds, spans), sample.report_count, quantities)


def _availability_row(group: health_pb2.Availability) -> tuple[object, ...]:
    ratio = f"{group.availability_ratio:.4%}" if group.HasField("availability_ratio") else ""
    mtbf = _hours(group.mtbf) if group.HasField("mtbf") else ""
    mttr = _hours(group.mttr) if group.HasField("mttr") else ""
    return (resource_id(group.group) or group.group or "-", group.node_count, ratio, group.failure_count, mtbf, mttr)


def _seconds(duration: Duration) -> str:
    return f"{duration.ToTimedelta().total_seconds():.0f} s"


def _hours(duration: Duration) -> str:
    return f"{duration.ToTimedelta().total_seconds() / _SECONDS_PER_HOUR:.2f} h"


def _before_now(text: str) -> Timestamp:
    stamp = Timestamp()
    stamp.FromDatetime(datetime.now(UTC) - timedelta(seconds=duration_s(text, field="--last")))
    return stamp


def _state_value(word: StateWord) -> health_pb2.HealthState.ValueType:
    return health_pb2.HealthState.Value(f"HEALTH_STATE_{word.name}")
