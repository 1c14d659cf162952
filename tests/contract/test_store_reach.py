"""Lists show what a reach covers and nothing else; rollouts select from it."""

import itertools

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.contract.manager_land import (
    LABELS,
    PARENTS,
    SITES,
    founded,
    layer,
    release,
    rolled_out,
    settled,
    viewing,
    whole,
)
from tests.contract.manager_store import START, enrolled, sited
from wayside_manager.core.access import EVERYWHERE, NOWHERE, Binding, Reach, Role
from wayside_manager.core.nodes import NodeChange, NodeKind
from wayside_manager.core.selectors import NodeFilter, NodeSelector, place_of
from wayside_manager.ports.store import Store

EVERY = NodeSelector(all_nodes=True)
reaches = st.lists(
    st.builds(
        Binding,
        role=st.just(Role.VIEWER),
        tenant_id=st.sampled_from(sorted(PARENTS)),
        sites=st.lists(st.sampled_from(SITES), max_size=2, unique=True).map(tuple),
        labels=st.lists(st.sampled_from(LABELS), max_size=2, unique=True).map(tuple),
    ),
    max_size=3,
).map(lambda bindings: viewing(*bindings))
on_one_store = settings(deadline=None, max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture
async def fleet(store: Store) -> Store:
    """A node per tenant."""
    await settled(store)
    return store


@pytest.fixture
async def crowd(store: Store) -> Store:
    """A node for every tenant, site and set of labels."""
    await founded(store)
    await sited(store, *filter(None, SITES))
    label_sets = [chosen for count in range(3) for chosen in itertools.combinations(LABELS, count)]
    for index, (tenant_id, site, labels) in enumerate(itertools.product(PARENTS, SITES, label_sets)):
        await enrolled(store, f"n-{index}", tenant_id=tenant_id)
        await store.update_node(f"n-{index}", NodeChange(site_id=site, labels=labels), now=START)
    return store


async def listed(store: Store, covered: Reach) -> list[str]:
    page = await store.list_nodes(NodeFilter(), reach=covered, now=START, page_size=1000)
    return [node.node_id for node in page.items]


def _version(tenant_id: str) -> str:
    return f"1.{sorted(PARENTS).index(tenant_id)}.0"


@on_one_store
@given(covered=reaches)
async def test_a_list_shows_just_the_nodes_a_reach_covers(crowd: Store, covered: Reach) -> None:
    everyone = (await crowd.list_nodes(NodeFilter(), reach=EVERYWHERE, now=START, page_size=1000)).items
    assert len(everyone) == len(PARENTS) * 8
    assert await listed(crowd, covered) == [node.node_id for node in everyone if covered.covers(place_of(node))]


@on_one_store
@given(covered=reaches)
async def test_lists_of_other_things_show_just_what_a_reach_covers(fleet: Store, covered: Reach) -> None:
    for tenant_id in PARENTS:
        # made once; the fixture is the same for all examples
        made = {one.layer_id for one in (await fleet.list_layers(reach=EVERYWHERE)).items}
        if tenant_id not in made:
            await fleet.apply_layer(layer(tenant_id, tenant_id=tenant_id), now=START)
            await fleet.add_release(release(_version(tenant_id), tenant_id=tenant_id))
            await rolled_out(fleet, tenant_id, f"{tenant_id}-1", version=_version(tenant_id), name=tenant_id)
    layers = {one.layer_id for one in (await fleet.list_layers(reach=covered)).items}
    every_rollout = (await fleet.list_rollouts(reach=EVERYWHERE)).items  # also those that the layers began
    rollouts = (await fleet.list_rollouts(reach=covered)).items
    releases = {one.tenant_id for one in (await fleet.list_releases(reach=covered)).items}
    own = {tenant_id for tenant_id in PARENTS if covered.covers_tenant(tenant_id)}
    assert layers == {one.rollout_id for one in rollouts if one.version} == own
    assert rollouts == tuple(one for one in every_rollout if covered.covers_tenant(one.tenant_id))
    assert releases == {tenant_id for tenant_id in PARENTS if covered.uses_releases_of(tenant_id)}


async def test_who_reaches_nowhere_sees_nothing_and_the_manager_itself_everything(fleet: Store) -> None:
    assert await listed(fleet, NOWHERE) == []
    assert len(await listed(fleet, EVERYWHERE)) == len(PARENTS)


async def test_pages_within_a_reach_leave_nothing_out(crowd: Store) -> None:
    covered, seen, page_token = whole("hainan"), [], ""
    while True:
        page = await crowd.list_nodes(NodeFilter(), reach=covered, now=START, page_size=5, page_token=page_token)
        seen += [node.node_id for node in page.items]
        page_token = page.next_page_token
        if not page_token:
            break
    assert seen == await listed(crowd, covered)
    assert len(seen) == 3 * 8


async def test_a_rollout_is_for_nodes_of_its_tenant_that_the_caller_reaches(fleet: Store) -> None:
    chosen = await fleet.select_nodes(EVERY, reach=whole("hainan"), tenant_id="root")
    assert chosen == ("haikou-1", "hainan-1", "sanya-1")
    assert await fleet.select_nodes(EVERY, reach=EVERYWHERE, tenant_id="haikou") == ("haikou-1",)
    assert await fleet.select_nodes(EVERY, reach=whole("yunnan"), tenant_id="hainan") == ()
    named = NodeSelector(node_ids=("haikou-1", "yunnan-1"))
    assert await fleet.select_nodes(named, reach=EVERYWHERE, tenant_id="hainan") == ("haikou-1",)


async def test_labels_of_the_reach_and_of_the_selector_count_both(crowd: Store) -> None:
    left_only = viewing(Binding(Role.VIEWER, "haikou", labels=(LABELS[1],)))
    on_g98 = NodeSelector(labels=(LABELS[0],))
    chosen = await crowd.select_nodes(on_g98, reach=left_only, tenant_id="hainan")
    nodes = [await crowd.get_node(node_id) for node_id in chosen]
    assert len(nodes) == len(SITES)
    assert all((node.tenant_id, set(node.labels)) == ("haikou", set(LABELS)) for node in nodes)


async def test_nodes_are_counted_once_however_many_selectors_name_them(fleet: Store) -> None:
    selectors = (NodeSelector(kinds=(NodeKind.RSU,)), NodeSelector(node_ids=("haikou-1", "yunnan-1")))
    assert await fleet.count_reached(selectors, "hainan") == 3
    assert await fleet.count_reached(selectors[1:], "hainan") == 1
    assert await fleet.count_reached((), "hainan") == 0
    assert await fleet.count_reached(selectors, "atlantis") == 0
    await fleet.retire_node("sanya-1", now=START)
    assert await fleet.count_reached(selectors, "hainan") == 2
