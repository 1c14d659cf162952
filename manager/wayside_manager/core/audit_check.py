"""Finds what was tampered with in the audit trail, and where.

A `Walk` goes along the chain in pages of any size; each step recomputes a hash. Behind it come the seals and the noted
end, so that a chain made anew, or cut, shows as well.
Usage: `walk = walked(walk, page, seals)` per page, then `verdict(walk, head, seals)`.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from wayside_manager.core.audit import FIRST_SHA256, AuditEntry, Listed, Seal, Verdict, digest, facts


@dataclass(frozen=True, slots=True)
class Walk:
    """How far a check has come: up to `sequence` everything follows from what came before."""

    sequence: int = 0
    sha256: str = FIRST_SHA256
    sealed_sequence: int = 0
    """The last place where a seal holds."""
    broken_sequence: int = 0
    """0: nothing is broken so far."""
    message: str = ""


@dataclass(frozen=True, slots=True)
class CheckedSeals:
    """Seals, once their signatures were looked at."""

    good: Mapping[int, str]
    """Place in the chain to the hash that was signed there."""
    bad_sequences: tuple[int, ...] = ()
    """Seals that none of the manager's authorities signed."""


def begun_at(sequence: int, previous_sha256: str, seals: CheckedSeals) -> Walk:
    """A walk that begins in the middle of the chain and takes the first entry's word for what was before it.

    A seal on the place before proves the word; before the very first entry there is nothing.
    """
    sealed = seals.good.get(sequence - 1)
    known = FIRST_SHA256 if sequence == 1 else sealed
    if known in {None, previous_sha256}:
        return Walk(sequence - 1, previous_sha256, sequence - 1 if sealed else 0)
    message = f"entry {sequence} does not follow what is known of the one before"
    return Walk(sequence - 1, previous_sha256, broken_sequence=sequence, message=message)


def walked(walk: Walk, entries: Iterable[AuditEntry], seals: CheckedSeals) -> Walk:
    """The walk after more entries, which come in order of their sequence. It stops at the first that is broken."""
    for entry in entries:
        if walk.broken_sequence:
            break
        walk = _stepped(walk, entry, seals)
    return walk


def verdict(walk: Walk, head: tuple[int, str] | None, seals: CheckedSeals) -> Verdict:
    """What was found; `head` is the noted end of the chain, `None` for an export, which has none."""
    broken, message = walk.broken_sequence, walk.message
    if not broken:
        broken, message = _fault_of_end(walk, head, seals)
    return Verdict(
        is_intact=not broken,
        entry_count=walk.sequence,
        first_broken_sequence=broken,
        message=message,
        sealed_sequence=walk.sealed_sequence,
        head_sha256=walk.sha256,
    )


def checked_seals(seals: Iterable[Seal], good: Iterable[Seal]) -> CheckedSeals:
    """Seals sorted by whether their signature is among the good ones."""
    proven = {seal.sequence: seal.sha256 for seal in good}
    return CheckedSeals(proven, tuple(seal.sequence for seal in seals if seal.sequence not in proven))


def _stepped(walk: Walk, entry: AuditEntry, seals: CheckedSeals) -> Walk:
    expected = walk.sequence + 1
    message = _fault(entry, expected, walk.sha256)
    if message:
        return replace(walk, broken_sequence=expected, message=message)
    sealed = seals.good.get(expected)
    if sealed is not None and sealed != entry.sha256:
        return replace(
            walk,
            broken_sequence=walk.sealed_sequence + 1,
            message=f"one of the entries {walk.sealed_sequence + 1} to {expected} was changed and those behind it made "
            f"anew: the seal at {expected} does not hold",
        )
    return replace(
        walk, sequence=expected, sha256=entry.sha256, sealed_sequence=expected if sealed else walk.sealed_sequence
    )


def _fault(entry: AuditEntry, expected: int, previous_sha256: str) -> str:
    if entry.sequence != expected:
        return f"entry {expected} is missing"
    if not entry.line.isascii() or digest(entry.line) != entry.sha256:
        return f"entry {expected} is not what was hashed"
    try:
        said, fields = facts(entry), json.loads(entry.line)
    except ValueError:
        return f"entry {expected} is not of our making"
    if fields.get("sequence") != expected or fields.get("previous") != previous_sha256:
        return f"entry {expected} does not follow the one before"
    listed = Listed(said.time, said.tenant_id, said.actor, said.action, said.outcome)
    if entry.listed is not None and entry.listed != listed:
        return f"entry {expected} is listed as something else than what it says"
    return ""


def _fault_of_end(walk: Walk, head: tuple[int, str] | None, seals: CheckedSeals) -> tuple[int, str]:
    """The first place where end or seals contradict a walk that went well; (0, ""): none."""
    sequence, sha256 = head or (walk.sequence, walk.sha256)
    last_sealed = max(seals.good, default=0)
    if max(sequence, last_sealed) > walk.sequence:
        witness = "the noted end" if sequence > walk.sequence else "a seal"
        return walk.sequence + 1, f"entry {walk.sequence + 1} and what follows it are missing: {witness} knows of them"
    if sequence < walk.sequence:
        return max(0, sequence) + 1, f"the noted end of the trail is {sequence}, but there are {walk.sequence} entries"
    if sha256 != walk.sha256:
        return walk.sequence, f"entry {walk.sequence} is not the noted end of the trail"
    if seals.bad_sequences:
        first = min(seals.bad_sequences)
        return max(1, first), f"the seal at {first} was signed by none of this manager's authorities"
    return 0, ""
