"""Releases and their bytes."""

from collections.abc import AsyncIterator, Callable, Sequence
from typing import BinaryIO, Protocol

from wayside.release_manifest import Manifest
from wayside_manager.core.access import Reach
from wayside_manager.core.pages import Page
from wayside_manager.core.release_trust.files import Trust, TrustFile
from wayside_manager.core.releases import ReleaseRecord

ReleaseDecision = Callable[[Trust, Sequence[Manifest]], Sequence[TrustFile]]
"""Is handed what is signed so far and what the releases say that are in use where this one can be; what to keep."""


class ReleaseStore(Protocol):
    """Releases; their bytes are in the ArtifactStore."""

    async def add_release(self, release: ReleaseRecord, *, decide: ReleaseDecision | None = None) -> ReleaseRecord:
        """Publishes a release, and keeps the signed files `decide` returns, in one transaction.

        Raises: AlreadyExistsError: the version is taken, by whomever; whatever it raises.
        """

    async def releases_in_use(self, tenant_id: str) -> tuple[Manifest, ...]:
        """What releases say that are not retired and can be run beside one of the tenant: those of its line."""

    async def get_release(self, version: str) -> ReleaseRecord:
        """One release.

        Raises: NotFoundError.
        """

    async def list_releases(self, *, reach: Reach, page_size: int = 0, page_token: str = "") -> Page[ReleaseRecord]:
        """A page of the releases that may be used in the reach, newest first; see `Reach.uses_releases_of`.

        Raises: InvalidArgumentError: page size or token.
        """

    async def retire_release(self, version: str, *, etag: str) -> ReleaseRecord:
        """Takes a release out of use; again is the same.

        Raises: NotFoundError; ConflictError: another etag than the present one, unless it is empty.
        """


class ArtifactStore(Protocol):
    """Bytes of releases, named by their SHA-256 (lower-case hex)."""

    async def write(
        self,
        chunks: AsyncIterator[bytes],
        *,
        sha256: str,
        size_bytes: int,
        inspect: Callable[[BinaryIO], None] | None = None,
    ) -> None:
        """Writes an artifact whole or not at all; `inspect` sees the complete bytes first, in a thread, and may raise.

        Raises: InvalidArgumentError: other size or hash; ResourceExhaustedError: the disk is full.
        """

    def read(self, sha256: str, *, offset_bytes: int = 0, chunk_bytes: int = 1 << 20) -> AsyncIterator[bytes]:
        """The bytes from an offset, in chunks; nothing when the offset is the end.

        Raises: NotFoundError; OutOfRangeError: the offset lies behind the end.
        """

    async def size_bytes(self, sha256: str) -> int:
        """Size of an artifact.

        Raises: NotFoundError.
        """

    async def delete(self, sha256: str) -> None:
        """Removes an artifact; one that is not there is fine."""

    async def hashes(self) -> tuple[str, ...]:
        """Every artifact there is, sorted."""
