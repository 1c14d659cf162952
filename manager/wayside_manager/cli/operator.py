"""`wayside`: the operators' command line. Everything it can do is in the `wayside.v1` API."""

import os

import typer

from wayside_manager.cli import (
    alarms,
    approvals,
    audit,
    authorities,
    corridors,
    events,
    geofences,
    groups,
    health,
    jobs,
    licences,
    nodes,
    policy,
    releases,
    rollouts,
    sinks,
    sites,
    tenants,
    users,
)
from wayside_manager.cli.config import app as config
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
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Watches, configures and updates a fleet of roadside and on-board units.",
    epilog=EXIT_CODE_HELP,
)
app.add_typer(nodes.app, name="nodes")
app.add_typer(config.app, name="config")
app.add_typer(releases.app, name="releases")
app.add_typer(rollouts.app, name="rollouts")
app.add_typer(health.app, name="health")
app.add_typer(alarms.app, name="alarms")
app.add_typer(events.app, name="events")
app.add_typer(sinks.app, name="sinks")
app.add_typer(jobs.app, name="jobs")
app.add_typer(sites.app, name="sites")
app.add_typer(corridors.app, name="corridors")
app.add_typer(groups.app, name="groups")
app.add_typer(geofences.app, name="geofences")
app.add_typer(licences.app, name="licences")
app.add_typer(users.app, name="users")
app.add_typer(tenants.app, name="tenants")
app.add_typer(approvals.app, name="approvals")
app.add_typer(policy.app, name="policy")
app.add_typer(audit.app, name="audit")
app.add_typer(authorities.app, name="authorities")
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
