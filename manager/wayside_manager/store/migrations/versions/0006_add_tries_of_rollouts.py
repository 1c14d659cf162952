"""Add tries of nodes of rollouts, their pauses, and when their window closes.

Revision ID: 0006
Revises: 0005
"""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Brings the schema from the revision before to this one."""
    op.add_column("rollout_nodes", sa.Column("attempt", sa.Integer(), server_default="0", nullable=False))
    op.add_column("rollout_nodes", sa.Column("fault", sa.Integer(), server_default="0", nullable=False))
    op.add_column("rollout_nodes", sa.Column("retry_us", sa.BigInteger(), nullable=True))
    op.add_column("rollout_nodes", sa.Column("resume_us", sa.BigInteger(), nullable=True))
    op.add_column("rollout_nodes", sa.Column("window_end_us", sa.BigInteger(), nullable=True))
