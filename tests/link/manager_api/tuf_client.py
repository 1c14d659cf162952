"""A unit's side of both repositories: python-tuf's own client over what FetchTrust answers."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from tuf.api import exceptions
from tuf.api.metadata import TargetFile, Targets
from tuf.ngclient import Updater, UpdaterConfig
from tuf.ngclient.fetcher import FetcherInterface

from tests.link.manager_api.peer import Peer
from wayside.v1 import node_service_pb2


class _Answered(FetcherInterface):
    """Files of one answer, by name."""

    def __init__(self, files: dict[str, bytes]) -> None:
        self.files = files

    def _fetch(self, url: str) -> Iterator[bytes]:
        name = url.rpartition("/")[2]
        if name not in self.files:
            raise exceptions.DownloadHTTPError(f"{name} was not answered", 404)
        yield self.files[name]


@dataclass
class TufClient:
    """What a unit has pinned and verified."""

    folder: Path
    roots: dict[str, bytes]
    """Pinned, by repository."""
    versions: dict[str, int] = field(default_factory=lambda: {"image": 1, "director": 1})

    async def fetch(self, peer: Peer) -> node_service_pb2.FetchTrustResponse:
        request = node_service_pb2.FetchTrustRequest(
            image_root_version=self.versions["image"], director_root_version=self.versions["director"]
        )
        return await peer.call(peer.node.FetchTrust, request)

    def verified(
        self, answer: node_service_pb2.FetchTrustResponse, *, now: datetime
    ) -> dict[str, tuple[dict[str, TargetFile], dict[str, object]]]:
        """Targets by repository, and what else they say; raises what python-tuf raises."""
        found = {}
        for repository, files in (("image", answer.image), ("director", answer.director)):
            folder = self.folder / repository
            folder.mkdir(parents=True, exist_ok=True)
            fetcher = _Answered({file.name: file.content for file in files})
            config = UpdaterConfig(prefix_targets_with_hash=False)
            root = self.roots[repository]
            updater = Updater(str(folder), "file:///", fetcher=fetcher, config=config, bootstrap=root)
            updater._trusted_set.reference_time = now
            updater.refresh()
            self.versions[repository] = updater._trusted_set.root.version
            targets: Targets = updater._trusted_set.targets
            found[repository] = (targets.targets, targets.unrecognized_fields)
        return found

    async def refreshed(
        self, peer: Peer, *, now: datetime
    ) -> dict[str, tuple[dict[str, TargetFile], dict[str, object]]]:
        """A whole refresh of both."""
        return self.verified(await self.fetch(peer), now=now)
