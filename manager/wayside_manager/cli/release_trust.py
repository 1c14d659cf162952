"""`wayside releases trust`: what a manager holds of what people signed."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from wayside.v1 import release_service_pb2
from wayside_manager.cli.client import ManagerClient
from wayside_manager.cli.output import Output, local_time, print_json, print_line, print_table
from wayside_manager.cli.running import ContextOption, OutputOption, chosen_output, reported, run
from wayside_manager.settings import write_whole

WARN_DAYS = 60
"""Before the end of something people sign, who have to be brought together for it."""

app = typer.Typer(no_args_is_help=True, help="Roots of trust of the manager, and when what was signed ends.")
FolderArgument = Annotated[Path, typer.Argument(help="Folder of what is signed.")]


@app.command("show")
@reported
def show(output: OutputOption = None, context: ContextOption = None) -> None:
    """Shows what people signed and when it ends. Exit 1 when something ends within 60 days."""
    trust = run(_held, context)
    soon = [end for end in trust.ends if _days_left(end) < WARN_DAYS]
    if chosen_output(output) is Output.JSON:
        print_json(trust)
    else:
        rows = [(end.what, local_time(end.expire_time), f"{_days_left(end):.0f}") for end in trust.ends]
        if trust.image_root:
            print_table(("WHAT", "ENDS", "DAYS LEFT"), rows)
        else:
            print_line("there are no roots of trust yet: no release can be published (docs/releases.md)")
        for end in soon:
            print_line(f"the {end.what} ends soon: sign the next one (docs/releases.md)")
    if soon:
        raise typer.Exit(1)


@app.command("manager-key")
@reported
def manager_key(
    file: Annotated[Path, typer.Argument(help="File to write, as manager.pub.")], context: ContextOption = None
) -> None:
    """Writes the public key with which the manager signs what ages, for the roots."""
    write_whole(file, run(_held, context).manager_public_key_pem)
    print_line(f"wrote {file}; next: wayside releases keys init --manager-key {file}")


@app.command("update")
@reported
def update(folder: FolderArgument, output: OutputOption = None, context: ContextOption = None) -> None:
    """Gives the manager the roots and targets of a folder."""
    from wayside_manager.cli.ceremony import Ceremony  # the libraries that sign: no other command needs them
    from wayside_manager.core.release_trust.files import Repository

    ceremony = Ceremony(folder)
    ceremony.newest(Repository.IMAGE)  # says what to do where there is none
    targets = [each for each in ceremony.standings() if each.what == "image targets" and each.is_complete]
    request = release_service_pb2.UpdateReleaseTrustRequest(
        image_roots=ceremony.roots(Repository.IMAGE),
        director_roots=ceremony.roots(Repository.DIRECTOR),
        image_targets=ceremony.targets_content() if targets else b"",
    )
    trust = run(lambda manager: manager.call(manager.release.UpdateReleaseTrust, request), context).trust
    if chosen_output(output) is Output.JSON:
        print_json(trust)
    else:
        print_line("the manager holds them: " + ", ".join(end.what for end in trust.ends))


@app.command("save")
@reported
def save(folder: FolderArgument, context: ContextOption = None) -> None:
    """Writes what the manager holds into a folder, to be signed on top of."""
    from wayside_manager.cli.ceremony import Ceremony
    from wayside_manager.core.release_trust.files import Repository, no_roots

    trust = run(_held, context)
    if not trust.image_root:
        raise no_roots()
    roots = {Repository.IMAGE: trust.image_root, Repository.DIRECTOR: trust.director_root}
    Ceremony(folder).keep(roots=roots, targets=trust.image_targets)
    print_line(f"wrote {folder}")


async def _held(manager: ManagerClient) -> release_service_pb2.ReleaseTrust:
    request = release_service_pb2.GetReleaseTrustRequest()
    return (await manager.call(manager.release.GetReleaseTrust, request)).trust


def _days_left(end: release_service_pb2.ReleaseTrustEnd) -> float:
    return (end.expire_time.ToDatetime(UTC) - datetime.now(UTC)).total_seconds() / 86_400
