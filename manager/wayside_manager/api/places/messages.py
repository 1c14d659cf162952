"""Sites, corridors, groups and geofences between records and messages.

Usage: `site_record(message, tenant_id=admission().tenant_id, now=now)`; `site_message(record)` back.
"""

from datetime import UTC, datetime
from typing import Any

from google.protobuf.timestamp_pb2 import Timestamp

from wayside.errors import InvalidArgumentError
from wayside.names import (
    checked_label,
    corridor_id,
    corridor_name,
    geofence_id,
    geofence_name,
    group_id,
    group_name,
    node_id,
    node_name,
    site_id,
    site_name,
    tenant_name,
)
from wayside.v1 import node_pb2, site_pb2
from wayside_manager.api.node_messages import selector, selector_message, timestamp
from wayside_manager.api.place_messages import variables, variables_message
from wayside_manager.api.time_zones import checked_zone
from wayside_manager.core.geojson_properties import clock_text, minute_of
from wayside_manager.core.geometry_text import geometry_of
from wayside_manager.core.selectors import NAMES_MAX_COUNT
from wayside_manager.core.site_checks import (
    HOURS_MAX_COUNT,
    checked_corridor_sites,
    checked_hysteresis,
    checked_percent,
    checked_position,
    checked_text,
    checked_weekdays,
)
from wayside_manager.core.sites import (
    CorridorRecord,
    CorridorSite,
    GeofenceKind,
    GeofenceRecord,
    GroupRecord,
    Owned,
    Position,
    SiteKind,
    SiteRecord,
    WeeklyHours,
)


def site_record(message: site_pb2.Site, *, tenant_id: str, now: datetime) -> SiteRecord:
    """A site from the wire, of the tenant the gate found.

    Raises: InvalidArgumentError: naming the field; so do the others.
    """
    _check_tenant(message.tenant, tenant_id, "site")
    if message.kind not in site_pb2.SiteKind.values():
        raise InvalidArgumentError(f"site.kind: {message.kind} is not known to this manager")
    return SiteRecord(
        site_id=site_id(message.name, field="site.name"),
        tenant_id=tenant_id,
        display_name=checked_text(message.display_name, field="site.display_name"),
        kind=SiteKind(_word(site_pb2.SiteKind.Name(message.kind), "SITE_KIND_")),
        position=position(message.position, field="site.position") if message.HasField("position") else None,
        time_zone=checked_zone(message.time_zone, field="site.time_zone") if message.time_zone else "",
        variables=variables(message.variables, field="site.variables"),
        backhaul=_label(message.backhaul, field="site.backhaul"),
        power_feed=_label(message.power_feed, field="site.power_feed"),
        exposure_class=_label(message.exposure_class, field="site.exposure_class"),
        create_time=now,
        update_time=now,
    )


def site_message(site: SiteRecord) -> site_pb2.Site:
    """A site as operators see it."""
    return site_pb2.Site(
        name=site_name(site.site_id),
        kind=site_pb2.SiteKind.Value(f"SITE_KIND_{_enum_name(site.kind)}"),
        position=None if site.position is None else position_message(site.position),
        time_zone=site.time_zone,
        variables=variables_message(site.variables) if site.variables else None,
        backhaul=site.backhaul,
        power_feed=site.power_feed,
        exposure_class=site.exposure_class,
        node_count=site.node_count,
        **_owned(site),
    )


def _label(text: str, *, field: str) -> str:
    """A lower-case RFC 1034 label; empty: not said."""
    return checked_label(text, field=field) if text else ""


def corridor_record(message: site_pb2.Corridor, *, tenant_id: str, now: datetime) -> CorridorRecord:
    """A corridor from the wire."""
    _check_tenant(message.tenant, tenant_id, "corridor")
    sites = [CorridorSite(site_id(one.site, field="corridor.sites.site"), one.stake_meters) for one in message.sites]
    percent = checked_percent(message.max_in_flight_percent, field="corridor.max_in_flight_percent")
    return CorridorRecord(
        corridor_id=corridor_id(message.name, field="corridor.name"),
        tenant_id=tenant_id,
        display_name=checked_text(message.display_name, field="corridor.display_name"),
        sites=checked_corridor_sites(sites, field="corridor.sites"),
        is_ring=message.is_ring,
        max_in_flight_percent=percent,
        create_time=now,
        update_time=now,
    )


def corridor_message(corridor: CorridorRecord) -> site_pb2.Corridor:
    """A corridor as operators see it."""
    return site_pb2.Corridor(
        name=corridor_name(corridor.corridor_id),
        sites=[
            site_pb2.CorridorSite(site=site_name(site.site_id), stake_meters=site.stake_m) for site in corridor.sites
        ],
        is_ring=corridor.is_ring,
        max_in_flight_percent=corridor.max_in_flight_percent,
        **_owned(corridor),
    )


