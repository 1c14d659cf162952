"""Artifacts at the helper's door: what is not exactly what people signed is refused before a slot is touched."""

import io
import os
import random
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

import msgspec
import pytest

from tests.contract.helper_door import HARDWARE, Unit
from tests.releases import archive, manifest
from wayside import release_entries, release_reading
from wayside.release_manifest import Component, Notice
from wayside_agent.core.installing import Agreed, Done, Failed, Progress, Refused, encoded
from wayside_manager.services.delta_making import write_delta

FILES = {"site/wayside_agent/__init__.py": b"V = 1\n", "site/noise": random.Random(6).randbytes(20_000)}  # noqa: S311  # any noise
RELEASE = archive("1.1.0", FILES)
WORDS = ("purpose", "changes", "unavailable", "safety")
NOTICES = {"zh": Notice(**{each: f"{each} 说明" for each in WORDS}, duration_s=90.0)}
PLACES, DELTA_PLACES = 1_000, 300


@pytest.fixture
def unit(tmp_path: Path) -> Unit:
    made = Unit(tmp_path)
    made.order(RELEASE)
    return made


def delta(folder: Path, old: bytes, new: bytes) -> bytes:
    """As the manager makes it."""
    paths = [folder / name for name in ("old.tar.gz", "new.tar.gz", "delta.tar.xz")]
    for path, content in zip(paths, (old, new), strict=False):
        path.write_bytes(content)
    subprocess.run([sys.executable, "-m", "wayside_manager.services.delta_making", *map(str, paths)], check=True)
    return paths[2].read_bytes()


def tree_of(folder: Path) -> dict[str, bytes]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


def test_a_release_is_written_whole_with_byte_code_and_what_it_says_of_itself(unit: Unit) -> None:
    unit.agreed()
    assert unit.ask(unit.verify()) == Done(components=(Component(name="agent", version="1.1.0", driver="slot"),))
    assert not (unit.slots / "a").exists()
    answers = unit.told(encoded(unit.install()))
    assert answers[-1] == Done()
    assert any(isinstance(each, Progress) for each in answers)
    written = tree_of(unit.slots / "a")
    assert written["site/noise"] == FILES["site/noise"]
    assert any(name.endswith(".pyc") for name in written)
    assert b'"1.1.0"' in written["release.json"]
    assert unit.sha256().encode() in written["slot.json"]


def test_what_is_verified_says_what_it_is_made_of_and_what_people_are_told(unit: Unit) -> None:
    agent = Component(name="agent", version="1.1.0", driver="slot")
    radio = Component(name="radio", version="1", driver="firmware", file="payload/radio.bin")
    unit.order(archive(files={**FILES, "payload/radio.bin": b"radio"}, components=(agent, radio), notices=NOTICES))
    unit.agreed()
    answers, errors = unit.process(encoded(unit.verify()))
    assert errors == ""
    assert answers == [Done(components=(agent, msgspec.structs.replace(radio, size_bytes=5)), notices=NOTICES)]


def test_a_manifest_of_the_largest_size_comes_through_whole(unit: Unit) -> None:
    notices = {each: Notice(**dict.fromkeys(WORDS, "更" * 1_900), duration_s=1.0) for each in ("zh", "en")}
    unit.order(archive(notices=notices))
    unit.agreed()
    (last,) = unit.told(encoded(unit.verify()))
    assert isinstance(last, Done)
    assert last.notices == notices


def test_a_delta_says_before_it_is_applied_what_the_release_is_made_of(unit: Unit, tmp_path: Path) -> None:
    unit.installed(RELEASE)
    whole = archive("1.2.0", {**FILES, "site/more": b"more"}, notices=NOTICES)
    unit.order(whole, "1.2.0")
    unit.agreed("1.2.0")
    unit.artifact.write_bytes(delta(tmp_path, RELEASE, whole))
    said = unit.ask(unit.verify("1.2.0", is_delta=True))
    assert isinstance(said, Done)
    assert said.notices == NOTICES
    assert not (unit.slots / "b").exists()
    unit.artifact.write_bytes(unit.artifact.read_bytes()[:200])
    assert unit.refusal(unit.verify("1.2.0", is_delta=True)) == "DELTA"
    unit.artifact.write_bytes(delta(tmp_path, whole, RELEASE))
    assert unit.refusal(unit.verify("1.2.0", is_delta=True)) == "DELTA"


