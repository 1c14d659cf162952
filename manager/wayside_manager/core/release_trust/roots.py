"""Roots: who may sign what, and how one root follows another.

Usage: `drafted_root(Repository.IMAGE, plan, version=1, expire_time=...)` is signed by people; `following(root, content,
...)` is what the manager does with what they bring.
**Source:** TUF 1.0.34, §5.3 (updating the root), §6.1 (key management); Uptane 2.1, §5.2.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from tuf.api.metadata import Key, Metadata, Root

from wayside.errors import FailedPreconditionError
from wayside_manager.core.release_trust.files import (
    ROOT_MAX_BYTES,
    Repository,
    TrustRole,
    is_signed_by,
    malformed,
    read,
)

PEOPLE_MIN_COUNT = 2
"""Signatures of people that a root and what exists must have: nobody installs anything anywhere alone."""
HOLDER = "x-wayside-holder"
"""Field of a key: whose it is."""
_ONLINE = {
    Repository.IMAGE: (TrustRole.SNAPSHOT, TrustRole.TIMESTAMP),
    Repository.DIRECTOR: (TrustRole.TARGETS, TrustRole.SNAPSHOT, TrustRole.TIMESTAMP),
}
"""What the manager signs."""


@dataclass(frozen=True, slots=True)
class RootPlan:
    """Who may sign."""

    people: tuple[Key, ...]
    """Sign roots."""
    signers: tuple[Key, ...]
    """Sign what exists: the targets of the image repository."""
    manager: tuple[Key, ...]
    """Any of them signs what the manager signs."""
    threshold: int = PEOPLE_MIN_COUNT
    """Of people, for a root."""
    signer_threshold: int = PEOPLE_MIN_COUNT
    """Of signers."""


def drafted_root(repository: Repository, plan: RootPlan, *, version: int, expire_time: datetime) -> Metadata[Root]:
    """A root to be signed.

    Raises: InvalidArgumentError: nobody could sign it, or one person alone.
    """
    root = Root(version=version, expires=expire_time.replace(microsecond=0), consistent_snapshot=True)
    keys = {TrustRole.ROOT: plan.people, TrustRole.TARGETS: plan.signers} | dict.fromkeys(
        _ONLINE[repository], plan.manager
    )
    for role, of_role in keys.items():
        for key in of_role:
            root.add_key(key, role)
    root.roles[TrustRole.ROOT].threshold = plan.threshold
    if repository is Repository.IMAGE:
        root.roles[TrustRole.TARGETS].threshold = plan.signer_threshold
    _check_shape(root, repository)
    return Metadata(root)


def plan_of(image: Root, director: Root) -> RootPlan:
    """Who may sign by two roots."""
    targets = image.roles[TrustRole.TARGETS]
    return RootPlan(
        people=keys_of(image, TrustRole.ROOT),
        signers=keys_of(image, TrustRole.TARGETS),
        manager=keys_of(director, TrustRole.TARGETS),
        threshold=image.roles[TrustRole.ROOT].threshold,
        signer_threshold=targets.threshold,
    )


def keys_of(root: Root, role: TrustRole) -> tuple[Key, ...]:
    """Keys that may sign a role, in the order of the root."""
    return tuple(root.keys[key_id] for key_id in root.roles[role].keyids)


def holder(key: Key) -> str:
    """Whose a key is, as it was said when it was named."""
    return str(key.unrecognized_fields.get(HOLDER, ""))


def following(
    current: Root | None, contents: Sequence[bytes], repository: Repository, *, manager_key_id: str, now: datetime
) -> tuple[Metadata[Root], ...]:
    """Roots that follow the one that holds, each verified by the one before and by itself.

    `current`: `None` takes the first as it is. The last one must name the manager's key and hold now.
    Raises: InvalidArgumentError: one is malformed or does not follow; FailedPreconditionError: the key is not named.
    """
    verified: list[Metadata[Root]] = []
    for content in contents:
        before = verified[-1].signed if verified else current
        verified.append(_next(before, content, repository))
    if verified:
        last, what = verified[-1].signed, f"{repository} root {verified[-1].signed.version}"
        if last.is_expired(now):
            raise malformed(what, f"it ended at {last.expires:%Y-%m-%d %H:%M} UTC", reason="ROOT_EXPIRED")
        check_names_manager(last, repository, manager_key_id)
    return tuple(verified)


def check_names_manager(root: Root, repository: Repository, manager_key_id: str) -> None:
    """Returns if a root lets the manager's key sign what the manager signs, alone, and nothing else.

    Raises: FailedPreconditionError.
    """
    for role in _ONLINE[repository]:
        named = root.roles[role]
        if manager_key_id not in named.keyids or named.threshold != 1:
            raise FailedPreconditionError(
                f"{repository} root {root.version} does not let key {manager_key_id[:16]} of this manager sign "
                f"{role} alone; make the roots with the key that 'wayside releases trust manager-key' prints",
                reason="KEY_NOT_NAMED",
            )
    for role in set(TrustRole) - set(_ONLINE[repository]):
        if manager_key_id in root.roles[role].keyids:
            raise FailedPreconditionError(
                f"{repository} root {root.version} lets the key of this manager sign {role}, which is for people; "
                "make the roots with keys that are kept elsewhere",
                reason="KEY_NOT_OFFLINE",
            )


def _next(before: Root | None, content: bytes, repository: Repository) -> Metadata[Root]:
    metadata = read(content, Root, what=f"{repository} root", max_bytes=ROOT_MAX_BYTES)
    root = metadata.signed
    what = f"{repository} root {root.version}"
    _check_shape(root, repository)
    if before is not None and root.version != before.version + 1:
        raise malformed(what, f"after version {before.version} comes {before.version + 1}", reason="ROOT_VERSION")
    if before is not None and not is_signed_by(before, TrustRole.ROOT, metadata):
        raise malformed(what, "too few of those have signed who sign by the root before", reason="ROOT_THRESHOLD")
    if not is_signed_by(root, TrustRole.ROOT, metadata):
        raise malformed(what, "too few of those have signed whom it names itself", reason="ROOT_THRESHOLD")
    return metadata


def _check_shape(root: Root, repository: Repository) -> None:
    """Returns if a root is one of ours.

    Raises: InvalidArgumentError: one person alone could sign, or a key counts twice.
    """
    what = f"{repository} root {root.version}"
    if not root.consistent_snapshot:
        raise malformed(what, "it has no consistent snapshots")
    # a key listed under two ids would be two signatures
    publics = [str(key.keyval.get("public", "")).strip() for key in root.keys.values()]
    if len(set(publics)) != len(publics):
        raise malformed(what, "it names one key twice")
    for role in (TrustRole.ROOT, TrustRole.TARGETS) if repository is Repository.IMAGE else (TrustRole.ROOT,):
        named = root.roles[role]
        if named.threshold < PEOPLE_MIN_COUNT:
            raise malformed(what, f"{role}: at least {PEOPLE_MIN_COUNT} people sign together, not {named.threshold}")
        if len(named.keyids) < named.threshold:
            raise malformed(what, f"{role}: {named.threshold} have to sign, but {len(named.keyids)} are named")
