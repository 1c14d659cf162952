"""How small deltas are on real software, and what making and applying them takes; against xdelta3 -6 in the same run.

Four pairs: three Python wheels and a Linux kernel, unpacked. Each is taken as one image (a tar, as a root file system
is) and as a folder (as a directory slot is). They are fetched by pip and apt into a folder below TMPDIR and stay there.
"""

import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from bench._harness import Report
from wayside.release_manifest import FORMAT, Component, Manifest
from wayside.release_packing import write_release

CACHE = Path(tempfile.gettempdir()) / "wayside-bench-pairs"
MEMORY_GOAL_MIB = 64.0
PLATFORMS = ("manylinux_2_28_x86_64", "manylinux_2_17_x86_64", "manylinux2014_x86_64")
FILE_TIME_S = 1_577_836_800  # 2020-01-01, as the table of the design has it


@dataclass(frozen=True, slots=True)
class Pair:
    """Two versions of something."""

    name: str
    old: str
    new: str
    is_debian: bool = False


PAIRS = (
    Pair("pyarrow 16.1 to 17.0", "pyarrow==16.1.0", "pyarrow==17.0.0"),
    Pair("onnxruntime 1.18 to 1.19", "onnxruntime==1.18.1", "onnxruntime==1.19.2"),
    Pair("opencv 4.9 to 4.10", "opencv-python-headless==4.9.0.80", "opencv-python-headless==4.10.0.84"),
    Pair(
        "linux 6.1.0-55 to -56",
        "linux-image-6.1.0-55-cloud-amd64",
        "linux-image-6.1.0-56-cloud-amd64",
        is_debian=True,
    ),
)


def main() -> None:
    """Runs the benchmark; pairs that cannot be fetched are named and left out. Arguments: parts of names of pairs."""
    figures, wanted = Report("delta"), sys.argv[2:]
    if shutil.which("xdelta3") is None:
        sys.exit("xdelta3 is not installed; run: sh packaging/system_packages.sh xdelta3")
    for pair in PAIRS:
        if wanted and not any(word in pair.name for word in wanted):
            continue
        with tempfile.TemporaryDirectory() as name:
            _measure(figures, pair, Path(name))
    figures.print()


def _measure(figures: Report, pair: Pair, folder: Path) -> None:
    try:
        old, new = (_unpacked(pair, which, folder) for which in ("old", "new"))
    except subprocess.CalledProcessError as error:
        print(f"{pair.name}: left out, it cannot be fetched ({error})", file=sys.stderr)
        return
    images = [_image(tree) for tree in (old, new)]
    figures.add(f"{pair.name}: new, MB", images[1].stat().st_size / 1e6, digits=1)
    peer = folder / "peer.xdelta"
    peer_s, _ = _child(["xdelta3", "-6", "-f", "-e", "-s", str(images[0]), str(images[1]), str(peer)])
    peer_bytes = peer.stat().st_size
    figures.add(f"{pair.name}: xdelta3 -6, MB", peer_bytes / 1e6)
    figures.add(f"{pair.name}: xdelta3 -6, make CPU s", peer_s, digits=1)
    image_files = [{"payload/image.tar": image} for image in images]
    folder_files = [{f"site/{path.relative_to(tree)}": path for path in _files(tree)} for tree in (old, new)]
    for kind, files in (("image", image_files), ("folder", folder_files)):
        size_bytes = _made_and_applied(figures, f"{pair.name}, {kind}", files, folder / kind)
        figures.add_ratio(f"{pair.name}, {kind}: size / xdelta3 -6", size_bytes / peer_bytes)


