"""`wayside nodes story`: everything that is known to have become of one node, in order of time.

It is put together from the node, its configurations, the rollouts it was in, and the audit trail, as far as the caller
may read each of them. Usage: `events, missing = run(lambda manager: told(manager, "nodes/rsu-1"), context)`.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Annotated

import typer
from google.protobuf.timestamp_pb2 import Timestamp

from wayside.errors import PermissionDeniedError
from wayside.v1 import (
    audit_service_pb2,
    config_service_pb2,
    fleet_service_pb2,
    node_pb2,
    rollout_pb2,
    rollout_service_pb2,
)
from wayside_manager.cli.client import ManagerClient
from wayside_manager.cli.output import Output, local_time, print_error, print_json, print_table, worded
from wayside_manager.cli.running import (
    ContextOption,
    OutputOption,
    chosen_output,
    listed,
    reported,
    resource_name,
    run,
)

COLUMNS = ("TIME", "SOURCE", "WHAT", "BY", "DETAIL")


@dataclass(frozen=True, slots=True)
class Event:
    """Something that became of a node."""

    time: datetime
    """UTC."""
    source: str
    """Where it is known from: `node`, `config`, `rollout`, `audit`."""
    what: str
    by: str = ""
    """What or who caused it, by name."""
    detail: str = ""


Teller = Callable[[ManagerClient, str], Awaitable[list[Event]]]


@reported
def story(
    node: Annotated[str, typer.Argument(help="Node, as rsu-1 or nodes/rsu-1.")],
    *,
    output: OutputOption = None,
    context: ContextOption = None,
) -> None:
    """Tells what became of one node, oldest first: enrolment, changes, configurations and rollouts."""
    name = resource_name(node, "nodes")
    events, missing = run(lambda manager: told(manager, name), context)
    if chosen_output(output) is Output.JSON:
        found = [asdict(event) | {"time": event.time.isoformat()} for event in events]
        print_json({"node": name, "events": found, "missing": missing})
        return
    rows = ((local_time(stamp(each.time)), each.source, each.what, each.by, each.detail) for each in events)
    print_table(COLUMNS, rows)
    for source in missing:
        print_error(f"not shown, for want of permission: {source}")


async def told(manager: ManagerClient, name: str) -> tuple[list[Event], list[str]]:
    """The events of a node, oldest first, and the sources that the caller may not read.

    Raises: WaysideError: what the manager answered; the node itself must be readable.
    """
    events, missing = await _of_node(manager, name), list[str]()
    tellers: dict[str, Teller] = {"config": _of_configs, "rollout": _of_rollouts, "audit": _of_audit}
    for source, teller in tellers.items():
        try:
            events += await teller(manager, name)
        except PermissionDeniedError:
            missing.append(source)
    return sorted(events, key=lambda event: event.time), missing


async def _of_node(manager: ManagerClient, name: str) -> list[Event]:
    request = fleet_service_pb2.GetNodeRequest(name=name)
    node = (await manager.call(manager.fleet.GetNode, request)).node
    state = worded(node_pb2.Node.State, node.state, "STATE_")
    found = [Event(_time(node.create_time), "node", "made known")]
    if node.HasField("last_report_time"):
        found.append(Event(_time(node.last_report_time), "node", "last heard", detail=node.config_problem))
    return [*found, Event(_time(node.update_time), "node", "last changed", detail=f"state is {state}")]


async def _of_configs(manager: ManagerClient, name: str) -> list[Event]:
    request = config_service_pb2.ListNodeConfigsRequest(node=name)
    configs = await listed(manager, manager.config.ListNodeConfigs, request, lambda page: page.configs)
    return [_config_event(each) for each in reversed(configs)]


async def newest_configs(manager: ManagerClient, name: str, count: int) -> list[Event]:
    """The configurations a node was last to run, at most so many, oldest first.

    Raises: WaysideError: what the manager answered.
    """
    request = config_service_pb2.ListNodeConfigsRequest(node=name, page_size=count)
    configs = (await manager.call(manager.config.ListNodeConfigs, request)).configs
    return [_config_event(each) for each in reversed(configs)]


def _config_event(config: config_service_pb2.NodeConfigRevision) -> Event:
    return Event(
        _time(config.create_time),
        "config",
        f"should run configuration {config.revision}",
        config.cause,
        ", ".join(change.path for change in config.changes),
    )


async def newest_releases(manager: ManagerClient, name: str, count: int) -> list[Event]:
    """The releases a node was last to run and how it stands, of at most so many rollouts, oldest first.

    Raises: WaysideError: what the manager answered.
    """
    request = rollout_service_pb2.ListRolloutsRequest(node=name, page_size=count)
    rollouts = (await manager.call(manager.rollout.ListRollouts, request)).rollouts
    events = []
    for rollout in (each for each in reversed(rollouts) if each.release):
        for row in await _places(manager, name, rollout):
            time = row.tell_time if row.HasField("tell_time") else rollout.create_time
            events.append(Event(_time(time), "rollout", f"to run {rollout.release}", rollout.name, _said(row)))
    return events


async def _of_rollouts(manager: ManagerClient, name: str) -> list[Event]:
    request = rollout_service_pb2.ListRolloutsRequest(node=name)
    events = []
    rollouts = await listed(manager, manager.rollout.ListRollouts, request, lambda page: page.rollouts)
    for rollout in reversed(rollouts):
        for row in await _places(manager, name, rollout):
            what = rollout.release or f"configuration by {rollout.config_cause}"
            events.append(Event(_time(rollout.create_time), "rollout", f"to run {what}", rollout.name))
            time = row.tell_time if row.HasField("tell_time") else rollout.update_time
            first = "told" if row.HasField("tell_time") else "not told"
            events.append(Event(_time(time), "rollout", first, rollout.name, _said(row)))
    return events


async def _places(manager: ManagerClient, name: str, rollout: rollout_pb2.Rollout) -> Sequence[rollout_pb2.RolloutNode]:
    """A node's place in a rollout: one, or none."""
    request = rollout_service_pb2.ListRolloutNodesRequest(name=rollout.name, node=name)
    return (await manager.call(manager.rollout.ListRolloutNodes, request)).nodes


def _said(row: rollout_pb2.RolloutNode) -> str:
    state = worded(rollout_pb2.RolloutNode.State, row.state, "STATE_")
    before = f" after {row.attempt} tr{'y' if row.attempt == 1 else 'ies'} that did not succeed" if row.attempt else ""
    return f"{state}{before}: {row.message}" if row.message else state + before


async def _of_audit(manager: ManagerClient, name: str) -> list[Event]:
    wanted = audit_service_pb2.AuditFilter(resource=name)
    request = audit_service_pb2.ListAuditEntriesRequest(filter=wanted)
    entries = await listed(manager, manager.audit.ListAuditEntries, request, lambda page: page.entries)
    return [
        Event(_time(each.time), "audit", each.action.rpartition("/")[2], each.actor, f"entry {each.sequence}")
        for each in reversed(entries)
    ]


def _time(stamp: Timestamp) -> datetime:
    return stamp.ToDatetime(tzinfo=UTC)


def stamp(time: datetime) -> Timestamp:
    """The time as it crosses the wire."""
    made = Timestamp()
    made.FromDatetime(time)
    return made
