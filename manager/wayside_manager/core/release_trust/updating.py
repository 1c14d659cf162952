"""What the manager does with roots and targets that people bring: all of it holds afterwards, or nothing changes.

Usage: `files = updated_trust(trust, Brought(image_roots=(...,), ...), manager_key_id=..., now=now)`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from tuf.api.metadata import Metadata, Root, Targets

from wayside.errors import FailedPreconditionError, InvalidArgumentError
from wayside_manager.core.release_trust.files import (
    ROOT_MAX_BYTES,
    TARGETS_MAX_BYTES,
    Repository,
    Trust,
    TrustFile,
    TrustRole,
    is_signed_by,
    malformed,
    read,
    trust_file,
)
from wayside_manager.core.release_trust.roots import following
from wayside_manager.core.release_trust.targets import WHAT, checked_targets

ROOTS_MAX_COUNT = 100
"""In one call."""


@dataclass(frozen=True, slots=True)
class Brought:
    """What people bring."""

    image_roots: Sequence[bytes] = ()
    director_roots: Sequence[bytes] = ()
    image_targets: bytes = b""


def updated_trust(trust: Trust, brought: Brought, *, manager_key_id: str, now: datetime) -> tuple[TrustFile, ...]:
    """What to keep: roots that follow, and targets that hold by them.

    Raises: InvalidArgumentError: a file is malformed or does not follow; FailedPreconditionError: the roots do not name
        the manager's key, or the targets would not be taken by units.
    """
    files: list[TrustFile] = []
    for repository, contents in {
        Repository.IMAGE: brought.image_roots,
        Repository.DIRECTOR: brought.director_roots,
    }.items():
        if len(contents) > ROOTS_MAX_COUNT:
            raise InvalidArgumentError(f"{repository}_roots: give at most {ROOTS_MAX_COUNT} at once")
        files += _followers(trust, repository, contents, manager_key_id=manager_key_id, now=now)
    after = _with(trust, files)
    for repository in Repository:
        if after.newest(repository, TrustRole.ROOT) is None:
            raise InvalidArgumentError(f"{repository}_roots: give the first root of both repositories together")
    if brought.image_targets:
        metadata = checked_targets(brought.image_targets, after, now=now)
        return (*files, *taken_targets(metadata, brought.image_targets, trust))
    _check_targets_hold(after)
    return tuple(files)


def taken_targets(metadata: Metadata[Targets], content: bytes, trust: Trust) -> tuple[TrustFile, ...]:
    """Checked targets as they are kept: nothing if they are those that are held."""
    held = trust.newest(Repository.IMAGE, TrustRole.TARGETS)
    if held is not None and held.content == content:
        return ()
    return (trust_file(Repository.IMAGE, metadata, content),)


def _followers(
    trust: Trust, repository: Repository, contents: Sequence[bytes], *, manager_key_id: str, now: datetime
) -> list[TrustFile]:
    held = trust.newest(repository, TrustRole.ROOT)
    news = [content for content in contents if held is None or not _is_known(content, held)]
    current = None if held is None else trust.root(repository)
    roots = following(current, news, repository, manager_key_id=manager_key_id, now=now)
    return [trust_file(repository, root, content) for root, content in zip(roots, news, strict=True)]


def _is_known(content: bytes, held: TrustFile) -> bool:
    """Whether a root is the one that is held, or one before."""
    what = f"{held.repository} root"
    version = read(content, Root, what=what, max_bytes=ROOT_MAX_BYTES).signed.version
    if version == held.version and content != held.content:
        raise malformed(what, f"this manager has another one of version {version}", reason="ROOT_VERSION")
    return version <= held.version


def _with(trust: Trust, files: Sequence[TrustFile]) -> Trust:
    return Trust({**trust.files, **{(file.repository, file.role): file for file in files}})


def _check_targets_hold(trust: Trust) -> None:
    """Returns if what was published holds by the roots; with a key revoked it may not, and units would refuse it."""
    held = trust.newest(Repository.IMAGE, TrustRole.TARGETS)
    if held is None:
        return
    targets = read(held.content, Targets, what=WHAT, max_bytes=TARGETS_MAX_BYTES)
    if not is_signed_by(trust.root(Repository.IMAGE), TrustRole.TARGETS, targets):
        raise FailedPreconditionError(
            f"{WHAT}: with these roots too few have signed version {held.version}; sign them anew with the keys that "
            "remain, and give them together with the roots",
            reason="THRESHOLD",
        )
