"""`wayside config apply|layers|get|delete|history|rollback`: what operators do with layers."""

from pathlib import Path
from typing import Annotated

import typer
from google.protobuf.json_format import MessageToDict

from wayside.errors import NotFoundError
from wayside.v1 import config_service_pb2
from wayside_manager.cli import rollouts
from wayside_manager.cli.asking import YesOption, ask_first
from wayside_manager.cli.client import ManagerClient
from wayside_manager.cli.config.preview import previewed, print_preview
from wayside_manager.cli.config.values import print_config_json, print_effect, tidied
from wayside_manager.cli.layer_file import read_layers
from wayside_manager.cli.option_sets import option_set
from wayside_manager.cli.output import Output, as_mapping, local_time, print_fields, print_json, print_line
from wayside_manager.cli.plan_options import PlanOptions
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
from wayside_manager.cli.selector_words import described

COLUMNS = ("LAYER", "TENANT", "PRIORITY", "FOR", "CHANGED", "REVISION")
HISTORY_COLUMNS = ("REVISION", "WHEN", "BY", "PRIORITY", "FOR", "ROLLOUT", "COMMENT")

FilesOption = Annotated[list[Path], typer.Option("--file", "-f", help="A layer, .toml or .json; repeat for more.")]
LayerArgument = Annotated[str, typer.Argument(help="Layer, as base or configLayers/base.")]
EtagOption = Annotated[str, typer.Option(help="Refuse (exit 4) unless this is the present etag.")]
WatchOption = Annotated[bool, typer.Option("--watch", help="Follow the rollout; exit 1 unless it succeeds.")]


@reported
@option_set("plan", PlanOptions)
def apply(  # noqa: PLR0913  # one parameter per option
    file: FilesOption,
    *,
    plan: PlanOptions,
    comment: Annotated[str, typer.Option(help="Why, for the history.")] = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only tell what would change.")] = False,
    watch: WatchOption = False,
    tenant: TenantOption = "",
    etag: EtagOption = "",
    output: OutputOption = None,
    context: ContextOption = None,
) -> None:
    """Creates layers or replaces them; each change reaches its nodes by a rollout.

    A file has name, priority, perhaps tenant and unset, and the tables selector and config.
    """
    files = read_layers(file, tenant=tenant, etag=etag)
    wanted = plan.message()
    if dry_run:
        print_preview(run(lambda manager: previewed(manager, files), context), output)
        return

    async def applied(manager: ManagerClient) -> list[config_service_pb2.ApplyConfigLayerResponse]:
        answers = []
        for each in files:
            request = config_service_pb2.ApplyConfigLayerRequest(config_layer=each.layer, plan=wanted, comment=comment)
            with each.located():
                answers.append(await manager.call(manager.config.ApplyConfigLayer, request))
        return answers

    answers = run(applied, context)
    _print_applied(answers, output)
    if watch:
        for answer in answers:
            if answer.rollout:
                rollouts.watch(answer.rollout, output, context)


@reported
def list_layers(output: OutputOption = None, context: ContextOption = None) -> None:
    """Lists layers in order of priority, then name."""
    request = config_service_pb2.ListConfigLayersRequest()
    layers = run(
        lambda manager: listed(manager, manager.config.ListConfigLayers, request, lambda page: page.config_layers),
        context,
    )
    print_listed("config_layers", layers, output, columns=COLUMNS, row=_row)


@reported
def get(layer: LayerArgument, output: OutputOption = None, context: ContextOption = None) -> None:
    """Shows one layer."""
    request = config_service_pb2.GetConfigLayerRequest(name=resource_name(layer, "configLayers"))
    found = run(lambda manager: manager.call(manager.config.GetConfigLayer, request), context).config_layer
    if chosen_output(output) is Output.JSON:
        print_config_json(found)
        return
    print_fields({name.lower(): value for name, value in zip(COLUMNS, _row(found), strict=True)})
    values = tidied(MessageToDict(found.config))
    print_json(values if isinstance(values, dict) else {})


