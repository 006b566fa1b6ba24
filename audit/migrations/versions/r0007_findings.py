"""Transfers with the same findings as one before share its rows; nothing that is there has to be written again."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("transfer", sa.Column("findings_of", sa.BigInteger(), nullable=True))
    # A process of the release before that still runs would miss what is shared; it fails on this name instead.
    op.rename_table("finding", "finding_set")
