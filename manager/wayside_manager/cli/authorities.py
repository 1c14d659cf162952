"""`wayside authorities`: list, create, activate, retire."""

from typing import Annotated

import typer

from wayside.v1 import authority_service_pb2 as wire
from wayside_manager.cli.asking import YesOption, ask_first
from wayside_manager.cli.output import Output, local_time, print_fields, print_json, print_line, worded
from wayside_manager.cli.running import (
    ContextOption,
    OutputOption,
    chosen_output,
    print_listed,
    reported,
    resource_id,
    resource_name,
    run,
)

COLUMNS = ("AUTHORITY", "STATE", "CERTIFICATES", "CREATED", "ENDS")

app = typer.Typer(
    no_args_is_help=True,
    help="Authorities: the keys that sign certificates. A new one is trusted first, signs next; the old one goes last.",
)

AuthorityArgument = Annotated[str, typer.Argument(help="Authority, as 'authorities list' names it.")]


@app.command("list")
@reported
def list_authorities(output: OutputOption = None, context: ContextOption = None) -> None:
    """Lists the authorities that are trusted, oldest first."""
    request = wire.ListAuthoritiesRequest()
    found = run(lambda manager: manager.call(manager.authority.ListAuthorities, request), context).authorities
    print_listed("authorities", found, output, columns=COLUMNS, row=_row)


@app.command("create")
@reported
def create(output: OutputOption = None, context: ContextOption = None) -> None:
    """Makes an authority that everybody trusts from now on and that signs nothing yet."""
    request = wire.CreateAuthorityRequest()
    answer = run(lambda manager: manager.call(manager.authority.CreateAuthority, request), context)
    _print(answer.authority, output)


@app.command("activate")
@reported
def activate(
    authority: AuthorityArgument,
    *,
    force: Annotated[
        bool, typer.Option("--force", help="Do not wait for nodes that do not trust it yet; they must enrol again.")
    ] = False,
    output: OutputOption = None,
    context: ContextOption = None,
) -> None:
    """Lets an authority sign. Nodes then renew by themselves."""
    request = wire.ActivateAuthorityRequest(name=resource_name(authority, "authorities"), force=force)
    answer = run(lambda manager: manager.call(manager.authority.ActivateAuthority, request), context)
    _print(answer.authority, output)


@app.command("retire")
@reported
def retire(
    authority: AuthorityArgument,
    *,
    force: Annotated[bool, typer.Option("--force", help="Cut off whoever still shows a certificate of it.")] = False,
    yes: YesOption = False,
    context: ContextOption = None,
) -> None:
    """Ends the trust in an authority and deletes its key. Asks first when a person is at the terminal."""
    ask_first(f"End the trust in {authority} for good?", yes=yes)
    request = wire.RetireAuthorityRequest(name=resource_name(authority, "authorities"), force=force)
    run(lambda manager: manager.call(manager.authority.RetireAuthority, request), context)
    print_line(f"retired {request.name}")


def _print(authority: wire.Authority, output: Output | None) -> None:
    if chosen_output(output) is Output.JSON:
        print_json(authority)
    else:
        print_fields({name.lower(): value for name, value in zip(COLUMNS, _row(authority), strict=True)})


def _row(authority: wire.Authority) -> tuple[object, ...]:
    return (
        resource_id(authority.name),
        worded(wire.Authority.State, authority.state, "STATE_"),
        authority.certificate_count,
        local_time(authority.create_time),
        local_time(authority.expire_time),
    )
