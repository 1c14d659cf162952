"""How values of configurations are printed: short in tables, whole in JSON, integers as integers.

Usage: `print_table(CHANGE_COLUMNS, map(change_row, group.values))`; `print_config_json(answer)`.
"""

import json
from collections.abc import Callable, Iterable

from google.protobuf import struct_pb2
from google.protobuf.json_format import MessageToDict
from google.protobuf.message import Message

from wayside.v1 import config_service_pb2
from wayside_manager.cli.output import as_mapping, print_json, print_line
from wayside_manager.cli.running import resource_id

CHANGE_COLUMNS = ("VALUE", "BEFORE", "AFTER", "SET BY")
SHORT_CHARS = 60
SHOWN_NODES = 5


def tidied(value: object) -> object:
    """The same JSON value with integral doubles as integers: a Struct knows only doubles."""
    if isinstance(value, dict):
        return {key: tidied(each) for key, each in value.items()}
    if isinstance(value, list):
        return [tidied(each) for each in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def print_config_json(message: Message) -> None:
    """A message as one JSON object."""
    mapping = tidied(as_mapping(message))
    print_json(mapping if isinstance(mapping, dict) else {})


def whole(message: Message, field: str) -> str:
    """The value of a field as JSON; `-` when it is not set."""
    if not message.HasField(field):
        return "-"
    plain = tidied(MessageToDict(getattr(message, field), preserving_proto_field_name=True))
    return json.dumps(plain, ensure_ascii=False)


def shortened(message: Message, field: str) -> str:
    """The same, cut after 60 characters."""
    text = whole(message, field)
    return text if len(text) <= SHORT_CHARS else f"{text[: SHORT_CHARS - 3]}..."


def variables_text(variables: struct_pb2.Struct) -> str:
    """`lanes=4, road=G98`: texts as they are, numbers and truth values as JSON."""
    plain = tidied(MessageToDict(variables))
    items = sorted(plain.items()) if isinstance(plain, dict) else ()
    return ", ".join(
        f"{name}={value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)}" for name, value in items
    )


def change_row(
    change: config_service_pb2.ConfigValueChange, *, shown: Callable[[Message, str], str] = shortened
) -> tuple[object, ...]:
    """Cells under `CHANGE_COLUMNS`."""
    return change.path, shown(change, "before"), shown(change, "after"), resource_id(change.layer)


def some(names: Iterable[str], count: int) -> str:
    """`3 nodes: rsu-1, rsu-2, rsu-3`; of many, the first few."""
    first = [resource_id(name) for name in names][:SHOWN_NODES]
    more = ", ..." if count > len(first) else ""
    return f"{count} {'node' if count == 1 else 'nodes'}: {', '.join(first)}{more}"


def print_effect(count: int, names: Iterable[str], rollout: str) -> None:
    """What a change of layers did, in a line or two."""
    print_line(f"changes {some(names, count)}" if count else "changes no node")
    if rollout:
        print_line(f"goes out by {rollout}; follow it with: wayside rollouts watch {resource_id(rollout)}")
