"""Reads a lock of `requirements/`, with its versions, markers and hashes.

Usage: `for entry in read_lock(path.read_text()): ...`
"""

import re
from dataclasses import dataclass

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

_HASH = re.compile(r"--hash=sha256:(?P<sha256>[0-9a-f]{64})")


@dataclass(frozen=True, slots=True)
class Locked:
    """One package of a lock."""

    name: str  # normalised, as registries compare names
    version: str
    marker: str  # where it is installed; empty: everywhere
    is_wanted: bool  # whether the marker holds on this machine
    sha256: tuple[str, ...]  # lower-case hex, one for every file that may be installed, sorted


def read_lock(text: str) -> list[Locked]:
    """The packages of a lock, by name and version: a name may have two, each with a marker.

    Raises: ValueError: a line that is no exact version with at least one hash.
    """
    entries = [_entry(line) for line in text.replace("\\\n", " ").splitlines() if line.strip()]
    return sorted(entries, key=lambda entry: (entry.name, entry.version))


def _entry(line: str) -> Locked:
    hashes = tuple(sorted(match["sha256"] for match in _HASH.finditer(line)))
    requirement = Requirement(_HASH.sub("", line).strip())
    pins = list(requirement.specifier)
    if len(pins) != 1 or pins[0].operator != "==" or not hashes:
        raise ValueError(f"{requirement.name}: the lock needs one exact version and a hash; run 'make lock'")
    marker = requirement.marker
    return Locked(
        name=canonicalize_name(requirement.name),
        version=pins[0].version,
        marker=str(marker) if marker else "",
        is_wanted=marker is None or marker.evaluate(),
        sha256=hashes,
    )
