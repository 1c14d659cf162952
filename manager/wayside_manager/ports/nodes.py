"""Nodes, and what each should be."""

from collections.abc import Iterable
from datetime import datetime
from typing import Protocol

from wayside_manager.core.access import Reach
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
        self, node_filter: NodeFilter, *, reach: Reach, now: datetime, page_size: int = 0, page_token: str = ""
    ) -> Page[NodeRecord]:
        """A page of the nodes in the reach in order of their ids; presence is judged at `now`.

        Raises: InvalidArgumentError: page size negative, or the token is not one of ours for this filter.
        """

    async def update_node(self, node_id: str, change: NodeChange, *, now: datetime, etag: str = "") -> NodeRecord:
        """Changes what operators may change; new labels or a new tenant bring its new configuration at once.

        Raises: NotFoundError, ConflictError; FailedPreconditionError: it is retired; InvalidArgumentError: no such
        tenant.
        """

    async def retire_node(self, node_id: str, *, now: datetime, etag: str = "") -> NodeRecord:
        """Takes a node out of service for good, and its credentials back; a retired node stays as it is.

        Raises: NotFoundError, ConflictError.
        """

    async def revoke_node(self, node_id: str, *, now: datetime, etag: str = "") -> NodeRecord:
        """Takes the credentials of a node back; it stays, and a revoked node stays as it is.

        Raises: NotFoundError, ConflictError; FailedPreconditionError: it is retired.
        """

    async def select_nodes(self, selector: NodeSelector, *, reach: Reach, tenant_id: str) -> tuple[str, ...]:
        """Ids of the nodes a rollout of a tenant is for, sorted.

        They are enrolled, named by the selector, in the reach, and of the tenant or one below it; others are left out.
        """

    async def count_reached(self, selectors: Iterable[NodeSelector], tenant_id: str) -> int:
        """How many nodes of a tenant and those below it any of the selectors names; retired ones do not count."""


class DesiredStore(Protocol):
    """What nodes should be. Written with what changes it: layers, labels, rollout steps."""

    async def get_desired(self, node_id: str) -> DesiredRecord:
        """What one node should be.

        Raises: NotFoundError.
        """

    async def sum_desired(self) -> int:
        """Sum of the revisions of what all nodes should be; it grows whenever one is told something."""

    async def desired_revisions(self) -> dict[str, int]:
        """Per node, the revision of what it should be."""
