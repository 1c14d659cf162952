"""What a command prints: protobuf JSON for machines, tables for people, one sentence on stderr when it fails."""

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC
from enum import StrEnum
from typing import Any, Protocol

from google.protobuf.json_format import MessageToDict
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp
from rich.console import Console
from rich.table import Table

from wayside import errors


class Output(StrEnum):
    """How a command prints its result."""

    TABLE = "table"
    JSON = "json"


EXIT_CODES: tuple[tuple[type[errors.WaysideError], int], ...] = (
    (errors.InvalidArgumentError, 2),
    (errors.OutOfRangeError, 2),
    (errors.NotFoundError, 3),
    (errors.ConflictError, 4),
    (errors.AlreadyExistsError, 4),
    (errors.UnauthenticatedError, 5),
    (errors.PermissionDeniedError, 5),
    (errors.UnavailableError, 6),
    (errors.DeadlineExceededError, 6),
)
EXIT_CODE_HELP = (
    "Exit status: 0 done; 1 the operation failed; 2 wrong use: an option, a file or a value; 3 there is no such thing; "
    "4 conflict: it exists or changed meanwhile; 5 not signed in or not allowed; 6 the manager cannot be reached."
)


def exit_code(error: errors.WaysideError) -> int:
    """The exit status that tells scripts what kind of failure it was."""
    return next((code for kind, code in EXIT_CODES if isinstance(error, kind)), 1)


def as_mapping(message: Message) -> dict[str, object]:
    """A message as protobuf JSON with the field names of the .proto; fields without a value are there, too."""
    mapping: dict[str, object] = MessageToDict(
        message, preserving_proto_field_name=True, always_print_fields_with_no_presence=True
    )
    return mapping


def set_fields(message: Message) -> dict[str, object]:
    """The same, but only the fields that are set."""
    mapping: dict[str, object] = MessageToDict(message, preserving_proto_field_name=True)
    return mapping


def print_json(value: Message | Mapping[str, object]) -> None:
    """One JSON object over several lines, keys in the order of the .proto."""
    _stdout(json.dumps(_plain(value), indent=2, ensure_ascii=False))


def print_json_line(value: Message) -> None:
    """One JSON object on one line, for streams."""
    _stdout(json.dumps(_plain(value), ensure_ascii=False))


def print_table(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """A table; as wide as the terminal, or as its content when piped. An empty one says so on stderr."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*(str(cell) for cell in row))
    console().print(table)
    if not table.row_count:
        console(stderr=True).print("there is none")


def print_fields(fields: Mapping[str, object]) -> None:
    """Names and values, one per line; empty values are left out."""
    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in fields.items():
        if value not in ("", None):
            table.add_row(name, str(value))
    console().print(table)


def console(*, stderr: bool = False) -> Console:
    """A console on the present stdout or stderr; piped output is not wrapped and not marked up."""
    made = Console(stderr=stderr, highlight=False, markup=False, emoji=False)
    return (
        made if made.is_terminal else Console(stderr=stderr, highlight=False, markup=False, emoji=False, width=10_000)
    )


def print_line(text: str) -> None:
    """A line for people on stdout."""
    console().print(text, soft_wrap=True)


def print_error(text: str) -> None:
    """A sentence on stderr."""
    console(stderr=True).print(f"error: {text}", soft_wrap=True)


def local_time(stamp: Timestamp) -> str:
    """A time in the reader's zone; empty for a time that is not set."""
    if not stamp.seconds and not stamp.nanos:
        return ""
    return f"{stamp.ToDatetime(tzinfo=UTC).astimezone():%Y-%m-%d %H:%M:%S}"


def short(enum_name: str, prefix: str) -> str:
    """`PRESENCE_ONLINE` with prefix `PRESENCE_` as `online`; nothing for a value that is not set."""
    word = enum_name.removeprefix(prefix).lower().replace("_", "-")
    return "" if word == "unspecified" else word


class Enumeration(Protocol):
    """An enumeration of the contract."""

    def Name(self, number: Any) -> str:  # noqa: ANN401, N802  # as protobuf has it
        """Raises: ValueError: it has no such number."""


def worded(kind: Enumeration, number: int, prefix: str) -> str:
    """The same of a number; one of a newer unit or manager, that this program does not know, is `#17`."""
    try:
        return short(kind.Name(number), prefix)
    except ValueError:
        return f"#{number}"


def _plain(value: Message | Mapping[str, object]) -> Mapping[str, object]:
    return as_mapping(value) if isinstance(value, Message) else value


def _stdout(text: str) -> None:
    print(text, flush=True)  # the result of the command
