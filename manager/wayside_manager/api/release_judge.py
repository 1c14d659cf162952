"""Judges a release before it is published as a unit would: what people signed of it, and that its counter rises.

Usage: `judge = ReleaseJudge(spec, now)`; `judge.look(trust)` before the bytes come, `judge.inspect` of the bytes,
`judge.decide` in the transaction that publishes.
"""

import hashlib
from collections.abc import Sequence
from datetime import datetime
from typing import BinaryIO

from wayside.release_manifest import Manifest
from wayside.v1 import release_service_pb2
from wayside_manager.api.release_archive import ArchiveCheck
from wayside_manager.core.release_trust.files import Trust, TrustFile
from wayside_manager.core.release_trust.targets import check_counter, check_release, checked_targets, signed_target
from wayside_manager.core.release_trust.updating import taken_targets


class ReleaseJudge:
    """One release on its way in."""

    def __init__(self, spec: release_service_pb2.ReleaseSpec, now: datetime) -> None:
        self._spec = spec
        self._now = now
        self._trust = Trust({})
        self._others: Sequence[Manifest] = ()
        self.archive = ArchiveCheck(spec.version)

    def look(self, trust: Trust, others: Sequence[Manifest]) -> None:
        """Returns if the bytes are worth taking.

        Raises: InvalidArgumentError, FailedPreconditionError: see CreateRelease.
        """
        spec, self._trust, self._others = self._spec, trust, others
        targets = checked_targets(spec.image_targets, trust, now=self._now).signed
        signed_target(targets, spec.version, sha256=spec.sha256, size_bytes=spec.size_bytes)

    def inspect(self, file: BinaryIO) -> None:
        """Returns if the bytes are what was signed.

        Raises: as `look`.
        """
        self.archive(file)
        self.decide(self._trust, self._others)

    def decide(self, trust: Trust, others: Sequence[Manifest]) -> tuple[TrustFile, ...]:
        """What to keep of what was signed: satisfies `ports.releases.ReleaseDecision`.

        Raises: as `look`.
        """
        spec, manifest = self._spec, self.archive.manifest
        metadata = checked_targets(spec.image_targets, trust, now=self._now)
        digest = hashlib.sha256(self.archive.manifest_bytes).hexdigest()
        check_release(metadata.signed, manifest, digest, sha256=spec.sha256, size_bytes=spec.size_bytes)
        check_counter(manifest, others)
        return taken_targets(metadata, spec.image_targets, trust)
