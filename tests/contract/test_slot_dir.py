"""Slots in directories: only whole, honest releases get in, and the running slot is never touched."""

import io
import tarfile
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

import pytest

from tests.releases import archive, manifest
from tests.slots import put
from wayside import release_entries
from wayside.errors import FailedPreconditionError
from wayside_agent import boot
from wayside_agent.core.agreement import RefusedError
from wayside_agent.drivers.slot_dir import SlotDir
from wayside_agent.ports.errors import DeviceFaultError


def release(version: str = "1.1.0") -> bytes:
    return archive(version)


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    return tmp_path / "slots"


@pytest.fixture
async def slots(directory: Path) -> AsyncIterator[SlotDir]:
    async with SlotDir(SlotDir.Options(directory=str(directory))) as opened:
        yield opened


async def install(slots: SlotDir, tmp_path: Path, content: bytes, version: str = "1.1.0") -> str:
    return await put(slots, tmp_path, content, version)


def names_in(directory: Path) -> list[str]:
    return [path.name for path in directory.iterdir()]


def slots_of(directory: Path, running_slot: str) -> SlotDir:
    return SlotDir(SlotDir.Options(directory=str(directory), running_slot=running_slot))


async def test_an_installed_release_starts_only_after_it_was_chosen(
    slots: SlotDir, directory: Path, tmp_path: Path
) -> None:
    slot = await install(slots, tmp_path, release())
    assert boot.next_start(directory).slot == ""
    await slots.choose(slot, gate_timeout_s=20.0)
    start = boot.next_start(directory)
    assert (start.slot, start.gate_timeout_s) == (slot, 20.0)


async def test_the_schema_of_its_configuration_is_left_to_the_manager(
    slots: SlotDir, directory: Path, tmp_path: Path
) -> None:
    slot = await install(slots, tmp_path, archive(schema=b"{}"))
    assert list((directory / slot).rglob("config.schema.json")) == []
    assert (directory / slot / "site" / "wayside_agent" / "__init__.py").exists()


async def test_a_committed_release_starts_for_good(slots: SlotDir, directory: Path, tmp_path: Path) -> None:
    await slots.choose(await install(slots, tmp_path, release()), gate_timeout_s=20.0)
    boot.next_start(directory)
    async with slots_of(directory, "a") as inside:
        assert (await inside.running()).is_provisional
        await inside.commit()
        running = await inside.running()
    assert (running.is_provisional, running.release, running.version) == (False, "releases/1.1.0", "1.1.0")
    assert [boot.next_start(directory).slot for _ in range(5)] == ["a"] * 5


async def test_a_release_that_never_commits_goes_back_after_its_tries(
    slots: SlotDir, directory: Path, tmp_path: Path
) -> None:
    await slots.choose(await install(slots, tmp_path, release()), gate_timeout_s=20.0)
    assert [boot.next_start(directory).slot for _ in range(4)] == ["a", "a", "", ""]
    running = await slots.running()
    assert running.failed_slot == "a"
    assert "without passing its health gate" in running.failure


async def test_the_running_slot_and_the_way_back_are_never_written(directory: Path, tmp_path: Path) -> None:
    async with slots_of(directory, "") as factory:
        await factory.choose(await install(factory, tmp_path, release()), gate_timeout_s=20.0)
    boot.next_start(directory)
    async with slots_of(directory, "a") as first:
        await first.commit()
        await first.choose(await install(first, tmp_path, release("1.2.0"), "1.2.0"), gate_timeout_s=20.0)
    boot.next_start(directory)
    async with slots_of(directory, "b") as second:
        with pytest.raises(FailedPreconditionError, match="none is free while a release is on trial"):
            await install(second, tmp_path, release("1.3.0"), "1.3.0")


async def test_the_same_release_is_not_written_twice(slots: SlotDir, directory: Path, tmp_path: Path) -> None:
    await install(slots, tmp_path, release())
    before = (directory / "a" / "slot.json").stat().st_ino
    await install(slots, tmp_path, release())
    assert (directory / "a" / "slot.json").stat().st_ino == before


async def test_byte_code_is_there_before_the_first_start(slots: SlotDir, directory: Path, tmp_path: Path) -> None:
    await install(slots, tmp_path, release())
    assert list((directory / "a").rglob("*.pyc"))


async def test_going_back_keeps_the_reason(slots: SlotDir, directory: Path, tmp_path: Path) -> None:
    await slots.choose(await install(slots, tmp_path, release()), gate_timeout_s=20.0)
    await slots.go_back("radio: heard nothing")
    assert boot.next_start(directory).slot == ""
    assert (await slots.running()).failure == "radio: heard nothing"


