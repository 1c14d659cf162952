"""Small releases in memory, each with a map beside the agent, and the deltas between them as the manager makes them."""

import hashlib
import io
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from wayside.release_manifest import FORMAT, Component, Manifest
from wayside.release_packing import counter_of, write_release
from wayside.release_reading import ReleaseReading
from wayside_agent.core.update import Delta, ReleaseTarget
from wayside_manager.services.delta_making import write_delta

OLD, NEW, NEXT = VERSIONS = ("1.1.0", "1.2.0", "1.3.0")
MAP, MAP_FILE = "map", "payload/map.bin"
NOISE_BYTES = 1_280
"""Shared by all releases but for a few bytes: what deltas patch."""


@dataclass(frozen=True, slots=True)
class Release:
    """One published release."""

    content: bytes
    files: dict[str, bytes]
    manifest: Manifest
    manifest_sha256: str

    @property
    def sha256(self) -> str:
        """Of its bytes."""
        return hashlib.sha256(self.content).hexdigest()

    @property
    def target(self) -> ReleaseTarget:
        """What the manager orders; the rollout has the name of the version."""
        version = self.manifest.version
        return ReleaseTarget(f"releases/{version}", version, self.sha256, len(self.content), f"rollouts/{version}")


@cache
def release(version: str) -> Release:
    """A release of five small files: one moves from version to version, some change a little, one is new."""
    draft = Manifest(
        format=FORMAT,
        version=version,
        counter=counter_of(version),
        tree_sha256="0" * 64,
        components=(
            Component(name="agent", version=version, driver="slot"),
            Component(name=MAP, version=version, driver="file", file=MAP_FILE),
        ),
        provides=("agent",),
    )
    noise = b"".join(hashlib.sha256(str(number).encode()).digest() for number in range(NOISE_BYTES // 32))
    files = {
        "site/wayside_agent/__init__.py": f"VERSION = {version!r}\n".encode(),
        "site/wayside_agent/deep/module.py": b"X = 1\n" * 200,
        f"site/wayside_agent-{version}/moved": b"the same everywhere\n" * 20,
        MAP_FILE: f"the roads of {version}\n".encode() * 40,
        "site/noise.bin": noise[:700] + version.encode() + noise[700:],
    }
    buffer = io.BytesIO()
    manifest = write_release(buffer, draft, files)
    return Release(buffer.getvalue(), files, manifest, hashlib.sha256(_stated(buffer.getvalue())).hexdigest())


@cache
def delta_content(base: str, version: str) -> bytes:
    """The delta that leads from one release to another."""
    with TemporaryDirectory() as folder:
        before, after, made = (Path(folder, name) for name in ("before", "after", "made"))
        before.write_bytes(release(base).content)
        after.write_bytes(release(version).content)
        write_delta(before, after, made, Path(folder))
        return made.read_bytes()


def delta(base: str, version: str) -> Delta:
    """As it is ordered."""
    content = delta_content(base, version)
    return Delta(release(base).manifest.tree_sha256, hashlib.sha256(content).hexdigest(), len(content))


def _stated(content: bytes) -> bytes:
    reading = ReleaseReading(io.BytesIO(content))
    for _ in reading.entries():
        pass
    return reading.manifest_bytes
