"""Artifacts kept for neighbours: only what was committed, as few as told, and only while the disk has room."""

import hashlib
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.contract.update_unit import NEW, OLD, Unit, target_of
from wayside.errors import NotFoundError
from wayside_agent.core.gate import Vitals
from wayside_agent.core.update import Phase
from wayside_agent.drivers.kept_artifacts import KeptArtifacts

FILES = [bytes([number]) * 1_000 for number in range(3)]
HASHES = [hashlib.sha256(content).hexdigest() for content in FILES]


@pytest.fixture
async def shelf(tmp_path: Path) -> AsyncIterator[KeptArtifacts]:
    async with KeptArtifacts(tmp_path / "peer", max_count=2, reserve_bytes=0) as opened:
        yield opened


async def keep(shelf: KeptArtifacts, folder: Path, number: int) -> None:
    path = folder / "whole.part"
    path.write_bytes(FILES[number])
    await shelf.take(path, HASHES[number])
    await shelf.settle(HASHES[number])


async def content(shelf: KeptArtifacts, sha256: str, offset: int = 0) -> bytes:
    async with shelf.opened(sha256) as artifact:
        return b"".join([chunk async for chunk in artifact.chunks(offset, 300)])


def names(shelf_dir: Path) -> set[str]:
    return {path.name for path in shelf_dir.iterdir()}


async def test_what_was_settled_is_given_out_from_any_byte(shelf: KeptArtifacts, tmp_path: Path) -> None:
    await keep(shelf, tmp_path, 0)
    assert not (tmp_path / "whole.part").exists()
    assert await content(shelf, HASHES[0], 301) == FILES[0][301:]
    assert await content(shelf, HASHES[0], len(FILES[0])) == b""


async def test_what_is_not_settled_yet_is_not_given_out(shelf: KeptArtifacts, tmp_path: Path) -> None:
    (tmp_path / "whole.part").write_bytes(FILES[0])
    await shelf.take(tmp_path / "whole.part", HASHES[0])
    with pytest.raises(NotFoundError):
        await content(shelf, HASHES[0])
    await shelf.settle("")
    assert names(tmp_path / "peer") == set()


async def test_the_oldest_goes_when_there_are_too_many(shelf: KeptArtifacts, tmp_path: Path) -> None:
    for number in range(3):
        await keep(shelf, tmp_path, number)
    assert names(tmp_path / "peer") == set(HASHES[1:])


async def test_all_of_it_goes_before_the_disk_gets_full(shelf: KeptArtifacts, tmp_path: Path) -> None:
    await keep(shelf, tmp_path, 0)
    await keep(shelf, tmp_path, 1)
    await shelf.make_room(0)
    assert names(tmp_path / "peer") == set(HASHES[:2])
    await shelf.make_room(shutil.disk_usage(tmp_path).total)
    assert names(tmp_path / "peer") == set()


async def test_nothing_is_kept_on_a_disk_without_the_reserve(tmp_path: Path) -> None:
    reserve_bytes = shutil.disk_usage(tmp_path).total
    async with KeptArtifacts(tmp_path / "peer", max_count=1, reserve_bytes=reserve_bytes) as shelf:
        await keep(shelf, tmp_path, 0)
    assert names(tmp_path / "peer") == set()


async def test_what_is_dropped_while_it_is_read_is_read_to_its_end(shelf: KeptArtifacts, tmp_path: Path) -> None:
    await keep(shelf, tmp_path, 0)
    async with shelf.opened(HASHES[0]) as artifact:
        chunks = artifact.chunks(0, 300)
        first = await anext(chunks)
        await shelf.make_room(shutil.disk_usage(tmp_path).total)
        assert first + b"".join([chunk async for chunk in chunks]) == FILES[0]
    with pytest.raises(NotFoundError):
        await content(shelf, HASHES[0])


async def test_what_changes_on_the_disk_after_it_was_given_out_is_not_given_out_again(
    shelf: KeptArtifacts, tmp_path: Path
) -> None:
    await keep(shelf, tmp_path, 0)
    await content(shelf, HASHES[0])
    (tmp_path / "peer" / HASHES[0]).write_bytes(FILES[1])
    with pytest.raises(NotFoundError):
        await content(shelf, HASHES[0])
    assert names(tmp_path / "peer") == set()


async def test_a_unit_that_no_longer_serves_keeps_nothing(shelf: KeptArtifacts, tmp_path: Path) -> None:
    await keep(shelf, tmp_path, 0)
    async with KeptArtifacts(tmp_path / "peer", max_count=0) as off:
        assert not (tmp_path / "peer").exists()
        (tmp_path / "whole.part").write_bytes(FILES[0])
        await off.take(tmp_path / "whole.part", HASHES[0])
        await off.settle(HASHES[0])
        await off.make_room(0)
    assert (tmp_path / "whole.part").exists()


async def test_an_update_that_is_committed_leaves_its_artifact(tmp_path: Path) -> None:
    unit, target = Unit(tmp_path), target_of(OLD)
    async with KeptArtifacts(tmp_path / "peer", max_count=1, reserve_bytes=0) as shelf:
        unit.keeper = shelf
        await unit.ended(target, Phase.PROVISIONAL)
        with pytest.raises(NotFoundError):
            await content(shelf, target.sha256)
        await unit.ended(target, Phase.COMMITTED)
        assert await content(shelf, target.sha256) == OLD


async def test_an_update_that_is_taken_back_leaves_nothing_and_the_one_before_stays(tmp_path: Path) -> None:
    unit, old, new = Unit(tmp_path), target_of(OLD), target_of(NEW, "1.2.0", "rollouts/r2")
    async with KeptArtifacts(tmp_path / "peer", max_count=1, reserve_bytes=0) as shelf:
        unit.keeper = shelf
        await unit.ended(old, Phase.COMMITTED)
        unit.vitals_on_trial = Vitals()
        await unit.ended(new, Phase.ROLLED_BACK)
        assert names(tmp_path / "peer") == {old.sha256}


async def test_a_kept_artifact_goes_before_an_update_lacks_space(tmp_path: Path) -> None:
    unit, old, new = Unit(tmp_path), target_of(OLD), target_of(NEW, "1.2.0", "rollouts/r2")
    async with KeptArtifacts(tmp_path / "peer", max_count=2, reserve_bytes=0) as shelf:
        unit.keeper = shelf
        await unit.ended(old, Phase.COMMITTED)
    async with KeptArtifacts(tmp_path / "peer", max_count=2, reserve_bytes=2**60) as shelf:
        unit.keeper = shelf
        await unit.ended(new, Phase.STAGED)
        assert names(tmp_path / "peer") == set()


async def test_a_shelf_that_fails_stops_no_update(tmp_path: Path) -> None:
    unit, target = Unit(tmp_path), target_of(OLD)
    async with KeptArtifacts(tmp_path / "peer", max_count=1, reserve_bytes=0) as shelf:
        unit.keeper = shelf
        shutil.rmtree(tmp_path / "peer")
        (tmp_path / "peer").write_bytes(b"")
        assert (await unit.ended(target, Phase.COMMITTED)).running_version == "1.1.0"
