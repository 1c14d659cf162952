"""Where things are, in SQL: which tenant owns what, for the gate.

Nearly every call of an operator asks; to put a statement together costs more than to run it, so it is done once.
"""

from collections.abc import Callable, Mapping

from sqlalchemy import Column, Connection, Select, bindparam, select

from wayside_manager.core.access import ROOT_TENANT, Place
from wayside_manager.core.nodes import Label
from wayside_manager.ports.access import Resource
from wayside_manager.store.credentials import find_credential_row
from wayside_manager.store.operator_rows import NODES, OPERATORS, bindings_of
from wayside_manager.store.part import SqlPart, reading
from wayside_manager.store.tables import (
    alarms,
    approvals,
    broadcasts,
    config_layer_revisions,
    config_layers,
    corridors,
    enrollment_requests,
    event_sinks,
    geofences,
    groups,
    jobs,
    node_labels,
    nodes,
    operators,
    radio_licences,
    releases,
    rollouts,
    sites,
    tenants,
    tokens,
)

_ID_CHARS = 24  # of things that are called by the start of their hash

_BY_KEY: Mapping[Resource, tuple[Column[str], Column[str]]] = {
    Resource.SITE: (sites.c.site_id, sites.c.tenant_id),
    Resource.CORRIDOR: (corridors.c.corridor_id, corridors.c.tenant_id),
    Resource.GROUP: (groups.c.group_id, groups.c.tenant_id),
    Resource.GEOFENCE: (geofences.c.geofence_id, geofences.c.tenant_id),
    Resource.RADIO_LICENCE: (radio_licences.c.licence_id, radio_licences.c.tenant_id),
    Resource.RELEASE: (releases.c.version, releases.c.tenant_id),
    Resource.BROADCAST: (broadcasts.c.broadcast_id, broadcasts.c.tenant_id),
    Resource.ROLLOUT: (rollouts.c.rollout_id, rollouts.c.tenant_id),
    Resource.APPROVAL: (approvals.c.approval_id, approvals.c.tenant_id),
    Resource.SINK: (event_sinks.c.sink_id, event_sinks.c.tenant_id),
    Resource.TENANT: (tenants.c.tenant_id, tenants.c.tenant_id),
}
_BY_HASH: Mapping[Resource, tuple[Column[str], Column[str]]] = {
    Resource.ENROLLMENT_TOKEN: (tokens.c.sha256, tokens.c.tenant_id),
    Resource.ENROLLMENT_REQUEST: (enrollment_requests.c.key_sha256, enrollment_requests.c.approved_tenant_id),
}


def _tenants_by_key(key: Column[str], tenant_id: Column[str]) -> Select[str]:
    return select(tenant_id).where(key == bindparam("wanted_id"))


def _tenants_by_hash(key: Column[str], tenant_id: Column[str]) -> Select[str]:
    return select(tenant_id).where(key.between(bindparam("wanted_id"), bindparam("wanted_end")))


_TENANTS_BY_KEY = {resource: _tenants_by_key(*columns) for resource, columns in _BY_KEY.items()}
_TENANTS_BY_HASH = {resource: _tenants_by_hash(*columns) for resource, columns in _BY_HASH.items()}
_NODE = (
    select(nodes.c.tenant_id, nodes.c.site_id, node_labels.c.key, node_labels.c.value)
    .join_from(nodes, node_labels, node_labels.c.node_id == nodes.c.node_id, isouter=True)
    .where(nodes.c.node_id == bindparam("wanted_id"))
)
_LAYER = select(config_layers.c.tenant_id).where(config_layers.c.layer_id == bindparam("wanted_id"))
_FORMER_LAYER = (
    select(config_layer_revisions.c.tenant_id)
    .where(config_layer_revisions.c.layer_id == bindparam("wanted_id"))
    .order_by(config_layer_revisions.c.revision.desc())
    .limit(1)
)
_ALARM = select(alarms.c.tenant_id, alarms.c.node_id).where(alarms.c.alarm_id == bindparam("wanted_id"))
_JOB = select(jobs.c.node_id).where(jobs.c.job_id == bindparam("wanted_id"))
_BINDINGS = select(operators.c.bindings).where(operators.c.operator_id == bindparam("wanted_id"))


class SqlPlaces(SqlPart):
    """Satisfies `ports.PlaceStore`."""

    @reading
    def find_places(self, connection: Connection, resource: Resource, resource_id: str) -> tuple[Place, ...]:
        """See PlaceStore."""
        if resource in _TENANTS_BY_KEY:
            return tuple(map(Place, connection.scalars(_TENANTS_BY_KEY[resource], {"wanted_id": resource_id})))
        if resource in _TENANTS_BY_HASH:
            return _by_hash(connection, _TENANTS_BY_HASH[resource], resource_id)
        return _OTHERS[resource](connection, resource_id)


def _by_hash(connection: Connection, query: Select[str], thing_id: str) -> tuple[Place, ...]:
    if len(thing_id) != _ID_CHARS:
        return ()
    # "g" comes after every hex digit
    found = connection.scalars(query, {"wanted_id": thing_id, "wanted_end": f"{thing_id}g"})
    return tuple(Place(each or ROOT_TENANT) for each in found)  # a waiting unit belongs to nobody yet


def _node(connection: Connection, node_id: str) -> tuple[Place, ...]:
    rows = connection.execute(_NODE, {"wanted_id": node_id}).all()
    if not rows:
        return ()
    tenant_id, site, _, _ = rows[0]
    return (Place(tenant_id, site or "", frozenset(Label(key, value) for _, _, key, value in rows if key is not None)),)


def _operator(connection: Connection, operator_id: str) -> tuple[Place, ...]:
    text = connection.scalar(_BINDINGS, {"wanted_id": operator_id})
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


def _layer(connection: Connection, layer_id: str) -> tuple[Place, ...]:
    """A deleted layer still has a history, and the owner it had."""
    tenant_id = connection.scalar(_LAYER, {"wanted_id": layer_id}) or connection.scalar(
        _FORMER_LAYER, {"wanted_id": layer_id}
    )
    return (Place(tenant_id),) if tenant_id else ()


def _alarm(connection: Connection, alarm_id: str) -> tuple[Place, ...]:
    """Where its node is; of an area, whose it is."""
    row = connection.execute(_ALARM, {"wanted_id": alarm_id}).one_or_none()
    if row is None:
        return ()
    return _node(connection, row.node_id) if row.node_id else (Place(row.tenant_id),)


def _job(connection: Connection, job_id: str) -> tuple[Place, ...]:
    node_id = connection.scalar(_JOB, {"wanted_id": job_id})
    return () if node_id is None else _node(connection, node_id)


_OTHERS: Mapping[Resource, Callable[[Connection, str], tuple[Place, ...]]] = {
    Resource.NODE: _node,
    Resource.ALARM: _alarm,
    Resource.JOB: _job,
    Resource.LAYER: _layer,
    Resource.OPERATOR: _operator,
    Resource.CREDENTIAL: _credential,
}
