"""Root file systems and more by SWUpdate, through its control socket.

SWUpdate checks the image's own signature and writes what its `sw-description` says. It has no way to switch or to go
back: the boot loader's variables do that, and the settings name the programs that set them. The image must therefore
not switch by itself: no `bootenv` of its own. A dry run comes before every installation.

**Tested with:** SWUpdate 2022.12 of Debian 12, signed images (CMS), raw images into files.
**Source:** SWUpdate 2022.12, include/network_ipc.h; ipc/network_ipc-if.c for the order of messages.
"""

import asyncio
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated, TypeVar

import msgspec
from msgspec import Meta

from wayside.errors import FailedPreconditionError, InvalidArgumentError
from wayside_agent.core.swupdate_ipc import (
    MESSAGE_BYTES,
    Recovery,
    Status,
    install_request,
    is_taken,
    status,
    status_request,
)
from wayside_agent.drivers.files import disk_errors
from wayside_agent.ports.components import Activation, Payload, Progress
from wayside_agent.ports.errors import DeviceAbsentError, DeviceFaultError, DeviceTimeoutError

CHUNK_BYTES = 64 * 1024
LOOK_PERIOD_S = 0.2
CALL_TIMEOUT_S = 30.0
LOOKS_BEFORE_BEGIN = 25
"""Looks that may find it idle before it has begun."""
OUTPUT_MAX_BYTES = 4_096

T = TypeVar("T")

Command = Annotated[tuple[Annotated[str, Meta(min_length=1)], ...], Meta(min_length=1, max_length=20)]


