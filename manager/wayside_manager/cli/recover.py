"""`wayside-manager recover-admin`: a way back in for whoever owns the manager's host."""

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from wayside.errors import FailedPreconditionError
from wayside.names import checked_label
from wayside_manager.app import utc_now
from wayside_manager.cli.first_operator import FIRST_OPERATOR, TOKEN_TTL
from wayside_manager.cli.first_operator import recover_admin as recover
from wayside_manager.cli.output import print_line
from wayside_manager.cli.running import reported
from wayside_manager.cli.serve import DataOption
from wayside_manager.settings import DataFolder, held, read_settings, write_whole
from wayside_manager.store.sql import open_store


@reported
def recover_admin(
    data: DataOption,
    operator: Annotated[str, typer.Option(help="Who; made if not there.")] = FIRST_OPERATOR,
    token_file: Annotated[
        Path | None, typer.Option(help="Where to write the token; default: operator/token in the data folder.")
    ] = None,
) -> None:
    """Makes an operator an admin of everything again, with a new token. Stop the manager first."""
    folder = DataFolder(data)
    settings = read_settings(folder.settings)
    checked_label(operator, field="--operator")
    path = token_file or folder.operator / "token"
    if token_file is not None and path.exists():
        raise FailedPreconditionError(f"{path} is there already; name another file or remove it")
    with held(folder):
        token = asyncio.run(_recovered(settings.database_url or folder.database_url, operator))
    write_whole(path, token + "\n", is_secret=True)
    print_line(f"operators/{operator} is an admin again; its token is in {path}, for {TOKEN_TTL.days} days")
    print_line("what it had before is still good: look at 'wayside users credentials', and revoke what should not be")


async def _recovered(url: str, operator_id: str) -> str:
    async with open_store(url) as store:
        return await recover(store, operator_id, now=utc_now())
