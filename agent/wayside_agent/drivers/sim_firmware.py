"""Simulated radio or microcontroller with two banks in a file, that can be told what goes wrong.

`FirmwareDevice` is the device: it answers frames, and whoever carries them (a socket, a pseudo-terminal, memory) brings
them to `answer`. `SimFirmware` is the component driver with such a device inside, for demos and tests.

**Tested with:** the dialogue of this project; a power cut at every write of every life.
**Source:** our own; the order of writes is that of MCUboot's swap-less two-bank mode.
"""

import hashlib
import zlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from wayside.errors import InvalidArgumentError
from wayside_agent.core.firmware_frames import (
    IMAGE_HEAD_BYTES,
    DeviceState,
    Frame,
    Kind,
    begun,
    count_body,
    counted,
    framed,
    image_head,
    state_body,
    unframed,
)
from wayside_agent.drivers.component_firmware import BankedComponent
from wayside_agent.drivers.firmware_dialogue import FirmwareDialogue
from wayside_agent.drivers.sim_banks import Banks, Boot, PowerLostError
from wayside_agent.ports.errors import DeviceTimeoutError


@dataclass(slots=True)
class Faults:
    """What goes wrong; may be changed at any time."""

    fails_at: Kind | None = None
    """Refuses these questions."""
    hangs_at: Kind | None = None
    """Never answers these questions."""
    is_deaf_after_activation: bool = False
    """New firmware starts and never answers; the boot loader goes back at the next start."""


class FirmwareDevice:
    """A device with two banks. `None` for an answer is silence."""

    def __init__(self, banks: Banks, *, hardware: str, faults: Faults | None = None) -> None:
        self._banks = banks
        self._hardware = hardware
        self.faults = faults or Faults()
        self.is_on = True  # it has run all the while: an agent that starts anew does not restart it
        self._is_deaf = False

    def power_on(self) -> None:
        """Starts the boot loader: a trial that was never confirmed ends at its second start."""
        self.is_on, self._is_deaf = True, False
        try:
            boot = self._boot()
            if boot.trial_starts > 1:
                self._banks.write_boot(Boot(bank=1 - boot.bank, spare_is_whole=True))
            elif boot.trial_starts == 1:
                self._banks.write_boot(Boot(bank=boot.bank, trial_starts=2, spare_is_whole=True))
        except PowerLostError:
            self.is_on = False

    def answer(self, question: bytes) -> bytes | None:
        """What it answers to the bytes of one frame."""
        try:
            frame = unframed(question)
        except InvalidArgumentError:
            return None
        if not self.is_on or self._is_deaf or frame.kind is self.faults.hangs_at:
            return None
        if frame.kind is self.faults.fails_at:
            return framed(Kind.REFUSED, frame.number, b"told to fail")
        try:
            return framed(*self._answered(frame))
        except InvalidArgumentError as error:
            return framed(Kind.REFUSED, frame.number, str(error).encode()[:200])
        except PowerLostError:
            self.is_on = False
            return None

    def _answered(self, frame: Frame) -> tuple[Kind, int, bytes]:
        match frame.kind:
            case Kind.STATE:
                return Kind.STATED, frame.number, state_body(self.state())
            case Kind.BEGIN:
                return Kind.DONE, frame.number, count_body(self._begin(*begun(frame.body)))
            case Kind.DATA:
                return Kind.DONE, frame.number, count_body(self._write(counted(frame.body), frame.body[4:]))
            case Kind.FINISH:
                self._finish()
            case Kind.ACTIVATE:
                self._activate()
            case Kind.CONFIRM:
                self._confirm()
            case Kind.REVERT:
                self._revert()
            case _:
                raise InvalidArgumentError("that is no question")
        return Kind.DONE, frame.number, b""

    def state(self) -> DeviceState:
        """What it would say of itself."""
        boot = self._boot()
        return DeviceState(
            bank=boot.bank,
            is_trial=boot.is_trial,
            bank_bytes=self._banks.bank_bytes,
            hardware=self._hardware,
            version=self._version(boot.bank),
            spare_version=self._version(1 - boot.bank) if boot.spare_is_whole else "",
        )

    def _begin(self, size_bytes: int, sha256: bytes) -> int:
        boot = self._boot()
        if boot.is_trial:
            raise InvalidArgumentError("a trial is under way; confirm it or take it back")
        if size_bytes > self._banks.bank_bytes:
            raise InvalidArgumentError(f"a bank has {self._banks.bank_bytes} bytes")
        wanted = Boot(bank=boot.bank, size_bytes=size_bytes, sha256=sha256.hex())
        if (boot.size_bytes, boot.sha256) == (wanted.size_bytes, wanted.sha256):
            return boot.written_bytes
        self._banks.write_boot(wanted)
        return 0

    def _write(self, offset: int, content: bytes) -> int:
        boot = self._boot()
        if boot.is_trial or boot.spare_is_whole or offset + len(content) > boot.size_bytes:
            if offset + len(content) <= boot.written_bytes:
                return offset + len(content)
            raise InvalidArgumentError("these bytes belong to no image that was begun")
        if offset > boot.written_bytes:
            raise InvalidArgumentError(f"bytes are missing from {boot.written_bytes}")
        self._banks.write(1 - boot.bank, offset, content)
        written_bytes = offset + len(content)
        if written_bytes > boot.written_bytes:
            self._banks.write_boot(msgspec.structs.replace(boot, written_bytes=written_bytes))
        return written_bytes

    def _finish(self) -> None:
        boot = self._boot()
        if boot.spare_is_whole:
            return
        content = self._banks.read(1 - boot.bank, boot.size_bytes)
        problem = _problem(content, boot, self._hardware)
        if problem:
            self._banks.write_boot(Boot(bank=boot.bank))
            raise InvalidArgumentError(problem)
        self._banks.write_boot(msgspec.structs.replace(boot, spare_is_whole=True))

    def _activate(self) -> None:
        boot = self._boot()
        if boot.is_trial:
            return
        if not boot.spare_is_whole:
            raise InvalidArgumentError("the other bank holds nothing complete")
        # the device starts anew into its other bank: that start is counted
        self._banks.write_boot(Boot(bank=1 - boot.bank, trial_starts=1, spare_is_whole=True))
        self._is_deaf = self.faults.is_deaf_after_activation

    def _confirm(self) -> None:
        boot = self._boot()
        if boot.is_trial:
            self._banks.write_boot(Boot(bank=boot.bank))

    def _revert(self) -> None:
        boot = self._boot()
        if boot.is_trial:
            self._banks.write_boot(Boot(bank=1 - boot.bank))
        elif boot != Boot(bank=boot.bank):
            self._banks.write_boot(Boot(bank=boot.bank))

    def _boot(self) -> Boot:
        return self._banks.boot()

    def _version(self, bank: int) -> str:
        try:
            return image_head(self._banks.read(bank, IMAGE_HEAD_BYTES)).version
        except InvalidArgumentError:
            return ""


