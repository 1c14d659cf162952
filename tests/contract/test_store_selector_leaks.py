"""Selectors tell nobody which places other tenants have."""

from typing import Any

import pytest

from tests.contract.manager_land import settled, whole
from tests.contract.manager_store import START, sited
from wayside.errors import NotFoundError
from wayside_manager.core.selectors import CorridorSection, NodeSelector
from wayside_manager.core.sites import CorridorRecord, CorridorSite, GroupRecord
from wayside_manager.ports.store import Store

NAMED = [
    NodeSelector(site_ids=("k1",)),
    NodeSelector(sections=(CorridorSection("g98"),)),
    NodeSelector(group_ids=("team",)),
]


@pytest.fixture
async def land(store: Store) -> Store:
    """A site, a road and a group of Sanya."""
    await settled(store)
    await sited(store, "k1", tenant_id="sanya")
    owned: dict[str, Any] = {"tenant_id": "sanya", "create_time": START, "update_time": START}
    await store.apply_corridor(CorridorRecord(corridor_id="g98", sites=(CorridorSite("k1", 0.0),), **owned), now=START)
    await store.apply_group(GroupRecord(group_id="team", node_ids=("sanya-1",), **owned), now=START)
    return store


@pytest.mark.parametrize("selector", NAMED, ids=["site", "corridor", "group"])
async def test_places_of_another_tenant_are_as_if_they_were_not_there(land: Store, selector: NodeSelector) -> None:
    with pytest.raises(NotFoundError):
        await land.preview_config([], [], reach=whole("haikou"), selector=selector)
    with pytest.raises(NotFoundError):
        await land.list_drift(reach=whole("haikou"), selector=selector)
    with pytest.raises(NotFoundError):
        await land.select_nodes(selector, reach=whole("haikou"), tenant_id="haikou")


@pytest.mark.parametrize("selector", NAMED, ids=["site", "corridor", "group"])
async def test_who_is_above_may_name_them(land: Store, selector: NodeSelector) -> None:
    await land.preview_config([], [], reach=whole("hainan"), selector=selector)
    await land.list_drift(reach=whole("sanya"), selector=selector)
    await land.select_nodes(selector, reach=whole("hainan"), tenant_id="hainan")