def _made_and_applied(figures: Report, name: str, files: Sequence[Mapping[str, Path]], folder: Path) -> int:
    """The size of the delta [byte]."""
    folder.mkdir()
    archives = [folder / "old.tar.gz", folder / "new.tar.gz"]
    trees = [_release(archive, each) for archive, each in zip(archives, files, strict=True)]
    delta = folder / "delta.tar.xz"
    making = "wayside_manager.services.delta_making"
    make_s, make_mib = _child([sys.executable, "-m", making, *map(str, archives), str(delta)])
    figures.add(f"{name}: delta, MB", delta.stat().st_size / 1e6)
    figures.add(f"{name}: make, CPU s", make_s, digits=1)
    figures.add(f"{name}: make, peak MiB", make_mib, digits=0)
    base, into = folder / "base", folder / "into"
    for file, path in files[0].items():
        (base / file).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, base / file)
    into.mkdir()
    applying = str(Path(__file__).with_name("_delta_apply.py"))
    peak = folder / "peak"
    with peak.open("wb") as out:
        cpu_s, _ = _child([sys.executable, applying, str(delta), str(base), str(into), trees[1]], out)
    apply_mib = int(peak.read_text()) / 1024
    figures.add(f"{name}: apply, CPU s", cpu_s)
    figures.add(f"{name}: apply, peak MiB", apply_mib, digits=1)
    figures.add_ratio(f"{name}: apply, memory / {MEMORY_GOAL_MIB:.0f} MiB", apply_mib / MEMORY_GOAL_MIB)
    size_bytes = delta.stat().st_size
    shutil.rmtree(folder)
    return size_bytes


def _unpacked(pair: Pair, which: str, folder: Path) -> Path:
    """The files of one version, in a folder."""
    CACHE.mkdir(exist_ok=True)
    wanted: str = getattr(pair, which)
    into = folder / which
    into.mkdir()
    if pair.is_debian:
        [package] = list(CACHE.glob(f"{wanted}_*.deb")) or _fetched(["apt-get", "download", wanted], f"{wanted}_*.deb")
        subprocess.run(["dpkg-deb", "-x", str(package), str(into)], check=True)
        return into
    pattern = f"{wanted.replace('-', '_').replace('==', '-')}-*.whl"
    platforms = (word for each in PLATFORMS for word in ("--platform", each))
    options = ["--quiet", "--no-deps", "--only-binary=:all:", "--python-version", "3.11", *platforms]
    command = [sys.executable, "-m", "pip", "download", *options, wanted]
    [wheel] = list(CACHE.glob(pattern)) or _fetched(command, pattern)
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(into)  # noqa: S202  # wheels of a package index, into a folder of our own
    return into


def _fetched(command: list[str], pattern: str) -> list[Path]:
    subprocess.run(command, cwd=CACHE, check=True, stdout=subprocess.DEVNULL)
    return list(CACHE.glob(pattern))


def _files(tree: Path) -> list[Path]:
    return sorted(path for path in tree.rglob("*") if path.is_file() and not path.is_symlink())


def _image(tree: Path) -> Path:
    """The files in one tar, the same bytes every time."""
    image = tree.with_suffix(".tar")
    with tarfile.open(image, "w") as archive:
        for path in _files(tree):
            entry = tarfile.TarInfo(str(path.relative_to(tree)))
            entry.size, entry.mode, entry.mtime = path.stat().st_size, 0o644, FILE_TIME_S
            with path.open("rb") as content:
                archive.addfile(entry, content)
    return image


def _release(archive: Path, files: Mapping[str, Path]) -> str:
    """Writes a release of these files; the hash of its tree."""
    component = Component(name="image", version="1", driver="file")
    draft = Manifest(format=FORMAT, version="1.0.0", counter=1, tree_sha256="0" * 64, components=(component,))
    with archive.open("wb") as file:
        return write_release(file, draft, files).tree_sha256


def _child(command: list[str], out: IO[bytes] | int = subprocess.DEVNULL) -> tuple[float, float]:
    """Runs a program; its CPU [s] and peak memory [MiB], which is at least what this process has."""
    process = subprocess.Popen(command, stdout=out)
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{command[0]} ended with {process.returncode}")
    return used.ru_utime + used.ru_stime, used.ru_maxrss / 1024
