"""Releases in two directories, `slots/a` and `slots/b`, beside the factory software; `slots/boot.json` chooses.

A slot is made unbootable, written by the helper (`wayside_agent.update.artifact`), made bootable, and only then let be
chosen. The running slot is never given away. Everything blocking runs in a thread.

**Tested with:** ext4 and tmpfs on Linux; a power cut at every step (`tests/e2e/test_update_power_cut.py`).
**Source:** RAUC src/install.c (order).
"""

import asyncio
import importlib.metadata
import logging
import signal
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Self

import msgspec

from wayside import release_manifest
from wayside.errors import FailedPreconditionError, InvalidArgumentError
from wayside_agent.core.boot_choice import TRIES, BootChoice, ChoiceDamagedError, Trial, decoded, encoded
from wayside_agent.core.contents import Contents, contents
from wayside_agent.core.slot_release import SlotRelease
from wayside_agent.core.update import Running
from wayside_agent.drivers.files import make_private_directory, write_atomic
from wayside_agent.ports.errors import DeviceFaultError

logger = logging.getLogger(__name__)

SLOTS = ("a", "b")
BOOT_FILE_MODE = 0o644
"""The helper reads it, perhaps as another user."""


class SlotDir:
    """Two slots in a directory."""

    class Options(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
        """Where the slots are."""

        directory: Annotated[str, msgspec.Meta(min_length=1, description="Directory of the slots and `boot.json`.")]
        running_slot: Annotated[
            str, msgspec.Meta(pattern="^[ab]?$", description="Slot this process runs from. Empty: factory software.")
        ] = ""

    def __init__(self, options: Options) -> None:
        self._directory = Path(options.directory)
        self._boot_file = self._directory / "boot.json"
        self._running_slot = options.running_slot

    async def __aenter__(self) -> Self:
        """Makes the directory.

        Raises: DeviceFaultError.
        """
        await asyncio.to_thread(make_private_directory, self._directory)
        return self

    async def __aexit__(self, *_: object) -> None:
        """Nothing is held open."""

    async def running(self) -> Running:
        """What runs now and what the slots hold.

        Raises: DeviceFaultError: the directory cannot be read.
        """
        return await asyncio.to_thread(self._running)

    async def own(self) -> SlotRelease | None:
        """The release this process runs from; `None`: the factory software."""
        return await asyncio.to_thread(self._release_in, self._running_slot) if self._running_slot else None

    async def reserve(self, sha256: str) -> tuple[str, bool]:
        """Makes the slot that neither runs nor is chosen unbootable, to be written; True: it holds it already.

        Raises: FailedPreconditionError: a release is on trial. DeviceFaultError, ResourceExhaustedError.
        """
        return await asyncio.to_thread(self._reserve, sha256)

    async def fill(self, slot: str, sha256: str) -> None:
        """Makes a slot bootable that the helper has written.

        Raises: DeviceFaultError: it has not. ResourceExhaustedError.
        """
        await asyncio.to_thread(self._fill, slot, sha256)

    async def choose(self, slot: str, *, gate_timeout_s: float) -> None:
        """Makes the next start a trial of this slot.

        Raises: FailedPreconditionError: the slot holds no complete release. DeviceFaultError, ResourceExhaustedError.
        """
        await asyncio.to_thread(self._choose, slot, gate_timeout_s)

    async def commit(self) -> None:
        """Makes the slot that runs the chosen one, and stops the alarm the launcher set.

        Raises: DeviceFaultError, ResourceExhaustedError: the release is still on trial.
        """
        await asyncio.to_thread(self._commit)
        signal.alarm(0)

    async def go_back(self, reason: str, *, to: str | None = None) -> None:
        """Ends any trial: the next start is the chosen release, or that of the slot `to`. The reason is kept.

        Raises: DeviceFaultError, ResourceExhaustedError.
        """
        await asyncio.to_thread(self._go_back, reason, to)

    async def contents(self, slot: str) -> Contents:
        """What the release in a slot says of itself.

        Raises: DeviceFaultError: it holds none.
        """
        return await asyncio.to_thread(self._contents, slot)

    def payload(self, slot: str, file: str) -> Path:
        """Where a file of the release in a slot is."""
        return self._directory / slot / file

    def _running(self) -> Running:
        choice = self._choice()
        spare = self._usable(choice, self._spare_slot(choice))
        own = self._release_in(self._running_slot) if self._running_slot else None
        return Running(
            slot=self._running_slot,
            is_provisional=self._running_slot not in {"", choice.active},
            release=own.release if own else "",
            version=own.version if own else importlib.metadata.version("wayside-agent"),
            sha256=own.sha256 if own else "",
            gate_timeout_s=choice.trial.gate_timeout_s if choice.trial else 0.0,
            spare_sha256=spare.sha256 if spare else "",
            spare_slot=spare.slot if spare else "",
            failed_slot=choice.failed_slot,
            failure=choice.failure,
            chosen_slot=choice.trial.slot if choice.trial else "",
            counter=own.counter if own else 0,
        )

    def _reserve(self, sha256: str) -> tuple[str, bool]:
        choice = self._choice()
        slot = self._spare_slot(choice)
        if not slot:
            raise FailedPreconditionError("slots: none is free while a release is on trial; wait for its health gate")
        held = self._usable(choice, slot)
        is_there = held is not None and held.sha256 == sha256
        kept = choice if is_there else _without(choice, slot)
        self._store(replace(kept, failed_slot="", failure=""))
        return slot, is_there

    def _fill(self, slot: str, sha256: str) -> None:
        held, choice = self._release_in(slot), self._choice()
        if held is None or held.sha256 != sha256:
            raise DeviceFaultError(f"slot {slot}: does not hold what the helper says it wrote; check the disk")
        self._store(replace(_without(choice, slot), bootable=(*_without(choice, slot).bootable, slot)))
        logger.info("release %s is in slot %s", held.release, slot, extra={"release": held.release})

    def _choose(self, slot: str, gate_timeout_s: float) -> None:
        choice = self._choice()
        if self._complete(choice, slot) is None:
            raise FailedPreconditionError(f"slot {slot}: holds no complete release; install one first")
        trial = Trial(slot, TRIES, gate_timeout_s)
        self._store(replace(choice, trial=trial, failed_slot="", failure=""))

    def _commit(self) -> None:
        choice = self._choice()
        bootable = (*_without(choice, self._running_slot).bootable, self._running_slot)
        self._store(
            replace(choice, active=self._running_slot, trial=None, bootable=bootable, failed_slot="", failure="")
        )

    def _go_back(self, reason: str, to: str | None) -> None:
        choice = self._choice()
        tried = choice.trial.slot if choice.trial else self._running_slot
        active = choice.active if to is None else to
        self._store(replace(choice, active=active, trial=None, failed_slot=tried, failure=reason))

    def _contents(self, slot: str) -> Contents:
        path = self._directory / slot / release_manifest.NAME
        try:
            with path.open("rb") as file:
                manifest = release_manifest.parsed(file.read(release_manifest.MAX_BYTES + 1))
        except (OSError, InvalidArgumentError) as exc:
            raise DeviceFaultError(f"slot {slot}: nobody can tell what is in it ({exc}); check the disk") from exc
        return contents(manifest.components, manifest.notices)

    def _choice(self) -> BootChoice:
        try:
            return decoded(self._boot_file.read_bytes())
        except FileNotFoundError:
            return BootChoice()
        except ChoiceDamagedError as exc:  # the launcher keeps it aside and says so at the next start
            logger.warning("%s is damaged (%s); it is written anew", self._boot_file, exc)
            return BootChoice()
        except OSError as exc:
            raise DeviceFaultError(f"{self._boot_file}: cannot be read ({exc.strerror}); check the disk") from exc

    def _store(self, choice: BootChoice) -> None:
        write_atomic(self._boot_file, encoded(choice), mode=BOOT_FILE_MODE)

    def _spare_slot(self, choice: BootChoice) -> str:
        """Empty while a release is on trial: then one slot runs and the other is the way back."""
        return next((name for name in SLOTS if name not in {self._running_slot, choice.active}), "")

    def _complete(self, choice: BootChoice, slot: str) -> SlotRelease | None:
        return self._release_in(slot) if slot in choice.bootable else None

    def _usable(self, choice: BootChoice, slot: str) -> SlotRelease | None:
        """The same, if it can tell what is in it; what the disk has damaged is written anew."""
        held = self._complete(choice, slot)
        if held is None:
            return None
        try:
            self._contents(slot)
        except DeviceFaultError:
            return None
        return held

    def _release_in(self, slot: str) -> SlotRelease | None:
        try:
            return msgspec.json.decode((self._directory / slot / "slot.json").read_bytes(), type=SlotRelease)
        except (OSError, msgspec.MsgspecError):
            return None


def _without(choice: BootChoice, slot: str) -> BootChoice:
    """The same choice with a slot unbootable."""
    return replace(choice, bootable=tuple(name for name in choice.bootable if name != slot))
