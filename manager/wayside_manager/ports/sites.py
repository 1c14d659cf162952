"""Sites, corridors, groups, geofences and radio licences."""

# ruff: noqa: D102 -- each class says it of all its methods at once

from collections.abc import Iterable
from datetime import datetime
from typing import Protocol, TypeAlias

from wayside_manager.core.access import EVERYWHERE, Reach
from wayside_manager.core.pages import Page
from wayside_manager.core.radio_licences import RadioUnit
from wayside_manager.core.selectors import NodeSelector
from wayside_manager.core.sites import (
    CorridorRecord,
    GeofenceRecord,
    GroupRecord,
    ImportedPlaces,
    RadioLicenceRecord,
    SiteRecord,
)

Place: TypeAlias = SiteRecord | CorridorRecord | GroupRecord | GeofenceRecord


class SiteStore(Protocol):
    """Where nodes are, and how they belong together.

    Applying creates or replaces; the tenant is set once, times and etag are the store's. What it does to configurations
    goes out by a rollout, as a change of a layer does (`store.config_effects.retarget`); `effect` says whom it alters.
    Every `apply_*` raises ConflictError: the etag is not the present one; AlreadyExistsError: another tenant has the
    name; InvalidArgumentError, NotFoundError: something it names is not there. Every `delete_*` raises NotFoundError,
    ConflictError; FailedPreconditionError: something still names it. Every `get_*` raises NotFoundError, every `list_*`
    InvalidArgumentError for page size or token; lists are in order of ids, of the whole tenants of the reach and those
    above them. Nodes are counted within the reach; what `apply_*` returns counts none.
    """

    async def apply_site(self, site: SiteRecord, *, now: datetime, etag: str = "") -> SiteRecord: ...
    async def get_site(self, site_id: str, *, reach: Reach = EVERYWHERE) -> SiteRecord: ...
    async def list_sites(self, *, reach: Reach, page_size: int = 0, page_token: str = "") -> Page[SiteRecord]: ...
    async def delete_site(self, site_id: str, *, etag: str = "") -> None: ...

    async def apply_corridor(self, corridor: CorridorRecord, *, now: datetime, etag: str = "") -> CorridorRecord: ...
    async def get_corridor(self, corridor_id: str) -> CorridorRecord: ...
    async def list_corridors(
        self, *, reach: Reach, page_size: int = 0, page_token: str = ""
    ) -> Page[CorridorRecord]: ...
    async def delete_corridor(self, corridor_id: str, *, etag: str = "") -> None: ...

    async def apply_group(self, group: GroupRecord, *, now: datetime, etag: str = "") -> GroupRecord: ...
    async def get_group(self, group_id: str, *, reach: Reach = EVERYWHERE) -> GroupRecord: ...
    async def list_groups(self, *, reach: Reach, page_size: int = 0, page_token: str = "") -> Page[GroupRecord]: ...
    async def delete_group(self, group_id: str, *, etag: str = "") -> None: ...

    async def apply_geofence(self, geofence: GeofenceRecord, *, now: datetime, etag: str = "") -> GeofenceRecord: ...
    async def get_geofence(self, geofence_id: str) -> GeofenceRecord: ...
    async def list_geofences(
        self, *, reach: Reach, page_size: int = 0, page_token: str = ""
    ) -> Page[GeofenceRecord]: ...
    async def delete_geofence(self, geofence_id: str, *, etag: str = "") -> None: ...

    async def import_places(self, places: Iterable[Place], *, now: datetime, is_dry: bool = False) -> ImportedPlaces:
        """Applies all of them or none."""

    async def find_nodes(
        self, selector: NodeSelector, *, reach: Reach, page_size: int = 0, page_token: str = ""
    ) -> tuple[Page[str], int]:
        """A page of the ids of nodes of the reach that a selector means now, and how many there are in all.

        Raises: InvalidArgumentError: the selector, page size or token; NotFoundError: something it names is not there,
        or not in the tenants of the reach and those above them.
        """


class RadioLicenceStore(Protocol):
    """Radio licences; errors as in SiteStore."""

    async def apply_licence(
        self, licence: RadioLicenceRecord, *, now: datetime, etag: str = ""
    ) -> RadioLicenceRecord: ...
    async def get_licence(self, licence_id: str) -> RadioLicenceRecord: ...
    async def list_licences(
        self, *, reach: Reach, page_size: int = 0, page_token: str = ""
    ) -> Page[RadioLicenceRecord]: ...
    async def delete_licence(self, licence_id: str, *, now: datetime, etag: str = "") -> None: ...

    async def radio_units(self, *, reach: Reach, after: str = "", limit: int = 500) -> tuple[RadioUnit, ...]:
        """Roadside units in service in order of ids, with their licences; only ids behind `after`."""
