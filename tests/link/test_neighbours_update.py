"""A unit that updates from its neighbours over real connections: honest ones, liars, and some that vanish."""

import asyncio
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path

import pytest

from tests.contract.update_unit import NEW, Unit, target_of
from tests.link.neighbourhood import REVOKED, Fleet, Neighbour, RoughShelf
from wayside_agent.core.update import Phase, ReleaseTarget
from wayside_agent.drivers.kept_artifacts import KeptArtifacts
from wayside_agent.link.neighbours import NeighbourPlace

LIE = bytes(len(NEW))


@pytest.fixture
def fleet() -> Fleet:
    return Fleet()


@pytest.fixture
def unit(fleet: Fleet, tmp_path: Path) -> Unit:
    """One that knows neighbours."""
    identity = fleet.identity("obu-2")
    made = Unit(tmp_path / "unit")
    made.root.mkdir()
    made.places = {"wayside": NeighbourPlace(lambda: identity)}
    return made


async def neighbour(
    fleet: Fleet, folder: Path, stack: AsyncExitStack, node_id: str, shelf: RoughShelf | None = None
) -> Neighbour:
    """A roadside unit that serves; without a shelf, what it really keeps."""
    (folder / node_id).mkdir()
    made = Neighbour(folder / node_id / "peer", fleet.identity(node_id, serves=True), shelf=shelf)
    if shelf is None:
        await made.kept(NEW, sha256=target_of(NEW).sha256)
    return await stack.enter_async_context(made.serving())


def wanted(*neighbours: Neighbour) -> ReleaseTarget:
    return replace(target_of(NEW, "1.2.0"), urls=tuple(each.url for each in neighbours))


async def test_the_release_comes_from_a_neighbour_and_the_manager_sends_nothing(
    fleet: Fleet, unit: Unit, tmp_path: Path
) -> None:
    async with AsyncExitStack() as stack:
        rsu = await neighbour(fleet, tmp_path, stack, "rsu-1")
        await unit.ended(wanted(rsu), Phase.COMMITTED)
    assert unit.manager.offsets == []


async def test_a_liar_costs_one_attempt_and_the_next_neighbour_brings_the_release(
    fleet: Fleet, unit: Unit, tmp_path: Path
) -> None:
    async with AsyncExitStack() as stack:
        liar = RoughShelf(LIE)
        first = await neighbour(fleet, tmp_path, stack, "rsu-1", liar)
        second = await neighbour(fleet, tmp_path, stack, "rsu-2")
        await unit.ended(wanted(first, second), Phase.COMMITTED)
    assert liar.offsets == [0]
    assert len(second.asked) == 1
    assert unit.manager.offsets == []


async def test_when_all_neighbours_lie_the_manager_brings_the_release(fleet: Fleet, unit: Unit, tmp_path: Path) -> None:
    async with AsyncExitStack() as stack:
        liars = [RoughShelf(LIE), RoughShelf(NEW + b"more")]
        rsus = [await neighbour(fleet, tmp_path, stack, f"rsu-{n}", liar) for n, liar in enumerate(liars)]
        await unit.ended(wanted(*rsus), Phase.COMMITTED)
    assert liars[0].offsets == [0]
    assert unit.manager.offsets == [0]


async def test_a_neighbour_that_vanishes_is_gone_on_from_at_that_byte(fleet: Fleet, unit: Unit, tmp_path: Path) -> None:
    stops_at = len(NEW) // 3
    async with AsyncExitStack() as stack:
        vanishing, second = RoughShelf(NEW, stops_at=stops_at), RoughShelf(NEW)
        first = await neighbour(fleet, tmp_path, stack, "rsu-1", vanishing)
        other = await neighbour(fleet, tmp_path, stack, "rsu-2", second)

        async def cut() -> None:
            await vanishing.stopped.wait()
            first.vanish()

        async with asyncio.TaskGroup() as group:
            group.create_task(cut())
            await unit.ended(wanted(first, other), Phase.COMMITTED)
    assert vanishing.offsets == [0]
    assert second.offsets == [stops_at]
    assert unit.manager.offsets == []


async def test_a_unit_whose_certificate_is_revoked_has_it_from_the_manager_or_not_at_all(
    fleet: Fleet, unit: Unit, tmp_path: Path
) -> None:
    async with AsyncExitStack() as stack:
        rsu = await neighbour(fleet, tmp_path, stack, "rsu-1")
        rsu.answers[""] = REVOKED
        await unit.ended(wanted(rsu), Phase.STAGED)
    assert len(rsu.asked) == 1
    assert unit.manager.offsets == [0]


async def test_a_unit_hands_on_what_it_had_from_its_neighbour(fleet: Fleet, unit: Unit, tmp_path: Path) -> None:
    async with AsyncExitStack() as stack:
        first = await neighbour(fleet, tmp_path, stack, "rsu-1")
        shelf = await stack.enter_async_context(KeptArtifacts(tmp_path / "kept", max_count=1, reserve_bytes=0))
        unit.keeper = shelf
        await unit.ended(wanted(first), Phase.COMMITTED)
        assert (tmp_path / "kept" / target_of(NEW).sha256).read_bytes() == NEW