def group_record(message: site_pb2.Group, *, tenant_id: str, now: datetime) -> GroupRecord:
    """A group from the wire."""
    _check_tenant(message.tenant, tenant_id, "group")
    if len(message.nodes) > NAMES_MAX_COUNT:  # before each is looked at
        raise InvalidArgumentError(f"group.nodes: name at most {NAMES_MAX_COUNT}, or use a selector")
    has_selector = message.HasField("selector")
    return GroupRecord(
        group_id=group_id(message.name, field="group.name"),
        tenant_id=tenant_id,
        display_name=checked_text(message.display_name, field="group.display_name"),
        node_ids=tuple(sorted({node_id(name, field="group.nodes") for name in message.nodes})),
        selector=selector(message.selector, field="group.selector") if has_selector else None,
        create_time=now,
        update_time=now,
    )


def group_message(group: GroupRecord) -> site_pb2.Group:
    """A group as operators see it."""
    return site_pb2.Group(
        name=group_name(group.group_id),
        nodes=map(node_name, group.node_ids),
        selector=None if group.selector is None else selector_message(group.selector),
        node_count=group.node_count,
        **_owned(group),
    )


def geofence_record(message: site_pb2.Geofence, *, tenant_id: str, now: datetime) -> GeofenceRecord:
    """A geofence from the wire."""
    _check_tenant(message.tenant, tenant_id, "geofence")
    if message.kind not in site_pb2.Geofence.Kind.values():
        raise InvalidArgumentError(f"geofence.kind: {message.kind} is not known to this manager")
    if len(message.hours) > HOURS_MAX_COUNT:
        raise InvalidArgumentError(f"geofence.hours: give at most {HOURS_MAX_COUNT}")
    return GeofenceRecord(
        geofence_id=geofence_id(message.name, field="geofence.name"),
        tenant_id=tenant_id,
        display_name=checked_text(message.display_name, field="geofence.display_name"),
        kind=GeofenceKind(_word(site_pb2.Geofence.Kind.Name(message.kind), "KIND_")),
        geometry=geometry_of(message.geometry_json, where="geofence.geometry_json"),
        hours=tuple(map(_hours, message.hours)),
        time_zone=checked_zone(message.time_zone or "UTC", field="geofence.time_zone"),
        licence=checked_text(message.licence, field="geofence.licence"),
        begin_time=moment(message.begin_time, field="geofence.begin_time") if message.HasField("begin_time") else None,
        expire_time=moment(message.expire_time, field="geofence.expire_time")
        if message.HasField("expire_time")
        else None,
        hysteresis_m=checked_hysteresis(message.hysteresis_meters, field="geofence.hysteresis_meters"),
        create_time=now,
        update_time=now,
    )


def geofence_message(geofence: GeofenceRecord) -> site_pb2.Geofence:
    """A geofence as operators see it."""
    hours = [
        site_pb2.WeeklyHours(
            weekdays=sorted(one.weekdays), begin=clock_text(one.begin_minute), end=clock_text(one.end_minute)
        )
        for one in geofence.hours
    ]
    return site_pb2.Geofence(
        name=geofence_name(geofence.geofence_id),
        kind=site_pb2.Geofence.Kind.Value(f"KIND_{_enum_name(geofence.kind)}"),
        geometry_json=geofence.geometry,
        hours=hours,
        time_zone=geofence.time_zone,
        licence=geofence.licence,
        begin_time=None if geofence.begin_time is None else timestamp(geofence.begin_time),
        expire_time=None if geofence.expire_time is None else timestamp(geofence.expire_time),
        hysteresis_meters=geofence.hysteresis_m,
        **_owned(geofence),
    )


def position(message: node_pb2.Position, *, field: str) -> Position:
    """A position from the wire."""
    return checked_position(Position(message.latitude_degrees, message.longitude_degrees), field=field)


def position_message(at: Position) -> node_pb2.Position:
    """A position on the wire."""
    return node_pb2.Position(latitude_degrees=at.latitude_deg, longitude_degrees=at.longitude_deg)


def moment(message: Timestamp, *, field: str) -> datetime:
    """A time from the wire."""
    try:
        return message.ToDatetime(tzinfo=UTC)
    except (ValueError, OverflowError) as exc:
        raise InvalidArgumentError(f"{field}: this is no time; give one between the years 1 and 9999") from exc


def _owned(place: Owned) -> dict[str, Any]:
    return {
        "display_name": place.display_name,
        "tenant": tenant_name(place.tenant_id),
        "create_time": timestamp(place.create_time),
        "update_time": timestamp(place.update_time),
        "etag": place.etag,
    }


def _check_tenant(named: str, tenant_id: str, field: str) -> None:
    if named not in {"", tenant_name(tenant_id)}:
        raise InvalidArgumentError(
            f"{field}.tenant: the {field} belongs to {tenant_name(tenant_id)} and stays there; leave the field out or "
            f"make another {field}",
            reason="TENANT_FIXED",
        )


def _hours(message: site_pb2.WeeklyHours) -> WeeklyHours:
    return WeeklyHours(
        checked_weekdays(message.weekdays, field="geofence.hours.weekdays"),
        minute_of(message.begin, field="geofence.hours.begin"),
        minute_of(message.end, field="geofence.hours.end"),
    )


def _word(name: str, prefix: str) -> str:
    word = name.removeprefix(prefix).lower()
    return "" if word == "unspecified" else word


def _enum_name(word: str) -> str:
    return word.upper() or "UNSPECIFIED"
