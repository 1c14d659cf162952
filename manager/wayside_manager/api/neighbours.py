"""Names nodes the neighbours that have what they should fetch, and answers neighbours whom they may serve.

Usage: `found = await neighbours.of(node)`; `tell_neighbours(target, found)`; `await neighbours.check(node_id, sha256)`.
"""

import re
from collections.abc import Callable, Iterable
from datetime import datetime

from google.protobuf.message import DecodeError

from wayside.errors import InvalidArgumentError, PermissionDeniedError
from wayside.neighbours import neighbour_url
from wayside.v1 import node_service_pb2, release_pb2
from wayside_manager.core.neighbours import MAX_COUNT, Candidate, near
from wayside_manager.core.nodes import NodeRecord
from wayside_manager.ports.neighbours import NeighbourStore

_SHA256 = re.compile(r"[0-9a-f]{64}\Z")


class Neighbours:
    """Who has what from whom."""

    def __init__(self, store: NeighbourStore, *, max_distance_m: float | None, now: Callable[[], datetime]) -> None:
        """Stores values; `max_distance_m=None`: no node is named to another, and none is served by another."""
        self._store = store
        self._max_distance_m = max_distance_m
        self._now = now

    async def of(self, node: NodeRecord) -> tuple[Candidate, ...]:
        """Nodes near one that committed what it should run, best first."""
        if self._max_distance_m is None or node.desired.release is None:
            return ()
        version = node.desired.release.version
        found = await self._store.find_neighbours(node.node_id, version, max_distance_m=self._max_distance_m)
        return near(found, node.node_id, now=self._now())

    async def check(self, node_id: str, certificate_sha256: str) -> None:
        """Returns if the holder of a certificate may have artifacts from a node.

        Raises: InvalidArgumentError: that is no SHA-256. PermissionDeniedError: it may not.
        """
        if not _SHA256.match(certificate_sha256):
            raise InvalidArgumentError("certificate_sha256: give 64 lower-case hex digits")
        may = self._max_distance_m is not None and await self._store.may_be_served(
            node_id, certificate_sha256, now=self._now()
        )
        if not may:
            raise PermissionDeniedError("that certificate opens nothing here", reason="PEER_REFUSED")


def tell_neighbours(target: node_service_pb2.ReleaseTarget, candidates: Iterable[Candidate]) -> None:
    """Adds the URLs of neighbours: of those that fetched the whole to it, of those that fetched the delta to that."""
    for each in candidates:
        report = _report(each)
        if report.release != target.release or report.downloaded_bytes != report.total_bytes:
            continue
        if report.is_delta and not target.HasField("delta"):
            continue
        offer = target.delta if report.is_delta else target
        if report.total_bytes == offer.size_bytes and len(offer.urls) < MAX_COUNT:
            offer.urls.append(neighbour_url(each.address, each.node_id))


def names(candidates: Iterable[Candidate]) -> tuple[str, ...]:
    """Changes when other neighbours are to be named."""
    return tuple(sorted(neighbour_url(each.address, each.node_id) for each in candidates))


def _report(candidate: Candidate) -> release_pb2.UpdateReport:
    try:
        return release_pb2.UpdateReport.FromString(candidate.update_report)
    except DecodeError:  # what a newer manager wrote
        return release_pb2.UpdateReport()
