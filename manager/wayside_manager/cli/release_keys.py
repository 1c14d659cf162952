"""`wayside releases keys`: the ceremony in which people make keys and roots. Nothing here speaks to a manager."""

from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from wayside.errors import FailedPreconditionError, InvalidArgumentError
from wayside_manager.cli.output import print_line
from wayside_manager.cli.passphrases import new_passphrase
from wayside_manager.cli.running import reported
from wayside_manager.settings import write_whole

if TYPE_CHECKING:  # the libraries that sign: no other command needs them
    from securesystemslib.signer import Key

    from wayside_manager.cli.ceremony import Ceremony
    from wayside_manager.core.release_trust.roots import RootPlan

app = typer.Typer(no_args_is_help=True, help="Keys of people, and the roots that name them; offline.")
FolderArgument = Annotated[Path, typer.Argument(help="Folder of what is signed; nothing in it is secret.")]
DaysOption = Annotated[int, typer.Option(min=1, max=3650, help="Life of the roots [d].")]
ThresholdOption = Annotated[int, typer.Option(min=2, max=20, help="How many people have to sign.")]
ManagerKeyOption = Annotated[
    list[Path], typer.Option("--manager-key", help="What 'wayside releases trust manager-key' wrote.")
]


@app.command("create")
@reported
def create(
    file: Annotated[Path, typer.Argument(help="File of the key, as li.key; li.pub is written beside it.")],
    *,
    module: Annotated[str, typer.Option(help="Make it in a token: PKCS#11 library.")] = "",
    token_label: Annotated[str, typer.Option(help="Label of the token.")] = "",
    pin_file: Annotated[str, typer.Option(help="File with the user's PIN.")] = "",
    ask: Annotated[bool, typer.Option("--ask", help="Ask for a passphrase and encrypt the file with it.")] = False,
    passphrase_file: Annotated[
        Path | None, typer.Option(help="Encrypt it with what this file holds; '-': stdin.")
    ] = None,
) -> None:
    """Makes a key of one person: in a file only its owner can read, encrypted or not, or in a smart card or HSM."""
    from wayside_manager.services.trust_keys import new_key_pem, opened_signer, public_pem

    public = file.with_suffix(".pub")
    if file.exists() or public.exists() or file == public:
        raise FailedPreconditionError(f"{file} or {public} is there; name another file, a key is never written over")
    is_encrypted = ask or passphrase_file is not None
    if is_encrypted and module:
        raise InvalidArgumentError("--module: a key in a token has a PIN and no passphrase; give one or the other")
    passphrase = new_passphrase(passphrase_file, file) if is_encrypted else ""
    if module:
        from wayside_manager.services.trust_tokens import made_in_token

        where = made_in_token(module=module, token_label=token_label, pin_file=pin_file, key_label=file.stem)
        write_whole(file, where.toml(), is_secret=True)
    else:
        write_whole(file, new_key_pem(passphrase), is_secret=True)
    key = opened_signer(file, lambda _: passphrase).public_key
    write_whole(public, public_pem(key))
    print_line(f"made key {key.keyid}: keep {file} offline, give {public} to whoever makes the roots")


@app.command("init")
@reported
def init(
    folder: FolderArgument,
    *,
    key: Annotated[list[Path], typer.Option(help="Public key (.pub) of a person; repeat, at least twice.")],
    manager_key: ManagerKeyOption,
    signer: Annotated[
        list[Path] | None, typer.Option(help="Public key of who signs releases; else those of --key sign them, too.")
    ] = None,
    threshold: ThresholdOption = 2,
    days: DaysOption = 365,
) -> None:
    """Drafts the first roots of both repositories; 'wayside releases sign' signs them."""
    from wayside_manager.cli.ceremony import Ceremony, utc_now
    from wayside_manager.core.release_trust.roots import RootPlan

    people, signers = _keys(key), _keys(signer or key)
    plan = RootPlan(people, signers, _keys(manager_key), threshold=threshold, signer_threshold=threshold)
    ceremony = Ceremony(folder)
    ceremony.begin(plan, now=utc_now(), life=timedelta(days=days))
    _tell(ceremony)


@app.command("rotate")
@reported
def rotate(
    folder: FolderArgument,
    *,
    add: Annotated[list[Path] | None, typer.Option(help="Public key of a person who signs from now on.")] = None,
    remove: Annotated[list[str] | None, typer.Option(help="Holder or start of the id of a key that leaves.")] = None,
    add_manager_key: Annotated[list[Path] | None, typer.Option(help="Next key of a manager.")] = None,
    threshold: Annotated[int, typer.Option(min=0, max=20, help="How many people have to sign. 0: as before.")] = 0,
    days: DaysOption = 365,
) -> None:
    """Drafts the next roots: other people, another key of the manager, or only a new end. Old and new people sign."""
    from dataclasses import replace

    from wayside_manager.cli.ceremony import Ceremony, utc_now

    ceremony = Ceremony(folder)
    plan = _without(ceremony.plan(), remove or [])
    added = _keys(add or [])
    plan = replace(
        plan,
        people=_joined(plan.people, added),
        signers=_joined(plan.signers, added),
        manager=_joined(plan.manager, _keys(add_manager_key or [])),
        threshold=threshold or plan.threshold,
        signer_threshold=threshold or plan.signer_threshold,
    )
    ceremony.succeed(plan, now=utc_now(), life=timedelta(days=days))
    _tell(ceremony)


@app.command("revoke")
@reported
def revoke(
    folder: FolderArgument,
    key: Annotated[str, typer.Argument(help="Holder, or start of the id, of a key that was lost or has leaked.")],
    *,
    add: Annotated[list[Path] | None, typer.Option(help="Public key of who takes the place.")] = None,
) -> None:
    """Drafts roots without a key, and targets to be signed without it. Give both to the manager together."""
    rotate(folder, add=add, remove=[key])


@app.command("record")
@reported
def record(folder: FolderArgument) -> None:
    """Prints what was done, to be signed by hand and kept."""
    from wayside_manager.cli.ceremony import Ceremony
    from wayside_manager.cli.ceremony_record import record_lines

    for line in record_lines(Ceremony(folder)):
        print_line(line)


def _keys(paths: list[Path]) -> "tuple[Key, ...]":
    from wayside_manager.services.trust_keys import public_key

    return tuple(public_key(path) for path in paths)


def _joined(keys: "tuple[Key, ...]", more: "tuple[Key, ...]") -> "tuple[Key, ...]":
    known = {key.keyid for key in keys}
    return (*keys, *(key for key in more if key.keyid not in known))


def _without(plan: "RootPlan", named: list[str]) -> "RootPlan":
    """The plan without the keys that are named.

    Raises: InvalidArgumentError: a name fits none, or several.
    """
    from dataclasses import replace

    from wayside_manager.core.release_trust.roots import holder

    leaving = set()
    for name in named:
        every = {key.keyid: key for key in (*plan.people, *plan.signers, *plan.manager)}
        found = [key_id for key_id, key in every.items() if holder(key) == name or key_id.startswith(name.lower())]
        if len(found) != 1:
            raise InvalidArgumentError(f"{name!r}: {len(found)} keys are called so; give the start of the id of one")
        leaving.add(found[0])

    def kept(keys: "tuple[Key, ...]") -> "tuple[Key, ...]":
        return tuple(key for key in keys if key.keyid not in leaving)

    return replace(plan, people=kept(plan.people), signers=kept(plan.signers), manager=kept(plan.manager))


def _tell(ceremony: "Ceremony") -> None:
    from wayside_manager.cli.ceremony_record import standing_line

    for standing in ceremony.standings():
        print_line(standing_line(standing))
