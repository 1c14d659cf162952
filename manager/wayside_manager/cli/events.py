"""`wayside events`: list, watch."""

from typing import Annotated

import typer

from wayside.v1 import event_pb2, fleet_service_pb2, node_pb2
from wayside_manager.cli.alarms import SeverityWord, severity_value, severity_word
from wayside_manager.cli.client import ManagerClient
from wayside_manager.cli.output import Output, local_time, print_json_line, print_line
from wayside_manager.cli.running import ContextOption, OutputOption, chosen_output, print_listed, reported, run
from wayside_manager.cli.selector_options import naming_nodes

COLUMNS = ("CURSOR", "TIME", "SEVERITY", "KIND", "SUBJECT", "MESSAGE")
PAGE_MAX = 1_000

app = typer.Typer(no_args_is_help=True, help="Events: what happened, in its order and with nothing left out.")
EventKindOption = Annotated[
    list[str] | None, typer.Option("--event", help="Only of this kind, such as alarm.* or job.ended; repeat for more.")
]
SeverityOption = Annotated[SeverityWord | None, typer.Option(help="No milder ones than this.")]


@app.command("list")
@reported
@naming_nodes
def list_events(  # one option for each thing that narrows it
    *,
    selector: node_pb2.NodeSelector | None,
    event: EventKindOption = None,
    severity: SeverityOption = None,
    after: Annotated[int, typer.Option(min=0, help="Oldest first, behind this cursor. 0: the newest events.")] = 0,
    count: Annotated[int, typer.Option(min=1, max=PAGE_MAX, help="Events at most.")] = 50,
    output: OutputOption = None,
    context: ContextOption = None,
) -> None:
    """Lists the newest events, or those behind a cursor."""
    request = fleet_service_pb2.ListEventsRequest(
        cursor=after, page_size=count, filter=_filter(selector, event, severity), newest_first=not after
    )
    found = list(run(lambda manager: manager.call(manager.fleet.ListEvents, request), context).events)
    if not after:
        found.reverse()
    print_listed("events", found, output, columns=COLUMNS, row=event_row)


@app.command("watch")
@reported
@naming_nodes
def watch(  # as above
    *,
    selector: node_pb2.NodeSelector | None,
    event: EventKindOption = None,
    severity: SeverityOption = None,
    after: Annotated[
        int, typer.Option(min=-1, help="Everything behind this cursor first. -1: only what falls from now on.")
    ] = -1,
    count: Annotated[int, typer.Option(min=0, help="End after so many events; 0: go on until Ctrl-C.")] = 0,
    output: OutputOption = None,
    context: ContextOption = None,
) -> None:
    """Shows events as they fall; with json, one object per line. `--after` goes on where an earlier watch ended."""
    request = fleet_service_pb2.WatchEventsRequest(cursor=after, filter=_filter(selector, event, severity))

    async def watched(manager: ManagerClient) -> None:
        seen_count = 0
        async for answer in manager.watch(manager.fleet.WatchEvents, request):
            if not answer.HasField("event"):
                continue
            _print(answer.event, output)
            seen_count += 1
            if seen_count == count:
                return

    run(watched, context)


def event_row(event: event_pb2.Event) -> tuple[object, ...]:
    """What a list says of an event."""
    return (
        event.cursor,
        local_time(event.time),
        severity_word(event.severity),
        event.kind,
        event.subject,
        event.message,
    )


def _print(event: event_pb2.Event, output: Output | None) -> None:
    if chosen_output(output) is Output.JSON:
        print_json_line(event)
    else:
        print_line("  ".join(str(cell) for cell in event_row(event)))


def _filter(
    selector: node_pb2.NodeSelector | None, kinds: list[str] | None, severity: SeverityWord | None
) -> event_pb2.EventFilter:
    wanted = event_pb2.EventFilter(kinds=kinds or (), selector=selector)
    if severity is not None:
        wanted.min_severity = severity_value(severity)
    return wanted
