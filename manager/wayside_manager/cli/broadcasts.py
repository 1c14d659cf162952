"""`wayside broadcasts`: publish, list, show, withdraw."""

import math
from pathlib import Path
from typing import Annotated

import typer

from wayside.errors import InvalidArgumentError
from wayside.v1 import broadcast_pb2, broadcast_service_pb2, node_pb2
from wayside_manager.cli.broadcast_file import message_in
from wayside_manager.cli.client import ManagerClient
from wayside_manager.cli.output import (
    Output,
    as_mapping,
    local_time,
    print_fields,
    print_json,
    print_line,
    print_table,
    short,
)
from wayside_manager.cli.plan_texts import moment
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

COLUMNS = ("BROADCAST", "KIND", "STATE", "DRILL", "UNITS", "PENDING", "TAKEN", "REFUSED", "OVER", "BEGIN", "END", "BY")
RECEIPT_COLUMNS = ("NODE", "SAYS", "REVISION", "HEARD", "LAST SEEN", "REASON")
CIRCLE_CORNERS = 64
METRES_PER_DEGREE = 111_320.0
"""Of latitude."""

app = typer.Typer(no_args_is_help=True, help="Broadcasts: MAP and RSI that roadside units repeat on the air.")
BroadcastArgument = Annotated[str, typer.Argument(help="Broadcast, as listed.")]
AreaOption = Annotated[
    list[str] | None,
    typer.Option("--area", help="Only at sites in this polygon: LAT,LON LAT,LON LAT,LON ... in degrees; repeat."),
]
CircleOption = Annotated[
    list[str] | None, typer.Option("--circle", help="Only at sites within LAT,LON,METRES; repeat for more.")
]


@app.command("publish")
@reported
@naming_nodes
def publish(  # noqa: PLR0913  # one option for each thing one may want
    file: Annotated[Path, typer.Argument(help="A document of `wayside-agent v2x decode`, or hex.")],
    *,
    name: Annotated[str, typer.Option("--name", help="What it is called; the same again replaces it.")],
    selector: node_pb2.NodeSelector | None,
    area: AreaOption = None,
    circle: CircleOption = None,
    until: Annotated[str, typer.Option("--until", help="When it ends, as 2026-12-01T06:00 or with +08:00.")] = "",
    begin: Annotated[str, typer.Option("--begin", help="When it begins; else at once.")] = "",
    drill: Annotated[bool, typer.Option("--drill", help="Units answer, and nothing goes on the air.")] = False,
    profile: Annotated[str, typer.Option("--profile", help="Profile of the message: r19 or p20.")] = "p20",
    note: Annotated[str, typer.Option("--note", help="Why; everybody sees it.")] = "",
    etag: Annotated[str, typer.Option("--etag", help="Only if it has not changed since then.")] = "",
    tenant: TenantOption = "",
    output: OutputOption = None,
    context: ContextOption = None,
) -> None:
    """Has the roadside units of an area repeat a message until it ends or is withdrawn."""
    wanted = selector or node_pb2.NodeSelector()
    wanted.areas.extend([*map(_polygon, area or ()), *map(_circle, circle or ())])
    broadcast = broadcast_pb2.Broadcast(
        name=resource_name(name, "broadcasts"),
        tenant=resource_name(tenant, "tenants") if tenant else "",
        selector=wanted,
        message=message_in(file, profile),
        profile=profile,
        is_drill=drill,
        note=note,
        etag=etag,
    )
    if begin:
        broadcast.begin_time.CopyFrom(moment(begin, field="--begin"))
    if until:
        broadcast.end_time.CopyFrom(moment(until, field="--until"))
    request = broadcast_service_pb2.PublishBroadcastRequest(broadcast=broadcast)
    _print(run(lambda manager: manager.call(manager.broadcast.PublishBroadcast, request), context).broadcast, output)


@app.command("list")
@reported
def list_broadcasts(
    *,
    over: Annotated[bool, typer.Option("--over", help="Those that are over or withdrawn, too.")] = False,
    output: OutputOption = None,
    context: ContextOption = None,
) -> None:
    """Lists broadcasts, and how many units have said what."""
    request = broadcast_service_pb2.ListBroadcastsRequest(include_over=over)
    found = run(
        lambda manager: listed(manager, manager.broadcast.ListBroadcasts, request, lambda page: page.broadcasts),
        context,
    )
    print_listed("broadcasts", found, output, columns=COLUMNS, row=broadcast_row)


