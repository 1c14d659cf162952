"""The manager, and the world a unit is in: time, a link, and a clock that may be wrong."""

from collections import Counter
from collections.abc import AsyncIterator
from itertools import permutations

from wayside.errors import NotFoundError, UnavailableError
from wayside_agent.core.update import ReleaseTarget
from wayside_agent.ports.installer import Metadata
from wayside_demo.power_cut.releases import VERSIONS, delta, delta_content, release
from wayside_demo.power_cut.signing import Signing

CHUNK_BYTES = 400
NOW_S = 1_795_000_000.0
"""UTC when a run begins."""


class HelperKilledError(BaseException):
    """Somebody killed the helper, and nobody else."""


class Surroundings:
    """What is outside the unit, on a clock of the test."""

    def __init__(self, begin_utc_s: float = NOW_S) -> None:
        self.now_s = 0.0
        self.away_until_s = self.full_until_s = self.wrong_until_s = 0.0
        self.wrong_utc_s: float | None = None
        self.is_helper_at_work = False
        self.ordered: ReleaseTarget | None = None
        """What the manager wants of the unit."""
        self.fetched_bytes: Counter[str] = Counter()
        """By `delta` and `whole`."""
        self._begin_utc_s = begin_utc_s
        self._signing = Signing()

    def recover(self) -> None:
        """Everything is as it should be from now on."""
        self.away_until_s = self.full_until_s = self.wrong_until_s = 0.0

    @property
    def is_away(self) -> bool:
        """Whether the manager cannot be reached."""
        return self.now_s < self.away_until_s

    @property
    def is_full(self) -> bool:
        """Whether the disk is."""
        return self.now_s < self.full_until_s

    def utc_s(self) -> float | None:
        """What the unit believes the time is; `None`: it knows none."""
        return self.wrong_utc_s if self.now_s < self.wrong_until_s else self._begin_utc_s + self.now_s

    def reach(self) -> None:
        """Raises: UnavailableError: the manager is away."""
        if self.is_away:
            raise UnavailableError("the manager is away")

    async def metadata(self, *, image_root_version: int, director_root_version: int) -> Metadata:
        """As `ports.installer.TrustSource`; the manager's clock is right."""
        self.reach()
        assert (image_root_version, director_root_version) == (1, 1)  # noqa: S101  # nobody makes others
        assert self.ordered is not None  # noqa: S101  # who asks was told
        return self._signing.sent(self.ordered, self._begin_utc_s + self.now_s)

    async def fetch(self, release_name: str, *, offset_bytes: int, delta_sha256: str = "") -> AsyncIterator[bytes]:
        """As `ports.updates.ArtifactSource`."""
        version = release_name.removeprefix("releases/")
        content = _delta_of(version, delta_sha256) if delta_sha256 else release(version).content
        for begin in range(offset_bytes, len(content), CHUNK_BYTES):
            self.reach()
            chunk = content[begin : begin + CHUNK_BYTES]
            self.fetched_bytes["delta" if delta_sha256 else "whole"] += len(chunk)
            yield chunk


def _delta_of(version: str, sha256: str) -> bytes:
    for base, to in permutations(VERSIONS, 2):
        if to == version and base < to and delta(base, to).sha256 == sha256:
            return delta_content(base, to)
    raise NotFoundError(f"releases/{version}: there is no such delta")
