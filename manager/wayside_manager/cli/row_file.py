"""Files of rows, CSV or a JSON list of objects.

Usage: `rows = read_rows(Path("units.csv"), fields=FIELDS, needed=NEEDED)`, then each row by its number from 1.
"""

import csv
import io
import json
from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path

from wayside.errors import InvalidArgumentError
from wayside_manager.cli.text_file import read_text

FILE_MAX_BYTES = 64 << 20
Row = Mapping[str, object]


def read_rows(path: Path, *, fields: Collection[str], needed: Collection[str]) -> Iterable[Row]:
    """The rows of a file; each has no other than `fields`, and all that are `needed`. CSV has texts only.

    Raises: NotFoundError: no such file; InvalidArgumentError: naming file and row, of CSV while it is gone through.
    """
    text = read_text(path, max_bytes=FILE_MAX_BYTES)
    if path.suffix.lower() == ".json":
        return _json_rows(path, text, fields, needed)
    return _csv_rows(path, text, fields, needed)


def _csv_rows(path: Path, text: str, fields: Collection[str], needed: Collection[str]) -> Iterator[Row]:
    reader = csv.DictReader(io.StringIO(text, newline=""), strict=True)
    try:
        _check_fields(f"{path}: the first line", reader.fieldnames or (), fields, needed)
        for row in reader:
            if None in row or None in row.values():
                raise InvalidArgumentError(f"{path}:{reader.line_num}: the row has more or fewer cells than the first")
            yield row
    except csv.Error as exc:
        raise InvalidArgumentError(f"{path}:{reader.line_num}: {exc}") from exc


def _json_rows(path: Path, text: str, fields: Collection[str], needed: Collection[str]) -> list[Row]:
    try:
        rows = json.loads(text)
    except (ValueError, RecursionError) as exc:
        raise InvalidArgumentError(f"{path} is no JSON: {exc}") from exc
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise InvalidArgumentError(f"{path}: give a list of objects, one per row")
    for number, row in enumerate(rows, 1):
        _check_fields(f"{path}: row {number}", row, fields, needed)
    return rows


def _check_fields(where: str, given: Collection[str], fields: Collection[str], needed: Collection[str]) -> None:
    for name in given:
        if name not in fields:
            raise InvalidArgumentError(f"{where}: {name[:80]!r} is not one of {', '.join(fields)}")
    for name in needed:
        if name not in given:
            raise InvalidArgumentError(f"{where} lacks {name}")
