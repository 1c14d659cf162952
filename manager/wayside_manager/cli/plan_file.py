"""A rollout plan as a file, TOML or JSON.

    max_in_flight_count = 20
    max_failure_count = 3
    deadline = "7d"
    windows = ["mon-fri 01:00-04:00"]
    time_zone = "Asia/Shanghai"
    [[waves]]
    count = 1
    observation = "1h"
    [[waves]]
    percent = 10
    [[waves]]
    members = { labels = { ring = "wide" }, sites = ["k12", "k13"] }
    min_success_percent = 90

Fields are those of `wayside.v1.RolloutPlan`. Durations are "45s", "10m", "2h", "30d" or numbers of seconds; weekdays
"mon-fri" or numbers from Monday; a wave may be a text such as "10%" or "rest", a window one such as "01:00-04:00".
Usage: `read_plan(Path("careful.toml"))`.
"""

import json
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeVar

from google.protobuf.json_format import ParseDict, ParseError
from google.protobuf.message import Message

from wayside.errors import InvalidArgumentError
from wayside.v1 import rollout_pb2
from wayside_manager.cli import plan_texts
from wayside_manager.cli.text_file import read_text

FILE_MAX_BYTES = 1 << 20
_SPANS = frozenset({"node_timeout", "deadline", "trial_timeout", "retry_base", "observation", "duration"})


def read_plan(path: Path) -> rollout_pb2.RolloutPlan:
    """The plan in a file.

    Raises: NotFoundError: no such file; InvalidArgumentError: naming file and field.
    """
    mapping = _mapping(path, read_text(path, max_bytes=FILE_MAX_BYTES))
    try:
        return _filled(mapping, rollout_pb2.RolloutPlan(), "", _READERS)
    except InvalidArgumentError as exc:
        raise InvalidArgumentError(f"{path}: {exc.message}") from exc


def _mapping(path: Path, text: str) -> Mapping[str, object]:
    is_json = path.suffix.lower() == ".json"
    try:
        found = json.loads(text) if is_json else tomllib.loads(text)
    except (ValueError, RecursionError) as exc:
        raise InvalidArgumentError(f"{path}: this is no {'JSON' if is_json else 'TOML'}: {exc}") from exc
    if not isinstance(found, dict):
        raise InvalidArgumentError(f"{path}: a plan is an object with the fields of RolloutPlan")
    return found


Reader = Callable[[object, str], Message]
Filled = TypeVar("Filled", bound=Message)


def _filled(mapping: Mapping[str, object], message: Filled, place: str, readers: Mapping[str, Reader]) -> Filled:
    """The message with the fields of a mapping."""
    for key, value in mapping.items():
        where = f"{place}.{key}" if place else key
        field = message.DESCRIPTOR.fields_by_name.get(key)
        if field is None:
            known = ", ".join(one.name for one in message.DESCRIPTOR.fields)
            raise InvalidArgumentError(f"{where}: is unknown; there are {known}")
        if key in _SPANS:
            getattr(message, key).CopyFrom(plan_texts.span(value, field=where))
        elif key not in readers:
            _parse(message, key, value, where)
        elif field.is_repeated:
            if not isinstance(value, list):
                raise InvalidArgumentError(f"{where}: give a list")
            for index, one in enumerate(value):
                getattr(message, key).append(readers[key](one, f"{where}[{index}]"))
        else:
            getattr(message, key).CopyFrom(readers[key](value, where))
    return message


def _wave(value: object, where: str) -> Message:
    if isinstance(value, str):
        return plan_texts.wave(value, field=where)
    mapping = _table(value, where)
    sizes = [name for name in ("count", "percent", "members") if name in mapping]
    if len(sizes) != 1:
        raise InvalidArgumentError(f"{where}: say which nodes with exactly one of count, percent and members")
    return _filled(mapping, rollout_pb2.RolloutWave(), where, {"members": _members})


def _members(value: object, where: str) -> Message:
    mapping = dict(_table(value, where))
    if isinstance(mapping.get("labels"), dict):
        labels = _table(mapping["labels"], f"{where}.labels")
        mapping["labels"] = [{"key": key, "value": text} for key, text in labels.items()]
    sites = mapping.get("sites")
    if isinstance(sites, list):
        mapping["sites"] = [plan_texts.site(one) if isinstance(one, str) else one for one in sites]
    return _filled(mapping, rollout_pb2.WaveMembers(), where, {})


def _moment(value: object, where: str) -> Message:
    return plan_texts.moment(value, field=where)


def _window(value: object, where: str) -> Message:
    if isinstance(value, str):
        return plan_texts.window(value, field=where)
    mapping = dict(_table(value, where))
    if isinstance(mapping.get("weekdays"), str):
        mapping["weekdays"] = plan_texts.weekdays(str(mapping["weekdays"]), field=f"{where}.weekdays")
    return _filled(mapping, rollout_pb2.MaintenanceWindow(), where, {})


def _table(value: object, where: str) -> Mapping[str, object]:
    if not isinstance(value, dict):
        raise InvalidArgumentError(f"{where}: is a table, not a single value")
    return value


def _parse(message: Message, key: str, value: object, where: str) -> None:
    try:
        ParseDict({key: value}, message)
    except (ParseError, ValueError, TypeError) as exc:
        shown = json.dumps(value, default=str)[:80]
        raise InvalidArgumentError(f"{where}: cannot be {shown}: {str(exc).rpartition(': ')[2]}") from exc


_READERS: Mapping[str, Reader] = {"waves": _wave, "windows": _window, "begin_time": _moment}
