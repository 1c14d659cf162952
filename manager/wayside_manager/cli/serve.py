"""`wayside-manager serve` and `migrate`: runs the manager, brings its database up to date."""

import asyncio
import logging
import resource
import sys
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from wayside.json_log import JsonFormatter
from wayside.sd_notify import notify
from wayside_manager.api.tls import allow_tls
from wayside_manager.app import Endpoints
from wayside_manager.app import serve as serve_until_stopped
from wayside_manager.cli.output import print_line
from wayside_manager.cli.running import reported
from wayside_manager.settings import DataFolder, Settings, held, read_settings
from wayside_manager.store.migrate import migrate as migrate_database

logger = logging.getLogger(__name__)
DataOption = Annotated[Path, typer.Option("--data", help="Data folder, made by 'wayside-manager init'.")]


@reported
def serve(
    data: DataOption,
    listen: Annotated[str, typer.Option(help="Address to listen on instead of the one in manager.toml.")] = "",
    device_port: Annotated[int | None, typer.Option(min=0, max=65_535, help="Port for nodes; 0: any.")] = None,
    operator_port: Annotated[int | None, typer.Option(min=0, max=65_535, help="Port for operators; 0: any.")] = None,
    log_level: Annotated[str, typer.Option(help="DEBUG, INFO, WARNING or ERROR; the log is JSON on stderr.")] = "INFO",
) -> None:
    """Serves until SIGTERM. Prints one line when it does, and notes its addresses in run/endpoints.json."""
    _log_to_stderr(log_level)
    folder = DataFolder(data)
    flags = {"listen_address": listen or None, "device_port": device_port, "operator_port": operator_port}
    given = {name: value for name, value in flags.items() if value is not None}
    settings: Settings = msgspec.structs.replace(read_settings(folder.settings), **given)
    allow_tls(settings.tls_minimum)
    raise_file_limit()
    asyncio.run(serve_until_stopped(folder, settings, announce=_announce))
    notify("STOPPING=1")


@reported
def migrate(data: DataOption) -> None:
    """Brings the database of a data folder up to this program; stop the manager first and keep a copy."""
    folder = DataFolder(data)
    settings = read_settings(folder.settings)
    with held(folder):
        revision = asyncio.run(migrate_database(settings.database_url or folder.database_url))
    print_line(f"the database has schema {revision}")


def raise_file_limit() -> None:
    """Lets this process open as many files as it may: one for each node, and two for each operator's connection."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    except (OSError, ValueError) as exc:
        logger.warning("the limit of open files stays as it is: %s", exc)


def _announce(endpoints: Endpoints) -> None:
    print_line(f"wayside-manager: nodes at {endpoints.device_address}, operators at {endpoints.operator_address}")
    sys.stdout.flush()
    notify("READY=1")


def _log_to_stderr(level: str) -> None:
    handler = logging.StreamHandler()
    handler.setFormatter(JsonFormatter())
    logging.basicConfig(level=logging.getLevelNamesMapping().get(level.upper(), logging.INFO), handlers=[handler])
