"""Which nodes something is for, as options of the commands that name some.

@option_set("chosen", SelectorOptions)
def create(..., *, chosen: SelectorOptions) -> None:
    request = CreateRolloutRequest(selector=chosen.message())
"""

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from wayside.errors import InvalidArgumentError, NotFoundError
from wayside.v1 import node_pb2
from wayside_manager.api.node_messages import kind_value
from wayside_manager.cli.running import labels, resource_name
from wayside_manager.core.nodes import NodeKind

_PANEL = "Which nodes (options are ANDed, repeated ones ORed)"
_SECTION = re.compile(r"(?P<corridor>[^:]+)(?::(?P<begin>-?[0-9.]*)\.\.(?P<end>-?[0-9.]*))?\Z")
_FILE_MAX_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class SelectorOptions:
    """Options of a selector."""

    all_nodes: Annotated[bool, typer.Option("--all", help="Every node in service.", rich_help_panel=_PANEL)] = False
    node: Annotated[list[str] | None, typer.Option(help="This node.", rich_help_panel=_PANEL)] = None
    kind: Annotated[list[NodeKind] | None, typer.Option(help="Nodes of this kind.", rich_help_panel=_PANEL)] = None
    label: Annotated[
        list[str] | None, typer.Option(help="Nodes with KEY=VALUE; repeated: with all of them.", rich_help_panel=_PANEL)
    ] = None
    site: Annotated[list[str] | None, typer.Option(help="Nodes at this site.", rich_help_panel=_PANEL)] = None
    corridor: Annotated[
        list[str] | None,
        typer.Option(help="Nodes on this corridor, or between stakes: g98:12000..15500.", rich_help_panel=_PANEL),
    ] = None
    group: Annotated[list[str] | None, typer.Option(help="Nodes of this group.", rich_help_panel=_PANEL)] = None
    geofence: Annotated[
        list[str] | None, typer.Option(help="Nodes at sites inside this geofence.", rich_help_panel=_PANEL)
    ] = None
    area: Annotated[
        list[Path] | None,
        typer.Option(help="Nodes at sites inside the polygon of this GeoJSON file.", rich_help_panel=_PANEL),
    ] = None
    model: Annotated[list[str] | None, typer.Option(help="Nodes of this model.", rich_help_panel=_PANEL)] = None
    version: Annotated[list[str] | None, typer.Option(help="Nodes that run this version.", rich_help_panel=_PANEL)] = (
        None
    )

    def message(self) -> node_pb2.NodeSelector:
        """The selector; whether it names something is for the manager to say.

        Raises: NotFoundError: no such file; InvalidArgumentError: naming the option.
        """
        return node_pb2.NodeSelector(
            all_nodes=self.all_nodes,
            nodes=_names(self.node, "nodes"),
            kinds=map(kind_value, self.kind or ()),
            labels=labels(self.label or ()),
            sites=_names(self.site, "sites"),
            corridors=map(section, self.corridor or ()),
            groups=_names(self.group, "groups"),
            geofences=_names(self.geofence, "geofences"),
            areas=map(area, self.area or ()),
            models=self.model or (),
            versions=self.version or (),
        )


def section(text: str) -> node_pb2.CorridorSection:
    """A corridor `g98`, or the part of it between two stakes [m]: `g98:12000..15500`, `g98:12000..`, `g98:..15500`.

    Raises: InvalidArgumentError: naming the option.
    """
    match = _SECTION.match(text)
    if match is None:
        raise _no_corridor(text)
    made = node_pb2.CorridorSection(corridor=resource_name(match["corridor"], "corridors"))
    try:
        if match["begin"]:
            made.begin_stake_meters = float(match["begin"])
        if match["end"]:
            made.end_stake_meters = float(match["end"])
    except ValueError as exc:
        raise _no_corridor(text) from exc
    return made


def area(path: Path) -> node_pb2.Area:
    """The polygon in a GeoJSON file: a Polygon without holes, or a Feature with one.

    Raises: NotFoundError: no such file; InvalidArgumentError: naming the file.
    """
    try:
        if path.stat().st_size > _FILE_MAX_BYTES:
            raise InvalidArgumentError(
                f"{path} has more than {_FILE_MAX_BYTES} bytes; draw the area with fewer corners"
            )
        found = json.loads(path.read_text(encoding="utf-8"))
        geometry = found["geometry"] if found["type"] == "Feature" else found
        (ring,) = geometry["coordinates"] if geometry["type"] == "Polygon" else ()
        corners = [node_pb2.Position(longitude_degrees=corner[0], latitude_degrees=corner[1]) for corner in ring]
    except FileNotFoundError as exc:
        raise NotFoundError(f"{path} is not there; name the file with the area") from exc
    except OSError as exc:
        raise InvalidArgumentError(f"{path} cannot be read: {exc}") from exc
    except (ValueError, TypeError, LookupError, RecursionError) as exc:
        raise InvalidArgumentError(f"{path}: it is no GeoJSON Polygon without holes; draw the area as one") from exc
    # in GeoJSON the last corner repeats the first
    return node_pb2.Area(corners=corners[:-1] if len(corners) > 1 and corners[0] == corners[-1] else corners)


def _names(ids: Iterable[str] | None, collection: str) -> list[str]:
    return [resource_name(one, collection) for one in ids or ()]


def _no_corridor(text: str) -> InvalidArgumentError:
    return InvalidArgumentError(f"--corridor: {text!r} is no corridor; write g98 or g98:12000..15500")
