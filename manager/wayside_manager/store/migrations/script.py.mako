"""${message}.

Revision ID: ${up_revision}
Revises: ${down_revision or ""}
"""

import sqlalchemy as sa
from alembic import op

revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}


def upgrade() -> None:
    """Brings the schema from the revision before to this one."""
    ${upgrades if upgrades else "pass"}
