"""Radio licences in SQL."""

from wayside_manager.store.part import SqlPart


class SqlLicences(SqlPart):
    """Satisfies `ports.RadioLicenceStore`."""
