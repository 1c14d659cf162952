"""Where the helper finds things, and what it remembers from one question to the next.

Below the state directory: `trust/image` and `trust/director`, what was verified, which makes rollbacks visible;
`trust/agreed.state`, the newest agreement: what may be verified and installed; `trust/seen.state`, what never falls.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import msgspec

from wayside import release_manifest
from wayside.errors import InvalidArgumentError
from wayside.release_manifest import Manifest
from wayside_agent.core.agreement import Refusal, RefusedError
from wayside_agent.core.boot_choice import BootChoice, ChoiceDamagedError, decoded
from wayside_agent.core.slot_release import SlotRelease
from wayside_agent.drivers.files import StateFile, disk_errors, make_private_directory
from wayside_agent.drivers.roots import MAX_ROOT_BYTES
from wayside_agent.ports.errors import DeviceFaultError
from wayside_agent.update.plain import NotPlainError, read_plain

MAX_SLOT_FILE_BYTES = 65_536


@dataclass(frozen=True, slots=True)
class Seen:
    """What must never fall."""

    counter: int = 0
    """Of releases that were committed."""
    time_s: float = 0.0
    """UTC [s since 1970]: metadata that was in date then was verified."""


@dataclass(frozen=True, slots=True)
class Agreed:
    """What people signed about the release this unit was told to install."""

    version: str
    sha256: str
    size_bytes: int
    tree_sha256: str
    manifest_sha256: str
    """Of the bytes of `release.json`."""
    counter: int
    end_s: float
    """When the first of the metadata that says so ends, UTC [s since 1970]."""


@dataclass(frozen=True, slots=True)
class Place:
    """Folders of one unit."""

    state_dir: Path
    hardware_id: str = ""
    trust_dir: Path | None = None
    """Holds the pinned roots; `None`: those of the enrolment."""

    @property
    def trust(self) -> Path:
        """Where the helper keeps what it has verified."""
        return self.state_dir / "trust"

    @property
    def slots(self) -> Path:
        """Where releases are written."""
        return self.state_dir / "slots"

    def pinned_root(self, repository: str) -> bytes:
        """The first root this unit trusts, of `image` or `director`.

        Raises: RefusedError: NO_ROOT.
        """
        folder = self.trust_dir or self.state_dir / "roots"
        path = folder / repository / "root.json"
        try:
            return read_plain(path, max_bytes=MAX_ROOT_BYTES)
        except (FileNotFoundError, NotPlainError) as error:
            raise RefusedError(
                Refusal.NO_ROOT,
                f"this unit trusts nobody's releases yet: {path} cannot be read; put the root there "
                "(`wayside releases trust` shows it), or enrol the unit again",
            ) from error

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Waits until no other helper is at work here.

        Raises: DeviceFaultError.
        """
        make_private_directory(self.trust)
        with disk_errors(self.trust):
            descriptor = os.open(self.trust / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            with disk_errors(self.trust):
                fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)

    @property
    def agreed(self) -> StateFile[Agreed]:
        """The newest agreement."""
        return StateFile(self.trust / "agreed.state", Agreed)

    @property
    def seen(self) -> StateFile[Seen]:
        """What must never fall."""
        return StateFile(self.trust / "seen.state", Seen)

    def choice(self) -> BootChoice:
        """What the daemon and the launcher say starts.

        Raises: DeviceFaultError: it cannot be read, so nobody knows which slots may be written.
        """
        try:
            return decoded(read_plain(self.slots / "boot.json", max_bytes=MAX_SLOT_FILE_BYTES))
        except (FileNotFoundError, ChoiceDamagedError):  # as the launcher: the factory software starts
            return BootChoice()
        except NotPlainError as error:
            raise DeviceFaultError(f"{self.slots}: {error}; let the helper's user read it") from error

    def held(self, slot: str) -> SlotRelease | None:
        """What a slot says of itself; `None`: nothing, or it is not complete."""
        try:
            content = read_plain(self.slots / slot / "slot.json", max_bytes=MAX_SLOT_FILE_BYTES)
            return msgspec.json.decode(content, type=SlotRelease)
        except (FileNotFoundError, NotPlainError, msgspec.MsgspecError):
            return None

    def manifest(self, slot: str) -> Manifest | None:
        """What the release in a slot says of itself; `None`: nothing, or it is the factory software."""
        if not slot or self.held(slot) is None:
            return None
        try:
            content = read_plain(self.slots / slot / release_manifest.NAME, max_bytes=release_manifest.MAX_BYTES)
            return release_manifest.parsed(content)
        except (FileNotFoundError, NotPlainError, InvalidArgumentError):
            return None
