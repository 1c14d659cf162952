"""`wayside-manager init`: makes the data folder of a new manager.

Usage: `await initialise(DataFolder(path), Settings())`.
"""

import asyncio
from datetime import datetime
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from wayside.errors import FailedPreconditionError, InvalidArgumentError
from wayside_manager.api.server import authority as address
from wayside_manager.app import utc_now
from wayside_manager.cli.first_operator import FIRST_OPERATOR, TOKEN_TTL, make_first_operator
from wayside_manager.cli.output import print_line
from wayside_manager.cli.running import reported
from wayside_manager.services.authorities import Authorities
from wayside_manager.services.authority import Authority, Credential
from wayside_manager.services.release_trust import made_key
from wayside_manager.settings import DataFolder, Settings, release_key_file, write_whole
from wayside_manager.store.migrate import migrate
from wayside_manager.store.sql import open_store


async def initialise(folder: DataFolder, settings: Settings) -> None:
    """Makes authority, server certificate, key for releases, database, settings and the first operator's credential.

    Raises:
        FailedPreconditionError: the folder is not empty.
        InvalidArgumentError: a host name no certificate can carry, or the folder cannot be made.
    """
    _make_empty(folder.path)
    now = utc_now()
    signer = Authorities.made(folder.authorities, write=write_whole, now=now).signing
    server = signer.server_credential(settings.hostnames, now=now)
    operator = signer.operator_credential(FIRST_OPERATOR, now=now)
    certificate_path, key_path = folder.server
    write_whole(key_path, server.key_pem, is_secret=True)
    write_whole(certificate_path, server.certificate.pem)
    write_whole(folder.trusted, signer.certificate_pem)
    made_key(release_key_file(folder, settings), write=write_whole)
    await migrate(folder.database_url)
    token = await _remember(folder, operator, now)
    _write_operator(folder.operator, operator, token, signer, settings)
    write_whole(folder.settings, _toml(settings))  # last: a folder with settings is complete


@reported
def init(
    directory: Annotated[Path, typer.Argument(help="Folder to make; it must be empty or not there.")],
    hostname: Annotated[
        list[str] | None,
        typer.Option(help="Name or address clients use; repeat for more. Default: localhost, 127.0.0.1, ::1."),
    ] = None,
    device_port: Annotated[int, typer.Option(min=0, max=65_535, help="Port for nodes; 0: any free one.")] = 7443,
    operator_port: Annotated[
        int, typer.Option(min=0, max=65_535, help="Port for enrolment and operators; 0: any free one.")
    ] = 7444,
) -> None:
    """Makes a manager: authority, database, settings and a first operator's credential."""
    settings = Settings(device_port=device_port, operator_port=operator_port)
    if hostname:
        settings = msgspec.structs.replace(settings, hostnames=tuple(hostname))
    folder = DataFolder(directory)
    asyncio.run(initialise(folder, settings))
    print_line(f"made {directory}; next: wayside-manager serve --data {directory}")
    print_line(f"operators: wayside --context {folder.operator / 'context.toml'} nodes list")
    print_line(f"that is operators/{FIRST_OPERATOR}, who may do everything, for {TOKEN_TTL.days} days;")
    print_line(f"then, or when its token is lost: wayside-manager recover-admin --data {directory}")


def _make_empty(directory: Path) -> None:
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        is_empty = not any(directory.iterdir())
    except OSError as exc:
        raise InvalidArgumentError(f"{directory} cannot be made a folder: {exc.strerror}") from exc
    if not is_empty:
        raise FailedPreconditionError(f"{directory} is not empty; name a new folder, or empty it if you mean it")


async def _remember(folder: DataFolder, operator: Credential, now: datetime) -> str:
    database = folder.path / "manager.db"
    database.chmod(0o600)
    async with open_store(folder.database_url) as store:
        return await make_first_operator(store, operator, now=now)


def _write_operator(directory: Path, operator: Credential, token: str, signer: Authority, settings: Settings) -> None:
    write_whole(directory / "ca.pem", signer.certificate_pem)
    write_whole(directory / "operator.key", operator.key_pem, is_secret=True)
    write_whole(directory / "operator.pem", operator.certificate.pem)
    write_whole(directory / "token", token + "\n", is_secret=True)
    host = settings.hostnames[0]
    for name, port, proof in (
        ("context.toml", settings.operator_port, 'token_file = "token"\n'),
        (
            "certificate-context.toml",
            settings.device_port,
            'certificate_file = "operator.pem"\nkey_file = "operator.key"\n',
        ),
    ):
        noted = f'address = "{address(host, port)}"\n' if port else ""
        write_whole(directory / name, f'{noted}endpoints_file = "../run/endpoints.json"\nca_file = "ca.pem"\n{proof}')


def _toml(settings: Settings) -> str:
    """The settings as TOML; lists of plain strings, strings and numbers are written as in JSON."""
    lines = ["# Settings of the manager. Those that are not here have their defaults.\n"]
    lines += [
        f"{field} = {msgspec.json.encode(getattr(settings, field)).decode()}\n"
        for field in ("hostnames", "listen_address", "device_port", "operator_port")
    ]
    return "".join(lines)
