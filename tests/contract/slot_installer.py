"""A small installer without metadata: agrees with whatever is wanted, and is strict with bytes.

Its deltas are the whole artifact, packed; those between files are held in `test_helper_artifacts` and in e2e.
"""

import asyncio
import hashlib
import io
import lzma
from pathlib import Path

from tests.slots import put
from wayside.errors import InvalidArgumentError, WaysideError
from wayside.release_reading import checked
from wayside_agent.core.agreement import Agreement, Refusal, RefusedError
from wayside_agent.core.contents import Contents, contents
from wayside_agent.core.update import ReleaseTarget
from wayside_agent.drivers.slot_dir import SlotDir
from wayside_agent.ports.installer import Progress


class SlotInstaller:
    """Writes whole artifacts into the slots of a folder."""

    def __init__(self, slots: SlotDir, root: Path, faults: list[WaysideError] | None = None) -> None:
        """`root`: the folder of `slots`; `faults`: what the next questions end with, one each."""
        self._slots = slots
        self._root = root
        self._faults = [] if faults is None else faults

    async def agree(self, target: ReleaseTarget) -> Agreement:
        """What was wanted."""
        self._fail()
        return Agreement(target.release, target.version, target.sha256, target.size_bytes, "", 1)

    async def verify(self, agreement: Agreement, artifact: Path, *, is_delta: bool) -> Contents:
        """Reads all of it.

        Raises: RefusedError: ARTIFACT_INVALID, DELTA.
        """
        self._fail()
        whole = _unpacked(artifact) if is_delta else artifact
        if hashlib.sha256(whole.read_bytes()).hexdigest() != agreement.sha256:
            raise RefusedError(Refusal.ARTIFACT_INVALID, "release refused: other bytes than announced")
        try:
            manifest = checked(io.BytesIO(whole.read_bytes())).manifest
        except InvalidArgumentError as error:
            raise RefusedError(Refusal.ARTIFACT_INVALID, str(error)) from error
        return contents(manifest.components, manifest.notices)

    async def install(self, agreement: Agreement, artifact: Path, *, is_delta: bool, progress: Progress) -> str:
        """Unpacks it into the spare slot.

        Raises: RefusedError: DELTA. DeviceError, ResourceExhaustedError.
        """
        self._fail()
        slot, is_there = await self._slots.reserve(agreement.sha256)
        if is_there:
            return slot
        whole = _unpacked(artifact) if is_delta else artifact
        content = await asyncio.to_thread(whole.read_bytes)
        slot = await put(self._slots, self._root, content, agreement.version)
        progress(1.0)
        return slot

    def _fail(self) -> None:
        if self._faults:
            raise self._faults.pop(0)


def _unpacked(delta: Path) -> Path:
    whole = delta.parent.parent / "whole"
    try:
        whole.write_bytes(lzma.decompress(delta.read_bytes()))
    except lzma.LZMAError as error:
        raise RefusedError(Refusal.DELTA, f"delta refused: {error}") from error
    return whole
