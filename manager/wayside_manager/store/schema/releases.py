"""What is signed of releases, and shorter ways between them."""

from sqlalchemy import BigInteger, Column, ForeignKey, Integer, LargeBinary, PrimaryKeyConstraint, String, Table, Text

from wayside_manager.store.schema.columns import metadata, node_id

# every file of the image repository, and the roots of the director's, as signed; timestamps by version too
trust_files = Table(
    "trust_files",
    metadata,
    # `image` or `director`
    Column("repository", String(16), nullable=False),
    # `root`, `targets`, `snapshot`, `timestamp`
    Column("role", String(16), nullable=False),
    Column("version", BigInteger, nullable=False),
    Column("content", LargeBinary, nullable=False),
    Column("expire_us", BigInteger, nullable=False),
    PrimaryKeyConstraint("repository", "role", "version"),
)
# the newest direction of a node; older ones are of no use to anybody
directions = Table(
    "directions",
    metadata,
    node_id(is_key=True),
    # of timestamp, snapshot and targets alike
    Column("version", BigInteger, nullable=False),
    Column("targets", LargeBinary, nullable=False),
    Column("snapshot", LargeBinary, nullable=False),
    Column("timestamp", LargeBinary, nullable=False),
    # what it says, hashed, so that it is signed anew only when something changed or ends
    Column("subject_sha256", String(64), nullable=False),
    Column("expire_us", BigInteger, nullable=False),
)
release_deltas = Table(
    "release_deltas",
    metadata,
    Column("version", String(80), ForeignKey("releases.version", ondelete="CASCADE"), nullable=False),
    Column("base_version", String(80), ForeignKey("releases.version", ondelete="CASCADE"), nullable=False),
    # pending, ready, useless, failed
    Column("state", String(16), nullable=False),
    Column("sha256", String(64), nullable=False),
    Column("size_bytes", BigInteger, nullable=False),
    Column("try_count", Integer, nullable=False),
    Column("message", Text, nullable=False),
    PrimaryKeyConstraint("version", "base_version"),
)
