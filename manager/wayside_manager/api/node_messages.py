"""Nodes between records and messages, and the checks of what operators write on them.

Usage: `node_message(record, now=now)`; `selector(message, field="selector")` back.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta

from google.protobuf.descriptor import EnumDescriptor
from google.protobuf.timestamp_pb2 import Timestamp

from wayside.errors import InvalidArgumentError
from wayside.names import (
    geofence_id,
    geofence_name,
    group_id,
    group_name,
    node_id,
    node_name,
    release_name,
    rollout_name,
    site_id,
    site_name,
    tenant_name,
)
from wayside.v1 import fleet_service_pb2, node_pb2, node_service_pb2, release_pb2
from wayside_manager.api.place_messages import area, area_message, section, section_message, variables_message
from wayside_manager.core.nodes import DesiredRecord, FetchPolicy, Label, NodeKind, NodeRecord, NodeState, reconciling
from wayside_manager.core.presence import Presence, presence
from wayside_manager.core.selectors import NAMES_MAX_COUNT, NodeFilter, NodeSelector, checked_selector

LABEL_MAX_CHARS = 63  # as node.proto says
LABEL_MAX_COUNT = 64
WORD_MAX_CHARS = 80
"""Of a model or a version."""

_LABEL_KEY = re.compile(r"[a-z0-9-]{1,63}\Z")


def timestamp(moment: datetime) -> Timestamp:
    """A UTC time as protobuf has it."""
    stamp = Timestamp()
    stamp.FromDatetime(moment.astimezone(UTC))
    return stamp


def node_message(node: NodeRecord, *, now: datetime) -> node_pb2.Node:
    """A node as operators see it at `now`."""
    status, desired = node.status, node.desired
    message = node_pb2.Node(
        name=node_name(node.node_id),
        esn=node.esn,
        kind=kind_value(node.kind),
        display_name=node.display_name,
        site=site_name(node.site_id) if node.site_id else "",
        labels=(node_pb2.Label(key=label.key, value=label.value) for label in node.labels),
        state=node_pb2.Node.State.Value(f"STATE_{node.state.name}"),
        presence=presence_value(presence_at(node, now)),
        create_time=timestamp(node.create_time),
        update_time=timestamp(node.update_time),
        etag=node.etag,
        desired_config_revision=desired.config_revision,
        desired_release=release_name(desired.release.version) if desired.release else "",
        reconciling=reconciling(node),
        lost_report_count=status.lost_report_count,
        tenant=tenant_name(node.tenant_id),
        model=status.model,
        variables=variables_message(node.variables) if node.variables else None,
        target_config_revision=desired.target_config_revision,
        config_problem=desired.config_problem,
    )
    if node.certificate_expire_time is not None:
        message.certificate_expire_time.CopyFrom(timestamp(node.certificate_expire_time))
    if status.last_report_time is not None:
        message.last_report_time.CopyFrom(timestamp(status.last_report_time))
    if status.health:
        message.health.CopyFrom(node_pb2.HealthReport.FromString(status.health))
    if status.config_report:
        message.config.CopyFrom(node_pb2.ConfigReport.FromString(status.config_report))
    if status.update_report:
        message.update.CopyFrom(release_pb2.UpdateReport.FromString(status.update_report))
    return message


def presence_at(node: NodeRecord, now: datetime) -> Presence:
    """Whether a node is heard from at `now`."""
    return presence(now, node.status.last_report_time, report_period_s=node.status.report_period_s)


def desired_state(desired: DesiredRecord) -> node_service_pb2.DesiredState:
    """What a node should be, whole."""
    message = node_service_pb2.DesiredState(revision=desired.revision)
    if desired.config_revision:
        message.config.revision = desired.config_revision
        message.config.sha256 = desired.config_sha256
        message.config.trial = desired.config_trial
        message.config.trial_timeout.FromTimedelta(timedelta(seconds=desired.config_trial_timeout_s))
        if desired.config_decision:  # else the gate
            word = f"DECISION_{desired.config_decision.name}"
            message.config.decision = node_service_pb2.ConfigTarget.Decision.Value(word)
    if desired.release is not None:
        message.release.release = release_name(desired.release.version)
        message.release.version = desired.release.version
        message.release.sha256 = desired.release.sha256
        message.release.size_bytes = desired.release.size_bytes
        message.release.rollout = rollout_name(desired.release.rollout_id) if desired.release.rollout_id else ""
        asked = desired.release.asked
        message.release.preconditions.needs_consent = asked.needs_consent
        message.release.preconditions.may_interrupt_broadcast = asked.may_interrupt_broadcast
        message.release.fetch_policy = fetch_policy_value(asked.fetch_policy)
        message.release.attempt = desired.release.attempt
        if desired.release.end_time is not None:
            message.release.preconditions.end_time.CopyFrom(timestamp(desired.release.end_time))
    return message


def fetch_policy_value(policy: FetchPolicy) -> release_pb2.FetchPolicy.ValueType:
    """A policy on the wire."""
    return release_pb2.FetchPolicy.Value(f"FETCH_POLICY_{policy.name if policy else 'UNSPECIFIED'}")


def kind_value(kind: NodeKind) -> node_pb2.NodeKind.ValueType:
    """A kind on the wire."""
    return node_pb2.NodeKind.Value(f"NODE_KIND_{kind.name}")


def presence_value(value: Presence) -> node_pb2.Presence.ValueType:
    """A presence on the wire."""
    return node_pb2.Presence.Value(f"PRESENCE_{value.name}")


def optional_kind(value: int, *, field: str) -> NodeKind | None:
    """A kind from the wire; `None` when it is not set.

    Raises: InvalidArgumentError: a number this version does not know.
    """
    if value == node_pb2.NODE_KIND_UNSPECIFIED:
        return None
    return NodeKind[_word(node_pb2.NodeKind.DESCRIPTOR, value, field=field, prefix="NODE_KIND_")]


def required_kind(value: int, *, field: str) -> NodeKind:
    """A kind from the wire.

    Raises: InvalidArgumentError: it is not set or not known.
    """
    kind = optional_kind(value, field=field)
    if kind is None:
        raise InvalidArgumentError(f"{field}: say what the unit is, RSU or OBU")
    return kind


def labels(messages: Iterable[node_pb2.Label], *, field: str) -> tuple[Label, ...]:
    """Labels from the wire, sorted by key.

    Raises: InvalidArgumentError: a malformed key or value, a key twice, or too many.
    """
    found = tuple(sorted(Label(message.key, message.value) for message in messages))
    if len(found) > LABEL_MAX_COUNT:
        raise InvalidArgumentError(f"{field}: {len(found)} labels are too many; use at most {LABEL_MAX_COUNT}")
    if len({label.key for label in found}) != len(found):
        raise InvalidArgumentError(f"{field}: a key is there twice; give each key once")
    for label in found:
        if not _LABEL_KEY.match(label.key):
            raise InvalidArgumentError(
                f"{field}: key {label.key[:80]!r} is not 1 to 63 lower-case letters, digits and '-'"
            )
        if len(label.value) > LABEL_MAX_CHARS or not label.value.isprintable():
            raise InvalidArgumentError(
                f"{field}: the value of {label.key!r} is not at most {LABEL_MAX_CHARS} printable characters"
            )
    return found


def selector(message: node_pb2.NodeSelector, *, field: str) -> NodeSelector:
    """A selector from the wire.

    Raises: InvalidArgumentError: it names nothing, too much, or something malformed.
    """
    chosen = NodeSelector(
        all_nodes=message.all_nodes,
        node_ids=_ids(message.nodes, node_id, f"{field}.nodes"),
        kinds=tuple(sorted({required_kind(kind, field=f"{field}.kinds") for kind in message.kinds})),
        labels=labels(message.labels, field=f"{field}.labels"),
        site_ids=_ids(message.sites, site_id, f"{field}.sites"),
        sections=tuple(section(one, field=f"{field}.corridors") for one in message.corridors),
        group_ids=_ids(message.groups, group_id, f"{field}.groups"),
        models=_texts(message.models, f"{field}.models"),
        versions=_texts(message.versions, f"{field}.versions"),
        geofence_ids=_ids(message.geofences, geofence_id, f"{field}.geofences"),
        areas=tuple(map(area, message.areas)),
    )
    return checked_selector(chosen, field=field)


def selector_message(chosen: NodeSelector) -> node_pb2.NodeSelector:
    """A selector on the wire."""
    return node_pb2.NodeSelector(
        all_nodes=chosen.all_nodes,
        nodes=[node_name(one) for one in chosen.node_ids],
        kinds=[kind_value(kind) for kind in chosen.kinds],
        labels=[node_pb2.Label(key=label.key, value=label.value) for label in chosen.labels],
        sites=map(site_name, chosen.site_ids),
        corridors=map(section_message, chosen.sections),
        groups=map(group_name, chosen.group_ids),
        models=chosen.models,
        versions=chosen.versions,
        geofences=map(geofence_name, chosen.geofence_ids),
        areas=map(area_message, chosen.areas),
    )


def node_filter(message: fleet_service_pb2.NodeFilter) -> NodeFilter:
    """A filter from the wire.

    Raises: InvalidArgumentError: a malformed label or site, or an enum value that is not set or not known.
    """
    return NodeFilter(
        kinds=tuple(sorted({required_kind(kind, field="filter.kinds") for kind in message.kinds})),
        presences=tuple(
            sorted(
                Presence[_word(node_pb2.Presence.DESCRIPTOR, value, field="filter.presences", prefix="PRESENCE_")]
                for value in set(message.presences)
            )
        ),
        labels=labels(message.labels, field="filter.labels"),
        site_id=site_id(message.site, field="filter.site") if message.site else "",
        states=tuple(
            sorted(
                NodeState[_word(node_pb2.Node.State.DESCRIPTOR, value, field="filter.states", prefix="STATE_")]
                for value in set(message.states)
            )
        ),
    )


def _ids(names: Sequence[str], parsed: Callable[..., str], field: str) -> tuple[str, ...]:
    if len(names) > NAMES_MAX_COUNT:  # before each is looked at
        raise InvalidArgumentError(f"{field}: name at most {NAMES_MAX_COUNT}, or use labels or groups")
    return tuple(sorted({parsed(name, field=field) for name in names}))


def _texts(words: Sequence[str], field: str) -> tuple[str, ...]:
    for word in words:
        if not 0 < len(word) <= WORD_MAX_CHARS or not word.isprintable():
            raise InvalidArgumentError(f"{field}: {word[:80]!r} is not 1 to {WORD_MAX_CHARS} printable characters")
    return tuple(sorted(set(words)))


def _word(descriptor: EnumDescriptor, value: int, *, field: str, prefix: str) -> str:
    known = descriptor.values_by_number.get(value)
    if known is None or value == 0:
        raise InvalidArgumentError(f"{field}: {value} is not set or not known to this manager")
    return known.name.removeprefix(prefix)
