"""`wayside-manager audit verify --data DIR`: checks the audit trail in a data folder, without a running manager.

Apart from `audit_check.py`, which `wayside` loads with every command: this one opens the store.
"""

import asyncio
from pathlib import Path
from typing import Annotated
from urllib.parse import quote

import typer
from sqlalchemy import make_url

from wayside.v1 import audit_service_pb2
from wayside_manager.api.audit_messages import verdict_message
from wayside_manager.cli.audit_check import print_verdict, read_authorities
from wayside_manager.cli.running import OutputOption, reported
from wayside_manager.cli.serve import DataOption
from wayside_manager.services.audit_seals import checked_trail
from wayside_manager.settings import DataFolder, read_settings
from wayside_manager.store.sql import open_store

app = typer.Typer(no_args_is_help=True, help="The audit trail, without a running manager.")


@app.command("verify")
@reported
def verify(
    data: DataOption,
    *,
    ca: Annotated[Path | None, typer.Option(help="Authorities, PEM, kept elsewhere; default: the folder's.")] = None,
    output: OutputOption = None,
) -> None:
    """Checks the trail in a data folder, whether its manager runs or not; writes nothing. Exit 1: it was changed."""
    folder = DataFolder(data)
    authorities = "".join(read_authorities(path) for path in ((ca,) if ca else folder.every_authority))
    url = _read_only(read_settings(folder.settings).database_url or folder.database_url)
    print_verdict(asyncio.run(_checked(url, authorities)), output)


@app.callback()
def group() -> None:
    """The audit trail, without a running manager."""


async def _checked(url: str, authorities_pem: str) -> audit_service_pb2.VerifyAuditResponse:
    async with open_store(url) as store:
        return verdict_message(await checked_trail(store, authorities_pem))


def _read_only(url: str) -> str:
    """The same database, never written: also from a medium that cannot be."""
    parsed = make_url(url)
    if parsed.get_backend_name() != "sqlite":
        return url
    # at rest SQLite leaves no log behind; reading with one needs the log's index, which it would make
    mode = "mode=ro" if Path(f"{parsed.database}-wal").exists() else "immutable=1"
    return f"sqlite:///file:{quote(str(parsed.database))}?{mode}&uri=true"
