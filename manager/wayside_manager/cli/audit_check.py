"""Checks an exported file of the audit trail without a manager, and prints what any check found.

Usage: `print_verdict(checked_file(Path("audit.jsonl"), Path("ca.pem")), output)`.
"""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import typer

from wayside.errors import FailedPreconditionError, InvalidArgumentError
from wayside.v1 import audit_service_pb2
from wayside_manager.api.audit_messages import verdict_message
from wayside_manager.cli.output import Output, print_error, print_fields, print_json
from wayside_manager.cli.running import chosen_output
from wayside_manager.core.audit import AuditEntry, Seal, Verdict
from wayside_manager.core.audit_check import Walk, begun_at, verdict, walked
from wayside_manager.core.audit_export import LINE_MAX_CHARS, imported, previous_sha256
from wayside_manager.services.audit_seals import signed_seals


def checked_file(path: Path, ca: Path) -> audit_service_pb2.VerifyAuditResponse:
    """What is true of an exported file. Its end must be sealed: nothing else says that it is the end.

    Raises: InvalidArgumentError: a file cannot be read; FailedPreconditionError: a line is neither entry nor seal.
    """
    every = [part for part in _parts(path) if isinstance(part, Seal)]
    seals = signed_seals(every, read_authorities(ca))
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


def _sealed_to_the_end(found: Verdict, walk: Walk) -> Verdict:
    if not found.is_intact or walk.sealed_sequence == walk.sequence:
        return found
    first = walk.sealed_sequence + 1
    message = f"no seal covers the entries from {first} on; export again, or take the seals of the export back"
    return replace(found, is_intact=False, first_broken_sequence=first, message=message)


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


def read_authorities(path: Path) -> str:
    """The text of a PEM file.

    Raises: InvalidArgumentError: it cannot be read.
    """
    try:
        return path.read_text(encoding="ascii", errors="replace")
    except OSError as exc:
        raise InvalidArgumentError(f"{path} cannot be read: {exc.strerror}") from exc
