"""`wayside-manager`: for whoever runs the manager."""

import os

import typer

from wayside_manager.cli import audit_folder
from wayside_manager.cli.certificate import certificate
from wayside_manager.cli.initialise import init
from wayside_manager.cli.output import EXIT_CODE_HELP
from wayside_manager.cli.recover import recover_admin
from wayside_manager.cli.running import VersionOption
from wayside_manager.cli.security_report import security_report
from wayside_manager.cli.serve import migrate, serve

app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Makes and runs a Wayside manager.",
    epilog=EXIT_CODE_HELP,
)
app.command()(init)
app.command()(serve)
app.command()(migrate)
app.command()(certificate)
app.command("recover-admin")(recover_admin)
app.command()(security_report)
app.add_typer(audit_folder.app, name="audit")


@app.callback()
def shared(*, version: VersionOption = False) -> None:  # its callback has done it all
    """Makes and runs a Wayside manager."""


def main() -> None:
    """Runs the program."""
    os.environ.setdefault("GRPC_VERBOSITY", "NONE")  # gRPC's own words on stderr are for its developers
    app()
