"""Holds a release against what was agreed and against this unit, and writes it into a slot.

Order of an installation, as RAUC has it: the daemon has marked the slot unbootable; it is wiped, written, made
durable, and `slot.json` is put last. Whoever fetched the artifact may still write to it, so what was written is held
against the list of files people signed, file by file as it is written.
Source: RAUC src/install.c (order).
"""

import hashlib
import platform
import shutil
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import IO, BinaryIO

import msgspec

from wayside import release_manifest
from wayside.errors import InvalidArgumentError, ResourceExhaustedError
from wayside.release_manifest import Manifest
from wayside.release_reading import CHUNK_BYTES, ReleaseReading, archive_errors, checked
from wayside.release_tree import TreeFile, tree_sha256
from wayside_agent.core.agreement import Refusal, RefusedError
from wayside_agent.core.installing import Install
from wayside_agent.core.slot_release import SlotRelease
from wayside_agent.drivers.files import disk_errors, sync_directory, write_atomic
from wayside_agent.drivers.tree import compile_tree, sync_tree, tree_bytes
from wayside_agent.ports.errors import DeviceFaultError
from wayside_agent.update.agreeing import wrong_hardware
from wayside_agent.update.delta import manifest_of, rebuilt
from wayside_agent.update.place import Agreed, Place
from wayside_agent.update.plain import NotPlainError, open_plain

RESERVE_BYTES = 16 * 1024 * 1024
"""Space an installation leaves for spools and state."""
BYTE_CODE_SHARE = 0.5
"""Byte code beside the unpacked files; 0.35 was measured for the agent's own release."""
SLOT_FILE_MODE = 0o644
"""The daemon and the launcher read it, perhaps as another user."""

Progress = Callable[[float], None]


def opened(artifact: Path) -> BinaryIO:
    """The artifact, for reading.

    Raises: RefusedError: SIZE: it is not there, or no plain file.
    """
    try:
        return open_plain(artifact)
    except (FileNotFoundError, NotPlainError) as error:
        raise RefusedError(Refusal.SIZE, f"{artifact.name}: is no file that can be read; fetch it again") from error


def check(file: BinaryIO, agreed: Agreed, place: Place) -> ReleaseReading:
    """Holds all of a whole artifact against what was agreed.

    Raises: RefusedError: SIZE, HASH, ARTIFACT_INVALID, WRONG_HARDWARE.
    """
    _check_bytes(file, agreed)
    try:
        reading = checked(file, partial(_problems, agreed))
    except InvalidArgumentError as error:
        raise RefusedError(Refusal.ARTIFACT_INVALID, f"{error}; build, sign and publish it again") from error
    _check_manifest(reading.manifest, reading.manifest_bytes, agreed, place)
    return reading


def check_delta(file: BinaryIO, agreed: Agreed, place: Place) -> Manifest:
    """Holds what a delta says of its release against what was agreed; its files are judged when it is applied.

    Raises: RefusedError: DELTA, ARTIFACT_INVALID, WRONG_HARDWARE.
    """
    try:
        content = manifest_of(file, expected_tree_sha256=agreed.tree_sha256)
    except InvalidArgumentError as error:
        raise _useless(error) from error
    return _delta_manifest(content, agreed, place)


def install(place: Place, agreed: Agreed, asked: Install, progress: Progress) -> None:
    """Writes the agreed release into a slot, from the whole artifact or a delta.

    Raises: RefusedError: as `check`, and DELTA; the slot is then unbootable. ResourceExhaustedError: no space.
        DeviceFaultError: the disk refuses, or the slot is one that may start.
    """
    choice = place.choice()
    if asked.slot in {choice.active, choice.trial.slot if choice.trial else "", *choice.bootable}:
        raise DeviceFaultError(f"slot {asked.slot} may be started, so it is not written; ask for the spare one")
    path = place.slots / asked.slot
    with opened(Path(asked.artifact)) as file, disk_errors(place.slots):
        if asked.is_delta:
            base = _base(place, choice.active)
            _check_space(path, tree_bytes(base))
            _wipe(path)
            manifest_bytes = _write_delta(file, path, base, agreed, place)
        else:
            reading = check(file, agreed, place)
            _check_space(path, reading.tally.total_bytes)
            _wipe(path)
            manifest_bytes = _write_whole(file, path, agreed, partial(_share, reading.tally.total_bytes, progress))
        _seal(path, agreed, manifest_bytes)


def _check_bytes(file: BinaryIO, agreed: Agreed) -> None:
    digest, size_bytes = hashlib.sha256(), 0
    while size_bytes <= agreed.size_bytes and (chunk := file.read(CHUNK_BYTES)):
        digest.update(chunk)
        size_bytes += len(chunk)
    if size_bytes != agreed.size_bytes:
        much = "more than" if size_bytes > agreed.size_bytes else f"{size_bytes} instead of"
        raise RefusedError(Refusal.SIZE, f"the artifact has {much} {agreed.size_bytes} bytes; fetch it again")
    if digest.hexdigest() != agreed.sha256:
        raise RefusedError(
            Refusal.HASH,
            f"the artifact has SHA-256 {digest.hexdigest()[:12]}…, agreed was {agreed.sha256[:12]}…; fetch it again",
        )


