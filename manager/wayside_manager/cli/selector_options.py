"""Options that name nodes, the same for every command: `--all --node --kind --label --site --corridor ...`.

    @app.command("drift")
    @reported
    @naming_nodes
    def drift(*, selector: node_pb2.NodeSelector | None, output: OutputOption = None) -> None: ...

`@naming_nodes` gives the command the options and hands it one selector, `None` when none of them was used. How a part
of a corridor is written, `corridor_text` says.
"""

import functools
import inspect
from collections.abc import Callable, Mapping
from typing import Annotated, Any

import typer

from wayside.v1 import node_pb2
from wayside_manager.api.node_messages import kind_value
from wayside_manager.cli.corridor_text import section
from wayside_manager.cli.running import KindOption, LabelOption, labels, resource_name

AllOption = Annotated[bool, typer.Option("--all", help="Every node that is not retired.")]
NodeOption = Annotated[list[str] | None, typer.Option("--node", help="Only this node; repeat for more.")]
SiteOption = Annotated[list[str] | None, typer.Option("--site", help="Only nodes at this site; repeat for more.")]
CorridorOption = Annotated[
    list[str] | None,
    typer.Option("--corridor", help="Only nodes along this corridor, or a part: g98:K12..K15+500; repeat for more."),
]
GroupOption = Annotated[list[str] | None, typer.Option("--group", help="Only nodes of this group; repeat for more.")]
ModelOption = Annotated[list[str] | None, typer.Option("--model", help="Only nodes of this model; repeat for more.")]
RunningVersionOption = Annotated[
    list[str] | None, typer.Option("--version", help="Only nodes that run this version; repeat for more.")
]
GeofenceOption = Annotated[
    list[str] | None, typer.Option("--geofence", help="Only nodes inside this geofence; repeat for more.")
]

_OPTIONS: Mapping[str, Any] = {
    "all_nodes": AllOption,
    "node": NodeOption,
    "kind": KindOption,
    "label": LabelOption,
    "site": SiteOption,
    "corridor": CorridorOption,
    "group": GroupOption,
    "model": ModelOption,
    "version": RunningVersionOption,
    "geofence": GeofenceOption,
}


def naming_nodes(command: Callable[..., None]) -> Callable[..., None]:
    """The command with the options above in place of its parameter `selector`."""
    signature = inspect.signature(command)
    own = [each for name, each in signature.parameters.items() if name != "selector"]
    added = [
        inspect.Parameter(
            name, inspect.Parameter.KEYWORD_ONLY, default=False if name == "all_nodes" else None, annotation=option
        )
        for name, option in _OPTIONS.items()
        if name not in signature.parameters  # a command may mean something else by one of them
    ]

    @functools.wraps(command)
    def wrapped(*args: Any, **kwargs: Any) -> None:  # noqa: ANN401  # whatever the command takes
        given = {each.name: kwargs.pop(each.name, None) for each in added}
        command(*args, selector=chosen(**given), **kwargs)

    wrapped.__signature__ = signature.replace(  # type: ignore[attr-defined]  # what inspect and typer look at
        parameters=sorted([*own, *added], key=lambda each: each.kind)
    )
    return wrapped


def chosen(*, all_nodes: bool | None = False, **given: list[Any] | None) -> node_pb2.NodeSelector | None:
    """What the options say; `None`: none was given.

    Raises: InvalidArgumentError: naming the option.
    """
    selector = node_pb2.NodeSelector(
        all_nodes=bool(all_nodes),
        nodes=_names(given.get("node"), "nodes"),
        kinds=map(kind_value, given.get("kind") or ()),
        labels=labels(given.get("label") or ()),
        sites=_names(given.get("site"), "sites"),
        corridors=[section(each, field="--corridor") for each in given.get("corridor") or ()],
        groups=_names(given.get("group"), "groups"),
        models=given.get("model") or (),
        versions=given.get("version") or (),
        geofences=_names(given.get("geofence"), "geofences"),
    )
    return selector if selector.ByteSize() else None


def _names(ids: list[str] | None, collection: str) -> list[str]:
    return [resource_name(each, collection) for each in ids or ()]
