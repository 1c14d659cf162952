"""Removes artifacts of no release: a crash between storing the bytes of a release and publishing it leaves them behind.

Usage: `await collect_artifacts(store, artifacts)`, once, before anybody can publish.
"""

import logging
from typing import Protocol

from wayside_manager.core.access import EVERYWHERE
from wayside_manager.core.pages import MAX_PAGE_SIZE
from wayside_manager.ports.deltas import DeltaStore
from wayside_manager.ports.releases import ArtifactStore, ReleaseStore

logger = logging.getLogger(__name__)


class ReleasesAndDeltas(ReleaseStore, DeltaStore, Protocol):
    """Everything that names artifacts."""


async def collect_artifacts(store: ReleasesAndDeltas, artifacts: ArtifactStore) -> frozenset[str]:
    """Removes what no release names; the hashes removed.

    Raises: UnavailableError: the store does not work now.
    """
    published = await _published(store) | {delta.sha256 for delta in await store.list_deltas()}
    orphans = frozenset(await artifacts.hashes()) - published
    for sha256 in sorted(orphans):
        await artifacts.delete(sha256)
        logger.info("removed an artifact of no release", extra={"sha256": sha256})
    return orphans


async def _published(store: ReleaseStore) -> frozenset[str]:
    found: set[str] = set()
    token = ""
    while True:
        page = await store.list_releases(reach=EVERYWHERE, page_size=MAX_PAGE_SIZE, page_token=token)
        found |= {release.sha256 for release in page.items}
        token = page.next_page_token
        if not token:
            return frozenset(found)
