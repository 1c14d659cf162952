"""The list of files of a release, and its hash: what is equal however the files came, whole or by delta.

    digest = tree_sha256([TreeFile("site/wayside/names.py", 2_048, "ab…")])

The builder puts it into `release.json`, people sign that, a unit proves it before a slot may start.
"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, order=True)
class TreeFile:
    """One plain file. Modes, owners and times are not part of a release; empty directories neither."""

    name: str
    """Relative, `/` between parts: `site/…` or `payload/…`."""
    size_bytes: int
    sha256: str
    """Lower-case hex."""


def tree_sha256(files: Iterable[TreeFile]) -> str:
    """SHA-256 of the lines `sha256 size name`, sorted by name, as lower-case hex."""
    digest = hashlib.sha256()
    for file in sorted(files):
        digest.update(f"{file.sha256} {file.size_bytes} {file.name}\n".encode())
    return digest.hexdigest()
