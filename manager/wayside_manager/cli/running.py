"""How every `wayside` command runs: options they share, one connection, one event loop, errors as exit codes."""

import asyncio
import functools
import json
import re
import sys
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, ParamSpec, Protocol, TypeVar

import grpc.aio
import typer
from google.protobuf.message import Message
from google.protobuf.struct_pb2 import Struct

from wayside.errors import InvalidArgumentError, WaysideError
from wayside.v1 import node_pb2
from wayside_manager.cli.client import ManagerClient, connected
from wayside_manager.cli.context import ENVIRONMENT, chosen_file, read_context
from wayside_manager.cli.output import (
    Output,
    as_mapping,
    exit_code,
    print_error,
    print_json,
    print_line,
    print_table,
)
from wayside_manager.cli.second_person import OPTION, told
from wayside_manager.core.nodes import NodeKind

Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")
Item = TypeVar("Item", bound=Message)
PAGE_SIZE = 500


class PageRequest(Protocol):
    """Asks for a page."""

    page_size: int
    page_token: str


class PageReply(Protocol):
    """A page, with the token of the next."""

    next_page_token: str


Asked = TypeVar("Asked", bound=PageRequest)
Answered = TypeVar("Answered", bound=PageReply)

ContextOption = Annotated[
    Path | None,
    typer.Option("--context", help=f"Context file; else {ENVIRONMENT}, else ~/.config/wayside/context.toml."),
]
OutputOption = Annotated[Output | None, typer.Option("--output", "-o", help="How to print: table (default) or json.")]
KindOption = Annotated[list[NodeKind] | None, typer.Option(help="Only nodes of this kind; repeat for either.")]
TenantOption = Annotated[str, typer.Option(help="Tenant; may be left out by who has the role in one only.")]
LabelOption = Annotated[list[str] | None, typer.Option(help="Only nodes with KEY=VALUE; repeat for all of them.")]


def _print_version(*, wanted: bool) -> None:
    if wanted:
        print_line(f"wayside {version('wayside-manager')}")
        raise typer.Exit


VersionOption = Annotated[
    bool,
    typer.Option(
        "--version", callback=lambda wanted: _print_version(wanted=wanted), is_eager=True, help="Prints the version."
    ),
]
AddressOption = Annotated[str, typer.Option("--address", help="host:port instead of the one in the context file.")]
ApprovalOption = Annotated[
    str, typer.Option(OPTION, help="Approval that a second person has granted for the command that follows.")
]

INTERRUPTED = 130  # 128 + SIGINT, as shells do
_DURATION = re.compile(r"(?P<count>[0-9]+)(?P<unit>[smhd])\Z")
_UNIT_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}


@dataclass(frozen=True, slots=True)
class Shared:
    """Options given before the noun; the same options after the verb win."""

    context_file: Path | None = None
    address: str = ""
    output: Output = Output.TABLE
    approval: str = ""
    """`approvals/{approval}`; empty: none."""


_SHARED: ContextVar[Shared] = ContextVar("shared", default=Shared())  # noqa: B039  # Shared is frozen


def share(options: Shared) -> None:
    """Keeps the options given before the noun for the command that follows."""
    _SHARED.set(options)


def chosen_output(output: Output | None) -> Output:
    """The `--output` of the command, else the one before the noun, else a table."""
    return output or _SHARED.get().output


def chosen_context(context_file: Path | None) -> Path:
    """The context file of the command, else the one before the noun, else the usual one."""
    return chosen_file(context_file or _SHARED.get().context_file)


def run(
    work: Callable[[ManagerClient], Awaitable[Result]], context_file: Path | None, *, is_signed_in: bool = True
) -> Result:
    """Connects, does the work and returns its result.

    Raises: WaysideError: from the context file or from the manager.
    """
    shared = _SHARED.get()
    context = read_context(chosen_context(context_file), is_signed_in=is_signed_in)
    if shared.address:
        context = replace(context, address=shared.address)

    async def worked() -> Result:
        async with connected(context, approval=shared.approval) as manager:
            return await work(manager)

    return asyncio.run(worked())


async def listed(
    manager: ManagerClient,
    rpc: "grpc.aio.UnaryUnaryMultiCallable[Asked, Answered]",
    request: Asked,
    items: Callable[[Answered], Iterable[Item]],
) -> list[Item]:
    """All of a list, page after page; `items` takes them out of an answer.

    Raises: WaysideError: what the manager answered.
    """
    found: list[Item] = []
    request.page_size = request.page_size or PAGE_SIZE
    while True:
        answer = await manager.call(rpc, request)
        found += items(answer)
        request.page_token = answer.next_page_token
        if not request.page_token:
            return found


def print_listed(
    name: str,
    items: Sequence[Item],
    output: Output | None,
    *,
    columns: Sequence[str],
    row: Callable[[Item], Sequence[object]],
) -> None:
    """A list as a table, or as one JSON object with the list under a name."""
    if chosen_output(output) is Output.JSON:
        print_json({name: [as_mapping(item) for item in items]})
    else:
        print_table(columns, map(row, items))


def reported(command: Callable[Parameters, None]) -> Callable[Parameters, None]:
    """The command with its expected failures as one sentence on stderr and an exit code."""

    @functools.wraps(command)
    def wrapped(*args: Parameters.args, **kwargs: Parameters.kwargs) -> None:
        with failures_reported():
            command(*args, **kwargs)

    return wrapped


@contextmanager
def failures_reported() -> Iterator[None]:
    """Expected failures inside end the program with one sentence on stderr and an exit code."""
    try:
        yield
    except WaysideError as exc:
        print_error(told(exc, sys.argv[1:]))
        raise typer.Exit(exit_code(exc)) from exc
    except (KeyboardInterrupt, asyncio.CancelledError) as exc:
        raise typer.Exit(INTERRUPTED) from exc


def duration_s(text: str, *, field: str) -> int:
    """Seconds in `45s`, `10m`, `2h` or `30d`.

    Raises: InvalidArgumentError: naming `field`.
    """
    match = _DURATION.match(text)
    if match is None:
        raise InvalidArgumentError(f"{field}: {text!r} is not a duration such as 45s, 10m, 2h or 30d")
    return int(match["count"]) * _UNIT_SECONDS[match["unit"]]


def labels(texts: Iterable[str]) -> list[node_pb2.Label]:
    """Labels from `key=value` texts.

    Raises: InvalidArgumentError: a text without `=`.
    """
    found = []
    for text in texts:
        key, sign, value = text.partition("=")
        if not sign:
            raise InvalidArgumentError(f"--label: {text!r} is not KEY=VALUE")
        found.append(node_pb2.Label(key=key, value=value))
    return found


def variables(texts: Iterable[str]) -> Struct:
    """Variables from `name=value` texts; true, false and numbers are such, a value in double quotes is a text.

    Raises: InvalidArgumentError: a text without `=`.
    """
    found = Struct()
    for text in texts:
        name, sign, value = text.partition("=")
        if not sign:
            raise InvalidArgumentError(f"--variable: {text!r} is not NAME=VALUE")
        try:
            decoded = json.loads(value)
        except (ValueError, RecursionError):
            decoded = value
        found[name] = decoded if isinstance(decoded, str | int | float) else value
    return found


def resource_name(value: str, collection: str) -> str:
    """The full name of a resource that may be given by its id alone: `rsu-1` as `nodes/rsu-1`."""
    return value if "/" in value else f"{collection}/{value}"


def resource_id(name: str) -> str:
    """The id in a resource name, for tables."""
    return name.partition("/")[2]