class SwupdateComponent:
    """`ports.components.ComponentDriver` for what SWUpdate installs."""

    kind = "swupdate"

    class Options(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
        """Where SWUpdate is, and how the unit's boot loader is told."""

        version_command: Annotated[Command, Meta(description="Prints the version that runs; nothing: none is known.")]
        activate_command: Annotated[
            Command, Meta(description="Makes what was installed start next, on trial. May be called again.")
        ]
        confirm_command: Annotated[Command, Meta(description="Ends the trial. May be called again.")]
        revert_command: Annotated[
            Command, Meta(description="Makes what ran before start next, if a trial is on. May be called again.")
        ]
        mode_command: Annotated[
            tuple[Annotated[str, Meta(min_length=1)], ...],
            Meta(max_length=20, description="Prints `set,mode` of the copy to write, as `stable,copy2`. Empty: none."),
        ] = ()
        socket: Annotated[str, Meta(pattern="^/", description="SWUpdate's control socket.")] = "/tmp/sockinstctrl"  # noqa: S108  # SWUpdate's own default
        takes_effect: Annotated[
            Activation, Meta(description="`AT_BOOT`: once the machine restarts; `AT_ONCE`: when it was activated.")
        ] = Activation.AT_BOOT
        install_timeout_s: Annotated[float, Meta(ge=1, le=86_400, description="Time that writing may take [s].")] = (
            3_600.0
        )

    def __init__(self, options: Options) -> None:
        self._options = options

    @property
    def takes_effect(self) -> Activation:
        """As the options say."""
        return self._options.takes_effect

    async def version(self) -> str:
        """What the version command prints.

        Raises: DeviceError.
        """
        return await self._run(self._options.version_command)

    async def precheck(self, payload: Payload) -> None:
        """A dry run.

        Raises: FailedPreconditionError: SWUpdate refuses it, with what it says. DeviceError.
        """
        try:
            await self._stream(payload, lambda _: None, is_dry_run=True)
        except DeviceFaultError as exc:
            raise FailedPreconditionError(f"{payload.path.name}: {exc}") from exc

    async def install(self, payload: Payload, progress: Progress) -> None:
        """Writes the copy that does not run.

        Raises: FailedPreconditionError: as `precheck`. DeviceError.
        """
        await self.precheck(payload)
        await self._stream(payload, progress, is_dry_run=False)
        progress(1.0)

    async def activate(self) -> Activation:
        """Runs the activate command.

        Raises: FailedPreconditionError: it refuses. DeviceError.
        """
        try:
            await self._run(self._options.activate_command)
        except DeviceFaultError as exc:
            raise FailedPreconditionError(str(exc)) from exc
        return self._options.takes_effect

    async def confirm(self) -> None:
        """Runs the confirm command.

        Raises: DeviceError.
        """
        await self._run(self._options.confirm_command)

    async def revert(self) -> Activation:
        """Runs the revert command.

        Raises: DeviceError.
        """
        await self._run(self._options.revert_command)
        return self._options.takes_effect

    async def _stream(self, payload: Payload, progress: Progress, *, is_dry_run: bool) -> None:
        software_set, _, mode = (await self._run(self._options.mode_command)).partition(",")
        request = install_request(software_set=software_set, running_mode=mode, is_dry_run=is_dry_run)
        try:
            async with asyncio.timeout(self._options.install_timeout_s):
                await self._send(request, payload.path, progress)
                await self._until_done()
        except TimeoutError as exc:
            limit_s = self._options.install_timeout_s
            raise DeviceTimeoutError(f"SWUpdate did not end within {limit_s:g} s; restart its service") from exc

    async def _send(self, request: bytes, path: Path, progress: Progress) -> None:
        async with self._connected() as (reader, writer):
            writer.write(request)
            if not await _answer(reader, is_taken):
                raise DeviceTimeoutError(
                    "SWUpdate takes no image now: it is busy, or its option -q does not accept what mode_command prints"
                )
            sent_bytes = 0
            with disk_errors(path), path.open("rb") as file:
                size_bytes = max(os.fstat(file.fileno()).st_size, 1)
                while chunk := await asyncio.to_thread(file.read, CHUNK_BYTES):
                    writer.write(chunk)
                    try:
                        await writer.drain()
                    except ConnectionError:  # it has seen enough; its status says why
                        return
                    sent_bytes += len(chunk)
                    progress(0.9 * sent_bytes / size_bytes)

    async def _until_done(self) -> None:
        has_begun, idle_count, complaint = False, 0, ""
        while True:
            now = await self._status()
            complaint = now.line if now.current is Recovery.FAILURE and now.line else complaint
            is_idle = now.current is Recovery.IDLE
            has_begun = has_begun or not is_idle
            idle_count += is_idle
            if is_idle and (has_begun or idle_count > LOOKS_BEFORE_BEGIN):
                break
            if not now.line:  # it hands out its log line by line, as fast as it is asked
                await asyncio.sleep(LOOK_PERIOD_S)
        if now.last_result is not Recovery.SUCCESS:
            raise DeviceFaultError(f"SWUpdate: {complaint or 'failed'}; look into its log, build the image again")

    async def _status(self) -> Status:
        async with self._connected() as (reader, writer):
            writer.write(status_request())
            return await _answer(reader, status)

    @asynccontextmanager
    async def _connected(self) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
        path = self._options.socket
        try:
            reader, writer = await asyncio.open_unix_connection(path)
        except OSError as exc:
            raise DeviceAbsentError(f"{path}: SWUpdate is not there ({exc.strerror}); start its service") from exc
        try:
            yield reader, writer
        finally:
            writer.close()

    async def _run(self, command: tuple[str, ...]) -> str:
        """What a program prints."""
        if not command:
            return ""
        pipe = asyncio.subprocess.PIPE
        try:
            process = await asyncio.create_subprocess_exec(
                *command, stdin=asyncio.subprocess.DEVNULL, stdout=pipe, stderr=pipe
            )
        except OSError as exc:
            raise DeviceAbsentError(f"{command[0]}: cannot be run ({exc.strerror}); correct the options") from exc
        try:
            async with asyncio.timeout(CALL_TIMEOUT_S):
                output, complaint = await process.communicate()
        except TimeoutError as exc:
            raise DeviceTimeoutError(f"{command[0]}: did not end within {CALL_TIMEOUT_S:g} s; correct it") from exc
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        if process.returncode:
            said = complaint[-200:].decode(errors="replace").strip()
            raise DeviceFaultError(f"{command[0]}: ended with {process.returncode} ({said}); look into it")
        return output[:OUTPUT_MAX_BYTES].decode(errors="replace").strip()


async def _answer(reader: asyncio.StreamReader, parsed: Callable[[bytes], T]) -> T:
    try:
        async with asyncio.timeout(CALL_TIMEOUT_S):
            return parsed(await reader.readexactly(MESSAGE_BYTES))
    except TimeoutError as exc:
        raise DeviceTimeoutError("SWUpdate does not answer; restart its service") from exc
    except (asyncio.IncompleteReadError, ConnectionError, InvalidArgumentError) as exc:
        raise DeviceFaultError(f"SWUpdate: {exc}; this driver speaks to API version 1") from exc
