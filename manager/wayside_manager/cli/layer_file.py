"""A configuration layer as a file, TOML or JSON.

    name = "base"
    priority = 10
    [selector]
    all_nodes = true
    [config]
    report_period = "30s"

Fields are those of `wayside.v1.ConfigLayer` in protobuf JSON: durations are texts such as "30s". A kind may be written
"rsu", a tenant "city-a". Every error names file, field and, where it can be told, the line.
Usage: `read_layer(Path("base.toml"))`.
"""

import json
import re
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeAlias, cast

from google.protobuf.descriptor import Descriptor  # the stubs also offer the C class, which is registered as it
from google.protobuf.json_format import ParseDict, ParseError
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

from wayside.errors import InvalidArgumentError, NotFoundError
from wayside.v1 import config_service_pb2
from wayside_manager.cli.running import resource_name

FILE_MAX_BYTES = 1 << 20
_FIELDS = ("name", "tenant", "priority", "selector", "config", "etag")
_KINDS = {"rsu": "NODE_KIND_RSU", "obu": "NODE_KIND_OBU"}
Wrong: TypeAlias = Callable[[str, str], InvalidArgumentError]
_LEAVES = frozenset({"google.protobuf.Duration", "google.protobuf.Timestamp"})  # messages that are texts in JSON


def read_layer(path: Path) -> config_service_pb2.ConfigLayer:
    """The layer in a file.

    Raises: NotFoundError: no such file. InvalidArgumentError: naming file, line and field.
    """
    text = _text(path)
    mapping = _mapping(path, text)
    unknown = sorted(set(mapping) - set(_FIELDS))
    if unknown:
        raise _wrong(path, text, unknown[0], f"is not one of {', '.join(_FIELDS)}")
    if not isinstance(mapping.get("name"), str):
        raise InvalidArgumentError(f"{path}: name: give the layer a name")
    mapping["name"] = resource_name(str(mapping["name"]), "configLayers")
    if isinstance(mapping.get("tenant"), str):
        mapping["tenant"] = resource_name(str(mapping["tenant"]), "tenants")
    _spell_out(mapping)
    layer = config_service_pb2.ConfigLayer()
    _check(mapping, layer, "", lambda field, what: _wrong(path, text, field, what))
    ParseDict(mapping, layer)
    return layer


def _text(path: Path) -> str:
    try:
        if path.stat().st_size > FILE_MAX_BYTES:
            raise InvalidArgumentError(f"{path} has more than {FILE_MAX_BYTES} bytes; that is no layer")
        return path.read_text(encoding="utf-8")
    except FileNotFoundError as exc:
        raise NotFoundError(f"{path} is not there") from exc
    except (OSError, UnicodeDecodeError) as exc:
        raise InvalidArgumentError(f"{path} cannot be read as text: {exc}") from exc


def _mapping(path: Path, text: str) -> dict[str, object]:
    if path.suffix != ".json":
        return _parsed_toml(path, text)
    try:
        found = json.loads(text)
    except json.JSONDecodeError as exc:
        raise InvalidArgumentError(f"{path}: line {exc.lineno}: this is no JSON: {exc.msg}") from exc
    if not isinstance(found, dict):
        raise InvalidArgumentError(f"{path}: a layer is an object with {', '.join(_FIELDS)}")
    return found


def _parsed_toml(path: Path, text: str) -> dict[str, object]:
    """The TOML in a text; a mistake names file, line and the key on that line."""
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as exc:
        lines = text.splitlines() or [""]
        found = re.search(r"line (\d+)", str(exc))
        number = int(found[1]) if found else len(lines)  # "at end of document"
        key = re.match(r"\s*([\w.-]+)\s*=", lines[min(number, len(lines)) - 1])
        what = str(exc).partition(" (at")[0]
        place = f"line {number}: {key[1]}" if key else f"line {number}"
        raise InvalidArgumentError(f"{path}: {place}: this is no TOML: {what}") from exc


def _check(mapping: Mapping[str, object], message: Message, place: str, wrong: Wrong) -> None:
    """Finds the first field that cannot be parsed, and says which; protobuf itself names only the innermost."""
    for key, value in mapping.items():
        field = message.DESCRIPTOR.fields_by_name.get(key)
        where = f"{place}.{key}" if place else key
        if field is None:
            known = ", ".join(one.name for one in message.DESCRIPTOR.fields)
            raise wrong(where, f"is unknown; there are {known}")
        kind = field.message_type
        if kind is None or kind.full_name in _LEAVES:
            _check_leaf(key, value, type(message)(), where, wrong)
            continue
        for index, part in enumerate(value if isinstance(value, list) else [value]):
            at = f"{where}[{index}]" if isinstance(value, list) else where
            if not isinstance(part, Mapping):
                raise wrong(at, "is a table, not a single value")
            _check(part, GetMessageClass(cast("Descriptor", kind))(), at, wrong)
        _check_leaf(key, value, type(message)(), where, wrong)


def _check_leaf(key: str, value: object, message: Message, where: str, wrong: Wrong) -> None:
    try:
        ParseDict({key: value}, message)
    except (ParseError, ValueError, TypeError) as exc:
        shown = json.dumps(value, default=str)[:80]
        kind = message.DESCRIPTOR.fields_by_name[key].message_type
        if kind is not None and kind.full_name == "google.protobuf.Duration":
            raise wrong(where, f'cannot be {shown}: give seconds as a text, such as "30s" or "0.5s"') from exc
        raise wrong(where, f"cannot be {shown}: {str(exc).rpartition(': ')[2]}") from exc


def _wrong(path: Path, text: str, field: str, what: str) -> InvalidArgumentError:
    number = _line_of(text, field)
    line = f"line {number}: " if number else ""
    return InvalidArgumentError(f"{path}: {line}{field} {what}")


def _line_of(text: str, field: str) -> int:
    """The line that sets a field, by its last name below the header of its table; 0 when that cannot be told."""
    names = re.sub(r"\[\d+\]", "", field).split(".")
    key = re.compile(rf"""\s*["']?{re.escape(names[-1])}["']?\s*[=:]|\s*\[+[\w.]*{re.escape(names[-1])}\]+""")
    table = re.compile(rf"\s*\[+{re.escape(names[0])}[\].]") if len(names) > 1 else None
    is_inside = table is None
    for number, line in enumerate(text.splitlines(), start=1):
        is_inside = is_inside or bool(table and table.match(line))
        if is_inside and key.match(line):
            return number
    return 0


def _spell_out(mapping: Mapping[str, object]) -> None:
    selector = mapping.get("selector")
    if not isinstance(selector, dict):
        return
    for key, spelled in (("kinds", _kind), ("nodes", _node)):
        if isinstance(selector.get(key), list):
            selector[key] = [spelled(one) if isinstance(one, str) else one for one in selector[key]]


def _kind(text: str) -> str:
    return _KINDS.get(text, text)


def _node(text: str) -> str:
    return resource_name(text, "nodes")
