"""Nodes, and what each should be."""

from datetime import datetime
from typing import Protocol

from wayside_manager.core.nodes import DesiredRecord, NodeChange, NodeRecord
from wayside_manager.core.pages import Page
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


class DesiredStore(Protocol):
    """What nodes should be. Written with what changes it: layers, labels, rollout steps."""

    async def get_desired(self, node_id: str) -> DesiredRecord:
        """What one node should be.

        Raises: NotFoundError.
        """
