"""Whether both repositories tell this unit to install a release, and whether it may.

    agreed = agreement(place, asked)        # raises RefusedError, with its reason

Source: Uptane 2.1, 5.4.4 (full verification). Who may say what: ADR 0020.
"""

from dataclasses import replace
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta
from tuf.api.metadata import TargetFile

from wayside.release_manifest import Count, Label, Manifest, Sha256
from wayside.release_packing import counter_of
from wayside_agent.core.agreement import Refusal, RefusedError
from wayside_agent.core.installing import Agree
from wayside_agent.update.place import Agreed, Place, Seen
from wayside_agent.update.trust import Repository

FACTORY_PROVIDES = ("agent",)


class Custom(msgspec.Struct, frozen=True, kw_only=True):
    """What people sign of a release beside its bytes: the fields of its manifest that decide where it may go."""

    version: Annotated[str, Meta(max_length=100)]
    counter: Annotated[int, Meta(ge=1, le=2**53)]
    tree_sha256: Sha256
    manifest_sha256: Sha256
    hardware_ids: Annotated[tuple[Label, ...], Meta(max_length=200)] = ()
    requires: Annotated[tuple[str, ...], Meta(max_length=50)] = ()
    downgrade_from_counter: Count = 0
    return_to_counter: Count = 0


def agreement(place: Place, asked: Agree) -> Agreed:
    """What is agreed, durable in the helper's own memory.

    Raises: RefusedError: with the reason. DeviceError, ResourceExhaustedError: the disk.
    """
    roots = {name: place.pinned_root(name) for name in ("image", "director")}
    seen = _seen(place)
    now = _now(asked.now_s, seen)
    staged = Path(asked.staged)
    image, director = (Repository(name, place.trust / name, root, staged / name, now) for name, root in roots.items())
    director.refresh()
    image.refresh()
    target = _agreed_target(image, director, asked)
    custom = _custom(target, asked.version)
    running = place.manifest(place.choice().active)
    _check(custom, place.hardware_id, running, seen.counter)
    agreed = Agreed(
        version=asked.version,
        sha256=asked.sha256,
        size_bytes=asked.size_bytes,
        tree_sha256=custom.tree_sha256,
        manifest_sha256=custom.manifest_sha256,
        counter=custom.counter,
        end_s=min(image.end, director.end).timestamp(),
    )
    place.agreed.save(agreed)
    place.seen.save(replace(seen, time_s=now.timestamp()))
    return agreed


def _seen(place: Place) -> Seen:
    """What was seen, and the release that was committed since."""
    seen = place.seen.load() or Seen()
    held = place.held(place.choice().active) if place.choice().active else None
    if held is not None and held.counter > seen.counter:
        seen = replace(seen, counter=held.counter)
        place.seen.save(seen)
    return seen


def _now(now_s: float | None, seen: Seen) -> datetime:
    if now_s is None:
        raise RefusedError(
            Refusal.TIME,
            "nobody knows what time it is, so nothing can be found to be in date; connect the receiver, a time server "
            "or the manager",
        )
    # a clock that fell back must not bring ended metadata to life. It cannot be far ahead: what was in date then
    # ends after it, and whatever is signed later ends later.
    return datetime.fromtimestamp(max(now_s, seen.time_s), UTC)


def _agreed_target(image: Repository, director: Repository, asked: Agree) -> TargetFile:
    path = f"{asked.version}.tar.gz"
    node = director.targets.unrecognized_fields.get("node")
    if node != asked.node:
        raise RefusedError(
            Refusal.NOT_DIRECTED,
            f"the directions are for {str(node)[:80]!r}, this unit is {asked.node!r}; ask the manager again",
        )
    directed = director.targets.targets.get(path)
    if directed is None:
        named = ", ".join(sorted(director.targets.targets))[:200] or "nothing"
        raise RefusedError(
            Refusal.NOT_DIRECTED, f"the director tells this unit to install {named}, not {path}; roll it out again"
        )
    known = image.target(path)
    if known is None:
        raise RefusedError(
            Refusal.NOT_IN_IMAGES, f"nobody signed {path}, or it was retired; sign and publish it, or choose another"
        )
    ordered = (asked.size_bytes, asked.sha256)
    for target, who in ((directed, "the director"), (known, "the image repository")):
        if (target.length, target.hashes.get("sha256")) != ordered:
            raise RefusedError(
                Refusal.DISAGREEMENT,
                f"{path}: {who} names {target.length} bytes with SHA-256 {str(target.hashes.get('sha256'))[:12]}…, "
                f"ordered were {asked.size_bytes} with {asked.sha256[:12]}…; publish it again",
            )
    return known


def _custom(target: TargetFile, wanted: str) -> Custom:
    try:
        custom = msgspec.convert(target.custom, Custom)
    except msgspec.ValidationError as error:
        raise RefusedError(
            Refusal.MALFORMED, f"image repository: {target.path}: custom: {error}; sign it with tools of this version"
        ) from error
    if custom.version != wanted:
        raise RefusedError(
            Refusal.DISAGREEMENT, f"{target.path}: people signed it as version {custom.version!r}; publish it again"
        )
    return custom


def _check(custom: Custom, hardware_id: str, running: Manifest | None, highest: int) -> None:
    """Refuses what people signed, but not for this unit as it is."""
    if custom.hardware_ids and hardware_id not in custom.hardware_ids:
        raise wrong_hardware(custom.hardware_ids, hardware_id)
    for requirement in custom.requires:
        if not _is_met(requirement, running):
            raise RefusedError(
                Refusal.REQUIREMENT, f"it needs {requirement}, which is not what runs; install that first"
            )
    may_return = 0 < (running.return_to_counter if running else 0) <= custom.counter
    if custom.counter < highest and custom.downgrade_from_counter < highest and not may_return:
        raise RefusedError(
            Refusal.DOWNGRADE,
            f"its counter is {custom.counter}, this unit has had {highest}, and nobody signed for that; build it with "
            f"a downgrade from {highest} and sign it, or choose a newer one",
        )


def wrong_hardware(hardware_ids: tuple[str, ...], hardware_id: str) -> RefusedError:
    """The error for a release of other hardware."""
    return RefusedError(
        Refusal.WRONG_HARDWARE,
        f"it is for {', '.join(hardware_ids)[:200]}, this unit is {hardware_id or 'of no known hardware'}; choose "
        "another release, or correct node.hardware_id in the unit's settings",
    )


def _is_met(requirement: str, running: Manifest | None) -> bool:
    """`name` or `name>=counter`, of the release that runs."""
    name, _, least = requirement.partition(">=")
    provides = running.provides if running else FACTORY_PROVIDES
    counter = running.counter if running else counter_of(version("wayside-agent"))
    return name in provides and counter >= (int(least) if least else 0)