@reported
@option_set("plan", PlanOptions)
def delete(
    layer: LayerArgument,
    *,
    plan: PlanOptions,
    yes: YesOption = False,
    watch: WatchOption = False,
    etag: EtagOption = "",
    output: OutputOption = None,
    context: ContextOption = None,
) -> None:
    """Deletes a layer; its history stays. Asks first when a person is at the terminal."""
    ask_first(f"Delete the layer {layer}?", yes=yes)
    request = config_service_pb2.DeleteConfigLayerRequest(
        name=resource_name(layer, "configLayers"), etag=etag, plan=plan.message()
    )
    answer = run(lambda manager: manager.call(manager.config.DeleteConfigLayer, request), context)
    if chosen_output(output) is Output.JSON:
        print_json(answer)
    else:
        print_line(f"{resource_id(request.name)} is deleted")
        print_effect(answer.changed_node_count, answer.changed_nodes, answer.rollout)
    if watch and answer.rollout:
        rollouts.watch(answer.rollout, output, context)


@reported
def history(layer: LayerArgument, output: OutputOption = None, context: ContextOption = None) -> None:
    """Lists what a layer was, newest first; also of one that was deleted."""
    request = config_service_pb2.ListConfigLayerRevisionsRequest(name=resource_name(layer, "configLayers"))
    revisions = run(
        lambda manager: listed(manager, manager.config.ListConfigLayerRevisions, request, lambda page: page.revisions),
        context,
    )
    print_listed("revisions", revisions, output, columns=HISTORY_COLUMNS, row=_revision_row)


@reported
@option_set("plan", PlanOptions)
def rollback(
    layer: LayerArgument,
    *,
    plan: PlanOptions,
    to: Annotated[int, typer.Option(min=0, help="Revision, as in its history; 0: the one before the present.")] = 0,
    watch: WatchOption = False,
    etag: EtagOption = "",
    output: OutputOption = None,
    context: ContextOption = None,
) -> None:
    """Makes a layer again what it was; one that was deleted comes back."""
    name = resource_name(layer, "configLayers")

    async def rolled_back(manager: ManagerClient) -> config_service_pb2.RollbackConfigLayerResponse:
        request = config_service_pb2.RollbackConfigLayerRequest(
            name=name, revision=to or await _one_before(manager, name), etag=etag, plan=plan.message()
        )
        return await manager.call(manager.config.RollbackConfigLayer, request)

    answer = run(rolled_back, context)
    if chosen_output(output) is Output.JSON:
        print_config_json(answer)
    else:
        changed = answer.config_layer
        print_line(f"{resource_id(changed.name)} is what it was, now as revision {changed.revision}")
        print_effect(answer.changed_node_count, answer.changed_nodes, answer.rollout)
    if watch and answer.rollout:
        rollouts.watch(answer.rollout, output, context)


async def _one_before(manager: ManagerClient, name: str) -> int:
    """The revision before the present one, by its number: what a second person grants must not move meanwhile."""
    request = config_service_pb2.ListConfigLayerRevisionsRequest(name=name, page_size=2)
    revisions = (await manager.call(manager.config.ListConfigLayerRevisions, request)).revisions
    if len(revisions) <= 1:
        raise NotFoundError(f"{name} has never been anything else; see its history")
    return revisions[1].config_layer.revision


def _print_applied(answers: list[config_service_pb2.ApplyConfigLayerResponse], output: Output | None) -> None:
    if chosen_output(output) is not Output.JSON:
        for answer in answers:
            layer = answer.config_layer
            print_line(f"{resource_id(layer.name)} is in force as revision {layer.revision}")
            print_effect(answer.changed_node_count, answer.changed_nodes, answer.rollout)
    elif len(answers) == 1:
        print_config_json(answers[0])
    else:
        print_json({"applied": [tidied(as_mapping(answer)) for answer in answers]})


def _row(layer: config_service_pb2.ConfigLayer) -> tuple[object, ...]:
    return (
        resource_id(layer.name),
        resource_id(layer.tenant),
        layer.priority,
        described(layer.selector),
        local_time(layer.update_time),
        layer.revision,
    )


def _revision_row(revision: config_service_pb2.ConfigLayerRevision) -> tuple[object, ...]:
    layer = revision.config_layer
    return (
        layer.revision,
        local_time(layer.update_time),
        resource_id(revision.author),
        layer.priority,
        "deleted" if revision.is_deletion else described(layer.selector),
        resource_id(revision.rollout),
        revision.comment,
    )
