"""`wayside releases sign`: one person signs what waits for the signature. Nothing here speaks to a manager."""

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from wayside.errors import InvalidArgumentError, NotFoundError
from wayside_manager.cli.output import print_line
from wayside_manager.cli.passphrases import Passphrases
from wayside_manager.cli.running import reported

if TYPE_CHECKING:  # the libraries that sign: no other command needs them
    from tuf.api.metadata import TargetFile


@reported
def sign(
    folder: Annotated[Path, typer.Argument(help="Folder of what is signed, from 'wayside releases keys init'.")],
    artifacts: Annotated[list[Path] | None, typer.Argument(help="Releases to sign; checked whole first.")] = None,
    *,
    key: Annotated[list[Path], typer.Option(help="Key of the person who signs; repeat if several sit together.")],
    remove: Annotated[list[str] | None, typer.Option(help="Version that shall be installed no more.")] = None,
    renew: Annotated[bool, typer.Option("--renew", help="Give what is signed a new end.")] = False,
    passphrase_file: Annotated[
        list[Path] | None,
        typer.Option(
            help="File with the passphrase of a key, '-': stdin; repeat in the order of the keys. Default: ask."
        ),
    ] = None,
) -> None:
    """Signs roots and releases with the key of one person, after the other."""
    from wayside_manager.cli.ceremony import Ceremony, utc_now
    from wayside_manager.cli.ceremony_record import standing_line
    from wayside_manager.core.release_trust.targets import target_path
    from wayside_manager.services.trust_keys import opened_signer

    ceremony = Ceremony(folder)
    ask = Passphrases(passphrase_file or [])
    signers = [opened_signer(path, ask) for path in key]
    ask.check_used()
    added = [_target(path) for path in artifacts or []]
    removed = [target_path(version) for version in remove or []]
    if added or removed or renew:
        ceremony.put_targets(added, removed=removed, now=utc_now())
    for what, signer in ceremony.sign(signers):
        print_line(f"signed {what} with {signer.public_key.keyid[:16]}")
    for standing in ceremony.standings():
        print_line(standing_line(standing))


def _target(path: Path) -> "TargetFile":
    """What is signed of an artifact.

    Raises: NotFoundError; InvalidArgumentError: it is no release, or cannot be read.
    """
    from wayside.release_reading import checked
    from wayside_manager.core.release_trust.targets import release_target

    try:
        with path.open("rb") as file:
            digest, size_bytes = hashlib.file_digest(file, "sha256").hexdigest(), file.tell()
            reading = checked(file)
    except FileNotFoundError as error:
        raise NotFoundError(f"{path} is not there; name the artifact of a release") from error
    except OSError as error:
        raise InvalidArgumentError(f"{path} cannot be read: {error.strerror}") from error
    except InvalidArgumentError as error:
        raise InvalidArgumentError(f"{path}: {error}") from error
    manifest_sha256 = hashlib.sha256(reading.manifest_bytes).hexdigest()
    return release_target(reading.manifest, manifest_sha256, sha256=digest, size_bytes=size_bytes)
