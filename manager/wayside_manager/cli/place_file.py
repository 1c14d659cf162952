"""Sites, corridors, groups and geofences as files, TOML or JSON; fields are those of `wayside.v1`.

    name = "g98"                                     # a corridor
    max_in_flight_percent = 20
    sites = [{site = "k12", stake = "K12+300"}, {site = "k15", stake_meters = 15000}]

    name = "k12"                                     # a site
    kind = "intersection"
    position = {latitude = 20.02, longitude = 110.35}
    variables = {broker = "10.2.0.1"}

A group has `nodes` or a `selector` as in a layer file; a geofence has its GeoJSON under `geometry`. Several of a
kind are a list under the plural: `[[sites]]`. Usage: `read_places(Path("k12.toml"), "sites", site_pb2.Site)`.
"""

import json
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import NoReturn, TypeVar

from google.protobuf.json_format import ParseDict, ParseError
from google.protobuf.message import Message

from wayside.errors import InvalidArgumentError
from wayside_manager.cli.corridor_text import stake_m
from wayside_manager.cli.layer_selector import selector_message
from wayside_manager.cli.running import resource_name
from wayside_manager.cli.text_file import read_text

FILE_MAX_BYTES = 16 << 20
_ENUMS = {"sites": "SITE_KIND_", "geofences": "KIND_"}
Place = TypeVar("Place", bound=Message)


def read_places(path: Path, collection: str, kind: type[Place]) -> list[Place]:
    """The places in a file.

    Raises: NotFoundError: no such file; InvalidArgumentError: naming file and field.
    """
    found = _mapping(path)
    several = found.get(collection)
    rows = several if isinstance(several, list) and "name" not in found else [found]
    places = []
    for index, row in enumerate(rows):
        place = f"{path}: {collection}[{index}]" if rows is several else f"{path}"
        if not isinstance(row, dict) or not isinstance(row.get("name"), str):
            raise InvalidArgumentError(f"{place}: name: give it a name")
        places.append(_filled(_spelt(dict(row), collection, place), kind(), place))
    return places


def _mapping(path: Path) -> dict[str, object]:
    is_toml = path.suffix.lower() == ".toml"
    text = read_text(path, max_bytes=FILE_MAX_BYTES)
    try:
        found = tomllib.loads(text) if is_toml else json.loads(text)
    except (ValueError, RecursionError) as exc:
        raise InvalidArgumentError(f"{path}: this is no {'TOML' if is_toml else 'JSON'}: {str(exc)[:200]}") from exc
    if not isinstance(found, dict):
        raise InvalidArgumentError(f"{path}: give an object with the fields of one, or a list under the plural")
    return found


def _spelt(row: dict[str, object], collection: str, place: str) -> dict[str, object]:
    """The fields as protobuf has them, from the short ways to write them."""
    row["name"] = resource_name(str(row["name"]), collection)
    if isinstance(row.get("tenant"), str):
        row["tenant"] = resource_name(str(row["tenant"]), "tenants")
    if collection in _ENUMS and isinstance(row.get("kind"), str):
        word = str(row["kind"]).upper().replace("-", "_")
        row["kind"] = word if word.startswith(_ENUMS[collection]) else f"{_ENUMS[collection]}{word}"
    position = row.get("position")
    if isinstance(position, dict):
        row["position"] = {
            f"{key}_degrees" if key in {"latitude", "longitude"} else key: value for key, value in position.items()
        }
    if isinstance(row.get("nodes"), list):
        row["nodes"] = _names(row["nodes"], "nodes")
    if collection == "corridors" and isinstance(row.get("sites"), list):
        row["sites"] = [
            _corridor_site(site, f"{place}: sites[{index}]") for index, site in enumerate(_list(row["sites"]))
        ]
    if "geometry" in row:
        row["geometry_json"] = json.dumps(row.pop("geometry"))
    return row


def _list(value: object) -> list[object]:
    return value if isinstance(value, list) else []


def _names(values: object, collection: str) -> list[object]:
    return [resource_name(value, collection) if isinstance(value, str) else value for value in _list(values)]


def _corridor_site(site: object, place: str) -> Mapping[str, object]:
    if not isinstance(site, dict):
        raise InvalidArgumentError(f'{place}: write {{site = "k12", stake = "K12+300"}}')
    spelt: dict[str, object] = {"site": resource_name(str(site.get("site", "")), "sites")}
    spelt |= {key: value for key, value in site.items() if key not in {"site", "stake"}}
    if "stake" in site:
        spelt["stake_meters"] = stake_m(site["stake"], field=f"{place}.stake")
    return spelt


def _filled(row: dict[str, object], message: Place, place: str) -> Place:
    def wrong(field: str, what: str) -> NoReturn:
        raise InvalidArgumentError(f"{place}: {field} {what}")

    for key, value in row.items():
        field = message.DESCRIPTOR.fields_by_name.get(key)
        if field is None:
            wrong(key, f"is unknown; there are {', '.join(one.name for one in message.DESCRIPTOR.fields)}")
        if key == "selector":
            message.MergeFrom(type(message)(selector=selector_message(value, wrong)))
            continue
        try:
            ParseDict({key: value}, message)
        except (ParseError, ValueError, TypeError) as exc:
            shown = json.dumps(value, default=str)[:80]
            raise InvalidArgumentError(
                f"{place}: {key} cannot be {shown}: {str(exc).rpartition(': ')[2][:200]}"
            ) from exc
    return message
