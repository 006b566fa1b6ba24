"""Requests to see an original, and the second person's word on them."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "reveal",
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("asked", sa.BigInteger(), nullable=False),
        sa.Column("asker", sa.String(length=64), nullable=False),
        sa.Column("asker_name", sa.String(length=96), nullable=False),
        sa.Column("approver", sa.String(length=64), nullable=False),
        sa.Column("approver_name", sa.String(length=96), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("what", sa.String(length=64), nullable=False),
        sa.Column("scope", sa.String(length=64), nullable=False),
        sa.Column("exchange", sa.String(length=26), nullable=False),
        sa.Column("reason", sa.String(length=32), nullable=False),
        sa.Column("ticket", sa.String(length=128), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("until", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )


def downgrade() -> None:
    op.drop_table("reveal")
