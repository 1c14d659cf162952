"""What is printed of a ceremony: where each file stands, and the record people sign by hand.

Usage: `print_line(standing_line(standing))`, `for line in record_lines(ceremony): print_line(line)`.
"""

import hashlib
from collections.abc import Iterator

from securesystemslib.signer import Key

from wayside_manager.cli.ceremony import Ceremony, Standing
from wayside_manager.core.release_trust.files import Repository, TrustRole
from wayside_manager.core.release_trust.roots import holder, keys_of

_SHORT_ID = 16
_LINE = "-" * 72


def standing_line(standing: Standing) -> str:
    """Where one file stands, in a line."""
    state = "complete" if standing.is_complete else f"to be signed by {_names(standing.unsigned)}"
    signed = f", signed by {_names(standing.signed)}" if standing.signed else ""
    return f"{standing.what} {standing.version}, until {standing.expire_time:%Y-%m-%d}: {state}{signed}"


def record_lines(ceremony: Ceremony) -> Iterator[str]:
    """The record: who may sign what, what was signed, and a line for each hand."""
    yield "Record of a signing ceremony"
    yield _LINE
    people: dict[str, Key] = {}
    for repository in Repository:
        root = ceremony.newest(repository).signed
        yield f"{repository} root {root.version}, until {root.expires:%Y-%m-%d %H:%M} UTC"
        for role in TrustRole:
            keys = keys_of(root, role)
            yield f"  {role}: {root.roles[role].threshold} of {len(keys)}: {_names(keys)}"
        people |= {key.keyid: key for key in keys_of(root, TrustRole.ROOT)}
    if any(standing.what == "image targets" for standing in ceremony.standings()):
        people |= {key.keyid: key for key in keys_of(ceremony.newest(Repository.IMAGE).signed, TrustRole.TARGETS)}
    yield _LINE
    for standing in ceremony.standings():
        yield standing_line(standing)
        yield f"  SHA-256 {hashlib.sha256(standing.path.read_bytes()).hexdigest()}"
    yield _LINE
    for key_id, key in people.items():
        yield f"{holder(key) or 'unnamed':<24}{key_id}"
        yield f"{'':<24}date ____________________ signature ____________________"


def _names(keys: tuple[Key, ...]) -> str:
    return ", ".join(f"{holder(key) or 'unnamed'} ({key.keyid[:_SHORT_ID]})" for key in keys) or "nobody"
