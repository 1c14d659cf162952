"""Firmware of a radio or a microcontroller with two banks, over a serial line or TCP on the unit's own network.

The device keeps the agreement: it writes the bank that does not run, checks it, starts it on trial, and goes back by
itself at its next start if nobody confirmed. Frames: `core.firmware_frames`. An image that was partly written is gone
on with, so a power cut of the unit costs no time.

**Tested with:** the simulated device of this project, over a pseudo-terminal, TCP and in memory.
**Source:** our own; pyserial 3.5 for the line.
"""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import TYPE_CHECKING, Annotated

import msgspec
from msgspec import Meta

from wayside_agent.core.firmware_frames import HEAD_BYTES, frame_bytes
from wayside_agent.drivers.firmware_dialogue import FirmwareDialogue
from wayside_agent.ports.components import Activation, Payload, Progress
from wayside_agent.ports.errors import DeviceAbsentError, DeviceTimeoutError

if TYPE_CHECKING:
    import serial


class BankedComponent(ABC):
    """`ports.components.ComponentDriver` for a device that speaks our frames."""

    kind = "firmware"
    takes_effect = Activation.AT_ONCE

    def __init__(self, name: str) -> None:
        self._name = name

    async def version(self) -> str:
        """Version that runs in the device.

        Raises: DeviceError.
        """
        async with self._opened() as device:
            return (await device.state()).version

    async def precheck(self, payload: Payload) -> None:
        """Holds the head of the image against the device.

        Raises: FailedPreconditionError: another hardware or version, or damaged. ResourceExhaustedError: it is larger
            than a bank. DeviceError.
        """
        async with self._opened() as device:
            await device.precheck(payload)

    async def install(self, payload: Payload, progress: Progress) -> None:
        """Writes the bank that does not run, from where an earlier try stopped.

        Raises: as `precheck`.
        """
        async with self._opened() as device:
            await device.install(payload, progress)

    async def activate(self) -> Activation:
        """Starts the other bank, on trial.

        Raises: FailedPreconditionError: it holds nothing complete. DeviceError.
        """
        async with self._opened() as device:
            await device.activate()
        return Activation.AT_ONCE

    async def confirm(self) -> None:
        """Ends the trial.

        Raises: DeviceError.
        """
        async with self._opened() as device:
            await device.confirm()

    async def revert(self) -> Activation:
        """Starts the bank before.

        Raises: DeviceError: a silent device goes back by itself at its next start.
        """
        async with self._opened() as device:
            await device.revert()
        return Activation.AT_ONCE

    @abstractmethod
    def _opened(self) -> AbstractAsyncContextManager[FirmwareDialogue]:
        """The device, for one method."""


class FirmwareComponent(BankedComponent):
    """A device on a serial line or a socket."""

    class Options(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
        """Where the device is."""

        address: Annotated[
            str,
            Meta(
                pattern=r"^(/dev/\S+|socket://\S+:[0-9]{1,5})$",
                description="Serial device, best under /dev/serial/by-id, or `socket://host:port`.",
            ),
        ]
        baudrate: Annotated[int, Meta(ge=300, le=4_000_000, description="Line speed [bit/s].")] = 115_200
        timeout_s: Annotated[
            float, Meta(gt=0, le=120, description="Silence after which a question is asked again [s]; three times.")
        ] = 5.0

    def __init__(self, options: Options) -> None:
        super().__init__(f"the device at {options.address}")
        self._options = options

    @asynccontextmanager
    async def _opened(self) -> AsyncIterator[FirmwareDialogue]:
        line = SerialLine(self._options)
        try:
            yield FirmwareDialogue(line.exchange, self._name)
        finally:
            await asyncio.to_thread(line.close)


class SerialLine:
    """Carries frames over a line that is opened by the first question; one that was pulled is opened again."""

    def __init__(self, options: FirmwareComponent.Options) -> None:
        self._options = options
        self._line: serial.Serial | None = None

    async def exchange(self, question: bytes) -> bytes:
        """Sends a question and returns one answer.

        Raises: DeviceAbsentError, DeviceTimeoutError. InvalidArgumentError: nonsense came.
        """
        return await asyncio.to_thread(self._exchanged, question)

    def close(self) -> None:
        """Gives the line back. Blocks briefly."""
        line, self._line = self._line, None
        if line is not None:
            line.close()

    def _exchanged(self, question: bytes) -> bytes:
        # imported here: an agent without such a device does not pay for it
        import serial

        address = self._options.address
        try:
            line = self._line = self._line or self._open()
            line.reset_input_buffer()
            line.write(question)
            return self._read(line)
        except serial.SerialTimeoutException as exc:
            self.close()
            raise DeviceTimeoutError(f"{address}: takes no bytes") from exc
        except (serial.SerialException, OSError, ValueError) as exc:
            self.close()
            raise DeviceAbsentError(f"{address}: cannot be used ({exc}); check the device and its line") from exc

    def _open(self) -> "serial.Serial":
        import serial  # as above

        options = self._options
        line: serial.Serial = serial.serial_for_url(
            options.address, options.baudrate, timeout=options.timeout_s, write_timeout=options.timeout_s
        )
        return line

    def _read(self, line: "serial.Serial") -> bytes:
        head = line.read(HEAD_BYTES)
        if len(head) < HEAD_BYTES:
            raise DeviceTimeoutError(f"{self._options.address}: silent for {self._options.timeout_s:g} s")
        return bytes(head + line.read(frame_bytes(head) - HEAD_BYTES))
