"""A land of tenants for the store tests: a province with two cities, and another province."""

from dataclasses import replace

from tests.contract import manager_store
from tests.contract.manager_store import START, enrolled
from wayside_manager.core.access import Binding, Permission, Reach, Role, TenantKind, TenantRecord, Tenants, reach
from wayside_manager.core.configs import ConfigLayerRecord
from wayside_manager.core.nodes import Label
from wayside_manager.core.releases import ReleaseRecord
from wayside_manager.core.rollout import RolloutSpec
from wayside_manager.ports.store import Store

PARENTS = {"root": "", "hainan": "root", "haikou": "hainan", "sanya": "hainan", "yunnan": "root"}
TENANTS = Tenants(PARENTS)
SITES = ("", "k12")
LABELS = (Label("road", "g98"), Label("side", "left"))


async def founded(store: Store) -> None:
    """The tenants, without nodes."""
    for tenant_id, parent_id in PARENTS.items():
        if parent_id:
            await store.create_tenant(TenantRecord(tenant_id, TenantKind.CITY, parent_id, START))


async def settled(store: Store) -> None:
    """The tenants, with a node each."""
    await founded(store)
    for tenant_id in PARENTS:
        await enrolled(store, f"{tenant_id}-1", tenant_id=tenant_id)


def layer(layer_id: str, period_s: int = 0, *, tenant_id: str, priority: int = 0) -> ConfigLayerRecord:
    """A layer for every node of a tenant and those below it."""
    config = {"report_period_s": period_s} if period_s else {}
    return replace(manager_store.layer(layer_id, config, priority=priority), tenant_id=tenant_id)


def release(version: str, *, tenant_id: str = "root") -> ReleaseRecord:
    """A release of a tenant."""
    return replace(manager_store.release(version), tenant_id=tenant_id)


def viewing(*bindings: Binding) -> Reach:
    """What bindings let their holder see of nodes."""
    return reach(bindings, Permission.NODES_READ, TENANTS)


def whole(tenant_id: str) -> Reach:
    """All of a tenant and those below it."""
    return viewing(Binding(Role.VIEWER, tenant_id))


async def rolled_out(store: Store, tenant_id: str, *node_ids: str, version: str = "1.1.0", name: str = "r1") -> None:
    """A rollout of a tenant."""
    await store.create_rollout(RolloutSpec(name, version, node_ids, tenant_id=tenant_id), now=START)