class SimFirmware(BankedComponent):
    """A component with a simulated device inside."""

    class Options(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
        """Where its banks are, and what goes wrong."""

        path: Annotated[str, Meta(pattern="^/", description="File of both banks, absolute; made when it is not there.")]
        hardware: Annotated[str, Meta(min_length=1, max_length=32, description="Hardware that images must be for.")] = (
            "sim-mcu"
        )
        bank_bytes: Annotated[int, Meta(ge=1_024, le=2**26, description="Room for an image [byte].")] = 262_144
        fails_at: Annotated[
            Literal["", "BEGIN", "DATA", "FINISH", "ACTIVATE", "CONFIRM", "REVERT"],
            Meta(description="Question it refuses. Empty: none."),
        ] = ""
        is_deaf_after_activation: Annotated[
            bool, Meta(description="New firmware never answers; it is left at the device's next start but one.")
        ] = False

    def __init__(self, options: Options) -> None:
        super().__init__(f"the simulated device in {options.path}")
        self._options = options
        self._device: FirmwareDevice | None = None

    @property
    def device(self) -> FirmwareDevice:
        """The device inside; made when it is first asked for."""
        if self._device is None:
            options = self._options
            faults = Faults(
                fails_at=Kind[options.fails_at] if options.fails_at else None,
                is_deaf_after_activation=options.is_deaf_after_activation,
            )
            banks = Banks(Path(options.path), bank_bytes=options.bank_bytes)
            self._device = FirmwareDevice(banks, hardware=options.hardware, faults=faults)
        return self._device

    @asynccontextmanager
    async def _opened(self) -> AsyncIterator[FirmwareDialogue]:
        yield FirmwareDialogue(self._exchange, self._name)

    async def _exchange(self, question: bytes) -> bytes:
        answer = self.device.answer(question)
        if answer is None:
            raise DeviceTimeoutError(f"{self._name}: silent")
        return answer


def _problem(content: bytes, boot: Boot, hardware: str) -> str:
    """Why the bytes of a bank are not started; empty: they are."""
    if boot.written_bytes != boot.size_bytes or hashlib.sha256(content).hexdigest() != boot.sha256:
        return "the other bank does not hold what was announced"
    head, rest = image_head(content), content[IMAGE_HEAD_BYTES:]
    if head.hardware != hardware:
        return f"the image is for {head.hardware}"
    return "" if (len(rest), zlib.crc32(rest)) == (head.size_bytes, head.crc32) else "the image is damaged"
