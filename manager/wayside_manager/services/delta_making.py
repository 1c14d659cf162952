"""Makes a delta between two releases, in a process of its own: it takes minutes and much memory, and may be killed.

    python -m wayside_manager.services.delta_making BASE TARGET OUTPUT [MEMORY PARENT]    # archives, a file to write,
                                                                                          # bytes, process to end with

The output is written whole or not at all. A large file needs about six times its size in memory while it is made.
"""

import ctypes
import hashlib
import io
import lzma
import os
import resource
import signal
import sys
import tarfile
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import BinaryIO

import detools
import msgspec

from wayside.errors import WaysideError
from wayside.release_delta import DICTIONARY_BYTES, FORMAT, INDEX_NAME, DeltaFile, DeltaIndex
from wayside.release_manifest import NAME
from wayside.release_packing import FILE_TIME_S
from wayside.release_reading import ReleaseReading, checked
from wayside.release_tree import TreeFile
from wayside_manager.core.similar_names import SimilarNames

NICENESS = 15  # below everything else of the manager
NO_MEMORY = "it needs more memory than it may take; raise memory_mib in [deltas] of manager.toml"
_PR_SET_PDEATHSIG = 1  # linux/prctl.h
PATCH_MIN_BYTES = 64  # below that the header of an entry costs more
_FILTERS = [{"id": lzma.FILTER_LZMA2, "preset": 9 | lzma.PRESET_EXTREME, "dict_size": DICTIONARY_BYTES}]


def main() -> int:
    """Makes one delta; 2 and a sentence: it cannot be made of these."""
    base, target, output = (Path(argument) for argument in sys.argv[1:4])
    memory_bytes, parent = (int("".join(sys.argv[at : at + 1]) or 0) for at in (4, 5))
    _confine(memory_bytes)
    if parent and os.getppid() != parent:  # it died before we asked to die with it
        return 1
    try:
        with tempfile.TemporaryDirectory(dir=output.parent) as folder:
            made = Path(folder, "made")
            write_delta(base, target, made, Path(folder))
            made.replace(output)
    except (WaysideError, OSError, MemoryError, detools.Error) as error:
        sys.stderr.write(f"{NO_MEMORY if isinstance(error, MemoryError) else error}\n")
        return 2
    return 0


def _confine(memory_bytes: int) -> None:
    """Below everything else, within the memory, and not outliving the manager; 0: any memory."""
    os.nice(NICENESS)
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if memory_bytes:
        resource.setrlimit(resource.RLIMIT_AS, (memory_bytes, memory_bytes))


def write_delta(base: Path, target: Path, output: Path, folder: Path) -> DeltaIndex:
    """Writes the delta from one archive to another; `folder` holds what is unpacked meanwhile.

    Raises: InvalidArgumentError: one of them is no release. OSError.
    """
    old, new = _Unpacked(base, folder / "old"), _Unpacked(target, folder / "new")
    patches = folder / "patches"
    patches.mkdir()
    renamed = SimilarNames(file for file in old.files if file.size_bytes and file.name not in new.by_name)
    files = [_planned(file, old, new, renamed, patches / str(number)) for number, file in enumerate(new.files)]
    index = DeltaIndex(
        format=FORMAT,
        base_tree_sha256=old.tree_sha256,
        tree_sha256=new.tree_sha256,
        files=tuple(files),
    )
    with output.open("wb") as raw:
        _write(raw, index, new, patches)
        raw.flush()
        os.fsync(raw.fileno())
    return index


class _Unpacked:
    """A release in a folder."""

    def __init__(self, archive: Path, folder: Path) -> None:
        self.folder = folder
        with archive.open("rb") as file:
            reading = checked(file)
            self.manifest_bytes, self.tree_sha256 = reading.manifest_bytes, reading.manifest.tree_sha256
            self.files = tuple(sorted(_written(reading, folder)))
        self.by_sha256: Mapping[str, TreeFile] = {each.sha256: each for each in reversed(self.files)}
        self.by_name: Mapping[str, TreeFile] = {each.name: each for each in self.files}


def _written(reading: ReleaseReading, folder: Path) -> Iterable[TreeFile]:
    for entry, content in ReleaseReading(reading.artifact).entries():
        path = folder / entry.name
        if entry.is_directory:
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        digest = hashlib.sha256()
        with path.open("xb") as file:
            while chunk := content.read(1 << 20):
                digest.update(chunk)
                file.write(chunk)
        yield TreeFile(entry.name, entry.size_bytes, digest.hexdigest())


def _planned(file: TreeFile, old: _Unpacked, new: _Unpacked, renamed: SimilarNames, patch: Path) -> DeltaFile:
    """How a file is had from the old release; a patch is made on the way."""
    said = DeltaFile(name=file.name, size_bytes=file.size_bytes, sha256=file.sha256, how="whole")
    same = old.by_name.get(file.name)
    kept = same if same is not None and same.sha256 == file.sha256 else old.by_sha256.get(file.sha256)
    if kept is not None:
        return msgspec.structs.replace(said, how="keep", base="" if kept.name == file.name else kept.name)
    if same is None:
        same = renamed.best(file.name, file.size_bytes)
    if same is None or not same.size_bytes or file.size_bytes < PATCH_MIN_BYTES:
        return said
    with (
        (old.folder / same.name).open("rb") as before,
        (new.folder / file.name).open("rb") as after,
        patch.open("wb") as out,
    ):
        detools.create_patch(before, after, out, compression="none", patch_type="sequential")
    return msgspec.structs.replace(said, how="patch", base="" if same.name == file.name else same.name)


def _write(raw: BinaryIO, index: DeltaIndex, new: _Unpacked, patches: Path) -> None:
    with (
        lzma.LZMAFile(raw, "wb", format=lzma.FORMAT_XZ, filters=_FILTERS) as stream,
        tarfile.open(fileobj=stream, mode="w", format=tarfile.USTAR_FORMAT) as archive,
    ):
        _add(archive, INDEX_NAME, io.BytesIO(msgspec.json.encode(index)))
        _add(archive, NAME, io.BytesIO(new.manifest_bytes))
        for number, file in enumerate(index.files):
            if file.how == "keep":
                continue
            path = patches / str(number) if file.how == "patch" else new.folder / file.name
            with path.open("rb") as content:
                _add(archive, f"{file.how}/{number}", content)


def _add(archive: tarfile.TarFile, name: str, content: BinaryIO) -> None:
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode, entry.mtime = content.seek(0, os.SEEK_END), 0o644, FILE_TIME_S
    content.seek(0)
    archive.addfile(entry, content)


if __name__ == "__main__":
    sys.exit(main())
