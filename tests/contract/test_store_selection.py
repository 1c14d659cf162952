"""Whom selectors mean, among 50 km of sites: just the nodes on the road between two stakes, just those in an area."""

import itertools

import pytest

from tests.contract.manager_store import START, enrolled
from wayside.errors import InvalidArgumentError, NotFoundError
from wayside_manager.core.access import EVERYWHERE
from wayside_manager.core.nodes import Label, NodeChange, NodeKind
from wayside_manager.core.selectors import CorridorSection, NodeSelector
from wayside_manager.core.sites import CorridorRecord, CorridorSite, GeofenceRecord, GroupRecord, Position, SiteRecord
from wayside_manager.ports.store import Store

LENGTH_M, DISTANCE_M = 50_000, 1_000
STAKES_M = range(0, LENGTH_M + 1, DISTANCE_M)
DEGREES_PER_KM = 0.01
"""The road runs straight to the north-east, one site per kilometre."""


def site_id(stake_m: int) -> str:
    return f"k{stake_m // 1000:02}"


def rsus(*kilometres: int) -> list[str]:
    return [f"rsu-k{kilometre:02}" for kilometre in kilometres]


@pytest.fixture
async def road(store: Store) -> Store:
    """A unit at every site of the road; one vehicle at its depot, which is nowhere on the map, one nowhere at all."""
    sites = [
        SiteRecord(
            site_id=site_id(stake_m),
            position=Position(20.0 + stake_m / 1000 * DEGREES_PER_KM, 110.0 + stake_m / 1000 * DEGREES_PER_KM),
            create_time=START,
            update_time=START,
        )
        for stake_m in STAKES_M
    ]
    depot = SiteRecord(site_id="depot", create_time=START, update_time=START)
    stakes = tuple(CorridorSite(site_id(stake_m), float(stake_m)) for stake_m in STAKES_M)
    corridor = CorridorRecord(corridor_id="g98", sites=stakes, create_time=START, update_time=START)
    await store.import_places([*sites, depot, corridor], now=START)
    for stake_m in STAKES_M:
        await enrolled(store, f"rsu-{site_id(stake_m)}", labels={"lane": str(stake_m // 1000 % 2)})
        await store.update_node(f"rsu-{site_id(stake_m)}", NodeChange(site_id=site_id(stake_m)), now=START)
    for node_id, at in (("obu-depot", "depot"), ("obu-free", "")):
        await enrolled(store, node_id, kind=NodeKind.OBU)
        await store.update_node(node_id, NodeChange(site_id=at), now=START)
    return store


async def meant(store: Store, selector: NodeSelector) -> list[str]:
    page, total_count = await store.find_nodes(selector, reach=EVERYWHERE, page_size=1000)
    assert total_count == len(page.items)
    return list(page.items)


def area(south: float, west: float, north: float, east: float) -> tuple[tuple[float, float], ...]:
    return (south, west), (south, east), (north, east), (north, west)


async def test_a_section_means_the_units_between_its_stakes_and_no_others(road: Store) -> None:
    for begin_m, end_m, kilometres in (
        (12_300.0, 15_000.0, range(13, 16)),
        (12_000.0, 12_000.0, range(12, 13)),
        (12_100.0, 12_900.0, range(0)),
        (48_500.0, None, range(49, 51)),
        (None, 1_000.0, range(2)),
        (None, None, range(51)),
    ):
        section = CorridorSection("g98", begin_m, end_m)
        assert await meant(road, NodeSelector(sections=(section,))) == rsus(*kilometres), section


async def test_an_area_means_the_units_inside_it_and_on_its_border(road: Store) -> None:
    chosen = NodeSelector(areas=(area(20.095, 110.095, 20.145, 110.145),))
    assert await meant(road, chosen) == rsus(10, 11, 12, 13, 14)
    corner = NodeSelector(areas=(area(20.0, 110.0, 20.005, 110.005),))
    assert await meant(road, corner) == rsus(0)
    triangle = NodeSelector(areas=(((20.0, 110.1), (20.195, 110.1), (20.0, 110.295)),))
    assert await meant(road, triangle) == rsus(10, 11, 12, 13, 14)


async def test_a_geofence_means_who_is_inside_its_border_and_outside_its_holes(road: Store) -> None:
    outer = [[110.0, 20.0], [110.2, 20.0], [110.2, 20.2], [110.0, 20.2], [110.0, 20.0]]
    hole = [[110.045, 20.045], [110.045, 20.155], [110.155, 20.155], [110.155, 20.045], [110.045, 20.045]]
    geometry = f'{{"type": "Polygon", "coordinates": [{outer}, {hole}]}}'
    town = GeofenceRecord(geofence_id="town", geometry=geometry, create_time=START, update_time=START)
    await road.apply_geofence(town, now=START)
    assert await meant(road, NodeSelector(geofence_ids=("town",))) == rsus(*range(5), *range(16, 21))


async def test_fields_are_anded_and_entries_of_a_field_ored(road: Store) -> None:
    two = NodeSelector(sections=(CorridorSection("g98", 0.0, 2_000.0), CorridorSection("g98", 49_000.0, None)))
    assert await meant(road, two) == rsus(0, 1, 2, 49, 50)
    both = NodeSelector(
        sections=(CorridorSection("g98", 10_000.0, 20_000.0),),
        areas=(area(20.0, 110.0, 20.125, 110.125),),
        labels=(Label("lane", "0"),),
    )
    assert await meant(road, both) == rsus(10, 12)
    nobody = NodeSelector(site_ids=("k01",), sections=(CorridorSection("g98", 10_000.0, None),))
    assert await meant(road, nobody) == []


async def test_a_group_means_its_list_or_whoever_its_selector_means_now(road: Store) -> None:
    listed = GroupRecord(group_id="pilots", node_ids=("rsu-k01", "obu-free"), create_time=START, update_time=START)
    await road.apply_group(listed, now=START)
    assert await meant(road, NodeSelector(group_ids=("pilots",))) == ["obu-free", "rsu-k01"]
    assert await meant(road, NodeSelector(group_ids=("pilots",), kinds=(NodeKind.RSU,))) == ["rsu-k01"]
    section = NodeSelector(sections=(CorridorSection("g98", None, 1_000.0),))
    by_selector = GroupRecord(group_id="pilots", selector=section, create_time=START, update_time=START)
    await road.apply_group(by_selector, now=START)
    assert await meant(road, NodeSelector(group_ids=("pilots",))) == rsus(0, 1)
    await road.update_node("rsu-k01", NodeChange(site_id="k30"), now=START)
    assert await meant(road, NodeSelector(group_ids=("pilots",))) == rsus(0)


async def test_a_section_of_a_ring_may_go_over_its_beginning(road: Store) -> None:
    over = NodeSelector(sections=(CorridorSection("g98", 49_000.0, 1_000.0),))
    with pytest.raises(InvalidArgumentError, match="only on a ring"):
        await meant(road, over)
    line = await road.get_corridor("g98")
    ring = CorridorRecord(corridor_id="g98", sites=line.sites, is_ring=True, create_time=START, update_time=START)
    await road.apply_corridor(ring, now=START)
    assert await meant(road, over) == rsus(0, 1, 49, 50)


@pytest.mark.parametrize(
    ("selector", "named"),
    [
        (NodeSelector(site_ids=("k99",)), "site k99"),
        (NodeSelector(sections=(CorridorSection("g99"),)), "corridor g99"),
        (NodeSelector(group_ids=("none",)), "group none"),
        (NodeSelector(geofence_ids=("none",)), "geofence none"),
    ],
    ids=["site", "corridor", "group", "geofence"],
)
async def test_what_a_selector_names_and_is_not_there_is_said(store: Store, selector: NodeSelector, named: str) -> None:
    with pytest.raises(NotFoundError, match=named):
        await store.find_nodes(selector, reach=EVERYWHERE)


async def test_an_area_that_crosses_itself_is_refused(store: Store) -> None:
    bow = NodeSelector(areas=(((0.0, 0.0), (1.0, 1.0), (1.0, 0.0), (0.0, 1.0)),))
    with pytest.raises(InvalidArgumentError, match="crosses or touches itself"):
        await store.find_nodes(bow, reach=EVERYWHERE)


async def test_pages_of_nodes_are_the_whole_in_order(road: Store) -> None:
    every: list[str] = []
    token = ""
    for _ in itertools.count():
        page, total_count = await road.find_nodes(
            NodeSelector(all_nodes=True), reach=EVERYWHERE, page_size=20, page_token=token
        )
        every += page.items
        token = page.next_page_token
        if not token:
            break
    assert every == sorted(every)
    assert len(every) == total_count == len(STAKES_M) + 2
