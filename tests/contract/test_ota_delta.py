"""Updates by delta: the shorter way over a bad line, damage, and what fetch policies forbid."""

import hashlib
import lzma
from dataclasses import replace
from pathlib import Path

import pytest

from tests.contract.update_unit import CHUNK, OLD, EndedError, Unit, target_of
from wayside_agent.core.update import Delta, FetchPolicy, Phase, ReleaseTarget, UpdateStatus

TARGET = target_of(OLD)
DELTA = lzma.compress(OLD)
DAMAGED = DELTA[:-40]


@pytest.fixture
def unit(tmp_path: Path) -> Unit:
    return Unit(tmp_path)


def by_delta(unit: Unit, content: bytes = DELTA, policy: FetchPolicy = FetchPolicy.ANY) -> ReleaseTarget:
    """The order, with a delta the manager has."""
    digest = hashlib.sha256(content).hexdigest()
    unit.manager.contents[digest] = content
    return replace(TARGET, delta=Delta("0" * 64, digest, len(content)), fetch_policy=policy)


def sha256_of(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


async def test_a_delta_is_fetched_over_a_line_that_drops_twice_and_nothing_of_the_whole(unit: Unit) -> None:
    unit.manager.cut_after = [3, 2]
    status = await unit.ended(by_delta(unit), Phase.COMMITTED)
    assert set(unit.manager.asked) == {sha256_of(DELTA)}
    assert unit.manager.offsets == [0, 3 * CHUNK, 5 * CHUNK]
    assert (status.is_delta, status.total_bytes, status.running_version) == (True, len(DELTA), "1.1.0")


async def test_a_delta_goes_on_after_the_process_was_killed(unit: Unit) -> None:
    target = by_delta(unit, policy=FetchPolicy.NEVER_FULL)
    unit.rate = CHUNK
    unit.until = lambda status: status.downloaded_bytes >= 4 * CHUNK
    with pytest.raises(EndedError):
        await unit.start(target)
    unit.rate = 0
    await unit.ended(target, Phase.COMMITTED)
    assert unit.manager.offsets[1] >= 4 * CHUNK
    assert set(unit.manager.asked) == {sha256_of(DELTA)}


async def test_a_delta_that_a_power_cut_has_torn_is_fetched_anew_where_the_whole_may_not_be(unit: Unit) -> None:
    target = by_delta(unit, policy=FetchPolicy.NEVER_FULL)
    unit.rate = CHUNK
    unit.until = lambda status: status.downloaded_bytes >= 4 * CHUNK
    with pytest.raises(EndedError):
        await unit.start(target)
    (part,) = (unit.root / "downloads").iterdir()
    part.write_bytes(bytes(part.stat().st_size))
    unit.rate = 0
    status = await unit.ended(target, Phase.COMMITTED)
    assert (status.is_delta, unit.manager.offsets[2:]) == (True, [0])


@pytest.mark.parametrize("content", [DAMAGED, b"no delta"], ids=["cut short", "something else"])
async def test_a_damaged_delta_falls_back_to_the_whole_once(unit: Unit, content: bytes) -> None:
    status = await unit.ended(by_delta(unit, content), Phase.COMMITTED)
    assert unit.manager.asked == [sha256_of(content), TARGET.release]
    assert (status.is_delta, status.total_bytes) == (False, len(OLD))


@pytest.mark.parametrize("fate", ["other bytes", "more bytes", "gone"])
async def test_a_delta_that_does_not_come_as_announced_falls_back_to_the_whole(unit: Unit, fate: str) -> None:
    target = by_delta(unit)
    if fate == "gone":
        del unit.manager.contents[sha256_of(DELTA)]
    else:
        unit.manager.contents[sha256_of(DELTA)] = bytes(len(DELTA)) if fate == "other bytes" else DELTA + DELTA
    status = await unit.ended(target, Phase.COMMITTED)
    assert unit.manager.asked == [sha256_of(DELTA), TARGET.release]
    assert not status.is_delta


async def waits(unit: Unit, target: ReleaseTarget) -> UpdateStatus:
    """The status when the unit says that it may fetch nothing."""
    unit.until = lambda status: status.message.startswith("fetch policy")
    with pytest.raises(EndedError):
        await unit.start(target)
    return unit.said[-1]


async def test_never_full_waits_for_a_delta_and_goes_on_when_it_comes(unit: Unit) -> None:
    status = await waits(unit, replace(TARGET, fetch_policy=FetchPolicy.NEVER_FULL))
    assert status.phase is Phase.DOWNLOADING
    assert status.message == "fetch policy: only a delta may be fetched, and there is none yet"
    assert unit.manager.asked == []
    status = await unit.ended(by_delta(unit, policy=FetchPolicy.NEVER_FULL), Phase.COMMITTED)
    assert (status.is_delta, status.message) == (True, "")


async def test_never_full_does_not_fall_back_when_the_delta_is_damaged(unit: Unit) -> None:
    status = await waits(unit, by_delta(unit, DAMAGED, FetchPolicy.NEVER_FULL))
    assert "the delta was of no use: delta refused" in status.message
    assert unit.manager.asked == [sha256_of(DAMAGED)]


async def test_the_whole_waits_on_a_metered_line_and_comes_over_another(unit: Unit) -> None:
    target = replace(TARGET, fetch_policy=FetchPolicy.FULL_UNMETERED)
    unit.is_metered = True
    status = await waits(unit, target)
    assert status.message == "fetch policy: over a metered line only a delta may be fetched, and there is none yet"
    unit.is_metered = False
    await unit.ended(target, Phase.COMMITTED)
    assert unit.manager.asked == [TARGET.release]


async def test_a_delta_comes_over_a_metered_line(unit: Unit) -> None:
    unit.is_metered = True
    status = await unit.ended(by_delta(unit, policy=FetchPolicy.FULL_UNMETERED), Phase.COMMITTED)
    assert status.is_delta


async def test_a_unit_that_waits_may_be_restarted_as_often_as_one_likes(unit: Unit) -> None:
    for _ in range(40):
        await waits(unit, replace(TARGET, fetch_policy=FetchPolicy.NEVER_FULL))
    assert {status.phase for status in unit.said} <= {Phase.IDLE, Phase.CHECKING, Phase.DOWNLOADING}
