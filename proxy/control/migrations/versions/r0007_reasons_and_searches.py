"""Why a held request may pass, and the searches that people keep."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("approval", sa.Column("reason", sa.String(length=32), nullable=False, server_default=""))
    op.add_column("approval", sa.Column("because", sa.Text(), nullable=False, server_default=""))
    op.create_table(
        "saved_search",
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("role", sa.String(length=16), nullable=False),
        sa.Column("owner", sa.String(length=96), nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("filters", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("role", "owner", "name", name="saved_search_name"),
    )


def downgrade() -> None:
    op.drop_table("saved_search")
    op.drop_column("approval", "because")
    op.drop_column("approval", "reason")
