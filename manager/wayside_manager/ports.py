"""What handlers and loops may know of the world. Everything behind a port raises only `wayside.errors` classes.

Store: what a method returned is committed and survives kill -9 and power loss. Every method is one transaction.
Times are aware UTC. An empty `etag` argument guards nothing; another that is not the present one is a ConflictError.
"""

from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from enum import StrEnum
from typing import BinaryIO, Protocol

from wayside_manager.core.configs import AppliedLayer, ConfigLayerRecord, NodeConfigRecord
from wayside_manager.core.credentials import CredentialRecord
from wayside_manager.core.enrollment import EnrollmentRequest, TokenRecord
from wayside_manager.core.nodes import DesiredRecord, NodeChange, NodeRecord
from wayside_manager.core.pages import Page
from wayside_manager.core.releases import ReleaseRecord
from wayside_manager.core.reports import LastReport, Report, ReportBatch, StoredReport
from wayside_manager.core.rollout import RolloutOrder, RolloutRecord, RolloutSpec
from wayside_manager.core.rollout_plan import NodeFacts, RolloutStep
from wayside_manager.core.selectors import NodeFilter, NodeSelector


class NodeStore(Protocol):
    """The nodes. They come into being by `EnrollmentStore.enroll`."""

    async def get_node(self, node_id: str) -> NodeRecord:
        """One node.

        Raises: NotFoundError.
        """

    async def list_nodes(
        self, node_filter: NodeFilter, *, now: datetime, page_size: int = 0, page_token: str = ""
    ) -> Page[NodeRecord]:
        """A page of nodes in order of their ids; presence is judged at `now`.

        Raises: InvalidArgumentError: page size negative, or the token is not one of ours for this filter.
        """

    async def update_node(self, node_id: str, change: NodeChange, *, now: datetime, etag: str = "") -> NodeRecord:
        """Changes what operators may change; new labels bring the node its new configuration at once.

        Raises: NotFoundError, ConflictError; FailedPreconditionError: it is retired.
        """

    async def retire_node(self, node_id: str, *, now: datetime, etag: str = "") -> NodeRecord:
        """Takes a node out of service for good; a retired node stays as it is.

        Raises: NotFoundError, ConflictError.
        """

    async def select_nodes(self, selector: NodeSelector) -> tuple[str, ...]:
        """Ids of the nodes a selector names, sorted; retired and unknown ones are not among them."""


class EnrollmentStore(Protocol):
    """Tokens and how they make nodes."""

    async def add_token(self, token: TokenRecord) -> None:
        """Keeps a token's hash.

        Raises: AlreadyExistsError.
        """

    async def enroll(self, request: EnrollmentRequest, *, now: datetime) -> NodeRecord:
        """Uses a token once, makes the node, with its configuration, or lets it in again, and keeps its certificate.

        Raises: UnauthenticatedError, PermissionDeniedError, AlreadyExistsError, FailedPreconditionError: as in
        EnrollmentService.Enroll; the token is then not used.
        """


class ReportStore(Protocol):
    """What nodes report."""

    async def acknowledged_sequence(self, node_id: str, spool_id: str) -> int:
        """Highest sequence of a spool that is written. 0: none."""

    async def record_reports(self, batches: Sequence[ReportBatch]) -> tuple[int, ...]:
        """Writes reports of many nodes in one transaction; per batch, the sequence up to which all is written.

        A report already written is passed over. Numbers jumped over count as lost.
        Raises: NotFoundError: a batch names an unknown node; nothing was written.
        """

    async def list_reports(self, node_id: str, *, page_size: int = 0, page_token: str = "") -> Page[StoredReport]:
        """A page of a node's history, newest first.

        Raises: InvalidArgumentError: page size or token.
        """

    async def last_reports(self) -> Mapping[str, LastReport]:
        """Per node in service, when it was last heard."""

    async def prune_reports(self, before: datetime, *, max_count: int) -> int:
        """Drops at most `max_count` rows of history received before a time; how many it dropped."""


class ConfigStore(Protocol):
    """Configuration layers, and what comes out for each node."""

    async def apply_layer(self, layer: ConfigLayerRecord, *, now: datetime, etag: str = "") -> AppliedLayer:
        """Creates or replaces a layer and gives every node it reaches its new configuration.

        The times and the etag of the record are the store's to set.
        Raises: ConflictError; InvalidArgumentError: a value is out of range, by itself or merged; nothing changed.
        """

    async def get_layer(self, layer_id: str) -> ConfigLayerRecord:
        """One layer.

        Raises: NotFoundError.
        """

    async def list_layers(self, *, page_size: int = 0, page_token: str = "") -> Page[ConfigLayerRecord]:
        """A page of layers in order of priority, then id.

        Raises: InvalidArgumentError: page size or token.
        """

    async def delete_layer(self, layer_id: str, *, now: datetime, etag: str = "") -> tuple[str, ...]:
        """Deletes a layer; sorted ids of the nodes whose configuration changed.

        Raises: NotFoundError, ConflictError.
        """

    async def get_node_config(self, node_id: str, *, revision: int = 0) -> NodeConfigRecord:
        """A configuration of a node; 0 means the one it should run, which has revision 0 when there is none.

        Raises: NotFoundError: no such node or revision.
        """


