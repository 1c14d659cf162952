"""Where things are, in SQL: which tenant owns what, for the gate."""

from collections.abc import Callable, Mapping

from sqlalchemy import Column, Connection, select

from wayside_manager.core.access import ROOT_TENANT, Place
from wayside_manager.core.nodes import Label
from wayside_manager.ports.access import Resource
from wayside_manager.store.credentials import find_credential_row
from wayside_manager.store.operator_rows import NODES, OPERATORS, bindings_of
from wayside_manager.store.part import SqlPart, reading
from wayside_manager.store.tables import (
    approvals,
    config_layers,
    enrollment_requests,
    node_labels,
    nodes,
    operators,
    releases,
    rollouts,
    tenants,
    tokens,
)

_ID_CHARS = 24  # of things that are called by the start of their hash

_BY_KEY: Mapping[Resource, tuple[Column[str], Column[str]]] = {
    Resource.LAYER: (config_layers.c.layer_id, config_layers.c.tenant_id),
    Resource.RELEASE: (releases.c.version, releases.c.tenant_id),
    Resource.ROLLOUT: (rollouts.c.rollout_id, rollouts.c.tenant_id),
    Resource.APPROVAL: (approvals.c.approval_id, approvals.c.tenant_id),
    Resource.TENANT: (tenants.c.tenant_id, tenants.c.tenant_id),
}
_BY_HASH: Mapping[Resource, tuple[Column[str], Column[str]]] = {
    Resource.ENROLLMENT_TOKEN: (tokens.c.sha256, tokens.c.tenant_id),
    Resource.ENROLLMENT_REQUEST: (enrollment_requests.c.key_sha256, enrollment_requests.c.approved_tenant_id),
}


class SqlPlaces(SqlPart):
    """Satisfies `ports.PlaceStore`."""

    @reading
    def find_places(self, connection: Connection, resource: Resource, resource_id: str) -> tuple[Place, ...]:
        """See PlaceStore."""
        if resource in _BY_KEY:
            key, tenant_id = _BY_KEY[resource]
            return tuple(map(Place, connection.scalars(select(tenant_id).where(key == resource_id))))
        if resource in _BY_HASH:
            return _by_hash(connection, *_BY_HASH[resource], resource_id)
        return _OTHERS[resource](connection, resource_id)


def _by_hash(connection: Connection, key: Column[str], tenant_id: Column[str], thing_id: str) -> tuple[Place, ...]:
    if len(thing_id) != _ID_CHARS:
        return ()
    # "g" comes after every hex digit
    found = connection.scalars(select(tenant_id).where(key.between(thing_id, f"{thing_id}g")))
    return tuple(Place(each or ROOT_TENANT) for each in found)  # a waiting unit belongs to nobody yet


def _node(connection: Connection, node_id: str) -> tuple[Place, ...]:
    row = connection.execute(select(nodes.c.tenant_id, nodes.c.site).where(nodes.c.node_id == node_id)).one_or_none()
    if row is None:
        return ()
    query = select(node_labels.c.key, node_labels.c.value).where(node_labels.c.node_id == node_id)
    return (Place(row.tenant_id, row.site, frozenset(Label(*label) for label in connection.execute(query))),)


def _operator(connection: Connection, operator_id: str) -> tuple[Place, ...]:
    text = connection.scalar(select(operators.c.bindings).where(operators.c.operator_id == operator_id))
    if text is None:
        return ()
    tenant_ids = dict.fromkeys(binding.tenant_id for binding in bindings_of(text))
    return tuple(map(Place, tenant_ids or (ROOT_TENANT,)))


def _credential(connection: Connection, credential_id: str) -> tuple[Place, ...]:
    row = find_credential_row(connection, credential_id)
    if row is None:
        return ()
    if row.holder.startswith(NODES):
        return _node(connection, row.holder.removeprefix(NODES))
    return _operator(connection, row.holder.removeprefix(OPERATORS))


_OTHERS: Mapping[Resource, Callable[[Connection, str], tuple[Place, ...]]] = {
    Resource.NODE: _node,
    Resource.OPERATOR: _operator,
    Resource.CREDENTIAL: _credential,
}
