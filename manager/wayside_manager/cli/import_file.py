"""Units to register as a file, CSV or JSON.

    node_id,esn,kind,public_key,tenant,display_name,site,labels
    rsu-k12,ESN-0001,rsu,MFkwEwYHKoZIzj0CAQYI...,haikou,North gate,k12,corridor=g98;lane=3

`public_key` is what `wayside-agent key show` prints, whole or without its first and last line. JSON holds a list of
objects with the same fields, labels as an object. Whether a value is good is for the manager to say, row by row.
Usage: `read_registrations(Path("units.csv"))`.
"""

import textwrap
from collections.abc import Mapping
from pathlib import Path

from wayside.errors import InvalidArgumentError
from wayside.v1 import enrollment_service_pb2, node_pb2
from wayside_manager.cli.row_file import read_rows
from wayside_manager.cli.running import labels, resource_name

_FIELDS = ("node_id", "esn", "kind", "public_key", "tenant", "display_name", "site", "labels")
_NEEDED = ("node_id", "esn", "kind", "public_key")
_PEM_BEGIN, _PEM_END = "-----BEGIN PUBLIC KEY-----", "-----END PUBLIC KEY-----"
_PEM_COLUMNS = 64
_KINDS = {"rsu": node_pb2.NODE_KIND_RSU, "obu": node_pb2.NODE_KIND_OBU}


def read_registrations(path: Path) -> list[enrollment_service_pb2.NodeRegistration]:
    """The rows of a file.

    Raises: NotFoundError: no such file; InvalidArgumentError: naming file and row.
    """
    rows = read_rows(path, fields=_FIELDS, needed=_NEEDED)
    return [_registration(path, number, row) for number, row in enumerate(rows, 1)]


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
