"""Reads a release artifact: checks all of it first, then writes it into an empty directory.

**Tested with:** artifacts of `firmware_images/build.py`, and hostile ones.
"""

import hashlib
import platform
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import IO, BinaryIO

from wayside.release_entries import Tally, refused
from wayside.release_manifest import NAME, Manifest
from wayside.release_reading import CHUNK_BYTES, ReleaseReading, checked
from wayside_agent.core.update import ReleaseTarget
from wayside_agent.drivers.files import disk_errors
from wayside_agent.ports.errors import DeviceFaultError


def inspect(artifact: BinaryIO, target: ReleaseTarget) -> Tally:
    """Entries and bytes of an artifact, all of which has been checked.

    Raises: InvalidArgumentError: it is not the announced one, cannot run here, or is hostile.
    """
    digest = hashlib.sha256()
    while chunk := artifact.read(CHUNK_BYTES):
        digest.update(chunk)
    actual = digest.hexdigest()
    if actual != target.sha256:
        raise refused(f"its SHA-256 is {actual[:12]}…, announced was {target.sha256[:12]}…")
    return checked(artifact, partial(problems, version=target.version)).tally


def unpack(artifact: BinaryIO, into: Path, *, is_abandoned: Callable[[], bool]) -> None:
    """Writes an inspected artifact below an empty directory; nothing is durable yet.

    Raises: InvalidArgumentError, ResourceExhaustedError, DeviceFaultError: also when abandoned.
    """
    reading = ReleaseReading(artifact)
    for entry, content in reading.entries():
        if is_abandoned():
            raise DeviceFaultError("the installation was abandoned because the agent stops")
        path = into / entry.name
        with disk_errors(path):
            if entry.is_directory:
                path.mkdir(parents=True, exist_ok=True)
            else:
                path.parent.mkdir(parents=True, exist_ok=True)
                _write(path, content)
    with disk_errors(into):
        (into / NAME).write_bytes(reading.manifest_bytes)


def problems(manifest: Manifest, *, version: str) -> Iterator[str]:
    """Every reason why a release cannot run here, one sentence each."""
    python = f"{sys.version_info.major}.{sys.version_info.minor}"
    machine = f"{sys.platform}-{platform.machine()}"
    if manifest.version != version:
        yield f"it says it is version {manifest.version!r}, announced was {version!r}"
    if manifest.python not in {"", python}:
        yield f"it was built for Python {manifest.python}, this unit has {python}"
    if manifest.platform not in {"", machine}:
        yield f"it was built for {manifest.platform}, this unit is {machine}"


def _write(path: Path, content: IO[bytes]) -> None:
    # exclusive: a second entry of the same name, or one below a file, is refused by the system
    with path.open("xb") as file:
        while chunk := content.read(CHUNK_BYTES):
            file.write(chunk)
