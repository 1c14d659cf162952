"""`wayside`: the operators' command line. Everything it can do is in the `wayside.v1` API."""

import os

import typer

from wayside_manager.cli.nouns import Nouns
from wayside_manager.cli.output import EXIT_CODE_HELP, Output
from wayside_manager.cli.running import (
    AddressOption,
    ApprovalOption,
    ContextOption,
    OutputOption,
    Shared,
    VersionOption,
    resource_name,
    share,
)
from wayside_manager.cli.signin import signin, signout, whoami
from wayside_manager.cli.stop import stop

app = typer.Typer(
    cls=Nouns,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Watches, configures and updates a fleet of roadside and on-board units.",
    epilog=EXIT_CODE_HELP,
)
app.command()(stop)
app.command()(signin)
app.command()(signout)
app.command()(whoami)


@app.callback()
def shared(
    *,
    context: ContextOption = None,
    address: AddressOption = "",
    output: OutputOption = None,
    approval: ApprovalOption = "",
    version: VersionOption = False,  # noqa: ARG001  # its callback has done it all
) -> None:
    """Watches, configures and updates a fleet of roadside and on-board units."""
    name = resource_name(approval, "approvals") if approval else ""
    share(Shared(context_file=context, address=address, output=output or Output.TABLE, approval=name))


def main() -> None:
    """Runs the program."""
    os.environ.setdefault("GRPC_VERBOSITY", "NONE")  # gRPC's own words on stderr are for its developers
    app()