class ReleaseStore(Protocol):
    """Releases; their bytes are in the ArtifactStore."""

    async def add_release(self, release: ReleaseRecord) -> ReleaseRecord:
        """Publishes a release.

        Raises: AlreadyExistsError.
        """

    async def get_release(self, version: str) -> ReleaseRecord:
        """One release.

        Raises: NotFoundError.
        """

    async def list_releases(self, *, page_size: int = 0, page_token: str = "") -> Page[ReleaseRecord]:
        """A page of releases, newest first.

        Raises: InvalidArgumentError: page size or token.
        """


class RolloutStore(Protocol):
    """Rollouts, as operators see them."""

    async def create_rollout(self, spec: RolloutSpec, *, now: datetime) -> RolloutRecord:
        """Starts a rollout; the same request id again returns the rollout it made.

        Raises: NotFoundError: no such release or node; FailedPreconditionError: the release is retired, there is
        no node, or one is in another live rollout.
        """

    async def get_rollout(self, rollout_id: str) -> RolloutRecord:
        """One rollout with its nodes.

        Raises: NotFoundError.
        """

    async def list_rollouts(self, *, page_size: int = 0, page_token: str = "") -> Page[RolloutRecord]:
        """A page of rollouts with their nodes, newest first.

        Raises: InvalidArgumentError: page size or token.
        """

    async def order_rollout(self, rollout_id: str, order: RolloutOrder, *, now: datetime) -> RolloutRecord:
        """Pauses, resumes or aborts.

        Raises: NotFoundError; FailedPreconditionError: it has ended.
        """


class RolloutStepStore(Protocol):
    """Rollouts, as the stepper moves them."""

    async def live_rollouts(self) -> tuple[RolloutRecord, ...]:
        """Rollouts that have not ended, and ended ones with nodes under way; oldest first."""

    async def rollout_facts(self, rollout_id: str, *, now: datetime) -> Mapping[str, NodeFacts]:
        """What the planner must know of the nodes of a rollout."""

    async def save_step(self, rollout: RolloutRecord, step: RolloutStep, *, now: datetime) -> RolloutRecord:
        """Writes a step and the desired states it changes.

        Raises: ConflictError: the rollout is no longer as it was when the step was planned.
        """


class DesiredStore(Protocol):
    """What nodes should be. Written with what changes it: layers, labels, rollout steps."""

    async def get_desired(self, node_id: str) -> DesiredRecord:
        """What one node should be.

        Raises: NotFoundError.
        """


class CredentialStore(Protocol):
    """Tokens and certificates, as hashes."""

    async def add_credential(self, credential: CredentialRecord) -> None:
        """Keeps a credential.

        Raises: AlreadyExistsError: the name or the hash is taken.
        """

    async def find_credential(self, sha256: str, *, now: datetime) -> CredentialRecord:
        """The credential with a hash.

        Raises: UnauthenticatedError: there is none, or it has expired.
        """

    async def list_credentials(self) -> tuple[CredentialRecord, ...]:
        """Every credential in order of names."""

    async def delete_credential(self, name: str) -> None:
        """Forgets a credential.

        Raises: NotFoundError.
        """


class Store(
    NodeStore,
    EnrollmentStore,
    ReportStore,
    ConfigStore,
    ReleaseStore,
    RolloutStore,
    RolloutStepStore,
    DesiredStore,
    CredentialStore,
    Protocol,
):
    """All of it, for `app.py`; handlers and loops ask for the parts they use."""


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


class Topic(StrEnum):
    """What a wake-up is about."""

    DESIRED = "desired"
    """Key: node id. What the node should be has changed, or the node was retired."""
    NODE = "node"
    """Key: node id. Anything operators see of the node has changed."""
    ROLLOUT = "rollout"
    """Key: rollout id. The rollout or one of its nodes has changed."""


class Subscription(Protocol):
    """Wake-ups of one listener. They coalesce: a key that changed twice since the last look comes once."""

    async def changed(self) -> frozenset[str]:
        """The keys that changed since the last call; waits for the first."""


class Bus(Protocol):
    """Wake-ups, nothing more: they may be lost or come twice, so listeners read the store and look again at times."""

    async def publish(self, topic: Topic, keys: Iterable[str]) -> None:
        """Wakes the listeners of these keys. Never waits for them."""

    def subscribe(self, topic: Topic, key: str = "") -> AbstractAsyncContextManager[Subscription]:
        """Listens to one key, or to all of a topic."""


class ReportSink(Protocol):
    """Where sessions put reports."""

    async def submit(self, node_id: str, spool_id: str, reports: Sequence[Report]) -> int:
        """Returns once the reports are committed: the sequence to acknowledge. Waits while the writer is busy.

        Raises: NotFoundError: the node is unknown; UnavailableError: the database does not take writes now.
        """