def test_a_real_helper_does_it_too_and_says_nothing_else(unit: Unit) -> None:
    for request, kind in ((unit.agree(), Agreed), (unit.verify(), Done), (unit.install(), Done)):
        answers, errors = unit.process(encoded(request))
        assert isinstance(answers[-1], kind)
        assert errors == ""


def flipped(content: bytes, bit: int) -> bytes:
    changed = bytearray(content)
    changed[bit // 8] ^= 1 << bit % 8
    return bytes(changed)


def test_one_flipped_bit_anywhere_is_refused_before_the_active_slot_is_touched(unit: Unit) -> None:
    """A thousand places of the artifact and of all metadata, drawn by size."""
    unit.installed(RELEASE)
    before = tree_of(unit.slots)
    unit.order(archive("1.2.0", FILES), "1.2.0")
    unit.agreed("1.2.0")
    pristine = unit.state / "pristine"
    shutil.copytree(unit.state / "trust", pristine)
    paths = [unit.artifact, *(path for path in sorted(unit.staged.rglob("*.json")) if ".root." not in path.name)]
    contents = {path: path.read_bytes() for path in paths}
    rng, accepted = random.Random(1), []  # noqa: S311  # any places
    for number in range(PLACES):
        path = unit.artifact if number % 2 else rng.choice(paths[1:])
        bit = rng.randrange(len(contents[path]) * 8)
        path.write_bytes(flipped(contents[path], bit))
        if path is unit.artifact:
            is_refused = isinstance(unit.ask(unit.verify("1.2.0")), Refused)
        else:  # as on a unit that has not seen the metadata yet
            shutil.rmtree(unit.state / "trust")
            is_refused = isinstance(unit.ask(unit.agree("1.2.0")), Refused)
            shutil.rmtree(unit.state / "trust", ignore_errors=True)
            shutil.copytree(pristine, unit.state / "trust")
        if not is_refused:
            accepted.append((path.name, bit))
        path.write_bytes(contents[path])
    assert accepted == []
    assert tree_of(unit.slots) == before


def test_other_bytes_of_the_same_length_are_refused(unit: Unit) -> None:
    unit.agreed()
    unit.artifact.write_bytes(bytes(len(RELEASE)))
    assert unit.refusal(unit.verify()) == "HASH"
    assert unit.refusal(unit.install()) == "HASH"
    assert not (unit.slots / "a").exists()


@pytest.mark.parametrize("content", [RELEASE[:-1], RELEASE + b"x", b""], ids=["less", "more", "none"])
def test_another_length_is_refused(unit: Unit, content: bytes) -> None:
    unit.agreed()
    unit.artifact.write_bytes(content)
    assert unit.refusal(unit.verify()) == "SIZE"


def test_what_never_ends_is_read_no_further_than_agreed(unit: Unit) -> None:
    unit.agreed()
    with unit.artifact.open("wb") as file:
        file.truncate(1 << 40)
    assert unit.refusal(unit.verify()) == "SIZE"


def test_a_pipe_a_link_or_nothing_is_no_artifact(unit: Unit) -> None:
    unit.agreed()
    unit.artifact.rename(unit.state / "real")
    assert unit.refusal(unit.verify()) == "SIZE"
    unit.artifact.symlink_to(unit.state / "real")
    assert unit.refusal(unit.verify()) == "SIZE"
    unit.artifact.unlink()
    os.mkfifo(unit.artifact)
    assert unit.refusal(unit.verify()) == "SIZE"


def test_what_was_not_agreed_on_is_not_installed(unit: Unit) -> None:
    assert unit.refusal(unit.verify()) == "NOT_DIRECTED"
    assert unit.refusal(unit.install()) == "NOT_DIRECTED"


def test_what_was_agreed_on_too_long_ago_is_not_installed(unit: Unit) -> None:
    unit.now_s = unit.agreed().end_s
    assert unit.refusal(unit.install()) == "EXPIRED"


def test_a_slot_that_may_start_is_never_written(unit: Unit) -> None:
    unit.installed(RELEASE)
    before = tree_of(unit.slots)
    unit.agreed()
    answer = unit.ask(unit.install(slot="a"))
    assert isinstance(answer, Failed)
    assert "ask for the spare one" in answer.message
    assert tree_of(unit.slots) == before


def test_a_slot_that_was_being_written_is_written_anew(unit: Unit) -> None:
    unit.agreed()
    (unit.slots / "a" / "site").mkdir(parents=True)
    (unit.slots / "a" / "site" / "rest").write_bytes(b"of a former attempt")
    assert unit.ask(unit.install()) == Done()
    assert "site/rest" not in tree_of(unit.slots / "a")


def test_a_full_disk_is_found_before_the_slot_is_touched(unit: Unit, monkeypatch: pytest.MonkeyPatch) -> None:
    unit.agreed()
    usage = shutil.disk_usage(unit.slots)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=1_000_000))
    answer = unit.ask(unit.install())
    assert isinstance(answer, Failed)
    assert answer.is_disk_full
    assert not (unit.slots / "a").exists()


