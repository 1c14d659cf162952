"""Every table, from one place: who imports this module has them all in `metadata`.

They are defined by subject in `store/schema/`; a new one goes into its file there and into this list.
"""

from wayside_manager.store.schema.access import access_policy, approvals, credentials, operators
from wayside_manager.store.schema.alarms import alarm_members, alarm_policy, alarms
from wayside_manager.store.schema.audit import audit_entries, audit_head, audit_seals
from wayside_manager.store.schema.broadcasts import broadcast_nodes, broadcasts
from wayside_manager.store.schema.columns import metadata
from wayside_manager.store.schema.configs import config_contents, config_layer_revisions, config_layers, node_configs
from wayside_manager.store.schema.enrollment import enrollment_requests, tokens
from wayside_manager.store.schema.events import dead_letters, event_head, event_sinks, events
from wayside_manager.store.schema.health import health_history, history_progress, node_checks, node_states
from wayside_manager.store.schema.jobs import job_artifacts, jobs
from wayside_manager.store.schema.nodes import node_desired, node_labels, node_status, nodes, radio_licences
from wayside_manager.store.schema.places import (
    corridor_sites,
    corridors,
    geofences,
    group_nodes,
    groups,
    sites,
    tenants,
)
from wayside_manager.store.schema.releases import directions, release_deltas, trust_files
from wayside_manager.store.schema.reports import reports, spools
from wayside_manager.store.schema.rollouts import leases, releases, rollout_nodes, rollouts

__all__ = [
    "access_policy",
    "alarm_members",
    "alarm_policy",
    "alarms",
    "approvals",
    "audit_entries",
    "audit_head",
    "audit_seals",
    "broadcast_nodes",
    "broadcasts",
    "config_contents",
    "config_layer_revisions",
    "config_layers",
    "corridor_sites",
    "corridors",
    "credentials",
    "dead_letters",
    "directions",
    "enrollment_requests",
    "event_head",
    "event_sinks",
    "events",
    "geofences",
    "group_nodes",
    "groups",
    "health_history",
    "history_progress",
    "job_artifacts",
    "jobs",
    "leases",
    "metadata",
    "node_checks",
    "node_configs",
    "node_desired",
    "node_labels",
    "node_states",
    "node_status",
    "nodes",
    "operators",
    "radio_licences",
    "release_deltas",
    "releases",
    "reports",
    "rollout_nodes",
    "rollouts",
    "sites",
    "spools",
    "tenants",
    "tokens",
    "trust_files",
]
