"""Deltas between releases: the program that makes them against the one that applies them, and hostile ones."""

import hashlib
import io
import lzma
import subprocess
import sys
import tarfile
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from random import Random

import detools
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.releases import archive, manifest
from wayside.errors import InvalidArgumentError
from wayside.release_delta import DICTIONARY_BYTES, FORMAT, DeltaFile, DeltaIndex
from wayside.release_reading import ReleaseReading, checked
from wayside.release_tree import TreeFile, tree_sha256
from wayside_agent.ports.errors import DeviceFaultError
from wayside_agent.update.delta import rebuilt
from wayside_agent.update.patch import apply_patch

RANDOM = Random(7)  # noqa: S311  # repeatable bytes, no secrets
LIBRARY = RANDOM.randbytes(200_000)
OLD = {
    "site/kept.py": b"kept = 1\n" * 50,
    "site/moved.py": b"moved = 1\n" * 90,
    "site/library.so": LIBRARY,
    "site/gone.py": b"gone",
    "payload/radio.bin": RANDOM.randbytes(30_000),
    "site/grows.py": b"",
    "site/lib/libarrow-402e4b05.so.1600": LIBRARY[::-1],
    "site/lib/libbase-402e4b05.so.1600": LIBRARY[:1000],
}
NEW = {
    "site/kept.py": OLD["site/kept.py"],
    "site/elsewhere/moved.py": OLD["site/moved.py"],
    "site/library.so": LIBRARY[:90_000] + b"mended" + LIBRARY[90_004:],
    "site/fresh.py": b"fresh = 1\n",
    "payload/radio.bin": OLD["payload/radio.bin"][::-1],
    "site/grows.py": b"grown = 1\n" * 20,
    "site/empty.py": b"",
    "site/lib/libarrow-aad9fb2d.so.1700": b"new" + LIBRARY[:2:-1],
}


def unpacked(content: bytes, folder: Path) -> Path:
    for entry, file in ReleaseReading(io.BytesIO(content)).entries():
        path = folder / entry.name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(file.read())
    return folder


def tree_of(content: bytes) -> str:
    return checked(io.BytesIO(content)).manifest.tree_sha256


def made(tmp_path: Path, old: bytes, new: bytes) -> bytes:
    base, target, output = (tmp_path / name for name in ("base.tar.gz", "target.tar.gz", "delta.tar.xz"))
    base.write_bytes(old)
    target.write_bytes(new)
    module = "wayside_manager.services.delta_making"
    subprocess.run([sys.executable, "-m", module, str(base), str(target), str(output)], check=True)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["base.tar.gz", "delta.tar.xz", "target.tar.gz"]
    return output.read_bytes()


def build(
    delta: bytes, base: Path, into: Path, tree: str, is_abandoned: Callable[[], bool] = lambda: False
) -> dict[str, bytes]:
    into.mkdir()
    rebuilt(io.BytesIO(delta), base=base, into=into, expected_tree_sha256=tree, is_abandoned=is_abandoned)
    return {str(path.relative_to(into)): path.read_bytes() for path in into.rglob("*") if path.is_file()}


@pytest.fixture
def base(tmp_path: Path) -> Path:
    return unpacked(archive("1.0.0", OLD), tmp_path / "a")


def test_a_delta_leads_from_every_file_of_one_release_to_those_of_another(tmp_path: Path, base: Path) -> None:
    folder = tmp_path / "making"
    folder.mkdir()
    old, new = archive("1.0.0", OLD), archive("1.1.0", NEW)
    delta = made(folder, old, new)
    assert build(delta, base, tmp_path / "b", tree_of(new)) == NEW
    assert len(delta) < 40_000  # the reversed radio image, and next to nothing of the library that has another name now


def test_two_makings_give_the_same_bytes(tmp_path: Path) -> None:
    old, new, deltas = archive("1.0.0", OLD), archive("1.1.0", NEW), []
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        deltas.append(made(tmp_path / name, old, new))
    assert deltas[0] == deltas[1]


def test_what_is_no_release_makes_no_delta(tmp_path: Path) -> None:
    for name in ("base", "target"):
        (tmp_path / name).write_bytes(b"no archive")
    paths = [str(tmp_path / name) for name in ("base", "target", "out")]
    command = [sys.executable, "-m", "wayside_manager.services.delta_making", *paths]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, "Traceback" in done.stderr, (tmp_path / "out").exists()) == (2, False, False)
    assert "no complete .tar.gz" in done.stderr


