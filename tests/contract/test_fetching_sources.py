"""One artifact from several sources: who is asked, from which byte, and what becomes of wrong bytes."""

import hashlib
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from tests.contract.update_unit import NEW, EndedError, Manager, Unit, target_of
from wayside.errors import NotFoundError, UnavailableError, WaysideError
from wayside_agent.core.download import Order
from wayside_agent.core.sources import REFUSED_BASE_S
from wayside_agent.core.update import FetchPolicy, Phase, ReleaseTarget

CHUNK = 4096
CDN, MIRROR = "https://cdn.example/{sha256}?sig=1", "https://mirror.example/{sha256}"
PEER = "wayside://10.0.0.7:7500"
LIE = bytes(len(NEW))


@dataclass
class Places:
    """Other places, in the hands of the test."""

    contents: dict[str, bytes] = field(default_factory=dict)
    asked: list[tuple[str, int]] = field(default_factory=list)
    cut_after: dict[str, list[int]] = field(default_factory=dict)
    """Chunks of the next transfers from an address before it is cut."""
    refusals: dict[str, WaysideError] = field(default_factory=dict)

    async def fetch(self, address: str, _order: Order, *, offset_bytes: int) -> AsyncIterator[bytes]:
        self.asked.append((address, offset_bytes))
        if address in self.refusals:
            raise self.refusals[address]
        cuts = self.cut_after.get(address)
        left = cuts.pop(0) if cuts else -1
        content = self.contents[address]
        for begin in range(offset_bytes, len(content), CHUNK):
            if left == 0:
                raise UnavailableError("it broke off")
            left -= 1
            yield content[begin : begin + CHUNK]


@pytest.fixture
def unit(tmp_path: Path) -> Unit:
    return Unit(tmp_path)


@pytest.fixture
def places(unit: Unit) -> Places:
    found = Places({CDN: NEW, MIRROR: NEW, PEER: NEW})
    unit.places = {"https": found, "wayside": found}
    return found


def wanted(*urls: str, policy: FetchPolicy = FetchPolicy.ANY) -> ReleaseTarget:
    return replace(target_of(NEW, "1.2.0"), urls=urls, fetch_policy=policy)


async def staged(unit: Unit, target: ReleaseTarget) -> None:
    assert (await unit.ended(target, Phase.STAGED)).phase is Phase.STAGED


def begins(manager: Manager) -> Sequence[int]:
    return manager.offsets


async def test_the_first_place_serves_it_and_the_manager_is_not_asked(unit: Unit, places: Places) -> None:
    await staged(unit, wanted(CDN, MIRROR))
    assert places.asked == [(CDN, 0)]
    assert begins(unit.manager) == []


async def test_the_next_goes_on_from_the_byte_where_the_one_before_broke_off(unit: Unit, places: Places) -> None:
    places.cut_after = {CDN: [3], MIRROR: [2]}
    await staged(unit, wanted(CDN, MIRROR))
    assert places.asked == [(CDN, 0), (MIRROR, 3 * CHUNK)]
    assert begins(unit.manager) == [5 * CHUNK]


async def test_a_better_place_is_gone_back_to_when_it_was_put_off_long_enough(unit: Unit, places: Places) -> None:
    unit.rate = CHUNK // 4  # four seconds per chunk: the place is put off for two at most
    places.cut_after = {CDN: [1]}
    await staged(unit, wanted(CDN))
    assert places.asked == [(CDN, 0), (CDN, 2 * CHUNK)]
    assert begins(unit.manager) == [CHUNK]


async def test_a_place_that_does_not_have_it_is_passed_over(unit: Unit, places: Places) -> None:
    places.refusals[CDN] = NotFoundError("it does not have the file")
    await staged(unit, wanted(CDN, MIRROR))
    assert places.asked == [(CDN, 0), (MIRROR, 0)]


async def test_who_brings_wrong_bytes_is_not_asked_again_and_the_release_is_not_blamed(
    unit: Unit, places: Places
) -> None:
    places.contents[CDN] = LIE
    await staged(unit, wanted(CDN, MIRROR))
    assert places.asked == [(CDN, 0), (MIRROR, 0)]


