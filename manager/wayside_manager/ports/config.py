"""Configuration layers, and what comes out for each node."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Protocol

from wayside_manager.core.access import Reach
from wayside_manager.core.configs import (
    AppliedLayer,
    ConfigLayerRecord,
    ConfigPreview,
    Drift,
    Explanation,
    LayerRevisionRecord,
    NodeConfigRecord,
    NodeConfigState,
    ValueChange,
)
from wayside_manager.core.nodes import ConfigDecision
from wayside_manager.core.pages import Page
from wayside_manager.core.rollout import RolloutPlan
from wayside_manager.core.selectors import NodeSelector


class ConfigStore(Protocol):
    """Configuration layers, and what comes out for each node."""

    async def apply_layer(
        self,
        layer: ConfigLayerRecord,
        *,
        now: datetime,
        etag: str = "",
        plan: RolloutPlan | None = None,
        author: str = "",
        comment: str = "",
    ) -> AppliedLayer:
        """Creates or replaces a layer, and starts a rollout to the nodes whose configuration changes by it.

        It reaches nodes of its tenant and of those below it only. The times and the etag of the record are the store's.
        The same content again is no change and makes no revision.
        Raises: ConflictError; AlreadyExistsError: the id is taken by another tenant; InvalidArgumentError: the selector
        or a value is wrong, for a node it reaches; nothing changed. NotFoundError: the selector names what is not
        there.
        """

    async def get_layer(self, layer_id: str) -> ConfigLayerRecord:
        """One layer.

        Raises: NotFoundError.
        """

    async def list_layers(self, *, reach: Reach, page_size: int = 0, page_token: str = "") -> Page[ConfigLayerRecord]:
        """A page of the layers of whole tenants of the reach in order of priority, then id.

        Raises: InvalidArgumentError: page size or token.
        """

    async def delete_layer(
        self, layer_id: str, *, now: datetime, etag: str = "", plan: RolloutPlan | None = None, author: str = ""
    ) -> AppliedLayer:
        """Deletes a layer and starts a rollout to the nodes it reached; its history stays.

        Raises: NotFoundError, ConflictError; InvalidArgumentError: what is left is wrong for a node.
        """

    async def list_layer_revisions(
        self, layer_id: str, *, page_size: int = 0, page_token: str = ""
    ) -> Page[LayerRevisionRecord]:
        """A page of what a layer was, newest first, also of a deleted one.

        Raises: NotFoundError; InvalidArgumentError: page size or token.
        """

    async def rollback_layer(
        self,
        layer_id: str,
        *,
        now: datetime,
        revision: int = 0,
        etag: str = "",
        plan: RolloutPlan | None = None,
        author: str = "",
    ) -> AppliedLayer:
        """Makes a layer what it was in a revision, 0: the one before; as `apply_layer` with its content.

        A deleted layer comes back. Raises: NotFoundError: no such layer or revision; else as `apply_layer`.
        """

    async def preview_config(
        self,
        layers: Sequence[ConfigLayerRecord],
        deleted_layer_ids: Sequence[str],
        *,
        reach: Reach,
        selector: NodeSelector | None = None,
    ) -> ConfigPreview:
        """What would change if layers were applied and deleted; without any: what nodes were not told yet.

        Raises: InvalidArgumentError: a selector or priority is malformed; NotFoundError: one names what is not there.
        """

    async def get_node_config(self, node_id: str, *, revision: int = 0) -> NodeConfigRecord:
        """A configuration of a node; 0: the one it was told, which has revision 0 when there is none.

        Raises: NotFoundError: no such node or revision.
        """

    async def node_config_state(self, node_id: str, *, revision: int = 0) -> NodeConfigState:
        """A configuration of a node, 0: the one the layers ask for, and where the node stands.

        Raises: NotFoundError: no such node or revision.
        """

    async def list_node_configs(
        self, node_id: str, *, page_size: int = 0, page_token: str = ""
    ) -> Page[tuple[NodeConfigRecord, tuple[ValueChange, ...]]]:
        """A page of the configurations of a node, newest first, each with what differs from the one before it.

        Raises: NotFoundError; InvalidArgumentError: page size or token.
        """

    async def explain_node_config(self, node_id: str, path: str = "") -> Explanation:
        """Where the values at and below a path come from.

        Raises: NotFoundError; InvalidArgumentError: the path is malformed.
        """

    async def list_drift(
        self, *, reach: Reach, selector: NodeSelector | None = None, page_size: int = 0, page_token: str = ""
    ) -> Page[Drift]:
        """A page of the nodes of the reach that run something else than the layers ask for, in order of ids.

        Raises: InvalidArgumentError: selector, page size or token; NotFoundError: the selector names what is not there.
        """

    async def decide_trial(
        self,
        node_id: str,
        trial: str,
        *,
        now: datetime,
        decision: ConfigDecision | None = None,
        timeout: timedelta | None = None,  # noqa: ASYNC109  # of the trial, not of this call
    ) -> bool:
        """Confirms, cancels or extends the trial a node was told; whether that changed anything.

        Raises: NotFoundError; InvalidArgumentError: the timeout is shorter than it is; FailedPreconditionError: the
        node's trial is another one, is over, or was decided otherwise.
        """

    async def find_config_schema(self, version: str) -> tuple[str, str]:
        """The JSON schema of the configuration a version takes, and the version; empty: the manager's own newest.

        Raises: NotFoundError.
        """
