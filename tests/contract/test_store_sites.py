"""Sites, corridors, groups and geofences: what the store keeps, what it refuses, and whom changes reach."""

import json
from dataclasses import replace
from typing import Any

import pytest

from tests.contract.manager_store import START, enrolled, sited
from wayside.errors import (
    AlreadyExistsError,
    ConflictError,
    FailedPreconditionError,
    InvalidArgumentError,
    NotFoundError,
)
from wayside_manager.core.access import EVERYWHERE, TenantKind, TenantRecord
from wayside_manager.core.configs import ConfigLayerRecord
from wayside_manager.core.nodes import NodeChange
from wayside_manager.core.selectors import CorridorSection, NodeSelector
from wayside_manager.core.sites import (
    CorridorRecord,
    CorridorSite,
    GeofenceKind,
    GeofenceRecord,
    GroupRecord,
    ImportedPlaces,
    Position,
    SiteKind,
    SiteRecord,
    WeeklyHours,
)
from wayside_manager.ports.sites import Place
from wayside_manager.ports.store import Store

SQUARE = json.dumps({"type": "Polygon", "coordinates": [[[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 1.0], [0.0, 0.0]]]})


def site(site_id: str = "k12", **fields: Any) -> SiteRecord:  # noqa: ANN401  # fields of the record
    return SiteRecord(site_id=site_id, create_time=START, update_time=START, **fields)


def corridor(*stakes: tuple[str, float], corridor_id: str = "g98", **fields: Any) -> CorridorRecord:  # noqa: ANN401
    sites = tuple(CorridorSite(site_id, stake_m) for site_id, stake_m in stakes)
    return CorridorRecord(corridor_id=corridor_id, sites=sites, create_time=START, update_time=START, **fields)


def group(*node_ids: str, **fields: Any) -> GroupRecord:  # noqa: ANN401  # fields of the record
    return GroupRecord(group_id="pilots", node_ids=node_ids, create_time=START, update_time=START, **fields)


def geofence(geometry: str = SQUARE, **fields: Any) -> GeofenceRecord:  # noqa: ANN401  # fields of the record
    return GeofenceRecord(geofence_id="old-town", geometry=geometry, create_time=START, update_time=START, **fields)


def layer(selector: NodeSelector, config: dict[str, object]) -> ConfigLayerRecord:
    return ConfigLayerRecord("base", selector, 0, config, START, START)


async def test_a_site_is_kept_whole_and_changes_its_etag_only_when_it_changes(store: Store) -> None:
    wanted = site(
        display_name="North gate",
        kind=SiteKind.TOLL,
        position=Position(20.02, 110.35),
        time_zone="Asia/Shanghai",
        variables={"broker": "10.2.0.1", "lanes": 4, "lit": True},
        backhaul="ring-east",
        power_feed="feed-7",
        exposure_class="coast-salt",
    )
    made = await store.apply_site(wanted, now=START)
    assert replace(made, etag="") == wanted
    assert await store.apply_site(wanted, now=START) == made
    changed = await store.apply_site(replace(wanted, display_name="South gate"), now=START, etag=made.etag)
    assert changed.etag != made.etag
    with pytest.raises(ConflictError):
        await store.apply_site(wanted, now=START, etag=made.etag)
    assert await store.get_site("k12") == changed


async def test_corridors_groups_and_geofences_are_kept_whole(store: Store) -> None:
    await sited(store, "k12", "k15")
    await enrolled(store, "rsu-1")
    ring = corridor(("k12", 12_300.0), ("k15", 15_000.0), is_ring=True, max_in_flight_percent=10.0)
    assert replace(await store.apply_corridor(ring, now=START), etag="") == ring
    pilots = group("rsu-1", display_name="Pilots")
    assert replace(await store.apply_group(pilots, now=START), etag="") == pilots
    by_selector = group(selector=NodeSelector(sections=(CorridorSection("g98", 12_000.0, None),)))
    assert replace(await store.apply_group(by_selector, now=START), etag="") == by_selector
    fence = geofence(
        kind=GeofenceKind.TEST_AREA,
        hours=(WeeklyHours(frozenset({1, 5}), 480, 1200),),
        time_zone="Asia/Shanghai",
        licence="琼测 001",
        begin_time=START,
        hysteresis_m=25.0,
    )
    assert replace(await store.apply_geofence(fence, now=START), etag="") == fence


