"""Many places at once, all or none; what it does to configurations goes out as one rollout."""

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import Connection

from wayside_manager.core.sites import CorridorRecord, GeofenceRecord, GroupRecord, ImportedPlaces, SiteRecord
from wayside_manager.ports.sites import Place
from wayside_manager.store.corridors import put_corridor
from wayside_manager.store.geofences import put_geofence
from wayside_manager.store.groups import put_group
from wayside_manager.store.part import SqlPart, writing, writing_quietly
from wayside_manager.store.place_effects import Applied, altered
from wayside_manager.store.site_rows import put_site

_ORDER = (SiteRecord, GeofenceRecord, CorridorRecord, GroupRecord)
"""What is named comes before what names it."""


class SqlPlaceImport(SqlPart):
    """The import's share of `ports.SiteStore`."""

    async def import_places(self, places: Iterable[Place], *, now: datetime, is_dry: bool = False) -> ImportedPlaces:
        """See SiteStore."""
        wanted = sorted(places, key=lambda place: _ORDER.index(type(place)))
        return await (self._try_places if is_dry else self._put_places)(wanted, now=now)

    @writing
    def _put_places(self, connection: Connection, places: list[Place], *, now: datetime) -> ImportedPlaces:
        return _imported(connection, places, now)

    @writing_quietly  # by the one who writes, because a reader cannot try to write; nothing of it stays
    def _try_places(self, connection: Connection, places: list[Place], *, now: datetime) -> ImportedPlaces:
        attempt = connection.begin_nested()
        try:
            return _imported(connection, places, now)
        finally:
            attempt.rollback()


def _imported(connection: Connection, places: list[Place], now: datetime) -> ImportedPlaces:
    applied = [_put(connection, place, now) for place in places]
    effect = altered(connection, applied, now=now)
    created_count = sum(one.is_new for one in applied)
    changed_count = sum(one.is_changed for one in applied)
    return ImportedPlaces(created_count, changed_count, len(applied) - created_count - changed_count, effect)


def _put(connection: Connection, place: Place, now: datetime) -> Applied:
    if isinstance(place, SiteRecord):
        return put_site(connection, place, now=now)
    if isinstance(place, GeofenceRecord):
        return put_geofence(connection, place, now=now)
    if isinstance(place, CorridorRecord):
        return put_corridor(connection, place, now=now)
    return put_group(connection, place, now=now)
