"""Requests that a rule holds, and what an officer said about them."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "approval",
        sa.Column("reference", sa.String(length=26), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("application", sa.String(length=96), nullable=False),
        sa.Column("destination", sa.String(length=96), nullable=False),
        sa.Column("rules", sa.Text(), nullable=False),
        sa.Column("fingerprint", sa.LargeBinary(length=32), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("until", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("reference"),
    )
    op.create_index("approval_fingerprint", "approval", ["fingerprint"], unique=False)


def downgrade() -> None:
    op.drop_table("approval")
