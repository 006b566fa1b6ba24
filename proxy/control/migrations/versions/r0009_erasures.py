"""Erasures that wait for a second person."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "erasure_request",
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("asked_by", sa.String(length=160), nullable=False),
        sa.Column("asked_name", sa.String(length=160), nullable=False),
        sa.Column("about", sa.LargeBinary(length=32), nullable=False),
        sa.Column("reason", sa.String(length=32), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("erasure_request_about", "erasure_request", ["about"])


def downgrade() -> None:
    op.drop_index("erasure_request_about", table_name="erasure_request")
    op.drop_table("erasure_request")
