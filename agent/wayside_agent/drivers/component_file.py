"""Maps and other data: one file in a folder, replaced as a whole.

The folder holds `NAME` (what is read by whoever needs it), and during an update `.NAME.next` (installed, not active),
`.NAME.before` (what was active, until the new one is confirmed) and `.NAME.json` (which version each of them is).
Programs that read `NAME` open it again when it changes; a rename is all they ever see.

**Tested with:** ext4 and tmpfs on Linux, a power cut simulated behind every write, rename and removal.
**Source:** rename(2), fsync(2).
"""

import asyncio
import hashlib
import os
import shutil
from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta

from wayside.errors import FailedPreconditionError, ResourceExhaustedError
from wayside_agent.drivers.files import disk_errors, sync_directory, write_atomic
from wayside_agent.ports.components import Activation, Payload, Progress
from wayside_agent.ports.errors import DeviceAbsentError

CHUNK_BYTES = 1024 * 1024
RESERVE_BYTES = 16 * 1024 * 1024
"""Space an installation leaves for spools and state."""
FILE_MODE = 0o644
"""Whoever reads the map is another program."""


class _Held(msgspec.Struct, frozen=True, omit_defaults=True):
    """Versions of files by their hash: what a name stands for is told by the bytes, whenever the power was cut."""

    versions: dict[str, str] = {}
    before: str = ""
    """SHA-256 of what was active when the trial began; `-`: nothing was."""


NOTHING = "-"


class FileComponent:
    """`ports.components.ComponentDriver` for one file."""

    kind = "file"
    takes_effect = Activation.AT_ONCE

    class Options(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
        """Where the file is."""

        folder: Annotated[str, Meta(pattern="^/", description="Folder of the file, absolute; it must be there.")]
        file_name: Annotated[
            str, Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$", description="Name that readers know it by.")
        ]

    def __init__(self, options: Options) -> None:
        self._folder = Path(options.folder)
        self._active = self._folder / options.file_name
        self._next = self._folder / f".{options.file_name}.next"
        self._before = self._folder / f".{options.file_name}.before"
        self._notes = self._folder / f".{options.file_name}.json"

    async def version(self) -> str:
        """Version of the file; empty: none, or it did not come with a release.

        Raises: DeviceFaultError: the disk.
        """
        return await asyncio.to_thread(self._version)

    async def precheck(self, payload: Payload) -> None:
        """Looks for the folder and for room.

        Raises: DeviceAbsentError: no folder. ResourceExhaustedError: no room. DeviceFaultError: the disk.
        """
        await asyncio.to_thread(self._precheck, payload)

    async def install(self, payload: Payload, progress: Progress) -> None:
        """Copies the payload beside the file, durably.

        Raises: as `precheck`.
        """
        await asyncio.to_thread(self._install, payload)
        progress(1.0)

    async def activate(self) -> Activation:
        """Renames the copy over the file.

        Raises: FailedPreconditionError: there is no copy. DeviceFaultError, ResourceExhaustedError: the disk.
        """
        await asyncio.to_thread(self._activate)
        return Activation.AT_ONCE

    async def confirm(self) -> None:
        """Removes what was active before.

        Raises: DeviceFaultError, ResourceExhaustedError: the disk.
        """
        await asyncio.to_thread(self._confirm)

    async def revert(self) -> Activation:
        """Renames what was active before over the file.

        Raises: DeviceFaultError, ResourceExhaustedError: the disk.
        """
        await asyncio.to_thread(self._revert)
        return Activation.AT_ONCE

    def _version(self) -> str:
        return self._held().versions.get(_sha256(self._active), "")

    def _precheck(self, payload: Payload) -> None:
        if not self._folder.is_dir():
            raise DeviceAbsentError(f"{self._folder}: no such folder; make it, or correct the component's options")
        with disk_errors(payload.path):
            needed_bytes = payload.path.stat().st_size + RESERVE_BYTES
        with disk_errors(self._folder):
            free_bytes = shutil.disk_usage(self._folder).free
        if free_bytes < needed_bytes:
            raise ResourceExhaustedError(
                f"{self._folder}: {needed_bytes} bytes are needed, {free_bytes} are free; free space, roll out again",
                reason="DISK_FULL",
            )

    def _install(self, payload: Payload) -> None:
        self._precheck(payload)
        if self._held().before:
            raise FailedPreconditionError(f"{self._active}: a version is on trial; confirm it or take it back first")
        with disk_errors(self._folder):
            with payload.path.open("rb") as source, self._next.open("wb") as copy:
                os.fchmod(copy.fileno(), FILE_MODE)
                shutil.copyfileobj(source, copy, CHUNK_BYTES)
                copy.flush()
                os.fsync(copy.fileno())
            sync_directory(self._folder)
        held = self._held()
        known = {key: held.versions[key] for key in (_sha256(self._active), held.before) if key in held.versions}
        self._note(msgspec.structs.replace(held, versions={**known, _sha256(self._next): payload.version}))

    def _activate(self) -> None:
        held = self._held()
        fresh = _sha256(self._next)
        if fresh == NOTHING and held.before:  # the power was cut behind the rename
            return
        if fresh not in held.versions:
            raise FailedPreconditionError(f"{self._active.name}: nothing complete is installed; install it again")
        with disk_errors(self._folder):
            if not held.before:
                self._keep(held)
            self._next.replace(self._active)
            sync_directory(self._folder)

    def _keep(self, held: _Held) -> None:
        """Gives what is active a second name, so that the first is never without a file."""
        self._before.unlink(missing_ok=True)
        if self._active.exists():
            os.link(self._active, self._before)
            sync_directory(self._folder)
        self._note(msgspec.structs.replace(held, before=_sha256(self._active)))

    def _confirm(self) -> None:
        held = self._held()
        if held.before:
            self._note(_Held({key: held.versions[key] for key in (_sha256(self._active),) if key in held.versions}))
        with disk_errors(self._folder):
            self._before.unlink(missing_ok=True)
            sync_directory(self._folder)

    def _revert(self) -> None:
        held = self._held()
        with disk_errors(self._folder):
            if held.before == NOTHING:
                self._active.unlink(missing_ok=True)
            elif held.before and _sha256(self._before) == held.before:
                self._before.replace(self._active)
            sync_directory(self._folder)
        if held.before:
            self._note(msgspec.structs.replace(held, before=""))
        with disk_errors(self._folder):
            for path in (self._next, self._before):
                path.unlink(missing_ok=True)
            sync_directory(self._folder)

    def _held(self) -> _Held:
        try:
            return msgspec.json.decode(self._notes.read_bytes(), type=_Held)
        except FileNotFoundError:
            return _Held()
        except msgspec.MsgspecError:  # written atomically, so somebody else wrote it: versions are unknown then
            return _Held()

    def _note(self, held: _Held) -> None:
        write_atomic(self._notes, msgspec.json.encode(held), mode=FILE_MODE)


def _sha256(path: Path) -> str:
    """Of a file; `NOTHING`: there is none."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except FileNotFoundError:
        return NOTHING