async def test_lists_go_page_by_page_and_count_the_nodes(store: Store) -> None:
    await sited(store, "a", "b", "c")
    await enrolled(store, "rsu-1")
    await store.update_node("rsu-1", NodeChange(site_id="b"), now=START)
    first = await store.list_sites(reach=EVERYWHERE, page_size=2)
    second = await store.list_sites(reach=EVERYWHERE, page_size=2, page_token=first.next_page_token)
    found = [(each.site_id, each.node_count) for each in (*first.items, *second.items)]
    assert found == [("a", 0), ("b", 1), ("c", 0)]
    await store.apply_group(group(selector=NodeSelector(site_ids=("b",))), now=START)
    assert (await store.get_group("pilots", reach=EVERYWHERE)).node_count == 1


@pytest.mark.parametrize(
    ("stakes", "sentence"),
    [
        ((("k12", 10.0), ("k15", 10.0)), "order of their stakes"),
        ((("k12", 10.0), ("k15", 9.0)), "order of their stakes"),
        ((("k12", 10.0), ("k12", 20.0)), "twice"),
        ((("k12", -1.0),), "not within"),
        ((("k12", float("nan")),), "not within"),
    ],
)
async def test_a_corridor_whose_stakes_do_not_rise_is_refused(
    store: Store, stakes: tuple[tuple[str, float], ...], sentence: str
) -> None:
    await sited(store, "k12", "k15")
    with pytest.raises(InvalidArgumentError, match=sentence):
        await store.apply_corridor(corridor(*stakes), now=START)


async def test_what_is_named_must_be_there(store: Store) -> None:
    with pytest.raises(NotFoundError, match="site k99"):
        await store.apply_corridor(corridor(("k99", 1.0)), now=START)
    with pytest.raises(NotFoundError, match="node rsu-9"):
        await store.apply_group(group("rsu-9"), now=START)
    with pytest.raises(NotFoundError, match="corridor g99"):
        await store.apply_group(group(selector=NodeSelector(sections=(CorridorSection("g99"),))), now=START)
    await enrolled(store, "rsu-1")
    with pytest.raises(NotFoundError, match="site k99"):
        await store.update_node("rsu-1", NodeChange(site_id="k99"), now=START)


async def test_a_groups_selector_names_no_groups(store: Store) -> None:
    with pytest.raises(InvalidArgumentError, match="names no groups"):
        await store.apply_group(group(selector=NodeSelector(group_ids=("pilots",))), now=START)
    with pytest.raises(InvalidArgumentError, match="exclude each other"):
        await store.apply_group(group("rsu-1", selector=NodeSelector(all_nodes=True)), now=START)


async def test_nothing_is_deleted_while_something_names_it(store: Store) -> None:
    await sited(store, "k12", "k15", "k16")
    await enrolled(store, "rsu-1")
    await store.update_node("rsu-1", NodeChange(site_id="k12"), now=START)
    await store.apply_corridor(corridor(("k15", 15_000.0)), now=START)
    await store.apply_layer(layer(NodeSelector(site_ids=("k16",)), {}), now=START)
    await store.apply_group(group(selector=NodeSelector(sections=(CorridorSection("g98"),))), now=START)
    for delete, named in (
        (store.delete_site("k12"), "nodes/rsu-1"),
        (store.delete_site("k15"), "corridors/g98"),
        (store.delete_site("k16"), "configLayers/base"),
        (store.delete_corridor("g98"), "groups/pilots"),
    ):
        with pytest.raises(FailedPreconditionError, match=named):
            await delete
    await store.delete_group("pilots")
    await store.delete_corridor("g98")
    await store.delete_site("k15")
    with pytest.raises(NotFoundError):
        await store.get_site("k15")


