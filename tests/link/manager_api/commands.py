"""Command lines against a manager in this process."""

import asyncio
from pathlib import Path

from typer import Typer
from typer.testing import CliRunner

from tests.link.manager_api.peer import LocalManager
from wayside_manager.cli.manager import app as manager_app
from wayside_manager.cli.operator import app


async def wayside(manager: LocalManager, *arguments: str | Path, token: Path | None = None) -> tuple[int, str, str]:
    """What `wayside` leaves: exit code, stdout, stderr. It has an event loop of its own, so it gets a thread."""
    context = manager.folder.operator / "context.toml"
    if token is not None:
        context = token.with_suffix(".toml")
        context.write_text(
            f'address = "{manager.endpoints.operator_address}"\nca_file = "{manager.folder.operator / "ca.pem"}"\n'
            f'token_file = "{token}"\n'
        )
    return await asyncio.to_thread(_invoked, app, arguments, {"WAYSIDE_CONTEXT": str(context)})


async def wayside_manager(*arguments: str | Path) -> tuple[int, str, str]:
    """What `wayside-manager` leaves."""
    return await asyncio.to_thread(_invoked, manager_app, arguments, {})


def _invoked(program: Typer, arguments: tuple[str | Path, ...], env: dict[str, str]) -> tuple[int, str, str]:
    done = CliRunner().invoke(program, list(map(str, arguments)), env=env)
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    return done.exit_code, done.stdout, done.stderr