@app.command("show")
@reported
def show(
    broadcast: BroadcastArgument,
    *,
    pending: Annotated[bool, typer.Option("--pending", help="Only units of which nothing was heard.")] = False,
    output: OutputOption = None,
    context: ContextOption = None,
) -> None:
    """Shows one broadcast and what each unit says of it; units that are silent are listed with when they were heard."""
    name = resource_name(broadcast, "broadcasts")
    one = broadcast_service_pb2.GetBroadcastRequest(name=name)
    many = broadcast_service_pb2.ListBroadcastReceiptsRequest(broadcast=name, only_pending=pending)

    async def both(manager: ManagerClient) -> tuple[broadcast_pb2.Broadcast, list[broadcast_pb2.BroadcastReceipt]]:
        found = (await manager.call(manager.broadcast.GetBroadcast, one)).broadcast
        return found, await listed(manager, manager.broadcast.ListBroadcastReceipts, many, lambda page: page.receipts)

    found, receipts = run(both, context)
    if chosen_output(output) is Output.JSON:
        print_json({"broadcast": as_mapping(found), "receipts": list(map(as_mapping, receipts))})
        return
    _print(found, output)
    print_line("")
    print_table(RECEIPT_COLUMNS, map(receipt_row, receipts))


@app.command("withdraw")
@reported
def withdraw(broadcast: BroadcastArgument, output: OutputOption = None, context: ContextOption = None) -> None:
    """Takes a broadcast off the air everywhere; units that are away do so when they are back."""
    request = broadcast_service_pb2.WithdrawBroadcastRequest(name=resource_name(broadcast, "broadcasts"))
    _print(run(lambda manager: manager.call(manager.broadcast.WithdrawBroadcast, request), context).broadcast, output)


def broadcast_row(broadcast: broadcast_pb2.Broadcast) -> tuple[object, ...]:
    """What a list says of a broadcast."""
    counts = broadcast.counts
    return (
        resource_id(broadcast.name),
        short(broadcast_pb2.Broadcast.Kind.Name(broadcast.kind), "KIND_").upper(),
        short(broadcast_pb2.Broadcast.State.Name(broadcast.state), "STATE_"),
        "drill" if broadcast.is_drill else "",
        counts.node_count,
        counts.pending_count,
        counts.taken_count,
        counts.refused_count,
        counts.over_count,
        local_time(broadcast.begin_time),
        local_time(broadcast.end_time),
        resource_id(broadcast.author),
    )


def receipt_row(receipt: broadcast_pb2.BroadcastReceipt) -> tuple[object, ...]:
    """What the table says of one unit."""
    said = short(broadcast_pb2.BroadcastReport.State.Name(receipt.report.state), "STATE_").replace("_", " ")
    if not receipt.HasField("report"):
        said = "nothing" if receipt.is_pending else "was never told"
    elif receipt.is_pending:
        said = f"{said}, nothing since"
    return (
        resource_id(receipt.node),
        said,
        receipt.report.revision or "",
        local_time(receipt.receive_time),
        local_time(receipt.last_seen_time),
        receipt.report.reason,
    )


def _polygon(text: str) -> node_pb2.Area:
    return node_pb2.Area(corners=[_corner(*_numbers(each, 2, "--area")) for each in text.split()])


def _circle(text: str) -> node_pb2.Area:
    """A polygon around the circle: whoever is in the circle is in it."""
    latitude_deg, longitude_deg, radius_m = _numbers(text, 3, "--circle")
    if not 0 < radius_m <= 1e6 or abs(latitude_deg) > 89:  # noqa: PLR2004  # a circle is none at a pole
        raise InvalidArgumentError(f"--circle: {text!r} is no circle of at most 1,000,000 m away from the poles")
    reach_deg = radius_m / math.cos(math.pi / CIRCLE_CORNERS) / METRES_PER_DEGREE
    wide_deg = reach_deg / math.cos(math.radians(latitude_deg))
    turns = [2 * math.pi * corner / CIRCLE_CORNERS for corner in range(CIRCLE_CORNERS)]
    return node_pb2.Area(
        corners=[
            _corner(latitude_deg + reach_deg * math.sin(turn), longitude_deg + wide_deg * math.cos(turn))
            for turn in turns
        ]
    )


def _corner(latitude_deg: float, longitude_deg: float) -> node_pb2.Position:
    return node_pb2.Position(latitude_degrees=latitude_deg, longitude_degrees=longitude_deg)


def _numbers(text: str, count: int, option: str) -> list[float]:
    try:
        found = [float(each) for each in text.split(",")]
    except ValueError:
        found = []
    if len(found) != count or not all(map(math.isfinite, found)):
        raise InvalidArgumentError(f"{option}: {text[:80]!r} is not {count} numbers with ',' between them")
    return found


def _print(broadcast: broadcast_pb2.Broadcast, output: Output | None) -> None:
    if chosen_output(output) is Output.JSON:
        print_json(broadcast)
        return
    print_fields(
        {name.lower(): value for name, value in zip(COLUMNS, broadcast_row(broadcast), strict=True)}
        | {
            "revision": broadcast.revision,
            "changed": local_time(broadcast.update_time),
            "note": broadcast.note,
        }
    )
