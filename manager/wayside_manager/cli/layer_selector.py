"""The selector of a layer file.

    [selector]
    all = true                            # or any of the following, which are ANDed
    kinds = ["rsu"]
    labels = {road = "G98"}               # or ["road=G98"]
    nodes = ["rsu-1"]
    sites = ["k12"]
    corridors = ["g98", "g98 K12..K15+500", {corridor = "g98", from = 12000, to = "K15+500"}]
    groups = ["pilots"]
    models = ["WS-200"]
    versions = ["1.2.0"]
    geofences = ["old-town"]
    areas = [[[20.01, 110.30], [20.02, 110.30], [20.02, 110.31]]]    # latitude, longitude [degree]

Usage: `selector_message(mapping["selector"], wrong)`, where `wrong(field, what)` raises.
"""

from collections.abc import Callable, Mapping
from typing import NoReturn, TypeAlias

from wayside.errors import InvalidArgumentError
from wayside.v1 import node_pb2
from wayside_manager.api.node_messages import kind_value
from wayside_manager.cli.corridor_text import corridor_name, section, stake_m
from wayside_manager.cli.running import labels, resource_name
from wayside_manager.core.nodes import NodeKind

Wrong: TypeAlias = Callable[[str, str], NoReturn]
"""Says what is wrong with a field, and where it stands."""

_FIELDS = (
    "all",
    "nodes",
    "kinds",
    "labels",
    "sites",
    "corridors",
    "groups",
    "models",
    "versions",
    "geofences",
    "areas",
)
_SECTION_FIELDS = ("corridor", "from", "to")
_LATITUDE_MAX_DEG, _LONGITUDE_MAX_DEG = 90, 180
_PAIR = 2


def selector_message(value: object, wrong: Wrong) -> node_pb2.NodeSelector:
    """The selector in a table; an empty one is for the manager to refuse."""
    if not isinstance(value, dict) or not value:
        wrong("selector", f"name the nodes: a table with {', '.join(_FIELDS)}")
    fields = {("all" if key == "all_nodes" else key): each for key, each in value.items()}
    for key in fields:
        if key not in _FIELDS:
            wrong(f"selector.{key}", f"is not one of {', '.join(_FIELDS)}")
    if not isinstance(fields.get("all", False), bool):
        wrong("selector.all", "is true or false")
    return node_pb2.NodeSelector(
        all_nodes=bool(fields.get("all")),
        nodes=_names(fields, "nodes", wrong),
        kinds=[_kind(text, wrong) for text in _texts(fields, "kinds", wrong)],
        labels=_labels(fields.get("labels", []), wrong),
        sites=_names(fields, "sites", wrong),
        corridors=[_section(each, index, wrong) for index, each in enumerate(_list(fields, "corridors", wrong))],
        groups=_names(fields, "groups", wrong),
        models=_texts(fields, "models", wrong),
        versions=_texts(fields, "versions", wrong),
        geofences=_names(fields, "geofences", wrong),
        areas=[_area(each, index, wrong) for index, each in enumerate(_list(fields, "areas", wrong))],
    )


def _list(fields: Mapping[str, object], key: str, wrong: Wrong) -> list[object]:
    value = fields.get(key, [])
    if not isinstance(value, list):
        wrong(f"selector.{key}", "is a list, in square brackets")
    return value


def _texts(fields: Mapping[str, object], key: str, wrong: Wrong) -> list[str]:
    texts = []
    for each in _list(fields, key, wrong):
        if not isinstance(each, str) or not each:
            wrong(f"selector.{key}", f"{str(each)[:80]!r} is no name; write names in quotes")
        texts.append(each)
    return texts


def _names(fields: Mapping[str, object], key: str, wrong: Wrong) -> list[str]:
    return [resource_name(text, key) for text in _texts(fields, key, wrong)]


def _kind(text: str, wrong: Wrong) -> node_pb2.NodeKind.ValueType:
    try:
        return kind_value(NodeKind(text.lower().removeprefix("node_kind_")))
    except ValueError:
        wrong("selector.kinds", f"{text[:80]!r} is not one of {', '.join(NodeKind)}")


def _labels(value: object, wrong: Wrong) -> list[node_pb2.Label]:
    """`{road = "G98"}`, `["road=G98"]`, or `[{key = "road", value = "G98"}]` as the API prints it."""
    if isinstance(value, dict):
        value = [{"key": key, "value": each} for key, each in value.items()]
    if not isinstance(value, list):
        wrong("selector.labels", 'is a table such as {road = "G98"}')
    made = []
    for each in value:
        if isinstance(each, str):
            made += _label_of_text(each, wrong)
        elif (
            isinstance(each, dict)
            and set(each) == {"key", "value"}
            and all(isinstance(part, str) for part in each.values())
        ):
            made.append(node_pb2.Label(**each))
        else:
            wrong("selector.labels", f'{str(each)[:80]} is no label; write {{road = "G98"}}')
    return made


def _label_of_text(text: str, wrong: Wrong) -> list[node_pb2.Label]:
    try:
        return labels([text])
    except InvalidArgumentError:
        wrong("selector.labels", f"{text[:80]!r} is not KEY=VALUE")


def _section(value: object, index: int, wrong: Wrong) -> node_pb2.CorridorSection:
    field = f"selector.corridors[{index}]"
    try:
        if isinstance(value, str):
            return section(value, field=field)
        if not isinstance(value, dict) or not isinstance(value.get("corridor"), str) or not value["corridor"]:
            wrong(field, 'write "g98" or {corridor = "g98", from = 12000, to = "K15+500"}')
        unknown = [key for key in value if key not in _SECTION_FIELDS]
        if unknown:
            wrong(f"{field}.{unknown[0]}", f"is not one of {', '.join(_SECTION_FIELDS)}")
        made = node_pb2.CorridorSection(corridor=corridor_name(value["corridor"]))
        if "from" in value:
            made.begin_stake_meters = stake_m(value["from"], field=field)
        if "to" in value:
            made.end_stake_meters = stake_m(value["to"], field=field)
    except InvalidArgumentError as exc:
        if not exc.message.startswith(f"{field}: "):  # it names file and line already
            raise
        wrong(field, exc.message.removeprefix(f"{field}: "))
    return made


def _area(value: object, index: int, wrong: Wrong) -> node_pb2.Area:
    field = f"selector.areas[{index}]"
    if not isinstance(value, list):
        wrong(field, "is a list of corners, each [latitude, longitude]")
    corners = []
    for corner in value:
        if not isinstance(corner, list) or len(corner) != _PAIR or not all(map(_is_number, corner)):
            wrong(field, f"{str(corner)[:80]} is no corner; write [latitude, longitude] in degrees")
        latitude_deg, longitude_deg = corner
        if not (abs(latitude_deg) <= _LATITUDE_MAX_DEG and abs(longitude_deg) <= _LONGITUDE_MAX_DEG):
            wrong(field, f"{str(corner)[:80]} is outside -90 to 90 and -180 to 180; latitude comes first")
        corners.append(node_pb2.Position(latitude_degrees=latitude_deg, longitude_degrees=longitude_deg))
    return node_pb2.Area(corners=corners)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
