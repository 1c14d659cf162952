"""`wayside nodes`: list, show, story, update, retire, revoke, watch, token."""

from typing import Annotated

import typer
from google.protobuf.field_mask_pb2 import FieldMask

from wayside.errors import InvalidArgumentError
from wayside.v1 import fleet_service_pb2, node_pb2
from wayside_manager.api.node_messages import kind_value, presence_value
from wayside_manager.cli import admission
from wayside_manager.cli.asking import YesOption, ask_first
from wayside_manager.cli.client import ManagerClient
from wayside_manager.cli.node_screen import print_screen, screen
from wayside_manager.cli.node_story import story
from wayside_manager.cli.node_table import NODE_COLUMNS, node_row, print_change, print_node
from wayside_manager.cli.output import Output
from wayside_manager.cli.running import (
    ContextOption,
    KindOption,
    LabelOption,
    OutputOption,
    chosen_output,
    labels,
    listed,
    print_listed,
    reported,
    resource_name,
    run,
    variables,
)
from wayside_manager.core.nodes import NodeKind, NodeState
from wayside_manager.core.presence import Presence

app = typer.Typer(no_args_is_help=True, help="Nodes: roadside and on-board units.")

NodeArgument = Annotated[str, typer.Argument(help="Node, as rsu-1 or nodes/rsu-1.")]
EtagOption = Annotated[str, typer.Option(help="Refuse (exit 4) unless this is the present etag.")]
PresenceOption = Annotated[list[Presence] | None, typer.Option(help="Only with this presence; repeat for more.")]
SiteOption = Annotated[str, typer.Option(help="Only at this site.")]
StateOption = Annotated[list[NodeState] | None, typer.Option(help="Only in this state; default: any but retired.")]


@app.command("list")
@reported
def list_nodes(
    *,
    kind: KindOption = None,
    presence: PresenceOption = None,
    label: LabelOption = None,
    site: SiteOption = "",
    state: StateOption = None,
    tenant: Annotated[str, typer.Option(help="Only of this tenant, without those below it.")] = "",
    output: OutputOption = None,
    context: ContextOption = None,
) -> None:
    """Lists nodes in order of their names."""
    request = fleet_service_pb2.ListNodesRequest(filter=_filter(kind, presence, label, site, state))
    nodes = run(
        lambda manager: listed(manager, manager.fleet.ListNodes, request, lambda page: page.nodes),
        context,
    )
    wanted = resource_name(tenant, "tenants") if tenant else ""
    shown = [node for node in nodes if wanted in {"", node.tenant}]
    print_listed("nodes", shown, output, columns=NODE_COLUMNS, row=node_row)


@app.command("show")
@reported
def show(node: NodeArgument, output: OutputOption = None, context: ContextOption = None) -> None:
    """Explains one node on a screen: how it is, why and since when, and what went just before. JSON: the node alone."""
    name = resource_name(node, "nodes")
    if chosen_output(output) is Output.JSON:
        request = fleet_service_pb2.GetNodeRequest(name=name)
        print_node(run(lambda manager: manager.call(manager.fleet.GetNode, request), context).node, output)
    else:
        print_screen(run(lambda manager: screen(manager, name), context))


app.command("story")(story)


@app.command("update")
@reported
def update(  # noqa: PLR0913  # one option for each thing that changes
    node: NodeArgument,
    *,
    display_name: Annotated[str | None, typer.Option(help="What people call it.")] = None,
    site: Annotated[str | None, typer.Option(help="Where it stands. An empty text: nowhere in particular.")] = None,
    variable: Annotated[
        list[str] | None,
        typer.Option(help="NAME=VALUE for its configuration; repeat; replaces all. An empty text clears them."),
    ] = None,
    label: Annotated[
        list[str] | None, typer.Option(help="KEY=VALUE; repeat; replaces all labels. An empty text clears them.")
    ] = None,
    tenant: Annotated[str | None, typer.Option(help="Who owns it.")] = None,
    etag: EtagOption = "",
    output: OutputOption = None,
    context: ContextOption = None,
) -> None:
    """Changes display name, site, labels, tenant or variables."""
    given = {"display_name": display_name, "site": site, "labels": label, "tenant": tenant, "variables": variable}
    paths = [name for name, value in given.items() if value is not None]
    if not paths:
        raise InvalidArgumentError("give at least one of --display-name, --site, --label, --tenant and --variable")
    changed = node_pb2.Node(
        name=resource_name(node, "nodes"),
        display_name=display_name or "",
        site=resource_name(site, "sites") if site else "",
        variables=variables(filter(None, variable or ())),
        labels=labels(filter(None, label or ())),
        tenant=resource_name(tenant, "tenants") if tenant else "",
        etag=etag,
    )
    request = fleet_service_pb2.UpdateNodeRequest(node=changed, update_mask=FieldMask(paths=paths))
    print_node(run(lambda manager: manager.call(manager.fleet.UpdateNode, request), context).node, output)


@app.command("retire")
@reported
def retire(
    node: NodeArgument,
    yes: YesOption = False,
    etag: EtagOption = "",
    output: OutputOption = None,
    context: ContextOption = None,
) -> None:
    """Takes a node out of service for good. Asks first when a person is at the terminal."""
    ask_first(f"Take {node} out of service for good?", yes=yes)
    request = fleet_service_pb2.RetireNodeRequest(name=resource_name(node, "nodes"), etag=etag)
    print_node(run(lambda manager: manager.call(manager.fleet.RetireNode, request), context).node, output)


@app.command("revoke")
@reported
def revoke(
    node: NodeArgument,
    yes: YesOption = False,
    etag: EtagOption = "",
    output: OutputOption = None,
    context: ContextOption = None,
) -> None:
    """Takes a node's certificates back, for a unit that was stolen or copied; another unit can enrol in its place."""
    ask_first(f"Take the certificates of {node} back?", yes=yes)
    request = fleet_service_pb2.RevokeNodeRequest(name=resource_name(node, "nodes"), etag=etag)
    print_node(run(lambda manager: manager.call(manager.fleet.RevokeNode, request), context).node, output)


@app.command("watch")
@reported
def watch(
    *,
    kind: KindOption = None,
    presence: PresenceOption = None,
    label: LabelOption = None,
    site: SiteOption = "",
    count: Annotated[int, typer.Option(min=0, help="End after so many changes; 0: go on until Ctrl-C.")] = 0,
    output: OutputOption = None,
    context: ContextOption = None,
) -> None:
    """Shows nodes now and whenever they change; with json, one object per line."""
    request = fleet_service_pb2.WatchNodesRequest(filter=_filter(kind, presence, label, site, None))

    async def watched(manager: ManagerClient) -> None:
        seen_count = 0
        async for answer in manager.watch(manager.fleet.WatchNodes, request):
            print_change(answer.node, output)
            seen_count += 1
            if seen_count == count:
                return

    run(watched, context)


admission.add_to(app)


def _filter(
    kinds: list[NodeKind] | None,
    presences: list[Presence] | None,
    label: list[str] | None,
    site: str,
    states: list[NodeState] | None,
) -> fleet_service_pb2.NodeFilter:
    return fleet_service_pb2.NodeFilter(
        kinds=map(kind_value, kinds or ()),
        presences=map(presence_value, presences or ()),
        labels=labels(label or ()),
        site=resource_name(site, "sites") if site else "",
        states=[node_pb2.Node.State.Value(f"STATE_{state.name}") for state in states or ()],
    )
