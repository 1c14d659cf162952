"""`wayside-manager serve` and `migrate`: runs the manager, brings its database up to date."""

import asyncio
import json
import logging
import os
import socket
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from wayside_manager.app import Endpoints
from wayside_manager.app import serve as serve_until_stopped
from wayside_manager.cli.output import print_line
from wayside_manager.cli.running import reported
from wayside_manager.settings import DataFolder, Settings, read_settings
from wayside_manager.store.migrate import migrate as migrate_database

DataOption = Annotated[Path, typer.Option("--data", help="Data folder, made by 'wayside-manager init'.")]

# attributes every record has; what is beside them came by `extra`
_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


class JsonFormatter(logging.Formatter):
    """One JSON object per line: time, level, logger, message, the extra fields, and the traceback if there is one."""

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        fields: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
        }
        fields |= {name: value for name, value in vars(record).items() if name not in _STANDARD}
        if record.exc_info:
            fields["traceback"] = self.formatException(record.exc_info)
        return json.dumps(fields, ensure_ascii=False, default=str)


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
    asyncio.run(serve_until_stopped(folder, settings, announce=_announce))
    notify("STOPPING=1")


@reported
def migrate(data: DataOption) -> None:
    """Brings the database of a data folder up to this program; stop the manager first and keep a copy."""
    folder = DataFolder(data)
    read_settings(folder.settings)  # says so when the folder is none
    revision = asyncio.run(migrate_database(folder.database_url))
    print_line(f"the database has schema {revision}")


def notify(state: str) -> None:
    """Tells systemd, if it asked to be told (sd_notify(3))."""
    path = os.environ.get("NOTIFY_SOCKET", "")
    if not path:
        return
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notified:
        notified.connect("\0" + path[1:] if path.startswith("@") else path)
        notified.sendall(state.encode())


def _announce(endpoints: Endpoints) -> None:
    print_line(f"wayside-manager: nodes at {endpoints.device_address}, operators at {endpoints.operator_address}")
    sys.stdout.flush()
    notify("READY=1")


def _log_to_stderr(level: str) -> None:
    handler = logging.StreamHandler()
    handler.setFormatter(JsonFormatter())
    logging.basicConfig(level=logging.getLevelNamesMapping().get(level.upper(), logging.INFO), handlers=[handler])
    logging.getLogger("alembic").setLevel(logging.WARNING)
