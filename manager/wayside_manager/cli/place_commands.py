"""The commands that sites, corridors, groups and geofences have in common: apply, list, show, delete.

Usage: `add_commands(app, Noun("sites", "site", site_pb2.Site, COLUMNS, row, fields))`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer
from google.protobuf.message import Message

from wayside.errors import InvalidArgumentError, NotFoundError
from wayside.v1 import site_service_pb2
from wayside_manager.cli.asking import YesOption, ask_first
from wayside_manager.cli.client import ManagerClient
from wayside_manager.cli.output import Output, as_mapping, print_fields, print_json, print_line
from wayside_manager.cli.place_file import read_places
from wayside_manager.cli.running import (
    ContextOption,
    OutputOption,
    TenantOption,
    chosen_output,
    listed,
    print_listed,
    reported,
    resource_id,
    resource_name,
    run,
)


@dataclass(frozen=True, slots=True)
class Noun:
    """One kind of place."""

    collection: str
    word: str
    kind: type[Message]
    columns: tuple[str, ...]
    row: Callable[[Any], tuple[object, ...]]
    """What a list says of one."""
    fields: Callable[[Any], Mapping[str, object]]
    """What is shown of one."""

    def rpc(self, manager: ManagerClient, verb: str) -> Any:  # noqa: ANN401  # a call of the generated stub
        """The call of a verb."""
        plural = "s" if verb == "List" else ""
        return getattr(manager.site, f"{verb}{self.word.capitalize()}{plural}")

    def request(self, verb: str, **fields: object) -> Any:  # noqa: ANN401  # a generated message
        """The request of a verb."""
        plural = "s" if verb == "List" else ""
        return getattr(site_service_pb2, f"{verb}{self.word.capitalize()}{plural}Request")(**fields)


def add_commands(app: typer.Typer, noun: Noun) -> None:
    """Gives a noun its four commands."""

    @app.command("apply", help=f"Creates {noun.collection} or replaces them; the first that is refused ends it.")
    @reported
    def apply(
        file: Annotated[Path, typer.Option("--file", "-f", help="TOML or JSON, one or a list under the plural.")],
        tenant: TenantOption = "",
        output: OutputOption = None,
        context: ContextOption = None,
    ) -> None:
        wanted: list[Any] = read_places(file, noun.collection, noun.kind)
        for each in wanted:
            each.tenant = resource_name(tenant, "tenants") if tenant else each.tenant
        _print_applied(noun, run(lambda manager: _applied(noun, manager, wanted, file), context), output)

    @app.command("list", help=f"Lists {noun.collection} in order of their names.")
    @reported
    def list_all(output: OutputOption = None, context: ContextOption = None) -> None:
        found: list[Any] = run(
            lambda manager: listed(
                manager, noun.rpc(manager, "List"), noun.request("List"), lambda page: getattr(page, noun.collection)
            ),
            context,
        )
        print_listed(noun.collection, found, output, columns=noun.columns, row=noun.row)

    @app.command("show", help=f"Shows one {noun.word}.")
    @reported
    def show(
        name: Annotated[str, typer.Argument(help=f"Which {noun.word}, as listed.")],
        output: OutputOption = None,
        context: ContextOption = None,
    ) -> None:
        request = noun.request("Get", name=resource_name(name, noun.collection))
        found = getattr(run(lambda manager: manager.call(noun.rpc(manager, "Get"), request), context), noun.word)
        if chosen_output(output) is Output.JSON:
            print_json(found)
        else:
            print_fields(noun.fields(found))

    @app.command(
        "delete",
        help=f"Deletes a {noun.word} that nothing names any more. Asks first when a person is at the terminal.",
    )
    @reported
    def delete(
        name: Annotated[str, typer.Argument(help=f"Which {noun.word}, as listed.")],
        yes: YesOption = False,
        etag: Annotated[str, typer.Option(help="Refuse (exit 4) unless this is the present etag.")] = "",
        output: OutputOption = None,
        context: ContextOption = None,
    ) -> None:
        ask_first(f"Delete the {noun.word} {name}?", yes=yes)
        request = noun.request("Delete", name=resource_name(name, noun.collection), etag=etag)
        answer = run(lambda manager: manager.call(noun.rpc(manager, "Delete"), request), context)
        if chosen_output(output) is Output.JSON:
            print_json(answer)
        else:
            print_line(f"{resource_id(request.name)} is deleted")


async def _applied(noun: Noun, manager: ManagerClient, wanted: list[Any], file: Path) -> list[Any]:
    done = []
    for each in wanted:
        try:
            answer = await manager.call(noun.rpc(manager, "Apply"), noun.request("Apply", **{noun.word: each}))
        except (InvalidArgumentError, NotFoundError) as exc:
            raise type(exc)(f"{file}: {resource_id(each.name)}: {exc.message}", reason=exc.reason) from exc
        done.append(getattr(answer, noun.word))
    return done


def _print_applied(noun: Noun, done: list[Any], output: Output | None) -> None:
    if chosen_output(output) is not Output.JSON:
        print_line("\n".join(f"{resource_id(each.name)} is applied, etag {each.etag}" for each in done))
    elif len(done) == 1:
        print_json(done[0])
    else:
        print_json({noun.collection: [as_mapping(each) for each in done]})
