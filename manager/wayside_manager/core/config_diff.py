"""What differs between two configurations, value by value, and nodes that differ alike together.

A value is anything but an object that has fields; a list is one value. Usage:

    value_changes({"report_period_s": 30}, {"report_period_s": 5})    # report_period_s: 30 -> 5
    shown(("telemetry", "broker_host")) == "telemetry.broker_host"
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, TypeAlias, TypeGuard

from wayside.errors import InvalidArgumentError
from wayside_manager.core.configs import MISSING, ChangeGroup, ConfigMapping, RefusalGroup, ValueChange

Path: TypeAlias = tuple[str, ...]
"""Names from the outside in."""

_PATH_MAX_CHARS = 1_000


def shown(path: Path) -> str:
    """A path as people write it; a name with a dot or a quote in it stands in quotes."""
    return ".".join(_quoted(name) if "." in name or '"' in name or not name else name for name in path)


def parsed(text: str) -> Path:
    """The path somebody wrote. Empty: everything.

    Raises: InvalidArgumentError: a name is empty or its quotes do not end.
    """
    if len(text) > _PATH_MAX_CHARS:
        raise _malformed(text)
    names: list[str] = []
    rest = text
    while rest:
        name, rest = _next_name(text, rest)
        names.append(name)
        if rest == ".":
            raise _malformed(text)
        rest = rest[1:]
    return tuple(names)


def has_parts(value: object) -> TypeGuard[Mapping[str, Any]]:
    """Whether it is an object with fields, and so not a value itself."""
    return isinstance(value, Mapping) and bool(value)


def is_below(path: Path, other: Path) -> bool:
    """Whether a path lies really below another."""
    return len(path) > len(other) and path[: len(other)] == other


def at(config: object, path: Path) -> object:
    """The value at a path; `MISSING` when there is none."""
    for name in path:
        if not isinstance(config, Mapping):
            return MISSING
        config = config.get(name, MISSING)
    return config


def leaves(config: object, path: Path = ()) -> Iterator[tuple[Path, object]]:
    """Every value with its path."""
    if has_parts(config):
        for name, part in config.items():
            yield from leaves(part, (*path, name))
    elif path:
        yield path, config


def differences(before: object, after: object, path: Path = ()) -> Iterator[tuple[Path, object, object]]:
    """Every value that differs, with both; `MISSING`: not there. An object without fields is a value."""
    if is_same(before, after):
        return
    if not (has_parts(before) or has_parts(after)):
        yield path, before, after
        return
    if not (isinstance(before, Mapping) or before is MISSING) or not (isinstance(after, Mapping) or after is MISSING):
        yield path, before, after  # an object where a value was, or the reverse
        return
    # beside an object with fields an empty one says nothing
    lower: Mapping[str, object] = before if isinstance(before, Mapping) else {}
    upper: Mapping[str, object] = after if isinstance(after, Mapping) else {}
    for name in sorted({*lower, *upper}):
        yield from differences(lower.get(name, MISSING), upper.get(name, MISSING), (*path, name))


def value_changes(before: ConfigMapping, after: ConfigMapping) -> tuple[ValueChange, ...]:
    """Every value that differs, in order of paths, without who set it."""
    if not before and not after:
        return ()
    return tuple(ValueChange(shown(path), old, new) for path, old, new in differences(before, after) if path)


def is_same(one: object, other: object) -> bool:
    """Whether two JSON values are equal; unlike Python's, `true` is not 1, but 1 is 1.0."""
    if one is other:
        return True
    if one is MISSING or other is MISSING or isinstance(one, bool) or isinstance(other, bool):
        return False
    if isinstance(one, str):  # mostly
        return one == other
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        return one.keys() == other.keys() and all(is_same(value, other[name]) for name, value in one.items())
    if isinstance(one, list | tuple) and isinstance(other, list | tuple):
        return len(one) == len(other) and all(map(is_same, one, other))
    return one == other


def grouped_changes(changes: Iterable[tuple[str, tuple[ValueChange, ...]]]) -> tuple[ChangeGroup, ...]:
    """Node ids that change alike together, those of most nodes first."""
    found: dict[str, tuple[tuple[ValueChange, ...], list[str]]] = {}
    keys: dict[int, str] = {}  # changes of nodes of one kind are one object
    for node_id, values in changes:
        key = keys.get(id(values))
        if key is None:
            key = keys[id(values)] = _key(values)
        found.setdefault(key, (values, []))[1].append(node_id)
    groups = [ChangeGroup(values, tuple(sorted(node_ids))) for values, node_ids in found.values()]
    return tuple(sorted(groups, key=lambda group: (-len(group.node_ids), group.node_ids)))


def grouped_refusals(refusals: Iterable[tuple[str, str, tuple[str, ...]]]) -> tuple[RefusalGroup, ...]:
    """Node ids with a version and problems; equal ones together, those of most nodes first."""
    found: dict[tuple[str, tuple[str, ...]], list[str]] = {}
    for node_id, version, problems in refusals:
        found.setdefault((version, problems), []).append(node_id)
    groups = [RefusalGroup(problems, version, tuple(sorted(ids))) for (version, problems), ids in found.items()]
    return tuple(sorted(groups, key=lambda group: (-len(group.node_ids), group.node_ids)))


def _key(values: tuple[ValueChange, ...]) -> str:
    said = [(one.path, one.layer_id, *map(_marked, (one.before, one.after))) for one in values]
    return json.dumps(said, sort_keys=True)


def _marked(value: object) -> list[object]:
    return [] if value is MISSING else [value]


def _quoted(name: str) -> str:
    return json.dumps(name, ensure_ascii=False)


def _next_name(text: str, rest: str) -> tuple[str, str]:
    if not rest.startswith('"'):
        name, dot, behind = rest.partition(".")
        if not name or '"' in name:
            raise _malformed(text)
        return name, dot + behind
    try:
        name, end = json.JSONDecoder().raw_decode(rest)
    except ValueError:
        raise _malformed(text) from None
    if rest[end : end + 1] not in {"", "."}:
        raise _malformed(text)
    return str(name), rest[end:]


def _malformed(text: str) -> InvalidArgumentError:
    return InvalidArgumentError(
        f"path: {text[:80]!r} is not names joined by dots, such as telemetry.publish_period_s", reason="PATH_INVALID"
    )
