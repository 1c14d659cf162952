"""Add what is signed of releases, directions of nodes, and deltas; tell hardware and files of nodes.

Revision ID: 0005
Revises: 0004
"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Brings the schema from the revision before to this one."""
    op.create_table(
        "trust_files",
        sa.Column("repository", sa.String(length=16), nullable=False),
        sa.Column("role", sa.String(length=16), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("expire_us", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("repository", "role", "version", name=op.f("pk_trust_files")),
    )
    op.create_table(
        "directions",
        sa.Column("node_id", sa.String(length=63), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("targets", sa.LargeBinary(), nullable=False),
        sa.Column("snapshot", sa.LargeBinary(), nullable=False),
        sa.Column("timestamp", sa.LargeBinary(), nullable=False),
        sa.Column("subject_sha256", sa.String(length=64), nullable=False),
        sa.Column("expire_us", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["node_id"], ["nodes.node_id"], name=op.f("fk_directions_node_id")),
        sa.PrimaryKeyConstraint("node_id", name=op.f("pk_directions")),
    )
    op.create_table(
        "release_deltas",
        sa.Column("version", sa.String(length=80), nullable=False),
        sa.Column("base_version", sa.String(length=80), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.Column("try_count", sa.Integer(), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["base_version"], ["releases.version"], name=op.f("fk_release_deltas_base_version"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["version"], ["releases.version"], name=op.f("fk_release_deltas_version"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("version", "base_version", name=op.f("pk_release_deltas")),
    )
    op.add_column("node_status", sa.Column("hardware_id", sa.String(length=63), server_default="", nullable=False))
    op.add_column(
        "node_status", sa.Column("running_tree_sha256", sa.String(length=64), server_default="", nullable=False)
    )
    op.add_column("node_status", sa.Column("peer_address", sa.String(length=60), server_default="", nullable=False))
    op.add_column("releases", sa.Column("counter", sa.BigInteger(), server_default="0", nullable=False))
    op.add_column("releases", sa.Column("manifest", sa.Text(), server_default="{}", nullable=False))
    op.add_column("releases", sa.Column("downgrade_from_counter", sa.BigInteger(), server_default="0", nullable=False))
