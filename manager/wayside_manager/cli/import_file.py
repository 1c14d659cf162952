"""Units to register as a file, CSV or JSON.

    node_id,esn,kind,public_key,tenant,display_name,site,labels
    rsu-k12,ESN-0001,rsu,MFkwEwYHKoZIzj0CAQYI...,haikou,North gate,k12,corridor=g98;lane=3

`public_key` is what `wayside-agent key show` prints, whole or without its first and last line. JSON holds a list of
objects with the same fields, labels as an object. Whether a value is good is for the manager to say, row by row.
Usage: `read_registrations(Path("units.csv"))`.
"""

import csv
import io
import json
import textwrap
from collections.abc import Iterable, Mapping
from pathlib import Path

from wayside.errors import InvalidArgumentError, NotFoundError
from wayside.v1 import enrollment_service_pb2, node_pb2
from wayside_manager.cli.running import labels, resource_name

FILE_MAX_BYTES = 64 << 20
_FIELDS = ("node_id", "esn", "kind", "public_key", "tenant", "display_name", "site", "labels")
_NEEDED = ("node_id", "esn", "kind", "public_key")
_PEM_BEGIN, _PEM_END = "-----BEGIN PUBLIC KEY-----", "-----END PUBLIC KEY-----"
_PEM_COLUMNS = 64
_KINDS = {"rsu": node_pb2.NODE_KIND_RSU, "obu": node_pb2.NODE_KIND_OBU}


def read_registrations(path: Path) -> list[enrollment_service_pb2.NodeRegistration]:
    """The rows of a file.

    Raises: NotFoundError: no such file; InvalidArgumentError: naming file and row.
    """
    text = _text(path)
    rows = _json_rows(path, text) if path.suffix.lower() == ".json" else _csv_rows(path, text)
    return [_registration(path, number, row) for number, row in enumerate(rows, 1)]


def _text(path: Path) -> str:
    try:
        if path.stat().st_size > FILE_MAX_BYTES:
            raise InvalidArgumentError(f"{path} has more than {FILE_MAX_BYTES} bytes; split it")
        return path.read_text(encoding="utf-8-sig")  # spreadsheets begin their files with a mark
    except FileNotFoundError as exc:
        raise NotFoundError(f"{path} is not there; name the file with the units") from exc
    except (OSError, UnicodeDecodeError) as exc:
        raise InvalidArgumentError(f"{path} cannot be read as UTF-8 text: {exc}") from exc


def _csv_rows(path: Path, text: str) -> Iterable[Mapping[str, object]]:
    reader = csv.DictReader(io.StringIO(text, newline=""), strict=True)
    try:
        _check_fields(path, 0, reader.fieldnames or ())
        missing = [field for field in _NEEDED if field not in (reader.fieldnames or ())]
        if missing:
            raise InvalidArgumentError(f"{path}: the first line lacks the column {missing[0]}")
        for row in reader:
            if None in row or None in row.values():
                raise InvalidArgumentError(f"{path}:{reader.line_num}: the row has more or fewer cells than the first")
            yield row
    except csv.Error as exc:
        raise InvalidArgumentError(f"{path}:{reader.line_num}: {exc}") from exc


def _json_rows(path: Path, text: str) -> Iterable[Mapping[str, object]]:
    try:
        rows = json.loads(text)
    except (ValueError, RecursionError) as exc:
        raise InvalidArgumentError(f"{path} is no JSON: {exc}") from exc
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise InvalidArgumentError(f"{path}: give a list of objects, one per unit")
    for number, row in enumerate(rows, 1):
        _check_fields(path, number, row)
    return rows


def _check_fields(path: Path, number: int, names: Iterable[str]) -> None:
    for name in names:
        if name not in _FIELDS:
            where = f"row {number}" if number else "the first line"
            raise InvalidArgumentError(f"{path}: {where}: {name!r} is not one of {', '.join(_FIELDS)}")


def _registration(path: Path, number: int, row: Mapping[str, object]) -> enrollment_service_pb2.NodeRegistration:
    def text(field: str) -> str:
        value = row.get(field, "")
        if not isinstance(value, str):
            raise InvalidArgumentError(f"{path}: row {number}: {field}: give a text")
        return value.strip()

    return enrollment_service_pb2.NodeRegistration(
        node_id=text("node_id"),
        esn=text("esn"),
        kind=_KINDS.get(text("kind").lower(), node_pb2.NODE_KIND_UNSPECIFIED),
        public_key_pem=_pem(text("public_key")),
        tenant=resource_name(text("tenant"), "tenants") if text("tenant") else "",
        display_name=text("display_name"),
        site=resource_name(text("site"), "sites") if text("site") else "",
        labels=_labels(path, number, row.get("labels", "")),
    )


def _pem(key: str) -> str:
    """The key with first and last line, which a spreadsheet has no room for."""
    if not key or key.startswith("-----"):
        return key
    body = "".join(key.split())
    return "\n".join((_PEM_BEGIN, *textwrap.wrap(body, _PEM_COLUMNS), _PEM_END, ""))


def _labels(path: Path, number: int, value: object) -> list[node_pb2.Label]:
    if isinstance(value, dict):
        value = ";".join(f"{key}={word}" for key, word in value.items())
    if not isinstance(value, str):
        raise InvalidArgumentError(f"{path}: row {number}: labels: give KEY=VALUE, several with ';' between")
    try:
        return labels(part.strip() for part in value.split(";") if part.strip())
    except InvalidArgumentError as exc:
        raise InvalidArgumentError(f"{path}: row {number}: {exc.message}") from exc
