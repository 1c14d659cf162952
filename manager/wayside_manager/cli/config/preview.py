"""`wayside config preview|diff`: what would change, and what differs between two configurations of a node."""

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Annotated

import typer
from google.protobuf.message import Message

from wayside.errors import InvalidArgumentError
from wayside.v1 import config_service_pb2, node_pb2
from wayside_manager.api.config_messages import change_message
from wayside_manager.api.struct_values import mapping
from wayside_manager.cli.client import ManagerClient
from wayside_manager.cli.config.values import (
    CHANGE_COLUMNS,
    change_row,
    print_config_json,
    shortened,
    some,
    whole,
)
from wayside_manager.cli.layer_file import LayerFile, read_layers
from wayside_manager.cli.output import Output, print_line, print_table
from wayside_manager.cli.running import (
    ContextOption,
    OutputOption,
    TenantOption,
    chosen_output,
    reported,
    resource_name,
    run,
)
from wayside_manager.cli.selector_options import naming_nodes
from wayside_manager.core.config_diff import value_changes

MaybeFilesOption = Annotated[
    list[Path] | None, typer.Option("--file", "-f", help="A layer as it would be, .toml or .json; repeat for more.")
]
DeletedOption = Annotated[
    list[str] | None, typer.Option("--delete", help="A layer that would be deleted; repeat for more.")
]


@reported
@naming_nodes
def preview(
    node_name: Annotated[str, typer.Argument(metavar="[NODE]", help="Only this node.")] = "",
    *,
    selector: node_pb2.NodeSelector | None,
    file: MaybeFilesOption = None,
    delete: DeletedOption = None,
    tenant: TenantOption = "",
    output: OutputOption = None,
    context: ContextOption = None,
) -> None:
    """Tells what would change if layers were applied or deleted, equal changes together; nothing does.

    Without layers: what nodes have still to change.
    """
    files = read_layers(file or [], tenant=tenant)
    chosen = _narrowed(selector, node_name)
    print_preview(run(lambda manager: previewed(manager, files, delete or (), chosen), context), output)


@reported
def diff(
    node: Annotated[str, typer.Argument(help="Node, as rsu-1 or nodes/rsu-1.")] = "",
    *,
    before: Annotated[int, typer.Option("--from", min=0, help="Revision; 0: the one that runs.")] = 0,
    after: Annotated[int, typer.Option("--to", min=0, help="Revision; 0: the one the layers ask for.")] = 0,
    file: MaybeFilesOption = None,
    tenant: TenantOption = "",
    output: OutputOption = None,
    context: ContextOption = None,
) -> None:
    """Tells what differs between two configurations of a node; with -f, as preview, with values in full length."""
    if not node and not file:
        raise InvalidArgumentError("name a node, or a layer with -f")
    if file:
        chosen = _narrowed(None, node)
        files = read_layers(file, tenant=tenant)
        answer = run(lambda manager: previewed(manager, files, (), chosen), context)
        print_preview(answer, output, shown=whole)
        return
    changes = run(lambda manager: _between(manager, resource_name(node, "nodes"), before, after), context)
    if chosen_output(output) is Output.JSON:
        print_config_json(changes)
    else:
        print_table(CHANGE_COLUMNS[:3], (change_row(change, shown=whole)[:3] for change in changes.values))


async def previewed(
    manager: ManagerClient,
    files: Sequence[LayerFile],
    deleted: Sequence[str] = (),
    selector: node_pb2.NodeSelector | None = None,
) -> config_service_pb2.PreviewConfigResponse:
    """What the manager says would change.

    Raises: WaysideError: what it answered; of a single file, with its place.
    """
    request = config_service_pb2.PreviewConfigRequest(
        config_layers=[each.layer for each in files],
        deleted_layers=[resource_name(each, "configLayers") for each in deleted],
        selector=selector,
    )
    if len(files) != 1:
        return await manager.call(manager.config.PreviewConfig, request)
    with files[0].located():
        return await manager.call(manager.config.PreviewConfig, request)


def print_preview(
    answer: config_service_pb2.PreviewConfigResponse,
    output: Output | None,
    *,
    shown: Callable[[Message, str], str] = shortened,
) -> None:
    """Counts, then each group of equal changes and of equal refusals; exit 1 when anything is refused."""
    if chosen_output(output) is Output.JSON:
        print_config_json(answer)
    else:
        refused = f", {answer.refused_node_count} would refuse" if answer.refused_node_count else ""
        print_line(f"{answer.changed_node_count} of {answer.node_count} nodes would change{refused}")
        for group in answer.changes:
            print_line(f"\n{some(group.nodes, group.node_count)}")
            print_table(CHANGE_COLUMNS, map(partial(change_row, shown=shown), group.values))
        for refusal in answer.refusals:
            version = f" (version {refusal.version})" if refusal.version else ""
            who = (
                f"{some(refusal.nodes, refusal.node_count)} would refuse" if refusal.node_count else "no version allows"
            )
            print_line(f"\n{who}{version}")
            for problem in refusal.problems:
                print_line(f"  {problem}")
    if answer.refusals:
        raise typer.Exit(1)


async def _between(manager: ManagerClient, node: str, before: int, after: int) -> config_service_pb2.ConfigChangeGroup:
    """What differs between two revisions; revision 0 stands for the one that runs, and the one that is asked for."""

    async def at(revision: int) -> config_service_pb2.GetNodeConfigResponse:
        request = config_service_pb2.GetNodeConfigRequest(node=node, revision=revision)
        return await manager.call(manager.config.GetNodeConfig, request)

    wanted = await at(after)
    first = before or wanted.running_revision
    # a unit that never ran a configuration runs its defaults
    former = mapping((await at(first)).config, field="config") if first else {}
    return config_service_pb2.ConfigChangeGroup(
        values=map(change_message, value_changes(former, mapping(wanted.config, field="config"))),
        node_count=1,
        nodes=[node],
    )


def _narrowed(selector: node_pb2.NodeSelector | None, node: str) -> node_pb2.NodeSelector | None:
    """The selector, or the one node that is named."""
    if not node:
        return selector
    if selector is not None:
        raise InvalidArgumentError("name one node, or several with options; not both")
    return node_pb2.NodeSelector(nodes=[resource_name(node, "nodes")])