def _problems(agreed: Agreed, manifest: Manifest) -> Iterator[str]:
    """Every reason why a release cannot run here, one sentence each."""
    python = f"{sys.version_info.major}.{sys.version_info.minor}"
    machine = f"{sys.platform}-{platform.machine()}"
    if manifest.version != agreed.version:
        yield f"it says it is version {manifest.version!r}, agreed was {agreed.version!r}"
    if manifest.python not in {"", python}:
        yield f"it was built for Python {manifest.python}, this unit has {python}"
    if manifest.platform not in {"", machine}:
        yield f"it was built for {manifest.platform}, this unit is {machine}"


def _check_manifest(manifest: Manifest, content: bytes, agreed: Agreed, place: Place) -> None:
    said = (manifest.counter, manifest.tree_sha256, hashlib.sha256(content).hexdigest())
    if said != (agreed.counter, agreed.tree_sha256, agreed.manifest_sha256):
        raise RefusedError(
            Refusal.ARTIFACT_INVALID,
            f"{release_manifest.NAME} is not the one people signed for; sign and publish it again",
        )
    if manifest.hardware_ids and place.hardware_id not in manifest.hardware_ids:
        raise wrong_hardware(manifest.hardware_ids, place.hardware_id)


def _base(place: Place, active: str) -> Path:
    if not active or place.held(active) is None:
        raise RefusedError(Refusal.DELTA, "the factory software runs, no delta starts from it; fetch the whole release")
    return place.slots / active


def _check_space(path: Path, size_bytes: int) -> None:
    needed_bytes = int(size_bytes * (1 + BYTE_CODE_SHARE)) + RESERVE_BYTES
    free_bytes = shutil.disk_usage(path.parent).free + tree_bytes(path)
    if free_bytes < needed_bytes:
        raise ResourceExhaustedError(
            f"{path.parent}: the release needs {needed_bytes // 1_000_000 + 1} MB, "
            f"{free_bytes // 1_000_000} MB are free; free space and roll out again",
            reason="DISK_FULL",
        )


def _wipe(path: Path) -> None:
    if path.exists():
        (path / "slot.json").unlink(missing_ok=True)
        sync_directory(path)
        shutil.rmtree(path)
    path.mkdir(mode=0o755)


def _share(total_bytes: int, progress: Progress, done_bytes: int) -> None:
    progress(0.8 * min(done_bytes / max(total_bytes, 1), 1))


def _write_whole(file: BinaryIO, path: Path, agreed: Agreed, done: Callable[[int], None]) -> bytes:
    reading, files = ReleaseReading(file), []
    try:
        with archive_errors():
            for entry, content in reading.entries():
                if entry.is_directory:
                    (path / entry.name).mkdir(parents=True, exist_ok=True)
                    continue
                files.append(TreeFile(entry.name, entry.size_bytes, _written(path / entry.name, content)))
                done(reading.tally.total_bytes)
    except InvalidArgumentError as error:
        raise RefusedError(Refusal.ARTIFACT_INVALID, f"{error}; fetch it again") from error
    if tree_sha256(files) != agreed.tree_sha256:
        raise RefusedError(Refusal.HASH, "the artifact changed while it was written; fetch it again")
    return reading.manifest_bytes


def _written(path: Path, content: IO[bytes]) -> str:
    digest = hashlib.sha256()
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("xb") as file:  # exclusive: a second entry of the same name is refused by the system
        while chunk := content.read(CHUNK_BYTES):
            file.write(chunk)
            digest.update(chunk)
    return digest.hexdigest()


def _write_delta(file: BinaryIO, path: Path, base: Path, agreed: Agreed, place: Place) -> bytes:
    try:
        content = rebuilt(
            file, base=base, into=path, expected_tree_sha256=agreed.tree_sha256, is_abandoned=lambda: False
        )
    except InvalidArgumentError as error:
        raise _useless(error) from error
    _delta_manifest(content, agreed, place)
    return content


def _delta_manifest(content: bytes, agreed: Agreed, place: Place) -> Manifest:
    try:
        manifest = release_manifest.parsed(content)
    except InvalidArgumentError as error:
        raise _useless(error) from error
    _check_manifest(manifest, content, agreed, place)
    for problem in _problems(agreed, manifest):
        raise RefusedError(Refusal.ARTIFACT_INVALID, f"{problem}; build it for this unit")
    return manifest


def _useless(error: InvalidArgumentError) -> RefusedError:
    return RefusedError(Refusal.DELTA, f"{error}; fetch the whole release")


def _seal(path: Path, agreed: Agreed, manifest_bytes: bytes) -> None:
    """Makes a written slot complete."""
    (path / release_manifest.NAME).write_bytes(manifest_bytes)
    compile_tree(path / "site")
    sync_tree(path)
    sync_directory(path.parent)
    held = SlotRelease(
        path.name, f"releases/{agreed.version}", agreed.version, agreed.sha256, agreed.tree_sha256, agreed.counter
    )
    write_atomic(path / "slot.json", msgspec.json.encode(held), mode=SLOT_FILE_MODE)
