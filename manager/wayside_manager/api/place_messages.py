"""Positions, areas, sections of corridors and variables between records and messages.

Usage: `area(message, field="selector.areas")`; `variables(struct, field="site.variables")`; both have a way back.
"""

from collections.abc import Mapping

from google.protobuf.struct_pb2 import Struct

from wayside.names import corridor_id, corridor_name
from wayside.v1 import node_pb2
from wayside_manager.api.struct_values import mapping, struct
from wayside_manager.core.selectors import CorridorSection
from wayside_manager.core.site_checks import checked_variables

Corners = tuple[tuple[float, float], ...]


def area(message: node_pb2.Area) -> Corners:
    """Corners as latitude and longitude [degree]; `core.selectors.checked_selector` bounds them."""
    return tuple((corner.latitude_degrees, corner.longitude_degrees) for corner in message.corners)


def area_message(corners: Corners) -> node_pb2.Area:
    """Corners on the wire."""
    return node_pb2.Area(
        corners=[node_pb2.Position(latitude_degrees=one[0], longitude_degrees=one[1]) for one in corners]
    )


def section(message: node_pb2.CorridorSection, *, field: str) -> CorridorSection:
    """A corridor or a part of it from the wire.

    Raises: InvalidArgumentError: malformed name.
    """
    return CorridorSection(
        corridor_id(message.corridor, field=f"{field}.corridor"),
        message.begin_stake_meters if message.HasField("begin_stake_meters") else None,
        message.end_stake_meters if message.HasField("end_stake_meters") else None,
    )


def section_message(chosen: CorridorSection) -> node_pb2.CorridorSection:
    """A corridor or a part of it on the wire."""
    return node_pb2.CorridorSection(
        corridor=corridor_name(chosen.corridor_id),
        begin_stake_meters=chosen.begin_stake_m,
        end_stake_meters=chosen.end_stake_m,
    )


def variables(message: Struct, *, field: str) -> dict[str, str | int | float | bool]:
    """Variables from the wire.

    Raises: InvalidArgumentError: a malformed name, a value that is no text, number or truth value, or too many.
    """
    return checked_variables(mapping(message, field=field), field=field)


def variables_message(values: Mapping[str, str | int | float | bool]) -> Struct:
    """Variables on the wire."""
    return struct(values)