def packed(entries: Mapping[str, bytes], *, dictionary_bytes: int = DICTIONARY_BYTES) -> bytes:
    buffer = io.BytesIO()
    filters = [{"id": lzma.FILTER_LZMA2, "preset": 1, "dict_size": dictionary_bytes}]
    with (
        lzma.LZMAFile(buffer, "wb", format=lzma.FORMAT_XZ, filters=filters) as stream,
        tarfile.open(fileobj=stream, mode="w") as tar,
    ):
        for name, content in entries.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            tar.addfile(entry, io.BytesIO(content))
    return buffer.getvalue()


CONTENT = b"new = 2\n"
PLAIN = DeltaFile(name="site/new.py", size_bytes=len(CONTENT), sha256=hashlib.sha256(CONTENT).hexdigest(), how="whole")


def delta_of(*files: DeltaFile, whole: bytes = CONTENT, **sizes: int) -> tuple[bytes, str]:
    tree = tree_sha256(TreeFile(each.name, each.size_bytes, each.sha256) for each in files)
    index = DeltaIndex(format=FORMAT, base_tree_sha256="0" * 64, tree_sha256=tree, files=files)
    entries = {"delta.json": msgspec.json.encode(index), "release.json": manifest("1.1.0")}
    return packed(entries | {f"{files[0].how}/0": whole}, **sizes), tree


def changed(**fields: object) -> DeltaFile:
    return msgspec.structs.replace(PLAIN, **fields)


HOSTILE = {
    "a path upwards": (delta_of(changed(name="site/../../owned")), "points outside"),
    "a base upwards": (delta_of(changed(how="keep", base="../../etc/passwd")), "points outside"),
    "a name outside": (delta_of(changed(name="slot.json")), "is not below site/"),
    "a base that is not there": (delta_of(changed(how="keep", base="site/none.py")), "is not in the old release"),
    "other bytes": (delta_of(PLAIN, whole=b"old = 2\n"), "does not come out as it should"),
    "more bytes": (delta_of(PLAIN, whole=CONTENT * 9), "longer than it should"),
    "fewer bytes": (delta_of(PLAIN, whole=b"n"), "does not come out as it should"),
    "one name twice": (delta_of(PLAIN, PLAIN), "two files of one name"),
    "a file that is too large": (delta_of(changed(size_bytes=2**50)), "unpacks to more than"),
    "no patch": (delta_of(changed(how="patch", base="site/kept.py"), whole=b"\xff" * 40), "no sequential patch"),
    "half of it": ((delta_of(PLAIN)[0][:-60], delta_of(PLAIN)[1]), "no complete archive"),
    "nothing": ((b"", delta_of(PLAIN)[1]), "no complete archive"),
    "another release": ((delta_of(PLAIN)[0], "1" * 64), "leads to another release than agreed"),
    "memory it may not take": (delta_of(PLAIN, dictionary_bytes=64 << 20), "no complete archive"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_delta_is_refused(name: str, base: Path, tmp_path: Path) -> None:
    (delta, tree), why = HOSTILE[name]
    with pytest.raises(InvalidArgumentError, match=why) as caught:
        build(delta, base, tmp_path / "b", tree)
    assert caught.value.reason in {"DELTA", "ARTIFACT_INVALID"}


def test_an_agent_that_stops_abandons_it(base: Path, tmp_path: Path) -> None:
    delta, tree = delta_of(PLAIN)
    with pytest.raises(DeviceFaultError, match="abandoned"):
        build(delta, base, tmp_path / "b", tree, lambda: True)


@given(st.binary(max_size=400), st.lists(st.tuples(st.integers(0, 400), st.binary(max_size=30)), max_size=8))
def test_patches_of_the_reference_are_applied(old: bytes, changes: list[tuple[int, bytes]]) -> None:
    new = old
    for place, put in changes:
        new = new[:place] + put + new[place + len(put) // 2 :]
    patch = io.BytesIO()
    detools.create_patch(io.BytesIO(old), io.BytesIO(new), patch, compression="none", patch_type="sequential")
    patch.seek(0)
    out = io.BytesIO()
    apply_patch(io.BytesIO(old), patch, out.write, size_bytes=len(new))
    assert out.getvalue() == new


@given(st.binary(max_size=60))
def test_a_damaged_patch_is_refused_or_makes_no_more_than_it_may(patch: bytes) -> None:
    out = io.BytesIO()
    with suppress(InvalidArgumentError):
        apply_patch(io.BytesIO(bytes(500)), io.BytesIO(b"\x00" + patch), out.write, size_bytes=300)
    assert len(out.getvalue()) <= 300
