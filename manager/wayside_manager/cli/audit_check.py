"""Checks of the audit trail without a manager: of an exported file, and of a data folder.

Usage: `checked_file(Path("audit.jsonl"), Path("ca.pem"))`; `wayside-manager audit verify --data DIR`.
"""

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Annotated
from urllib.parse import quote

import typer
from sqlalchemy import make_url

from wayside.errors import FailedPreconditionError, InvalidArgumentError
from wayside.v1 import audit_service_pb2
from wayside_manager.api.audit_messages import verdict_message
from wayside_manager.cli.output import Output, print_error, print_fields, print_json
from wayside_manager.cli.running import OutputOption, chosen_output, reported
from wayside_manager.cli.serve import DataOption
from wayside_manager.core.audit import AuditEntry, Seal, Verdict
from wayside_manager.core.audit_check import Walk, begun_at, verdict, walked
from wayside_manager.core.audit_export import LINE_MAX_CHARS, imported, previous_sha256
from wayside_manager.services.audit_seals import checked_trail, signed_seals
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
    authorities = "".join(_read(path) for path in ((ca,) if ca else folder.every_authority))
    url = _read_only(read_settings(folder.settings).database_url or folder.database_url)
    print_verdict(asyncio.run(_checked(url, authorities)), output)


@app.callback()
def group() -> None:
    """The audit trail, without a running manager."""


def checked_file(path: Path, ca: Path) -> audit_service_pb2.VerifyAuditResponse:
    """What is true of an exported file. Its end must be sealed: nothing else says that it is the end.

    Raises: InvalidArgumentError: a file cannot be read; FailedPreconditionError: a line is neither entry nor seal.
    """
    every = [part for part in _parts(path) if isinstance(part, Seal)]
    seals = signed_seals(every, _read(ca))
    walk: Walk | None = None
    for part in _parts(path):
        if isinstance(part, AuditEntry):
            walk = walked(walk or begun_at(part.sequence, previous_sha256(part), seals), (part,), seals)
    found = verdict(walk or Walk(), None, seals)
    return verdict_message(_sealed_to_the_end(found, walk or Walk()))


def print_verdict(found: audit_service_pb2.VerifyAuditResponse, output: Output | None) -> None:
    """What a check found; ends the program with status 1 when something is broken."""
    if chosen_output(output) is Output.JSON:
        print_json(found)
    else:
        fields = {
            "intact": "yes" if found.intact else "no",
            "entries checked": found.entry_count,
            "sealed up to": found.sealed_sequence or "nothing yet",
            "newest hash": found.head_sha256,
        }
        print_fields(fields | ({} if found.intact else {"first broken": found.first_broken_sequence}))
    if not found.intact:
        print_error(found.message)
        raise typer.Exit(1)


async def _checked(url: str, authorities_pem: str) -> audit_service_pb2.VerifyAuditResponse:
    async with open_store(url) as store:
        return verdict_message(await checked_trail(store, authorities_pem))


def _sealed_to_the_end(found: Verdict, walk: Walk) -> Verdict:
    if not found.is_intact or walk.sealed_sequence == walk.sequence:
        return found
    first = walk.sealed_sequence + 1
    message = f"no seal covers the entries from {first} on; export again, or take the seals of the export back"
    return replace(found, is_intact=False, first_broken_sequence=first, message=message)


def _every_authority(folder: DataFolder) -> str:
    """Also those that left; a seal of theirs is a seal."""
    paths = sorted(folder.authorities.glob("*.pem")) or [folder.authority[0]]
    return "".join(map(_read, paths))


def _read_only(url: str) -> str:
    """The same database, never written: also from a medium that cannot be."""
    parsed = make_url(url)
    if parsed.get_backend_name() != "sqlite":
        return url
    # at rest SQLite leaves no log behind; reading with one needs the log's index, which it would make
    mode = "mode=ro" if Path(f"{parsed.database}-wal").exists() else "immutable=1"
    return f"sqlite:///file:{quote(str(parsed.database))}?{mode}&uri=true"


def _parts(path: Path) -> Iterator[AuditEntry | Seal]:
    try:
        with path.open(encoding="utf-8", errors="surrogateescape") as stream:
            number = 0
            while line := stream.readline(LINE_MAX_CHARS):
                number += 1
                yield _part(line.rstrip("\n"), path, number)
    except OSError as exc:
        raise InvalidArgumentError(f"{path} cannot be read: {exc.strerror}") from exc


def _part(line: str, path: Path, number: int) -> AuditEntry | Seal:
    try:
        return imported(line)
    except ValueError as exc:
        raise FailedPreconditionError(
            f"{path}: line {number} is {exc}; somebody changed it, or it is no export", reason="EXPORT_BROKEN"
        ) from exc


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii", errors="replace")
    except OSError as exc:
        raise InvalidArgumentError(f"{path} cannot be read: {exc.strerror}") from exc
