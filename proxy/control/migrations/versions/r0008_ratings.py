"""Which of two answers somebody found better."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "rating",
        sa.Column("exchange", sa.String(length=26), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("rater", sa.String(length=128), nullable=False),
        sa.Column("verdict", sa.String(length=16), nullable=False),
        sa.Column("first_destination", sa.String(length=96), nullable=False),
        sa.Column("first_model", sa.String(length=128), nullable=False),
        sa.Column("second_destination", sa.String(length=96), nullable=False),
        sa.Column("second_model", sa.String(length=128), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("exchange", "attempt", "rater"),
    )
    op.create_index("rating_at", "rating", ["at"])


def downgrade() -> None:
    op.drop_table("rating")
