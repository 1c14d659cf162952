"""Which deltas between releases are worth making, and what becomes of them.

Usage: `pairs = wanted_pairs(releases)`: from each release that nodes run to each that they should or could run.
A delta is a convenience: whatever becomes of it, the whole release is there.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

MAX_BASES = 5
"""Releases a delta to one release is made from, newest first; from older ones the whole is fetched."""
MAX_TRIES = 3
"""A process that died so often is not tried again: it may be what takes the manager's memory."""
GIVEN_UP_COUNT = MAX_TRIES + 1
"""Tries of a delta over which managers died: their next start does not try it again, as it does what only failed."""
USELESS_RATIO = 0.6
"""A delta that is larger than this share of the whole is not kept."""


class DeltaState(StrEnum):
    """How far a delta is; see `wayside.v1.ReleaseDelta.State`."""

    PENDING = "pending"
    READY = "ready"
    USELESS = "useless"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class DeltaRecord:
    """A delta from a release to another; its bytes are in the artifact store under `sha256`."""

    version: str
    """It leads to."""
    base_version: str
    state: DeltaState = DeltaState.PENDING
    sha256: str = ""
    """Empty: it is not READY."""
    size_bytes: int = 0
    try_count: int = 0
    """Begun so often."""
    message: str = ""
    """Why it is not READY, in one sentence."""
    base_tree_sha256: str = ""
    """Of the files of the release it starts from."""


@dataclass(frozen=True, slots=True)
class DeltaRelease:
    """What is to be known of a release to plan deltas."""

    version: str
    sha256: str
    size_bytes: int
    tree_sha256: str
    is_active: bool
    create_us: int
    counter: int
    node_count: int
    """Nodes that run it, or were told to."""
    is_wanted: bool
    """Nodes were told to run it that do not yet."""
    tenant_ids: frozenset[str] = frozenset()
    """Tenant whose release it is, and every one above and below: whose nodes can go between it and others."""


@dataclass(frozen=True, slots=True, order=True)
class Pair:
    """From a base to a release."""

    version: str
    base_version: str


def wanted_pairs(releases: Iterable[DeltaRelease]) -> tuple[Pair, ...]:
    """The pairs worth having, the most wanted first: to what nodes wait for, then to what was published last.

    Bases are the releases that nodes run or should run, the newest `MAX_BASES` of each line; targets are published and
    not retired, and newer than their base, unless nodes were told to go that way.
    """
    known = [each for each in releases if each.tree_sha256]
    bases = sorted((each for each in known if each.node_count), key=lambda each: each.create_us, reverse=True)
    targets = sorted(
        (each for each in known if each.is_active), key=lambda each: (each.is_wanted, each.create_us), reverse=True
    )
    return tuple(Pair(target.version, base.version) for target in targets for base in _bases(target, bases)[:MAX_BASES])


def _bases(target: DeltaRelease, bases: Sequence[DeltaRelease]) -> list[DeltaRelease]:
    return [
        base
        for base in bases
        if base.tree_sha256 != target.tree_sha256
        and base.tenant_ids & target.tenant_ids
        and (target.is_wanted or base.counter < target.counter)
    ]


def after_making(delta: DeltaRecord, *, sha256: str, size_bytes: int, whole_bytes: int) -> tuple[DeltaState, str]:
    """What a delta that was made is, and why it is not READY."""
    if sha256 and size_bytes <= USELESS_RATIO * whole_bytes:
        return DeltaState.READY, ""
    share = round(100 * size_bytes / max(whole_bytes, 1))
    return DeltaState.USELESS, f"from {delta.base_version} it has {share} % of the whole; nodes fetch that"


def after_failure(delta: DeltaRecord, why: str) -> tuple[DeltaState, str]:
    """What a delta is after an attempt that brought none."""
    return (DeltaState.FAILED if delta.try_count >= MAX_TRIES else DeltaState.PENDING), why
