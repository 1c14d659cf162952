"""`wayside config`: apply, list, show, delete, effective."""

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import typer

from wayside.v1 import config_service_pb2, node_pb2
from wayside_manager.cli.layer_file import read_layer
from wayside_manager.cli.output import (
    Output,
    local_time,
    print_fields,
    print_json,
    print_line,
    set_fields,
    short,
)
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

COLUMNS = ("LAYER", "TENANT", "PRIORITY", "FOR", "CHANGED", "ETAG")

app = typer.Typer(no_args_is_help=True, help="Configuration: layers go in, one configuration per node comes out.")

LayerArgument = Annotated[str, typer.Argument(help="Layer, as base or configLayers/base.")]
EtagOption = Annotated[str, typer.Option(help="Refuse (exit 4) unless this is the present etag.")]


@app.command("apply")
@reported
def apply(
    file: Annotated[Path, typer.Option("--file", "-f", help="The layer: .toml or .json.")],
    tenant: TenantOption = "",
    etag: EtagOption = "",
    output: OutputOption = None,
    context: ContextOption = None,
) -> None:
    """Creates a layer or replaces it.

    The file has name, priority, perhaps tenant, [selector] and [config]; durations are texts such as "30s".
    """
    layer = read_layer(file)
    layer.etag = etag or layer.etag
    layer.tenant = resource_name(tenant, "tenants") if tenant else layer.tenant
    request = config_service_pb2.ApplyConfigLayerRequest(config_layer=layer)
    answer = run(lambda manager: manager.call(manager.config.ApplyConfigLayer, request), context)
    if chosen_output(output) is Output.JSON:
        print_json(answer)
    else:
        print_line(f"{resource_id(answer.config_layer.name)} is in force; {_changed(answer.changed_nodes)}")


@app.command("list")
@reported
def list_layers(output: OutputOption = None, context: ContextOption = None) -> None:
    """Lists layers in order of priority, then name."""
    request = config_service_pb2.ListConfigLayersRequest()
    layers = run(
        lambda manager: listed(manager, manager.config.ListConfigLayers, request, lambda page: page.config_layers),
        context,
    )
    print_listed("config_layers", layers, output, columns=COLUMNS, row=_row)


@app.command("show")
@reported
def show(layer: LayerArgument, output: OutputOption = None, context: ContextOption = None) -> None:
    """Shows one layer."""
    request = config_service_pb2.GetConfigLayerRequest(name=resource_name(layer, "configLayers"))
    found = run(lambda manager: manager.call(manager.config.GetConfigLayer, request), context).config_layer
    if chosen_output(output) is Output.JSON:
        print_json(found)
        return
    row = _row(found)
    print_fields({name.lower(): value for name, value in zip(COLUMNS, row, strict=True)})
    print_json(set_fields(found.config))


@app.command("delete")
@reported
def delete(
    layer: LayerArgument, etag: EtagOption = "", output: OutputOption = None, context: ContextOption = None
) -> None:
    """Deletes a layer."""
    request = config_service_pb2.DeleteConfigLayerRequest(name=resource_name(layer, "configLayers"), etag=etag)
    answer = run(lambda manager: manager.call(manager.config.DeleteConfigLayer, request), context)
    if chosen_output(output) is Output.JSON:
        print_json(answer)
    else:
        print_line(f"{layer} is deleted; {_changed(answer.changed_nodes)}")


@app.command("effective")
@reported
def effective(
    node: Annotated[str, typer.Argument(help="Node, as rsu-1 or nodes/rsu-1.")],
    output: OutputOption = None,
    context: ContextOption = None,
) -> None:
    """Shows what a node should run, merged from all layers, and what it says of it."""
    request = config_service_pb2.GetNodeConfigRequest(node=resource_name(node, "nodes"))
    answer = run(lambda manager: manager.call(manager.config.GetNodeConfig, request), context)
    if chosen_output(output) is Output.JSON:
        print_json(answer)
        return
    print_fields(
        {
            "revision": answer.revision,
            "running": answer.report.running_revision,
            "node says": short(node_pb2.ConfigReport.Outcome.Name(answer.report.outcome), "OUTCOME_"),
            "because": answer.report.message,
        }
    )
    print_json(set_fields(answer.config))


def _row(layer: config_service_pb2.ConfigLayer) -> tuple[object, ...]:
    return (
        resource_id(layer.name),
        resource_id(layer.tenant),
        layer.priority,
        described(layer.selector),
        local_time(layer.update_time),
        layer.etag,
    )


def described(selector: node_pb2.NodeSelector) -> str:
    """A selector in a few words."""
    if selector.all_nodes:
        return "all nodes"
    kinds = "|".join(short(node_pb2.NodeKind.Name(kind), "NODE_KIND_") for kind in selector.kinds)
    labels = ",".join(f"{label.key}={label.value}" for label in selector.labels)
    nodes = ",".join(resource_id(name) for name in selector.nodes)
    return " ".join(part for part in (kinds, labels, nodes) if part)


def _changed(names: Iterable[str]) -> str:
    nodes = [resource_id(name) for name in names]
    return f"changes {', '.join(nodes)}" if nodes else "changes no node"
