"""Nodes that serve artifacts to nodes near them."""

from datetime import datetime
from typing import Protocol

from wayside_manager.core.neighbours import Candidate


class NeighbourStore(Protocol):
    """Who may have what from whom."""

    async def find_neighbours(self, node_id: str, version: str, *, max_distance_m: float) -> tuple[Candidate, ...]:
        """RSUs of the node's tenant, at its site or at one within the distance, that serve and committed the release.

        Whether they are there now, the caller judges. A node without a site has none.
        """

    async def may_be_served(self, node_id: str, certificate_sha256: str, *, now: datetime) -> bool:
        """Whether a certificate is valid, confirmed, and of an enrolled node of the same tenant."""
