"""What is signed of releases, and what nodes are directed to."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from wayside_manager.core.release_trust.files import Trust, TrustFile
from wayside_manager.core.release_trust.online import Renewal, Situation


@dataclass(frozen=True, slots=True)
class NodeQuestion:
    """Who asks, and what it has."""

    node_id: str
    image_root_version: int = 0
    director_root_version: int = 0


@dataclass(frozen=True, slots=True)
class NodeMetadata:
    """What a node gets, read in one transaction."""

    situation: Situation
    image_roots: tuple[TrustFile, ...]
    """Behind the one it has, in order."""
    director_roots: tuple[TrustFile, ...]


class ReleaseTrustStore(Protocol):
    """Signed files. A `step` is handed what is there and returns what to keep, in one transaction."""

    async def get_trust(self) -> Trust:
        """The newest of each file."""

    async def update_trust(self, step: Callable[[Trust], Sequence[TrustFile]]) -> Trust:
        """Keeps the files a step returns; the newest afterwards.

        Raises: whatever the step raises.
        """

    async def get_metadata(self, question: NodeQuestion) -> NodeMetadata:
        """What is there for a node; something of it may be due.

        Raises: NotFoundError: there is no such node.
        """

    async def renew_metadata(self, question: NodeQuestion, step: Callable[[Situation], Renewal]) -> NodeMetadata:
        """The same, after keeping what the step made anew; older snapshots, timestamps and directions are dropped.

        Raises: NotFoundError; whatever the step raises.
        """


class ReleaseSigner(Protocol):
    """The manager's key for what ages of releases."""

    key_id: str
    """What roots call it."""
    public_key_pem: str

    async def metadata(self, question: NodeQuestion) -> NodeMetadata:
        """Everything a node needs, with enough of its life left.

        Raises: NotFoundError: there is no such node; FailedPreconditionError: there are no roots, nothing was published
        yet, or the roots do not name the key.
        """
