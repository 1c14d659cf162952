"""Targets of the image repository: what exists, as people sign it, and what the manager takes of it.

Usage: `checked_targets(content, trust, now=now)`, then `check_release(targets, ...)`: as a unit would.
**Source:** TUF 1.0.34, §5.6 (updating targets); ADR 0020 for `custom`.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime

import msgspec
from tuf.api.metadata import Metadata, TargetFile, Targets

from wayside.errors import FailedPreconditionError
from wayside.release_manifest import Manifest
from wayside_manager.core.release_trust.files import (
    TARGETS_MAX_BYTES,
    Repository,
    Trust,
    TrustRole,
    is_signed_by,
    malformed,
    read,
)

WHAT = "image targets"
_CUSTOM_FIELDS = (
    "version",
    "counter",
    "hardware_ids",
    "tree_sha256",
    "requires",
    "downgrade_from_counter",
    "return_to_counter",
)
"""What a unit decides by; the same in the manifest, and signed beside the hash."""


def target_path(version: str) -> str:
    """What the artifact of a version is called in both repositories."""
    return f"{version}.tar.gz"


def release_target(manifest: Manifest, manifest_sha256: str, *, sha256: str, size_bytes: int) -> TargetFile:
    """What is signed of a release. `manifest_sha256`: of the bytes of its release.json."""
    said = msgspec.json.decode(msgspec.json.encode(manifest))
    custom = {name: said[name] for name in _CUSTOM_FIELDS} | {"manifest_sha256": manifest_sha256}
    return TargetFile(
        size_bytes, {"sha256": sha256}, target_path(manifest.version), unrecognized_fields={"custom": custom}
    )


def drafted_targets(
    current: Metadata[Targets] | None, targets: Mapping[str, TargetFile], *, is_signed: bool, expire_time: datetime
) -> Metadata[Targets]:
    """Targets to be signed: the next version, or the present one anew while too few have signed it."""
    version = 1 if current is None else current.signed.version + int(is_signed)
    return Metadata(Targets(version=version, expires=expire_time.replace(microsecond=0), targets=dict(targets)))


def checked_targets(content: bytes, trust: Trust, *, now: datetime) -> Metadata[Targets]:
    """Targets that a unit would take after those the manager has.

    Raises: InvalidArgumentError: they are none; FailedPreconditionError: NO_ROOTS, THRESHOLD, EXPIRED, ROLLBACK.
    """
    roots = {repository: trust.root(repository) for repository in Repository}
    metadata = read(content, Targets, what=WHAT, max_bytes=TARGETS_MAX_BYTES)
    if metadata.signed.delegations is not None:
        raise malformed(WHAT, "they hand a part on to others, which nothing here asks for")
    if not is_signed_by(roots[Repository.IMAGE], TrustRole.TARGETS, metadata):
        named = roots[Repository.IMAGE].roles[TrustRole.TARGETS]
        raise _refused(
            f"too few of those have signed whom image root {roots[Repository.IMAGE].version} names; "
            f"{named.threshold} of {len(named.keyids)} have to, with 'wayside releases sign'",
            "THRESHOLD",
        )
    for what, signed in {"image root": roots[Repository.IMAGE], "director root": roots[Repository.DIRECTOR]}.items():
        if signed.is_expired(now):
            raise _refused(f"the {what} ended at {signed.expires:%Y-%m-%d}; sign the next one first", "EXPIRED")
    if metadata.signed.is_expired(now):
        raise _refused(f"they ended at {metadata.signed.expires:%Y-%m-%d}; sign them anew", "EXPIRED")
    _check_not_back(metadata, content, trust)
    return metadata


def check_release(targets: Targets, manifest: Manifest, manifest_sha256: str, *, sha256: str, size_bytes: int) -> None:
    """Returns if the targets hold a release as it is.

    Raises: FailedPreconditionError: HASH or MANIFEST.
    """
    signed = signed_target(targets, manifest.version, sha256=sha256, size_bytes=size_bytes)
    wanted = release_target(manifest, manifest_sha256, sha256=sha256, size_bytes=size_bytes)
    if signed.custom != wanted.custom:
        custom = signed.custom if isinstance(signed.custom, dict) else {}
        differing = sorted(name for name in wanted.custom if custom.get(name) != wanted.custom[name]) or ["custom"]
        raise _refused(
            f"what they say of {signed.path} is not what its release.json says ({', '.join(differing)}); "
            "sign the artifact anew",
            "MANIFEST",
        )


def signed_target(targets: Targets, version: str, *, sha256: str, size_bytes: int) -> TargetFile:
    """What the targets say of an artifact.

    Raises: FailedPreconditionError: HASH: nothing, or of other bytes.
    """
    signed = targets.targets.get(target_path(version))
    if signed is None:
        raise _refused(f"they do not hold {target_path(version)}; sign the artifact first", "HASH")
    if signed.length != size_bytes or signed.hashes.get("sha256") != sha256:
        raise _refused(
            f"{signed.path} in them is another file than this one; sign the artifact that is published", "HASH"
        )
    return signed


def check_counter(manifest: Manifest, others: Iterable[Manifest]) -> None:
    """Returns if a counter rises along the hardware of releases that are in use, or its release is a signed way back.

    Raises: FailedPreconditionError: COUNTER.
    """
    highest = max((each.counter for each in others if _share_hardware(manifest, each)), default=0)
    if manifest.counter <= highest and manifest.downgrade_from_counter < highest:
        raise FailedPreconditionError(
            f"counter: {manifest.counter} does not rise, a release for the same hardware has {highest}; build it with "
            "a larger --counter, or with --downgrade-from if units are meant to go back",
            reason="COUNTER",
        )


def _share_hardware(one: Manifest, other: Manifest) -> bool:
    if not one.hardware_ids or not other.hardware_ids:
        return True  # for any
    return not set(one.hardware_ids).isdisjoint(other.hardware_ids)


def _check_not_back(metadata: Metadata[Targets], content: bytes, trust: Trust) -> None:
    held = trust.newest(Repository.IMAGE, TrustRole.TARGETS)
    if held is None or metadata.signed.version > held.version:
        return
    if metadata.signed.version < held.version or content != held.content:
        raise _refused(
            f"version {metadata.signed.version} does not follow {held.version}, which this manager has; "
            "sign on top of those ('wayside releases trust save')",
            "ROLLBACK",
        )


def _refused(why: str, reason: str) -> FailedPreconditionError:
    return FailedPreconditionError(f"{WHAT}: {why}", reason=reason)