async def test_a_release_that_is_committed_can_still_be_left_for_the_slot_before(
    slots: SlotDir, directory: Path, tmp_path: Path
) -> None:
    slot = await install(slots, tmp_path, release())
    await slots.choose(slot, gate_timeout_s=20.0)
    running = slots_of(directory, slot)
    await running.commit()
    await running.go_back("the radio cannot be confirmed", to="")
    assert boot.next_start(directory).slot == ""
    found = await slots.running()
    assert (found.failed_slot, found.failure) == (slot, "the radio cannot be confirmed")


async def test_a_slot_says_what_its_release_is_made_of_or_that_nobody_can_tell(
    slots: SlotDir, directory: Path, tmp_path: Path
) -> None:
    slot = await install(slots, tmp_path, release())
    assert [each.name for each in (await slots.contents(slot)).components] == ["agent"]
    assert slots.payload(slot, "payload/map") == directory / slot / "payload" / "map"
    (directory / slot / "release.json").write_text("{}")
    with pytest.raises(DeviceFaultError, match="nobody can tell what is in it"):
        await slots.contents(slot)


async def test_an_empty_slot_cannot_be_chosen(slots: SlotDir) -> None:
    with pytest.raises(FailedPreconditionError, match="holds no complete release"):
        await slots.choose("b", gate_timeout_s=20.0)


def tar(entries: Mapping[str, tarfile.TarInfo], *, first: bytes | None = None) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as packed:
        content = manifest() if first is None else first
        described = tarfile.TarInfo("release.json")
        described.size = len(content)
        packed.addfile(described, io.BytesIO(content))
        for name, entry in entries.items():
            entry.name = name
            packed.addfile(entry, io.BytesIO(b"x" * entry.size))
    return buffer.getvalue()


def entry(kind: bytes = tarfile.REGTYPE, link: str = "", size: int = 0) -> tarfile.TarInfo:
    info = tarfile.TarInfo("x")
    info.type, info.linkname, info.size = kind, link, size
    return info


HOSTILE = {
    "a pipe": (tar({"site/x": entry(tarfile.FIFOTYPE)}), "neither a plain file nor"),
    "a line break in a name": (tar({"site/a\nb": entry()}), "no plain name"),
    "a schema too late": (tar({"site/x": entry(), "config.schema.json": entry()}), "config.schema.json"),
    "a schema too large": (archive(schema=bytes(300_000)), "config.schema.json is no plain file of at most"),
    "nothing": (tar({}), "it is empty"),
    "no archive": (b"this is no archive", "no complete .tar.gz"),
    "half an archive": (release()[: len(release()) // 2], "no complete .tar.gz"),
    "another version": (tar({"site/x": entry()}, first=manifest("9.9.9")), "it says it is version '9.9.9'"),
    "files nobody counted": (tar({"site/x": entry()}), "not those its manifest counts"),
    "another Python": (tar({"site/x": entry()}, first=manifest(python="2.7")), "built for Python 2.7"),
    "another machine": (tar({"site/x": entry()}, first=manifest(platform="plan9-vax")), "built for plan9-vax"),
    "no manifest": (tar({"site/x": entry()}, first=b"{"), "release.json: "),
    "a later format": (tar({"site/x": entry()}, first=manifest(format=3)), "has format 3"),
}


@pytest.mark.parametrize("name", HOSTILE)
async def test_a_hostile_artifact_is_refused_before_anything_is_written(
    name: str, slots: SlotDir, directory: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(release_entries, "MAX_TOTAL_BYTES", 2_000_000)
    content, why = HOSTILE[name]
    with pytest.raises(RefusedError, match=why):
        await install(slots, tmp_path, content)
    assert names_in(directory) == []


async def test_two_entries_of_one_name_are_refused(slots: SlotDir, tmp_path: Path) -> None:
    twice = tar({"site/x": entry(), "site/x/": entry()})
    with pytest.raises((RefusedError, DeviceFaultError)):
        await install(slots, tmp_path, twice)
    assert (await slots.running()).spare_sha256 == ""


async def test_a_damaged_choice_leaves_the_factory_software_and_is_kept_aside(
    slots: SlotDir, directory: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    await slots.choose(await install(slots, tmp_path, release()), gate_timeout_s=20.0)
    (directory / "boot.json").write_bytes(b'{"format": 1, "cho')
    assert boot.next_start(directory).slot == ""
    assert "kept as boot.json.corrupt" in capsys.readouterr().err
    assert (directory / "boot.json.corrupt").is_file()
    assert boot.next_start(directory).slot == ""


async def test_a_trial_whose_tries_cannot_be_counted_is_not_started(
    slots: SlotDir, directory: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await slots.choose(await install(slots, tmp_path, release()), gate_timeout_s=20.0)

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(boot, "_write", full)
    assert boot.next_start(directory).slot == ""
