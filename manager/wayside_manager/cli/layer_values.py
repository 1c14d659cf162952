"""The values of a layer file, and what it takes away.

Usage: `values(mapping["config"], mapping["unset"], wrong)`, where `wrong(field, what)` raises.
"""

import math
from collections.abc import Iterator, Mapping

from google.protobuf.struct_pb2 import Struct

from wayside_manager.api.struct_values import struct
from wayside_manager.cli.layer_selector import Wrong

DEPTH_MAX = 20
_INTEGER_MAX = 2**53  # what crosses the wire exactly


def values(config: object, unset: object, wrong: Wrong) -> Struct:
    """The values as they cross the wire, with `null` at each path of `unset`."""
    if not isinstance(config, dict):
        wrong("config", "is a table of values")
    for field, value in _everything(config, "config", 0, wrong):
        _check_value(value, field, wrong)
    if not isinstance(unset, list) or not all(isinstance(each, str) and each for each in unset):
        wrong("unset", 'is a list of paths such as "telemetry.username"')
    for path in unset:
        _take_away(config, path, wrong)
    return struct(config)


def _everything(value: object, field: str, depth: int, wrong: Wrong) -> Iterator[tuple[str, object]]:
    """Every value with its path, those inside others as well."""
    if depth > DEPTH_MAX:
        wrong(field[:80], f"is nested deeper than {DEPTH_MAX}; no configuration is")
    yield field, value
    if isinstance(value, Mapping):
        for key, each in value.items():
            yield from _everything(each, f"{field}.{key}", depth + 1, wrong)
    elif isinstance(value, list):
        for index, each in enumerate(value):
            yield from _everything(each, f"{field}[{index}]", depth + 1, wrong)


def _check_value(value: object, field: str, wrong: Wrong) -> None:
    """Ends the reading at a value that is none in JSON, or would come out as another one."""
    if isinstance(value, float) and not math.isfinite(value):
        wrong(field, f"{value} is no number that JSON has; give a finite one")
    if isinstance(value, int) and abs(value) > _INTEGER_MAX:
        wrong(field, f"is outside {-_INTEGER_MAX} to {_INTEGER_MAX}")
    if not isinstance(value, dict | list | str | int | float | None):
        wrong(field, "is a date or time; write it as a text in quotes")


def _take_away(config: dict[str, object], path: str, wrong: Wrong) -> None:
    *parents, last = path.removeprefix("config.").split(".")
    if not all((*parents, last)) or len(parents) >= DEPTH_MAX:
        wrong("unset", f"{path[:80]!r} is no path such as telemetry.username")
    place = config
    for name in parents:
        inner = place.setdefault(name, {})
        if not isinstance(inner, dict):
            wrong("unset", f"{path[:80]!r} lies below a value that the layer sets")
        place = inner
    if last in place:
        wrong("unset", f"{path[:80]!r} is set in the same layer; do one of the two")
    place[last] = None
