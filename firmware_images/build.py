"""Builds a release artifact of the agent from what is installed in this environment.

    python firmware_images/build.py --version 1.1.0 --output wayside-agent-1.1.0.tar.gz [--overlay DIR]

The artifact is `release.json`, `config.schema.json` (the JSON schema of the configuration this very release takes) and
`site/`: the agent, the contract and everything they need, and nothing of the rest of the environment. The same inputs
give the same bytes: names are sorted, owners and times are fixed.
"""

import argparse
import gzip
import hashlib
import importlib.metadata
import io
import json
import platform
import re
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator, Mapping
from importlib.metadata import Distribution
from pathlib import Path, PurePosixPath

from packaging.requirements import Requirement

from wayside.names import checked_version

ROOT_DISTRIBUTION = "wayside-agent"
FILE_TIME_S = 315_532_800  # 1980-01-01, the earliest a ZIP can hold, should anybody zip it
COMPRESSION_LEVEL = 6  # 9 takes three times as long for 1 % less
SKIPPED_FOLDERS = frozenset({"__pycache__", "tests", "test", "bin", "include"})
SKIPPED_SUFFIXES = frozenset({".pyc", ".pyi", ".pyx", ".pxd", ".pxi", ".c", ".h", ".cpp", ".pth"})
KEPT_METADATA = frozenset({"METADATA", "entry_points.txt", "top_level.txt", "licenses", "LICENSE", "LICENSE.txt"})
"""Of a `.dist-info`: what drivers and licences need. The rest names paths of the machine that builds."""
SCHEMA_OF_TREE = """
import json, sys
sys.path.insert(0, sys.argv[1])
from wayside import node_config
print(json.dumps(node_config.schema(), indent=1, sort_keys=True))
"""


def main() -> int:
    """Builds and says what came out."""
    parser = argparse.ArgumentParser(description="Build a release artifact of the agent.")
    parser.add_argument("--version", required=True, help="version of the release, such as 1.1.0")
    parser.add_argument("--output", required=True, type=Path, help="file to write, a .tar.gz")
    parser.add_argument("--overlay", type=Path, help="folder whose files replace or add to those of the release")
    arguments = parser.parse_args()
    content = built(checked_version(arguments.version, field="--version"), arguments.overlay)
    arguments.output.write_bytes(content)
    digest = hashlib.sha256(content).hexdigest()
    print(f"{arguments.output}: version {arguments.version}, {len(content) / 1e6:.1f} MB, SHA-256 {digest}")
    return 0


def built(version: str, overlay: Path | None = None) -> bytes:
    """The bytes of a release artifact."""
    files = {name: path for dist in closure(ROOT_DISTRIBUTION) for name, path in _files(dist)}
    if overlay is not None:
        files |= {path.relative_to(overlay).as_posix(): path for path in overlay.rglob("*.py")}
    manifest = {
        "format": 1,
        "version": version,
        "component": "agent",
        "python": f"{sys.version_info.major}.{sys.version_info.minor}",
        "platform": f"{sys.platform}-{platform.machine()}",
    }
    content = {"config.schema.json": config_schema(files)} | {name: files[name].read_bytes() for name in sorted(files)}
    return packed(json.dumps(manifest, indent=1).encode() + b"\n", content)


def config_schema(files: Mapping[str, Path]) -> bytes:
    """The schema of the configuration that the packed agent takes, as that agent says, not the one installed here."""
    with tempfile.TemporaryDirectory() as folder:
        for name, path in files.items():
            link = Path(folder, name)
            link.parent.mkdir(parents=True, exist_ok=True)
            link.symlink_to(path.resolve())
        # -S: nothing of this environment's packages; what is not packed is not there
        command = [sys.executable, "-I", "-S", "-B", "-c", SCHEMA_OF_TREE, str(Path(folder, "site"))]
        return subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout


def packed(manifest: bytes, files: dict[str, bytes]) -> bytes:
    """A `.tar.gz` with the manifest first, then the files in their order."""
    buffer = io.BytesIO()
    with (
        gzip.GzipFile(fileobj=buffer, mode="wb", filename="", mtime=0, compresslevel=COMPRESSION_LEVEL) as stream,
        tarfile.open(fileobj=stream, mode="w", format=tarfile.USTAR_FORMAT) as archive,
    ):
        for name, content in {"release.json": manifest, **files}.items():
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode, entry.mtime = len(content), 0o644, FILE_TIME_S
            archive.addfile(entry, io.BytesIO(content))
    return buffer.getvalue()


def closure(root: str) -> list[Distribution]:
    """A distribution and everything it requires here, extras left out, sorted by name."""
    found: dict[str, Distribution] = {}
    waiting = [root]
    while waiting:
        name = re.sub(r"[-_.]+", "-", waiting.pop()).lower()
        if name in found:
            continue
        found[name] = importlib.metadata.distribution(name)
        requirements = [Requirement(line) for line in found[name].requires or ()]
        waiting += [r.name for r in requirements if r.marker is None or r.marker.evaluate({"extra": ""})]
    return [found[name] for name in sorted(found)]


def _files(dist: Distribution) -> Iterator[tuple[str, Path]]:
    """Names in the artifact and where their content is."""
    for file in dist.files or ():
        path = Path(str(file.locate()))
        if file.suffix == ".pth":
            yield from _editable_files(Path(path.read_text().strip()))
        elif _is_kept(file):
            yield f"site/{file.as_posix()}", path


def _editable_files(folder: Path) -> Iterator[tuple[str, Path]]:
    """Every package of a source folder that an editable installation points to."""
    for package in sorted(path.parent for path in folder.glob("*/__init__.py")):
        for path in package.rglob("*"):
            name = PurePosixPath(path.relative_to(folder).as_posix())
            if path.is_file() and _is_kept(name):
                yield f"site/{name}", path


def _is_kept(name: PurePosixPath) -> bool:
    if name.parts[0] == ".." or name.suffix in SKIPPED_SUFFIXES or SKIPPED_FOLDERS.intersection(name.parts[:-1]):
        return False
    return not name.parts[0].endswith(".dist-info") or name.parts[1] in KEPT_METADATA


if __name__ == "__main__":
    sys.exit(main())
