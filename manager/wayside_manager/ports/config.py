"""Configuration layers, and what comes out for each node."""

from datetime import datetime
from typing import Protocol

from wayside_manager.core.access import Reach
from wayside_manager.core.configs import AppliedLayer, ConfigLayerRecord, NodeConfigRecord
from wayside_manager.core.pages import Page


class ConfigStore(Protocol):
    """Configuration layers, and what comes out for each node."""

    async def apply_layer(self, layer: ConfigLayerRecord, *, now: datetime, etag: str = "") -> AppliedLayer:
        """Creates or replaces a layer and gives every node it reaches its new configuration.

        It reaches nodes of its tenant and of those below it only. The times and the etag of the record are the store's.
        Raises: ConflictError; AlreadyExistsError: the id is taken by another tenant; InvalidArgumentError: a value is
        out of range, by itself or merged; nothing changed.
        """

    async def get_layer(self, layer_id: str) -> ConfigLayerRecord:
        """One layer.

        Raises: NotFoundError.
        """

    async def list_layers(self, *, reach: Reach, page_size: int = 0, page_token: str = "") -> Page[ConfigLayerRecord]:
        """A page of the layers of whole tenants of the reach in order of priority, then id.

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
