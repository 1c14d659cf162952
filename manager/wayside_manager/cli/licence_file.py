"""Radio licences as a file, CSV or JSON.

    licence,number,node,center_mhz,bandwidth_mhz,max_power_dbm,expires,tenant
    l-k12,HI-2026-0012,rsu-k12,5915,20,29,2027-12-31,haikou

`expires` is a day, the last on which the licence holds (its end in UTC), or a whole time with its zone as in RFC 3339.
JSON holds a list of objects with the same fields, numbers as numbers or texts. Whether a value is good is for the
manager to say. Usage: `read_licences(Path("licences.csv"))`.
"""

from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

from google.protobuf.timestamp_pb2 import Timestamp

from wayside.errors import InvalidArgumentError
from wayside.v1 import site_pb2
from wayside_manager.cli.row_file import read_rows
from wayside_manager.cli.running import resource_name

_FIELDS = ("licence", "number", "node", "center_mhz", "bandwidth_mhz", "max_power_dbm", "expires", "tenant")
_NEEDED = _FIELDS[:-1]
_HZ_PER_MHZ = 1e6


def read_licences(path: Path) -> list[site_pb2.RadioLicence]:
    """The licences in a file.

    Raises: NotFoundError: no such file; InvalidArgumentError: naming file, row and field.
    """
    rows = read_rows(path, fields=_FIELDS, needed=_NEEDED)
    return [_licence(path, number, row) for number, row in enumerate(rows, 1)]


def _licence(path: Path, number: int, row: Mapping[str, object]) -> site_pb2.RadioLicence:
    def text(field: str) -> str:
        value = row.get(field, "")
        if isinstance(value, bool) or not isinstance(value, str | int | float):
            raise InvalidArgumentError(f"{path}: row {number}: {field}: give a text or a number")
        return str(value).strip()

    def figure(field: str) -> float:
        try:
            return float(text(field))
        except ValueError as exc:
            raise InvalidArgumentError(f"{path}: row {number}: {field}: {text(field)[:80]!r} is no number") from exc

    def end(field: str) -> Timestamp:
        try:
            return _end(text(field))
        except (ValueError, OverflowError) as exc:
            raise InvalidArgumentError(
                f"{path}: row {number}: {field}: {text(field)[:80]!r} is neither a day such as 2027-12-31 nor a time "
                "with its zone"
            ) from exc

    return site_pb2.RadioLicence(
        name=resource_name(text("licence"), "radioLicences"),
        number=text("number"),
        tenant=resource_name(text("tenant"), "tenants") if text("tenant") else "",
        node=resource_name(text("node"), "nodes"),
        center_frequency_hertz=round(figure("center_mhz") * _HZ_PER_MHZ, 3),
        bandwidth_hertz=round(figure("bandwidth_mhz") * _HZ_PER_MHZ, 3),
        max_transmit_power_dbm=figure("max_power_dbm"),
        expire_time=end("expires"),
    )


def _end(text: str) -> Timestamp:
    """When a licence ends that says so.

    Raises: ValueError, OverflowError: it is neither a day nor a time with a zone.
    """
    if len(text) == len("2027-12-31"):
        end = datetime.combine(date.fromisoformat(text) + timedelta(days=1), time(), tzinfo=UTC)
    else:
        end = datetime.fromisoformat(text)
        if end.tzinfo is None:
            raise ValueError("it has no zone")
    stamp = Timestamp()
    stamp.FromDatetime(end.astimezone(UTC))
    return stamp
