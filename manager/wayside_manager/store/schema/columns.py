"""What the tables share: one set of names, and columns that several have.

Times are whole microseconds since 1970 UTC (`_us`), so that no time zone rules of an engine apply. `revision` columns
are etags.
"""

from sqlalchemy import BigInteger, Column, ForeignKey, MetaData, String

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def node_id(*, is_key: bool = False) -> Column[str]:
    """The node a row is about. `is_key`: it alone is the key."""
    return Column("node_id", String(63), ForeignKey("nodes.node_id"), primary_key=is_key, nullable=False)


def tenant_id() -> Column[str]:
    """Whose the row is."""
    return Column("tenant_id", String(63), ForeignKey("tenants.tenant_id"), nullable=False, index=True)


def changes() -> tuple[Column[int], Column[int], Column[int]]:
    """When the row was made and last written, and its etag."""
    return (
        Column("create_us", BigInteger, nullable=False),
        Column("update_us", BigInteger, nullable=False),
        Column("revision", BigInteger, nullable=False),
    )
