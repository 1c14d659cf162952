"""A manager with small releases in memory, and the world a unit is in: time, a link, and a clock that may be wrong."""

import hashlib
import io
from collections.abc import AsyncIterator
from dataclasses import dataclass
from functools import cache

from wayside.errors import NotFoundError, UnavailableError
from wayside.release_manifest import FORMAT, Component, Manifest
from wayside.release_packing import counter_of, write_release
from wayside.release_reading import ReleaseReading
from wayside_agent.core.update import ReleaseTarget

OLD, NEW, NEXT = "1.1.0", "1.2.0", "1.3.0"
CHUNK_BYTES = 400
NOW_S = 1_795_000_000.0
"""UTC when a run begins."""
END_S = NOW_S + 14 * 86_400
"""When what was signed ends."""


@dataclass(frozen=True, slots=True)
class Release:
    """One published release."""

    content: bytes
    files: dict[str, bytes]
    manifest: Manifest
    manifest_sha256: str

    @property
    def target(self) -> ReleaseTarget:
        """What the manager orders; the rollout has the name of the version."""
        version = self.manifest.version
        digest = hashlib.sha256(self.content).hexdigest()
        return ReleaseTarget(f"releases/{version}", version, digest, len(self.content), f"rollouts/{version}")


@cache
def release(version: str) -> Release:
    """A release of three small files."""
    draft = Manifest(
        format=FORMAT,
        version=version,
        counter=counter_of(version),
        tree_sha256="0" * 64,
        components=(Component(name="agent", version=version, driver="slot"),),
        provides=("agent",),
    )
    noise = b"".join(hashlib.sha256(f"{version}{number}".encode()).digest() for number in range(40))
    files = {
        "site/wayside_agent/__init__.py": f"VERSION = {version!r}\n".encode(),
        "site/wayside_agent/deep/module.py": b"X = 1\n" * 200,
        "site/noise.bin": noise,
    }
    buffer = io.BytesIO()
    manifest = write_release(buffer, draft, files)
    return Release(buffer.getvalue(), files, manifest, hashlib.sha256(_stated(buffer.getvalue())).hexdigest())


def _stated(content: bytes) -> bytes:
    reading = ReleaseReading(io.BytesIO(content))
    for _ in reading.entries():
        pass
    return reading.manifest_bytes


class HelperKilledError(BaseException):
    """Somebody killed the helper, and nobody else."""


class Surroundings:
    """What is outside the unit, on a clock of the test."""

    def __init__(self) -> None:
        self.now_s = 0.0
        self.away_until_s = self.full_until_s = self.wrong_until_s = 0.0
        self.wrong_utc_s: float | None = None
        self.is_helper_at_work = False

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
        return self.wrong_utc_s if self.now_s < self.wrong_until_s else NOW_S + self.now_s

    def reach(self) -> None:
        """Raises: UnavailableError: the manager is away."""
        if self.is_away:
            raise UnavailableError("the manager is away")

    async def fetch(self, release_name: str, *, offset_bytes: int, delta_sha256: str = "") -> AsyncIterator[bytes]:
        """As `ports.updates.ArtifactSource`; it has no deltas."""
        if delta_sha256:
            raise NotFoundError(f"{release_name}: there is no such delta")
        content = release(release_name.removeprefix("releases/")).content
        for begin in range(offset_bytes, len(content), CHUNK_BYTES):
            self.reach()
            yield content[begin : begin + CHUNK_BYTES]