async def test_a_liar_among_several_costs_the_file_but_not_the_release(unit: Unit, places: Places) -> None:
    places.contents[CDN] = LIE
    places.cut_after = {CDN: [2]}
    await staged(unit, wanted(CDN, MIRROR))
    assert places.asked == [(CDN, 0), (MIRROR, 2 * CHUNK)]
    assert begins(unit.manager) == [0]


async def test_more_bytes_than_announced_are_the_fault_of_the_place(unit: Unit, places: Places) -> None:
    places.contents[CDN] = NEW + bytes(CHUNK)
    await staged(unit, wanted(CDN, MIRROR))
    assert unit.said[-1].phase is Phase.STAGED


async def test_what_was_fetched_before_a_restart_is_gone_on_with_from_another_source(
    unit: Unit, places: Places
) -> None:
    places.cut_after = {CDN: [3]}
    unit.manager.cut_after = [0]
    unit.until = lambda status: status.downloaded_bytes == 3 * CHUNK
    with pytest.raises(EndedError):
        await unit.start(wanted(CDN))
    places.asked.clear()
    await staged(unit, wanted(MIRROR))
    assert places.asked == [(MIRROR, 3 * CHUNK)]


async def test_the_urls_of_a_newer_word_are_used_without_a_new_order(unit: Unit, places: Places) -> None:
    renewed = CDN.replace("sig=1", "sig=2")
    places.contents[renewed] = NEW
    places.refusals[CDN] = NotFoundError("expired")

    def tell() -> None:
        assert unit.ota is not None
        unit.ota.follow(wanted(renewed))

    unit.manager.on_chunk = tell
    await staged(unit, wanted(CDN))
    assert places.asked == [(CDN, 0), (renewed, CHUNK)]
    assert unit.phases().count(Phase.CHECKING) == 1


async def test_over_a_metered_line_a_neighbour_brings_the_whole_and_nobody_else(unit: Unit, places: Places) -> None:
    unit.is_metered = True
    places.cut_after = {PEER: [2]}
    await staged(unit, wanted(CDN, PEER, policy=FetchPolicy.FULL_UNMETERED))
    assert places.asked == [(PEER, 0), (PEER, 2 * CHUNK)]
    assert begins(unit.manager) == []


async def test_over_a_metered_line_a_neighbour_that_lies_leaves_nobody_to_ask(unit: Unit, places: Places) -> None:
    unit.is_metered = True
    places.contents[PEER] = LIE
    target = wanted(PEER, policy=FetchPolicy.FULL_UNMETERED)
    pauses = 0

    def told_another() -> bool:
        nonlocal pauses
        pauses += 1
        assert unit.ota is not None
        if pauses > 200:  # the manager names another neighbour
            unit.ota.follow(replace(target, urls=("wayside://10.0.0.8:7500",)))
        return True

    places.contents["wayside://10.0.0.8:7500"] = NEW
    unit.may_download = told_another
    await staged(unit, target)
    assert [address for address, _ in places.asked] == [PEER, "wayside://10.0.0.8:7500"]
    assert begins(unit.manager) == []


async def test_a_neighbour_that_is_named_while_all_others_are_put_off_is_asked_soon(tmp_path: Path) -> None:
    target = wanted(PEER, policy=FetchPolicy.FULL_UNMETERED)
    other = "wayside://10.0.0.8:7500"

    class ToldLater(Unit):
        async def pause(self, seconds: float) -> None:
            assert self.ota is not None
            self.ota.follow(replace(target, urls=(PEER, other)))
            await super().pause(seconds)

    unit = ToldLater(tmp_path)
    places = Places({other: NEW}, refusals={PEER: NotFoundError("it does not keep it")})
    unit.places, unit.is_metered = {"wayside": places}, True
    await staged(unit, target)
    assert places.asked == [(PEER, 0), (other, 0)]
    assert unit.now_s < REFUSED_BASE_S


async def test_a_wrong_release_of_the_manager_itself_fails(unit: Unit, places: Places) -> None:
    places.contents[CDN] = LIE
    unit.manager.contents["releases/1.2.0"] = LIE
    status = await unit.ended(wanted(CDN), Phase.FAILED)
    assert hashlib.sha256(LIE).hexdigest()[:12] in status.message
