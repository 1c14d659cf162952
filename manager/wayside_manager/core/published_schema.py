"""JSON schemas of configurations, as releases publish them: which ones the manager takes.

A schema comes from outside and judges configurations for years, so it must be whole and come to an end: it refers to
nothing but its own parts, each of which is there, and never to itself without going into a value.
Usage: `checked_schema(content)` is the schema as compact text.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import SchemaError

from wayside.errors import InvalidArgumentError
from wayside_manager.core.schema_patterns import fault_of

SCHEMA_MAX_BYTES = 256 * 1024
"""Twenty times what that of the agent has."""
DIALECT = "https://json-schema.org/draft/2020-12/schema"

_DEPTH_MAX = 64
_WEIGHT_MAX = 1_000
_REFERENCES = ("$ref", "$dynamicRef")
_BASES = ("$id", "$anchor", "$dynamicAnchor", "$vocabulary")
_SAME_VALUE = ("allOf", "anyOf", "oneOf", "not", "if", "then", "else", "dependentSchemas")
"""Where a schema says more of the value it is about."""


def checked_schema(content: bytes) -> str:
    """The schema in a file, as compact JSON text.

    Raises: InvalidArgumentError: it is too large, no JSON object, no schema of draft 2020-12, or refers to what is not
    in it.
    """
    if len(content) > SCHEMA_MAX_BYTES:
        raise _refused(f"it has more than {SCHEMA_MAX_BYTES} bytes")
    try:
        schema = json.loads(content)
        _check_depth(schema)
    except (ValueError, RecursionError) as exc:
        raise _refused("it is no JSON") from exc
    if not isinstance(schema, dict):
        raise _refused("it is no JSON object")
    if schema.get("$schema", DIALECT) != DIALECT:
        raise _refused(f"its $schema is not {DIALECT}")
    try:
        Draft202012Validator.check_schema(schema)
    except SchemaError as exc:
        raise _refused(f"{exc.json_path[:80]}: {exc.message[:200]}") from exc
    except (RecursionError, OverflowError) as exc:  # of a regular expression
        raise _refused("a pattern in it is too complex") from exc
    _check_references(schema)
    _check_patterns(schema)
    return json.dumps(schema, separators=(",", ":"), ensure_ascii=False)


def _check_depth(value: object, depth: int = 0) -> None:
    if depth > _DEPTH_MAX:
        raise _refused(f"it is nested more than {_DEPTH_MAX} deep")
    for part in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        _check_depth(part, depth + 1)


def _check_patterns(schema: dict[str, Any]) -> None:
    for part in _parts(schema):
        keyed = part.get("patternProperties")
        for pattern in (part.get("pattern"), *(keyed if isinstance(keyed, dict) else ())):
            fault = fault_of(pattern) if isinstance(pattern, str) else ""
            if fault:
                raise _refused(f"pattern {pattern[:80]!r}: {fault}")


def _check_references(schema: dict[str, Any]) -> None:
    """Refuses references to elsewhere, to nothing, and in a circle."""
    known = {"#"}
    for part in _parts(schema):
        for key in _REFERENCES:
            reference = part.get(key)
            if isinstance(reference, str):
                _check_reference(schema, reference, known)
        foreign = [key for key in _BASES if key in part and isinstance(part[key], str)]
        if foreign:
            raise _refused(f"it uses {foreign[0]}; refer to parts by their place, such as #/$defs/CanConfig")
    weights: dict[int, int] = {}
    for part in _parts(schema):
        _weigh(schema, part, set(), weights)


def _check_reference(schema: dict[str, Any], reference: str, known: set[str]) -> None:
    if reference in known:
        return
    if not reference.startswith("#/") or "%" in reference:
        raise _refused(f"it refers to {reference[:80]!r}; refer to its own parts only, such as #/$defs/CanConfig")
    if not isinstance(_at(schema, reference), dict | bool):
        raise _refused(f"it refers to {reference[:80]!r}, which is not in it")
    known.add(reference)


def _at(schema: dict[str, Any], reference: str) -> object:
    """The part at `#/$defs/CanConfig`; `None`: there is none."""
    found: object = schema
    for step in reference.removeprefix("#").split("/")[1:]:
        name = step.replace("~1", "/").replace("~0", "~")
        found = found.get(name) if isinstance(found, dict) else None
    return found


def _weigh(schema: dict[str, Any], part: object, begun: set[int], weights: dict[int, int]) -> int:
    """How many parts say something of the value that `part` is about; refuses circles and what multiplies."""
    if not isinstance(part, dict):
        return 0
    if id(part) in weights:
        return weights[id(part)]
    if id(part) in begun or len(begun) > _DEPTH_MAX:
        raise _refused("it refers to itself in a circle")
    begun.add(id(part))
    weight = 1 + sum(_weigh(schema, more, begun, weights) for more in _of_same_value(schema, part))
    if weight > _WEIGHT_MAX:
        raise _refused(f"more than {_WEIGHT_MAX} of its parts say something of one value")
    begun.remove(id(part))
    weights[id(part)] = weight
    return weight


def _of_same_value(schema: dict[str, Any], part: Mapping[str, Any]) -> Iterator[object]:
    for key in _REFERENCES:
        if isinstance(part.get(key), str):
            yield schema if part[key] == "#" else _at(schema, part[key])
    for key in _SAME_VALUE:
        inner = part.get(key)
        if key == "dependentSchemas" and isinstance(inner, dict):
            yield from inner.values()
        elif isinstance(inner, list):
            yield from inner
        else:
            yield inner


def _parts(value: object) -> Iterator[Mapping[str, Any]]:
    """Every object in a value, itself included."""
    if isinstance(value, dict):
        yield value
    for part in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from _parts(part)


def _refused(why: str) -> InvalidArgumentError:
    return InvalidArgumentError(f"config.schema.json: {why}; build the release again", reason="CONFIG_SCHEMA_INVALID")