def tar(name: str, *, kind: bytes = tarfile.REGTYPE, link: str = "", size: int = 0, first: bytes = b"") -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as packed:
        content = first or manifest()
        described = tarfile.TarInfo("release.json")
        described.size = len(content)
        packed.addfile(described, io.BytesIO(content))
        entry = tarfile.TarInfo(name)
        entry.type, entry.linkname, entry.size = kind, link, size
        packed.addfile(entry, io.BytesIO(bytes(size)))
    return buffer.getvalue()


HOSTILE = {
    "an absolute path": tar("/etc/owned"),
    "a path upwards": tar("site/../../owned"),
    "a symbolic link": tar("site/x", kind=tarfile.SYMTYPE, link="/etc/passwd"),
    "a hard link": tar("site/x", kind=tarfile.LNKTYPE, link="release.json"),
    "a device": tar("site/x", kind=tarfile.CHRTYPE),
    "a file beside site": tar("slot.json"),
    "a bomb": tar("site/x", size=3_000_000),
    "no archive": b"this is no archive",
    "half an archive": RELEASE[: len(RELEASE) // 2],
    "another version": tar("site/x", first=manifest("9.9.9")),
    "files nobody counted": tar("site/x"),
    "a component without its file": archive(
        components=(Component(name="radio", version="1", driver="firmware", file="payload/radio.bin"),)
    ),
    "another Python": archive(python="2.7"),
    "another machine": archive(platform="plan9-vax"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_what_people_signed_by_mistake_is_refused_all_the_same(
    unit: Unit, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(release_entries, "MAX_TOTAL_BYTES", 2_000_000)
    content = HOSTILE[name]
    sums = {"version": "1.1.0", "counter": 1_001_000, "tree_sha256": "0" * 64, "manifest_sha256": "0" * 64}
    unit.signed.publish(content, "1.1.0", **sums)
    unit.signed.direct("nodes/u1", "1.1.0")
    unit.signed.stage(unit.staged)
    unit.artifact.write_bytes(content)
    unit.agreed()
    assert unit.refusal(unit.verify()) == "ARTIFACT_INVALID"
    assert unit.refusal(unit.install()) == "ARTIFACT_INVALID"
    assert not (unit.slots / "a").exists()


def test_a_manifest_that_people_did_not_sign_for_is_refused(unit: Unit) -> None:
    unit.signed.publish(RELEASE, "1.1.0", counter=7)
    unit.signed.direct("nodes/u1", "1.1.0")
    unit.signed.stage(unit.staged)
    unit.agreed()
    assert unit.refusal(unit.verify()) == "ARTIFACT_INVALID"


def test_a_manifest_for_other_hardware_is_refused_whatever_was_signed(unit: Unit) -> None:
    content = archive(hardware_ids=("obu-1",))
    unit.signed.publish(content, "1.1.0", hardware_ids=[HARDWARE])
    unit.signed.direct("nodes/u1", "1.1.0")
    unit.signed.stage(unit.staged)
    unit.artifact.write_bytes(content)
    unit.agreed()
    assert unit.refusal(unit.verify()) == "WRONG_HARDWARE"


def test_a_bomb_in_the_compression_ends_before_the_memory_does(unit: Unit, monkeypatch: pytest.MonkeyPatch) -> None:
    unit.agreed()
    monkeypatch.setattr(release_reading, "MAX_STREAM_BYTES", 10_000)
    assert unit.refusal(unit.verify()) == "ARTIFACT_INVALID"


def test_a_delta_needs_a_release_to_start_from(unit: Unit) -> None:
    unit.agreed()
    assert unit.refusal(unit.install(is_delta=True)) == "DELTA"


@pytest.mark.parametrize("content", [b"", b"no delta", RELEASE], ids=["nothing", "noise", "a-release"])
def test_what_is_no_delta_leaves_a_slot_that_does_not_start(unit: Unit, content: bytes) -> None:
    unit.installed(RELEASE)
    unit.order(archive("1.2.0", FILES), "1.2.0")
    unit.agreed("1.2.0")
    unit.artifact.write_bytes(content)
    assert unit.refusal(unit.install("1.2.0", "b", is_delta=True)) == "DELTA"
    assert not (unit.slots / "b" / "slot.json").exists()


def test_one_flipped_bit_anywhere_in_a_delta_is_refused_or_changes_nothing(unit: Unit, tmp_path: Path) -> None:
    """Places drawn at random; behind the last file there are bytes that say nothing of the release."""
    new = FILES | {"site/noise": FILES["site/noise"][:9_000] + b"mended" + FILES["site/noise"][9_000:]}
    target = archive("1.2.0", new)
    unit.installed(RELEASE)
    active = tree_of(unit.slots / "a")
    unit.order(target, "1.2.0")
    unit.agreed("1.2.0")
    delta = delta_between(tmp_path, RELEASE, target)
    rng, refused = random.Random(2), 0  # noqa: S311  # any places
    for _ in range(DELTA_PLACES):
        unit.artifact.write_bytes(flipped(delta, rng.randrange(len(delta) * 8)))
        answer = unit.ask(unit.install("1.2.0", "b", is_delta=True))
        written = tree_of(unit.slots / "b")
        if isinstance(answer, Refused):
            assert (answer.reason, "slot.json" in written) == ("DELTA", False)
            refused += 1
        else:
            assert {name: written[name] for name in new} == new
    assert refused > DELTA_PLACES * 0.9
    assert tree_of(unit.slots / "a") == active


def delta_between(folder: Path, base: bytes, target: bytes) -> bytes:
    """A delta as the manager makes it."""
    work = folder / "making"
    work.mkdir()
    for name, content in (("base", base), ("target", target)):
        (work / name).write_bytes(content)
    write_delta(work / "base", work / "target", work / "made", work)
    return (work / "made").read_bytes()


def test_a_helper_whose_daemon_is_gone_does_nothing(unit: Unit) -> None:
    command = [sys.executable, "-m", "wayside_agent.update", "--state-dir", str(unit.state), "--parent", "1"]
    ended = subprocess.run(command, input=encoded(unit.agree()), capture_output=True, timeout=60, check=False)
    assert (ended.returncode, ended.stdout) == (1, b"")
    assert not (unit.state / "trust").exists()


def test_the_helper_has_no_network_where_the_kernel_lets_it_go(unit: Unit) -> None:
    looking = (
        "from wayside_agent.update.confinement import confine; confine(parent=0)\n"
        "import resource\n"
        "print(open('/proc/self/net/dev').read().count(':'), resource.getrlimit(resource.RLIMIT_CORE)[0])\n"
        "print(open('/proc/self/status').read().split('NoNewPrivs:')[1].split()[0])\n"
        f"open({str(unit.state / 'made')!r}, 'w').close()\n"
    )
    ended = subprocess.run([sys.executable, "-c", looking], capture_output=True, text=True, timeout=60, check=True)
    devices, core, no_new_privileges = ended.stdout.split()
    assert (core, no_new_privileges) == ("0", "1")
    assert (unit.state / "made").stat().st_uid == os.getuid()
    if shutil.which("unshare") and not subprocess.run(["unshare", "-rn", "true"], check=False).returncode:
        assert devices == "1"
