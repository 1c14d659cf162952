"""What the manager signs: snapshot and timestamp of the image repository, and directions of nodes.

Pure: the signer is handed in, and it signs the same bytes the same way. Everything is made when somebody asks and half
of its life is over, so a fleet that sleeps costs nothing.
**Source:** TUF 1.0.34, §4.4 to §4.6; Uptane 2.1, §5.3.2 (director).
"""

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeVar

from securesystemslib.signer import Signer
from tuf.api.metadata import Metadata, MetaFile, Root, Snapshot, TargetFile, Targets, Timestamp

from wayside_manager.core.nodes import ReleaseAssignment
from wayside_manager.core.release_trust.files import (
    TARGETS_MAX_BYTES,
    Repository,
    Trust,
    TrustFile,
    TrustRole,
    read,
    trust_file,
    written,
)
from wayside_manager.core.release_trust.roots import check_names_manager
from wayside_manager.core.release_trust.targets import WHAT, target_path

SLACK = timedelta(hours=1)
"""How much longer than it should a file may live before it counts as one of a clock that was wrong."""
_SMALL_MAX_BYTES = 64 * 1024
T = TypeVar("T", Root, Targets, Snapshot, Timestamp)


@dataclass(frozen=True, slots=True)
class Direction:
    """What a node should install, as it is signed. All three have one version."""

    node_id: str
    version: int
    targets: bytes
    snapshot: bytes
    timestamp: bytes
    subject_sha256: str
    """Of what it says and whose key signed it: when that changes it is made anew."""
    expire_time: datetime


@dataclass(frozen=True, slots=True)
class Situation:
    """What a node asks about."""

    node_id: str
    trust: Trust
    release: ReleaseAssignment | None
    """What it should run."""
    direction: Direction | None


@dataclass(frozen=True, slots=True)
class Renewal:
    """What was made anew."""

    files: tuple[TrustFile, ...] = ()
    direction: Direction | None = None


