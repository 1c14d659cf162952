"""Sites, corridors, groups, geofences and radio licences as the manager keeps them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import TypeAlias

from wayside_manager.core.access import ROOT_TENANT
from wayside_manager.core.configs import Retargeted
from wayside_manager.core.selectors import NodeSelector

Variables: TypeAlias = Mapping[str, str | int | float | bool]
"""Values configurations may refer to as `${name}`."""


class SiteKind(StrEnum):
    """What a site is; names as in `wayside.v1.SiteKind`."""

    NONE = ""
    INTERSECTION = "intersection"
    ROADSIDE = "roadside"
    TOLL = "toll"
    TUNNEL = "tunnel"
    BRIDGE = "bridge"
    DEPOT = "depot"


class GeofenceKind(StrEnum):
    """What a geofence is for; names as in `wayside.v1.Geofence.Kind`."""

    NONE = ""
    TEST_AREA = "test_area"
    FORBIDDEN = "forbidden"


@dataclass(frozen=True, slots=True)
class Position:
    """A position on WGS 84."""

    latitude_deg: float
    longitude_deg: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Owned:
    """What everything here has."""

    tenant_id: str = ROOT_TENANT
    display_name: str = ""
    create_time: datetime
    update_time: datetime
    etag: str = ""
    effect: Retargeted = field(default=Retargeted(), compare=False)
    """What applying it did to configurations; of what was not just applied: nothing."""


@dataclass(frozen=True, slots=True)
class ImportedPlaces:
    """What an import of places did."""

    created_count: int
    changed_count: int
    unchanged_count: int
    effect: Retargeted = field(default=Retargeted(), compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteRecord(Owned):
    """A place with nodes."""

    site_id: str
    kind: SiteKind = SiteKind.NONE
    position: Position | None = None
    time_zone: str = ""
    """IANA. Empty: the rollout's."""
    variables: Variables = field(default_factory=dict, hash=False)
    backhaul: str = ""
    """Line its units reach the centre by, a label; sites that share it fall silent together. Empty: it does not say."""
    power_feed: str = ""
    """Supply its units hang on, likewise."""
    exposure_class: str = ""
    """What it is exposed to, a label such as `coast-salt`, for statistics."""
    node_count: int = 0


@dataclass(frozen=True, slots=True)
class CorridorSite:
    """A site of a corridor."""

    site_id: str
    stake_m: float


@dataclass(frozen=True, slots=True, kw_only=True)
class CorridorRecord(Owned):
    """Sites in the order of a road."""

    corridor_id: str
    sites: tuple[CorridorSite, ...] = ()
    is_ring: bool = False
    max_in_flight_percent: float = 20.0


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupRecord(Owned):
    """Nodes that belong together."""

    group_id: str
    node_ids: tuple[str, ...] = ()
    selector: NodeSelector | None = None
    """`None`: exactly `node_ids`."""
    node_count: int = 0


@dataclass(frozen=True, slots=True)
class WeeklyHours:
    """Hours of the week in local time."""

    weekdays: frozenset[int] = frozenset()
    """ISO, 1 to 7, on which they begin; empty: every day."""
    begin_minute: int = 0
    end_minute: int = 0
    """Not after `begin_minute`: on the next day."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GeofenceRecord(Owned):
    """An area on the map with rules."""

    geofence_id: str
    kind: GeofenceKind = GeofenceKind.NONE
    geometry: str
    """GeoJSON geometry, Polygon or MultiPolygon."""
    hours: tuple[WeeklyHours, ...] = ()
    time_zone: str = "UTC"
    licence: str = ""
    begin_time: datetime | None = None
    expire_time: datetime | None = None
    hysteresis_m: float = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class RadioLicenceRecord:
    """The licence by which a roadside unit transmits."""

    licence_id: str
    tenant_id: str = ROOT_TENANT
    number: str
    node_id: str
    center_hz: float
    bandwidth_hz: float
    max_power_dbm: float
    expire_time: datetime
    create_time: datetime
    update_time: datetime
    etag: str = ""
