"""A configuration layer as a file, TOML or JSON.

    name = "base"
    priority = 10
    unset = ["telemetry.username"]        # taken away from what lower layers set; TOML has no null
    [selector]
    kinds = ["rsu"]
    corridors = ["g98", {corridor = "g4", from = "K12+300", to = 15000}]
    [config]
    report_period_s = 30

`selector` is described in `layer_selector`, `config` by `wayside config schema`. A tenant may be written "city-a".
Every error names file, field and, where it can be told, the line.
Usage: `file = read_layer(Path("base.toml"))`; `file.layer`; `with file.located(): ...` around the call that applies it.
"""

import json
import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from wayside.errors import InvalidArgumentError, NotFoundError
from wayside.settings_file import line_of
from wayside.v1 import config_service_pb2
from wayside_manager.cli.layer_selector import Wrong, selector_message
from wayside_manager.cli.layer_values import values
from wayside_manager.cli.running import resource_name
from wayside_manager.cli.text_file import read_text

FILE_MAX_BYTES = 1 << 20
_FIELDS = ("name", "tenant", "priority", "selector", "config", "unset", "etag")
_PRIORITY_MAX = 1_000
_PATH = re.compile(r"\bconfig(?:_layer\.config|_layers\[\d+\]\.config)?\.(?P<path>[\w-]+(?:\.[\w-]+|\[\d+\])*)")


@dataclass(frozen=True, slots=True)
class LayerFile:
    """A layer, and the text it was read from."""

    path: Path
    text: str
    layer: config_service_pb2.ConfigLayer

    @contextmanager
    def located(self) -> Iterator[None]:
        """What the manager refuses inside also names the file and, when it names a value or a thing, its line.

        Raises: InvalidArgumentError, NotFoundError.
        """
        try:
            yield
        except InvalidArgumentError as exc:
            found = _PATH.search(exc.message)
            number = _line(self.path, self.text, f"config.{found['path']}") if found else 0
            place = f"{self.path}: line {number}" if number else str(self.path)
            raise InvalidArgumentError(f"{place}: {exc.message}", reason=exc.reason, metadata=exc.metadata) from exc
        except NotFoundError as exc:
            field = self._field_of(exc)
            if not field:  # something else is not there, for example a site of an option
                raise
            number = _line(self.path, self.text, field)
            place = f"{self.path}: line {number}" if number else str(self.path)
            raise NotFoundError(f"{place}: {field}: {exc.message}", reason=exc.reason, metadata=exc.metadata) from exc

    def _field_of(self, error: NotFoundError) -> str:
        """Where the file names the thing that is not there; empty: it does not."""
        selector = self.layer.selector
        named = {
            "SITE_NOT_FOUND": ("sites", "selector.sites", selector.sites),
            "CORRIDOR_NOT_FOUND": ("corridors", "selector.corridors", [each.corridor for each in selector.corridors]),
            "GROUP_NOT_FOUND": ("groups", "selector.groups", selector.groups),
            "GEOFENCE_NOT_FOUND": ("geofences", "selector.geofences", selector.geofences),
            "TENANT_NOT_FOUND": ("tenants", "tenant", [self.layer.tenant]),
        }
        collection, field, names = named.get(error.reason, ("", "", ()))
        found = re.match(r"\w+ (\S+) does not exist", error.message)
        return field if found and f"{collection}/{found[1]}" in names else ""


def read_layer(path: Path) -> LayerFile:
    """The layer in a file; its values are for the manager to check, which knows the schemas of the nodes.

    Raises: NotFoundError: no such file. InvalidArgumentError: naming file, line and field.
    """
    text = read_text(path, max_bytes=FILE_MAX_BYTES)
    mapping = _json(path, text) if path.suffix.lower() == ".json" else _toml(path, text)
    return LayerFile(path, text, _layer(path, text, mapping))


def read_layers(paths: Sequence[Path], *, tenant: str = "", etag: str = "") -> list[LayerFile]:
    """The layers in several files; `tenant` and `etag` go before what a file says.

    Raises: as `read_layer`; InvalidArgumentError: two files hold the same layer, or one etag is to guard several.
    """
    if etag and len(paths) > 1:
        raise InvalidArgumentError("--etag: it guards one layer; apply one file, or write it into each")
    files: dict[str, LayerFile] = {}
    for path in paths:
        file = read_layer(path)
        former = files.setdefault(file.layer.name, file)
        if former is not file:
            raise InvalidArgumentError(f"{path}: {file.layer.name} is in {former.path} as well; give each layer once")
        file.layer.tenant = resource_name(tenant, "tenants") if tenant else file.layer.tenant
        file.layer.etag = etag or file.layer.etag
    return list(files.values())


def _layer(path: Path, text: str, mapping: Mapping[str, object]) -> config_service_pb2.ConfigLayer:
    def wrong(field: str, what: str) -> NoReturn:
        number = _line(path, text, field)
        raise InvalidArgumentError(f"{path}: {f'line {number}: ' if number else ''}{field}: {what}")

    for key in mapping:
        if key not in _FIELDS:
            wrong(key, f"is not one of {', '.join(_FIELDS)}")
    name, tenant = _short_text(mapping, "name", wrong), _short_text(mapping, "tenant", wrong)
    if not name:
        wrong("name", "give the layer a name, such as base")
    return config_service_pb2.ConfigLayer(
        name=resource_name(name, "configLayers"),
        tenant=resource_name(tenant, "tenants") if tenant else "",
        priority=_priority(mapping.get("priority", 0), wrong),
        selector=selector_message(mapping.get("selector"), wrong),
        config=values(mapping.get("config", {}), mapping.get("unset", []), wrong),
        etag=_short_text(mapping, "etag", wrong),
    )


def _short_text(mapping: Mapping[str, object], field: str, wrong: Wrong) -> str:
    value = mapping.get(field, "")
    if not isinstance(value, str):
        wrong(field, f"{str(value)[:80]} is no text; write it in quotes")
    return value


def _priority(value: object, wrong: Wrong) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= _PRIORITY_MAX:
        wrong("priority", f"{str(value)[:80]} is not a whole number from 0 to {_PRIORITY_MAX}")
    return value


def _json(path: Path, text: str) -> dict[str, object]:
    try:
        found = json.loads(text)
    except json.JSONDecodeError as exc:
        raise InvalidArgumentError(f"{path}: line {exc.lineno}: this is no JSON: {exc.msg}") from exc
    except (ValueError, RecursionError) as exc:  # a number of thousands of digits, thousands of brackets
        raise InvalidArgumentError(f"{path}: this is no JSON that a layer could be: {exc}") from exc
    if not isinstance(found, dict):
        raise InvalidArgumentError(f"{path}: a layer is an object with {', '.join(_FIELDS)}")
    return found


def _toml(path: Path, text: str) -> dict[str, object]:
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
    except (ValueError, RecursionError) as exc:
        raise InvalidArgumentError(f"{path}: this is no TOML that a layer could be: {exc}") from exc


def _line(path: Path, text: str, field: str) -> int:
    return _line_in_json(text, field) if path.suffix.lower() == ".json" else line_of(text, field)


def _line_in_json(text: str, field: str) -> int:
    """The line of a field, from 1: its names are looked for one behind the other; 0: not found."""
    position = 0
    for name in re.findall(r"[^.\[\]]+", re.sub(r"\[\d+\]", "", field)):
        found = re.compile(rf'"{re.escape(name)}"\s*:').search(text, position)
        if found is None:
            return text.count("\n", 0, position) + 1 if position else 0
        position = found.start()
    return text.count("\n", 0, position) + 1
