"""JSON values between plain Python and the well-known messages `Struct` and `Value`.

A Struct knows only doubles; what is integral becomes an int again, because a schema and a hash tell 30 from 30.0.
Usage: `mapping(message.config, field="config_layer.config")`; `struct(mapping)` and `value(anything)` back.
"""

import math
import sys
from collections.abc import Mapping

from google.protobuf.message import Message
from google.protobuf.struct_pb2 import ListValue, Struct, Value

from wayside.errors import InvalidArgumentError
from wayside_manager.core.configs import MISSING

DEPTH_MAX = 20
"""Objects and lists inside one another."""
SIZE_MAX_BYTES = 1 << 20
_INTEGER_MAX = 2**53
"""Up to here a double holds every integer."""


def mapping(message: Struct, *, field: str) -> dict[str, object]:
    """The values of a Struct.

    Raises: InvalidArgumentError: more than 1 MiB, nested deeper than 20, no finite number, or a value without a kind.
    """
    _check_size(message, field)
    return {key: _plain(each, f"{field}.{key}", 1) for key, each in message.fields.items()}


def struct(values: Mapping[str, object]) -> Struct:
    """The same as a Struct."""
    message = Struct()
    message.update(dict(values))  # type: ignore[arg-type]  # JSON values, which the stubs spell out
    return message


def fits(plain: object, depth: int = 0) -> bool:
    """Whether a message can hold a JSON value: nested no deeper than 20, no integer beyond what doubles reach."""
    if isinstance(plain, dict | list):
        parts = plain.values() if isinstance(plain, dict) else plain
        return depth < DEPTH_MAX and all(fits(part, depth + 1) for part in parts)
    return not isinstance(plain, int) or abs(plain) <= sys.float_info.max


def value(plain: object) -> Value | None:
    """One JSON value; `None` for one that is not there (`MISSING`), which a field of a message takes as absent."""
    if plain is MISSING:
        return None
    message = Value()
    if plain is None:
        message.null_value = 0  # type: ignore[assignment]  # the only value of NullValue
    elif isinstance(plain, bool):
        message.bool_value = plain
    elif isinstance(plain, int | float):
        message.number_value = float(plain)
    elif isinstance(plain, str):
        message.string_value = plain
    elif isinstance(plain, Mapping):
        message.struct_value.CopyFrom(struct(plain))
    else:
        message.list_value.extend(list(plain))  # type: ignore[call-overload]  # a list or tuple of JSON values
    return message


def _check_size(message: Message, field: str) -> None:
    if message.ByteSize() > SIZE_MAX_BYTES:
        raise InvalidArgumentError(
            f"{field}: {message.ByteSize()} bytes are more than {SIZE_MAX_BYTES}; use several layers",
            reason="CONFIG_TOO_LARGE",
        )


def _plain(message: Value, path: str, depth: int) -> object:
    if depth > DEPTH_MAX:
        raise InvalidArgumentError(
            f"{_shown(path)}: objects nest deeper than {DEPTH_MAX}; no configuration does", reason="CONFIG_INVALID"
        )
    match message.WhichOneof("kind"):
        case "null_value":
            return None
        case "bool_value":
            return message.bool_value
        case "string_value":
            return message.string_value
        case "number_value":
            return _number(message.number_value, path)
        case "struct_value":
            return {key: _plain(each, f"{path}.{key}", depth + 1) for key, each in message.struct_value.fields.items()}
        case "list_value":
            return _list(message.list_value, path, depth)
    raise InvalidArgumentError(f"{_shown(path)}: the value has no kind; give a JSON value", reason="CONFIG_INVALID")


def _list(message: ListValue, path: str, depth: int) -> list[object]:
    return [_plain(each, f"{path}[{index}]", depth + 1) for index, each in enumerate(message.values)]


def _number(number: float, path: str) -> int | float:
    if not math.isfinite(number):
        raise InvalidArgumentError(
            f"{_shown(path)}: {number} is no JSON number; give a finite one", reason="CONFIG_INVALID"
        )
    return int(number) if number.is_integer() and abs(number) <= _INTEGER_MAX else number


def _shown(path: str) -> str:
    """A path for a sentence: names come from outside and may be anything."""
    short = path if len(path) <= 200 else f"{path[:100]}...{path[-80:]}"  # noqa: PLR2004  # a line on a screen
    return short if short.isprintable() else repr(short)[1:-1]
