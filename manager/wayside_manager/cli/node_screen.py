"""`wayside nodes show`: one node on one screen: how it is, why, since when, what went just before, and what it is.

Usage: `print_screen(run(lambda manager: screen(manager, "nodes/rsu-1"), context))`. What the caller may not read
is left out.
"""

from collections.abc import Awaitable
from dataclasses import dataclass, field
from datetime import UTC
from typing import TypeVar

from wayside.errors import PermissionDeniedError
from wayside.v1 import (
    alarm_pb2,
    alarm_service_pb2,
    event_pb2,
    fleet_service_pb2,
    health_pb2,
    health_service_pb2,
    job_pb2,
    job_service_pb2,
    node_pb2,
)
from wayside_manager.cli.alarms import severity_word
from wayside_manager.cli.client import ManagerClient
from wayside_manager.cli.health import autonomy_words, check_row, state_word
from wayside_manager.cli.job_spec import words_of
from wayside_manager.cli.node_story import Event, newest_configs, newest_releases, stamp
from wayside_manager.cli.node_table import print_node
from wayside_manager.cli.output import Output, local_time, print_line, print_table
from wayside_manager.cli.running import resource_id

CHECKS_SHOWN = 8
EVENTS_SHOWN = 8
CHANGES_SHOWN = 2
OTHERS_SHOWN = 3
CHECK_COLUMNS = ("CHECK", "STATE", "SINCE", "VALUE", "REASON")
EVENT_COLUMNS = ("TIME", "WHAT", "MESSAGE")

Answer = TypeVar("Answer")


@dataclass(slots=True)
class Screen:
    """What is known of one node."""

    node: node_pb2.Node
    health: health_pb2.NodeHealth = field(default_factory=health_pb2.NodeHealth)
    alarms: tuple[alarm_pb2.Alarm, ...] = ()
    """Those that hold, members of area alarms, too."""
    jobs: tuple[job_pb2.Job, ...] = ()
    """Those that have not ended."""
    events: tuple[event_pb2.Event, ...] = ()
    """The newest, newest first."""
    changes: tuple[Event, ...] = ()
    """What it was last told to run."""


async def screen(manager: ManagerClient, name: str) -> Screen:
    """Everything that is shown of a node.

    Raises: WaysideError: what the manager answered about the node itself.
    """
    request = fleet_service_pb2.GetNodeRequest(name=name)
    shown = Screen((await manager.call(manager.fleet.GetNode, request)).node)
    health = await _read(manager.call(manager.health.GetNodeHealth, health_service_pb2.GetNodeHealthRequest(node=name)))
    alarms = await _read(
        manager.call(
            manager.alarm.ListAlarms,
            alarm_service_pb2.ListAlarmsRequest(
                subject=name, show_members=True, show_shelved=True, page_size=OTHERS_SHOWN
            ),
        )
    )
    under_way = (job_pb2.Job.STATE_QUEUED, job_pb2.Job.STATE_RUNNING)
    jobs = await _read(
        manager.call(
            manager.job.ListJobs,
            job_service_pb2.ListJobsRequest(node=name, states=under_way, page_size=OTHERS_SHOWN),
        )
    )
    wanted = event_pb2.EventFilter(selector=node_pb2.NodeSelector(nodes=[name]))
    events = await _read(
        manager.call(
            manager.fleet.ListEvents,
            fleet_service_pb2.ListEventsRequest(filter=wanted, newest_first=True, page_size=EVENTS_SHOWN),
        )
    )
    configs = await _read(newest_configs(manager, name, CHANGES_SHOWN))
    releases = await _read(newest_releases(manager, name, CHANGES_SHOWN))
    if health is not None:
        shown.health = health.health
    shown.alarms = () if alarms is None else tuple(alarms.alarms)
    shown.jobs = () if jobs is None else tuple(jobs.jobs)
    shown.events = () if events is None else tuple(events.events)
    shown.changes = (*(configs or ()), *(releases or ()))
    return shown


def print_screen(shown: Screen) -> None:
    """Prints it: first why, then what went before, then what it is."""
    health = shown.health
    since = f" since {local_time(health.since_time)}" if health.HasField("since_time") else ""
    why = f": {health.cause}, {health.reason}" if health.cause else ""
    print_line(f"{resource_id(shown.node.name)} is {state_word(health.state) or 'unknown'}{since}{why}")
    if health.checks:
        print_table(CHECK_COLUMNS, map(check_row, health.checks[:CHECKS_SHOWN]))
        _more(len(health.checks) - CHECKS_SHOWN, f"wayside health show {resource_id(shown.node.name)}")
    print_line(f"{health.check_count} checks, {len(health.checks)} not ok; can do alone for {autonomy_words(health)}")
    if health.shed_loads:
        print_line(f"has shed {', '.join(health.shed_loads)}")
    for alarm in shown.alarms:
        explained = f", explained by {resource_id(alarm.parent)}" if alarm.parent else ""
        taken = f", taken by {resource_id(alarm.acknowledger)}" if alarm.acknowledger else ""
        print_line(
            f"alarm {resource_id(alarm.name)}: {severity_word(alarm.severity)}, {alarm.message}{explained}{taken}"
        )
    for job in shown.jobs:
        print_line(
            f"job {resource_id(job.name)}: {words_of(job.spec)}, {job.progress_percent} % {job.message}".rstrip()
        )
    if before := _before(shown):
        print_line("just before:")
        print_table(EVENT_COLUMNS, before)
    print_node(shown.node, Output.TABLE)


def _before(shown: Screen) -> list[tuple[object, ...]]:
    """Rows of what went just before, oldest first: what was changed is shown, however much it set off."""
    kept = shown.events[: EVENTS_SHOWN - len(shown.changes)]
    rows = [(each.time.ToDatetime(tzinfo=UTC), each.kind, each.message) for each in kept]
    rows += [(each.time, each.source, _change_words(each)) for each in shown.changes]
    return [(local_time(stamp(time)), what, message) for time, what, message in sorted(rows)]


def _change_words(change: Event) -> str:
    return f"{change.what}: {change.detail or 'as before'}, by {change.by}"


def _more(count: int, command: str) -> None:
    if count > 0:
        print_line(f"and {count} more: {command}")


async def _read(call: Awaitable[Answer]) -> Answer | None:
    """What a call answers; `None`: the caller may not read it."""
    try:
        return await call
    except PermissionDeniedError:
        return None
