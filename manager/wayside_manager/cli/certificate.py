"""`wayside-manager certificate`: a server certificate of the manager's authority, for the fleet's MQTT broker."""

from pathlib import Path
from typing import Annotated

import typer

from wayside.errors import FailedPreconditionError
from wayside_manager.app import read_authorities, utc_now
from wayside_manager.cli.output import print_line
from wayside_manager.cli.running import reported
from wayside_manager.cli.serve import DataOption
from wayside_manager.services.authority import BROKER_LIFE
from wayside_manager.settings import DataFolder, read_settings, write_whole


@reported
def certificate(
    directory: Annotated[Path, typer.Argument(help="Folder to write ca.pem, certificate.pem and key.pem into.")],
    data: DataOption,
    hostname: Annotated[list[str], typer.Option(help="Name or address clients use; repeat for more.")],
) -> None:
    """Makes a server certificate that nodes and operators trust, and a new key for it."""
    make_certificate(directory, DataFolder(data), hostname)
    print_line(f"made {directory / 'certificate.pem'} for {', '.join(hostname)}")


def make_certificate(directory: Path, folder: DataFolder, hostnames: list[str]) -> None:
    """Writes `ca.pem`, `certificate.pem` and `key.pem` for a server with these names.

    Raises: FailedPreconditionError: there is a key already, or the folder is none of a manager.
    """
    read_settings(folder.settings)  # says so when the folder is none
    authorities = read_authorities(folder)
    if (directory / "key.pem").exists():
        raise FailedPreconditionError(f"{directory / 'key.pem'} is there already; name another folder or remove it")
    credential = authorities.signing.server_credential(hostnames, now=utc_now(), life=BROKER_LIFE)
    write_whole(directory / "ca.pem", authorities.authorities_pem)
    write_whole(directory / "key.pem", credential.key_pem, is_secret=True)
    write_whole(directory / "certificate.pem", credential.certificate.pem)
