"""Releases put into slots by the helper's own code, without the metadata around it."""

import asyncio
import hashlib
import io
import math
from pathlib import Path

from wayside.errors import InvalidArgumentError
from wayside.release_reading import checked
from wayside_agent.core.installing import Install
from wayside_agent.drivers.slot_dir import SlotDir
from wayside_agent.update.artifact import check, install
from wayside_agent.update.place import Agreed, Place


def agreed_of(content: bytes, version: str) -> Agreed:
    """As if people had signed for these bytes, whatever they are."""
    digest, tree, manifest, counter = hashlib.sha256(content).hexdigest(), "", "", 1
    try:
        reading = checked(io.BytesIO(content))
    except InvalidArgumentError:  # the test is about that
        pass
    else:
        manifest = hashlib.sha256(reading.manifest_bytes).hexdigest()
        tree, counter = reading.manifest.tree_sha256, reading.manifest.counter
    return Agreed(version, digest, len(content), tree, manifest, counter, math.inf)


async def put(slots: SlotDir, root: Path, content: bytes, version: str) -> str:
    """Writes a release into the spare slot below `root/slots`; its name.

    Raises: RefusedError, DeviceError, ResourceExhaustedError, FailedPreconditionError.
    """
    agreed, artifact = agreed_of(content, version), root / "artifact"
    await asyncio.to_thread(artifact.write_bytes, content)
    with artifact.open("rb") as file:
        check(file, agreed, Place(root))
    slot, is_there = await slots.reserve(agreed.sha256)
    if not is_there:
        asked = Install(now_s=0.0, sha256=agreed.sha256, artifact=str(artifact), is_delta=False, slot=slot)
        await asyncio.to_thread(install, Place(root), agreed, asked, lambda _: None)
        await slots.fill(slot, agreed.sha256)
    return slot
