"""Files of the two repositories: what they are called, how large they may be, how they are read and written.

Usage: `root = read(content, Root, what="image root", max_bytes=ROOT_MAX_BYTES)`; `written(root)` is stable.
**Source:** TUF 1.0.34, §3.1 (repository layout), §4 (formats).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TypeVar

from tuf.api.exceptions import RepositoryError
from tuf.api.metadata import Metadata, Root, Snapshot, Targets, Timestamp
from tuf.api.serialization.json import JSONSerializer

from wayside.errors import FailedPreconditionError, InvalidArgumentError

ROOT_MAX_BYTES = 128 * 1024
"""As units take; a root of ten people has 5 KB."""
TARGETS_MAX_BYTES = 2 << 20
"""As units take; 3,000 releases."""
VERSION_MAX = 2**53
"""What every reader of JSON counts without loss."""
_MALFORMED = (RepositoryError, ValueError, TypeError, KeyError, AttributeError, RecursionError)
"""What python-tuf raises for files that are none: beside its own errors whatever its code comes upon."""

T = TypeVar("T", Root, Targets, Snapshot, Timestamp)


class Repository(StrEnum):
    """Who speaks."""

    IMAGE = "image"
    """People: what exists."""
    DIRECTOR = "director"
    """The manager: what a unit should install."""


class TrustRole(StrEnum):
    """What a file says, as TUF names it."""

    ROOT = "root"
    TARGETS = "targets"
    SNAPSHOT = "snapshot"
    TIMESTAMP = "timestamp"


@dataclass(frozen=True, slots=True)
class TrustFile:
    """One signed file."""

    repository: Repository
    role: TrustRole
    version: int
    content: bytes
    expire_time: datetime


@dataclass(frozen=True, slots=True)
class Trust:
    """The newest of each kind of file the manager keeps."""

    files: Mapping[tuple[Repository, TrustRole], TrustFile]

    def newest(self, repository: Repository, role: TrustRole) -> TrustFile | None:
        """The newest file, or `None`: there was none yet."""
        return self.files.get((repository, role))

    def root(self, repository: Repository) -> Root:
        """The root that holds now.

        Raises: FailedPreconditionError: there is none.
        """
        file = self.newest(repository, TrustRole.ROOT)
        if file is None:
            raise no_roots()
        return read(file.content, Root, what=f"{repository} root", max_bytes=ROOT_MAX_BYTES).signed


def no_roots() -> FailedPreconditionError:
    """The error for whatever needs roots of trust where there are none."""
    return FailedPreconditionError(
        "this manager has no roots of trust yet; give them with 'wayside releases trust update' (docs/releases.md)",
        reason="NO_ROOTS",
    )


def read(content: bytes, kind: type[T], *, what: str, max_bytes: int) -> Metadata[T]:
    """A file by its bytes; nothing of it is verified.

    Raises: InvalidArgumentError: it is none of this kind, or larger than it may be.
    """
    if len(content) > max_bytes:
        raise malformed(what, f"it has more than {max_bytes} bytes")
    try:
        metadata = Metadata[T].from_bytes(content)
    except _MALFORMED as error:
        raise malformed(what, "it is no TUF metadata") from error
    if not isinstance(metadata.signed, kind):
        raise malformed(what, f"it is a {metadata.signed.type} file, not {kind.type}")
    if metadata.signed.version > VERSION_MAX:
        raise malformed(what, "its version is no number that can be counted on")
    return metadata


def written(metadata: Metadata[T]) -> bytes:
    """The bytes of a file: sorted, without blanks, the same for the same content."""
    return metadata.to_bytes(JSONSerializer(compact=True))


def trust_file(repository: Repository, metadata: Metadata[T], content: bytes = b"") -> TrustFile:
    """A file as it is kept. `content`: as it was received; empty: as it is written."""
    signed = metadata.signed
    return TrustFile(repository, TrustRole(signed.type), signed.version, content or written(metadata), signed.expires)


def is_signed_by(delegator: Root, role: TrustRole, metadata: Metadata[T]) -> bool:
    """Whether enough of the keys a root names for a role have signed a file."""
    try:
        delegator.verify_delegate(role, metadata.signed_bytes, metadata.signatures)
    except _MALFORMED:
        return False
    return True


def malformed(what: str, why: str, *, reason: str = "METADATA_INVALID") -> InvalidArgumentError:
    """The error for a file that cannot be used."""
    return InvalidArgumentError(
        f"{what}: {why}; make and sign it with 'wayside releases' of this version", reason=reason
    )
