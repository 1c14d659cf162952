"""Sites, corridors, groups and geofences in SQL."""

from wayside_manager.store.part import SqlPart


class SqlSites(SqlPart):
    """Satisfies `ports.SiteStore`."""