async def test_a_retired_node_holds_no_site(store: Store) -> None:
    await sited(store, "k12")
    await enrolled(store, "rsu-1")
    await store.update_node("rsu-1", NodeChange(site_id="k12"), now=START)
    await store.retire_node("rsu-1", now=START)
    await store.delete_site("k12")
    assert (await store.get_node("rsu-1")).site_id == ""


async def test_a_node_stands_at_sites_of_its_tenant_or_of_one_above(store: Store) -> None:
    for tenant_id in ("haikou", "sanya"):
        await store.create_tenant(TenantRecord(tenant_id, TenantKind.CITY, "root", START))
    await sited(store, "of-root")
    await sited(store, "of-haikou", tenant_id="haikou")
    await sited(store, "of-sanya", tenant_id="sanya")
    await enrolled(store, "rsu-1", tenant_id="haikou")
    for site_id in ("of-root", "of-haikou"):
        assert (await store.update_node("rsu-1", NodeChange(site_id=site_id), now=START)).site_id == site_id
    with pytest.raises(NotFoundError, match="site of-sanya"):
        await store.update_node("rsu-1", NodeChange(site_id="of-sanya"), now=START)
    with pytest.raises(NotFoundError, match="site of-haikou"):
        await store.update_node("rsu-1", NodeChange(tenant_id="sanya"), now=START)
    with pytest.raises(AlreadyExistsError, match="name is taken"):
        await store.apply_site(site("of-haikou", tenant_id="sanya"), now=START)


async def test_an_import_is_all_or_nothing_and_says_what_it_did(store: Store) -> None:
    places: list[Place] = [corridor(("k12", 1.0), ("k15", 2.0)), site("k12"), site("k15"), geofence()]
    assert await store.import_places(places, now=START, is_dry=True) == ImportedPlaces(4, 0, 0)
    assert (await store.list_sites(reach=EVERYWHERE)).items == ()
    assert await store.import_places(places, now=START) == ImportedPlaces(4, 0, 0)
    assert await store.import_places(places, now=START) == ImportedPlaces(0, 0, 4)
    moved = [site("k12", position=Position(1.0, 2.0)), site("new")]
    assert await store.import_places(moved, now=START) == ImportedPlaces(1, 1, 0)
    with pytest.raises(NotFoundError, match="site k99"):
        await store.import_places([site("other"), corridor(("k99", 1.0))], now=START)
    with pytest.raises(NotFoundError):
        await store.get_site("other")


async def _asked_revision(store: Store, node_id: str) -> int:
    return (await store.get_desired(node_id)).target_config_revision


async def test_a_change_of_a_place_alters_the_configuration_of_those_it_is_for(store: Store) -> None:
    await sited(store, "k12", "k15", position=Position(0.5, 0.5))
    for node_id, site_id in (("rsu-12", "k12"), ("rsu-15", "k15")):
        await enrolled(store, node_id)
        await store.update_node(node_id, NodeChange(site_id=site_id), now=START)
    await store.apply_corridor(corridor(("k12", 12_000.0)), now=START)
    wanted = layer(NodeSelector(sections=(CorridorSection("g98"),)), {"report_period_s": 10})
    await store.apply_layer(wanted, now=START)
    assert (await _asked_revision(store, "rsu-12"), await _asked_revision(store, "rsu-15")) == (1, 0)
    await store.apply_corridor(corridor(("k12", 12_000.0), ("k15", 15_000.0)), now=START)
    assert (await _asked_revision(store, "rsu-12"), await _asked_revision(store, "rsu-15")) == (1, 1)
    await store.apply_corridor(corridor(("k15", 15_000.0)), now=START)
    assert (await _asked_revision(store, "rsu-12"), await _asked_revision(store, "rsu-15")) == (2, 1)


async def test_a_node_that_moves_is_told_its_new_configuration_at_once(store: Store) -> None:
    await sited(store, "k12", "k15")
    await enrolled(store, "rsu-1")
    await store.apply_layer(layer(NodeSelector(site_ids=("k12",)), {"report_period_s": 10}), now=START)
    await store.update_node("rsu-1", NodeChange(site_id="k12"), now=START)
    desired = await store.get_desired("rsu-1")
    assert desired.config_revision == desired.target_config_revision == 1