class OnlineSigning:
    """The manager's key, and how long what it signs lives."""

    def __init__(self, signer: Signer, *, life: timedelta) -> None:
        self._signer = signer
        self._life = life

    @property
    def key_id(self) -> str:
        """What roots call the key."""
        return self._signer.public_key.keyid

    def is_due(self, situation: Situation, *, now: datetime) -> bool:
        """Whether something of what a node gets must be made anew."""
        return self._is_image_due(situation.trust, now) or self._is_direction_due(situation, now)

    def renewed(self, situation: Situation, *, now: datetime) -> Renewal:
        """What must be made anew, signed.

        Raises: FailedPreconditionError: there are no roots, they do not name the key, or nothing was published.
        """
        for repository in Repository:
            check_names_manager(situation.trust.root(repository), repository, self.key_id)
        files = self._image(situation.trust, now) if self._is_image_due(situation.trust, now) else ()
        direction = self._direction(situation, now) if self._is_direction_due(situation, now) else None
        return Renewal(files, direction)

    def _is_image_due(self, trust: Trust, now: datetime) -> bool:
        targets = trust.newest(Repository.IMAGE, TrustRole.TARGETS)
        snapshot = trust.newest(Repository.IMAGE, TrustRole.SNAPSHOT)
        timestamp = trust.newest(Repository.IMAGE, TrustRole.TIMESTAMP)
        if targets is None:
            return False  # nothing was published
        if (
            snapshot is None
            or timestamp is None
            or not (self._is_fresh(snapshot, now) and self._is_fresh(timestamp, now))
        ):
            return True
        said = read(snapshot.content, Snapshot, what="image snapshot", max_bytes=_SMALL_MAX_BYTES)
        stamped = read(timestamp.content, Timestamp, what="image timestamp", max_bytes=_SMALL_MAX_BYTES)
        return (
            self.key_id not in said.signatures
            or self.key_id not in stamped.signatures
            or said.signed.meta["targets.json"].version != targets.version
        )

    def _is_direction_due(self, situation: Situation, now: datetime) -> bool:
        held = situation.direction
        if held is None or held.subject_sha256 != self._subject(situation):
            return True
        return not self._is_fresh(held, now)

    def _is_fresh(self, held: TrustFile | Direction, now: datetime) -> bool:
        return self._life / 2 < held.expire_time - now <= self._life + SLACK

    def _image(self, trust: Trust, now: datetime) -> tuple[TrustFile, ...]:
        targets = trust.newest(Repository.IMAGE, TrustRole.TARGETS)
        if targets is None:
            return ()
        held = (trust.newest(Repository.IMAGE, role) for role in (TrustRole.SNAPSHOT, TrustRole.TIMESTAMP))
        version = _next_version(max((each.version for each in held if each), default=0), now)
        snapshot, timestamp = self._covering(targets.content, targets.version, version, now)
        return trust_file(Repository.IMAGE, snapshot), trust_file(Repository.IMAGE, timestamp)

    def _direction(self, situation: Situation, now: datetime) -> Direction:
        version = _next_version(situation.direction.version if situation.direction else 0, now)
        directed = {} if situation.release is None else _directed(situation.trust, situation.release)
        targets = self._signed(
            Targets(
                version=version,
                expires=self._expires(now),
                targets=directed,
                unrecognized_fields={"node": f"nodes/{situation.node_id}"},
            )
        )
        content = written(targets)
        snapshot, timestamp = self._covering(content, version, version, now)
        return Direction(
            node_id=situation.node_id,
            version=version,
            targets=content,
            snapshot=written(snapshot),
            timestamp=written(timestamp),
            subject_sha256=self._subject(situation),
            expire_time=targets.signed.expires,
        )

    def _covering(
        self, targets: bytes, targets_version: int, version: int, now: datetime
    ) -> tuple[Metadata[Snapshot], Metadata[Timestamp]]:
        """A snapshot of targets, and a timestamp of it."""
        meta = {"targets.json": MetaFile.from_data(targets_version, targets, ["sha256"])}
        snapshot = self._signed(Snapshot(version=version, expires=self._expires(now), meta=meta))
        of_snapshot = MetaFile.from_data(version, written(snapshot), ["sha256"])
        timestamp = self._signed(Timestamp(version=version, expires=self._expires(now), snapshot_meta=of_snapshot))
        return snapshot, timestamp

    def _signed(self, signed: T) -> Metadata[T]:
        metadata = Metadata(signed)
        metadata.sign(self._signer)
        return metadata

    def _expires(self, now: datetime) -> datetime:
        return (now + self._life).replace(microsecond=0)

    def _subject(self, situation: Situation) -> str:
        release = situation.release
        wanted = ("", "", 0) if release is None else (release.version, release.sha256, release.size_bytes)
        targets = situation.trust.newest(Repository.IMAGE, TrustRole.TARGETS)
        said = (self.key_id, situation.node_id, *wanted, targets.version if targets and release else 0)
        return hashlib.sha256("\n".join(map(str, said)).encode()).hexdigest()


def _directed(trust: Trust, release: ReleaseAssignment) -> dict[str, TargetFile]:
    """The one target of a direction: word for word as people signed it, where they did."""
    path = target_path(release.version)
    held = trust.newest(Repository.IMAGE, TrustRole.TARGETS)
    if held is not None:
        targets = read(held.content, Targets, what=WHAT, max_bytes=TARGETS_MAX_BYTES).signed.targets
        if path in targets and targets[path].hashes.get("sha256") == release.sha256:
            return {path: targets[path]}
    return {path: TargetFile(release.size_bytes, {"sha256": release.sha256}, path)}


def _next_version(previous: int, now: datetime) -> int:
    """One more, and no less than the time [s]: a manager with a restored backup would else sign what units refuse."""
    return max(previous + 1, int(now.timestamp()))
