"""Questions to one device about its firmware, over whatever carries them; see `core.firmware_frames`.

**Tested with:** the simulated device of this project, over a pseudo-terminal, TCP and in memory.
**Source:** our own.
"""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable
from pathlib import Path

from wayside.errors import FailedPreconditionError, InvalidArgumentError, ResourceExhaustedError
from wayside_agent.core.firmware_frames import (
    CHUNK_BYTES,
    IMAGE_HEAD_BYTES,
    DeviceState,
    Frame,
    Kind,
    begin_body,
    count_body,
    counted,
    framed,
    image_head,
    stated,
    unframed,
)
from wayside_agent.drivers.files import disk_errors
from wayside_agent.ports.components import Payload, Progress
from wayside_agent.ports.errors import DeviceFaultError, DeviceTimeoutError

ATTEMPTS = 3
"""Times a question is asked before the device counts as silent."""

Exchange = Callable[[bytes], Awaitable[bytes]]
"""Sends a question and returns the bytes of one answer; raises DeviceErrors, and InvalidArgumentError for nonsense."""


class FirmwareDialogue:
    """Questions to one device, over whatever carries them."""

    def __init__(self, exchange: Exchange, name: str) -> None:
        self._exchange = exchange
        self._name = name
        self._number = 0

    async def state(self) -> DeviceState:
        """What the device says of itself.

        Raises: DeviceError.
        """
        answer = await self._ask(Kind.STATE)
        try:
            return stated(answer.body)
        except InvalidArgumentError as exc:
            raise DeviceFaultError(f"{self._name}: {exc}; update its boot loader") from exc

    async def precheck(self, payload: Payload) -> None:
        """As the port says."""
        state = await self.state()
        size_bytes = await asyncio.to_thread(self._checked, payload, state)
        if size_bytes > state.bank_bytes:
            raise ResourceExhaustedError(
                f"{self._name}: the image has {size_bytes} bytes, a bank {state.bank_bytes}; build a smaller one",
                reason="IMAGE_TOO_LARGE",
            )

    async def install(self, payload: Payload, progress: Progress) -> None:
        """As the port says."""
        await self.precheck(payload)
        with disk_errors(payload.path):
            content = await asyncio.to_thread(payload.path.read_bytes)
        answer = await self._ask(Kind.BEGIN, begin_body(len(content), hashlib.sha256(content).digest()))
        offset = self._offset(answer, least=0, most=len(content))
        while offset < len(content):
            progress(offset / len(content))
            chunk = content[offset : offset + CHUNK_BYTES]
            answer = await self._ask(Kind.DATA, count_body(offset) + chunk)
            offset = self._offset(answer, least=offset + 1, most=offset + len(chunk))
        await self._ask(Kind.FINISH)
        progress(1.0)

    async def activate(self) -> None:
        """As the port says."""
        if not (await self.state()).is_trial:
            await self._ask(Kind.ACTIVATE)

    async def confirm(self) -> None:
        """As the port says."""
        await self._ask(Kind.CONFIRM)

    async def revert(self) -> None:
        """As the port says."""
        await self._ask(Kind.REVERT)

    def _checked(self, payload: Payload, state: DeviceState) -> int:
        """Bytes of the image, once it is known to be for this device."""
        head_bytes, size_bytes = _beginning(payload.path)
        try:
            head = image_head(head_bytes)
        except InvalidArgumentError as exc:
            raise FailedPreconditionError(f"{payload.path.name}: {exc}; build it again") from exc
        if head.hardware != state.hardware:
            raise FailedPreconditionError(
                f"{payload.path.name} is for {head.hardware!r}, {self._name} is {state.hardware!r}; choose another"
            )
        if (head.version, head.size_bytes + IMAGE_HEAD_BYTES) != (payload.version, size_bytes):
            raise FailedPreconditionError(
                f"{payload.path.name} says it is version {head.version!r} with {head.size_bytes} bytes, the release "
                f"says {payload.version!r} and {size_bytes - IMAGE_HEAD_BYTES}; build it again"
            )
        return size_bytes

    def _offset(self, answer: Frame, *, least: int, most: int) -> int:
        try:
            offset = counted(answer.body)
        except InvalidArgumentError as exc:
            raise DeviceFaultError(f"{self._name}: {exc}; update its boot loader") from exc
        if not least <= offset <= most:
            raise DeviceFaultError(f"{self._name}: says it has {offset} bytes, it was sent up to {most}; restart it")
        return offset

    async def _ask(self, kind: Kind, body: bytes = b"") -> Frame:
        self._number = (self._number + 1) % 256
        question = framed(kind, self._number, body)
        for attempt in range(ATTEMPTS):
            try:
                answer = unframed(await self._exchange(question))
            except (DeviceTimeoutError, InvalidArgumentError) as exc:
                if attempt + 1 < ATTEMPTS:
                    continue
                raise DeviceTimeoutError(
                    f"{self._name} does not answer {kind.name} ({exc}); check its power and its line"
                ) from exc
            if answer.number == self._number:
                break
        else:
            raise DeviceFaultError(f"{self._name} answers other questions than it was asked; restart it")
        if answer.kind is Kind.REFUSED:
            reason = answer.body.decode(errors="replace")[:200]
            if kind is Kind.ACTIVATE:
                raise FailedPreconditionError(f"{self._name} refuses {kind.name}: {reason}")
            raise DeviceFaultError(f"{self._name} refuses {kind.name}: {reason}")
        return answer


def _beginning(path: Path) -> tuple[bytes, int]:
    with disk_errors(path), path.open("rb") as file:
        return file.read(IMAGE_HEAD_BYTES), path.stat().st_size
