"""Files of the agent for a release: of folders and of wheels, as they lie below `site/` of its archive.

    files = agent_files([Path("site"), Path("wayside_agent-1.2.0-py3-none-any.whl")])

**Source:** the binary distribution format of PyPA (`.data/purelib` and `.data/platlib` go to the root).
"""

import zipfile
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath

from wayside.errors import InvalidArgumentError, NotFoundError
from wayside.release_entries import MAX_ENTRY_COUNT, MAX_TOTAL_BYTES
from wayside.release_packing import Content

SKIPPED_FOLDERS = frozenset({"__pycache__", "tests", "test", "bin", "include"})
SKIPPED_SUFFIXES = frozenset({".pyc", ".pyi", ".pyx", ".pxd", ".pxi", ".c", ".h", ".cpp", ".pth"})
KEPT_METADATA = frozenset({"METADATA", "entry_points.txt", "top_level.txt", "licenses", "LICENSE", "LICENSE.txt"})
"""Of a `.dist-info`: what drivers and licences need. The rest names paths of the machine that builds."""
LIBRARIES = frozenset({"purelib", "platlib"})
_DATA_DEPTH = 3
"""Parts of `name-1.0.data/purelib/module.py`, at least."""


def agent_files(sources: Sequence[Path]) -> dict[str, Content]:
    """Name in the archive and content of every file; a later source replaces files of those before.

    Args:
        sources: Folders that hold packages, or a `site/` that does, and wheels.

    Raises: NotFoundError; InvalidArgumentError: naming the source.
    """
    found: dict[str, Content] = {}
    for source in sources:
        if source.is_dir():
            found |= _of_folder(source)
        elif source.is_file():
            found |= _of_wheel(source)
        else:
            raise NotFoundError(f"{source} is not there; name a folder or a wheel of the agent")
    return found


def is_kept(name: PurePosixPath) -> bool:
    """Whether a file of a package is part of a release: what a unit needs, and nothing of who built it."""
    if name.parts[0] == ".." or name.suffix in SKIPPED_SUFFIXES or SKIPPED_FOLDERS.intersection(name.parts[:-1]):
        return False
    return not name.parts[0].endswith(".dist-info") or (len(name.parts) > 1 and name.parts[1] in KEPT_METADATA)


def _of_folder(folder: Path) -> dict[str, Content]:
    root = folder / "site" if (folder / "site").is_dir() else folder
    names = ((PurePosixPath(path.relative_to(root).as_posix()), path) for path in root.rglob("*") if path.is_file())
    return {f"site/{name}": path for name, path in names if is_kept(name)}


def _of_wheel(wheel: Path) -> dict[str, Content]:
    try:
        with zipfile.ZipFile(wheel) as archive:
            entries = [entry for entry in archive.infolist() if not entry.is_dir()]
            if len(entries) > MAX_ENTRY_COUNT or sum(entry.file_size for entry in entries) > MAX_TOTAL_BYTES:
                raise InvalidArgumentError(f"{wheel}: it holds more than a release may")
            return {f"site/{name}": archive.read(entry) for name, entry in _named(entries)}
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
        raise InvalidArgumentError(f"{wheel}: it is no wheel that can be read ({error})") from error
    except OSError as error:
        raise InvalidArgumentError(f"{wheel} cannot be read: {error.strerror}") from error


def _named(entries: Sequence[zipfile.ZipInfo]) -> Iterator[tuple[PurePosixPath, zipfile.ZipInfo]]:
    for entry in entries:
        name = PurePosixPath(entry.filename)
        if name.parts[0].endswith(".data"):
            if len(name.parts) < _DATA_DEPTH or name.parts[1] not in LIBRARIES:
                continue
            name = PurePosixPath(*name.parts[2:])
        if is_kept(name):
            yield name, entry
