"""*Who holds what* by day, so that the question does not read every transfer; filled by 0005, which counts it anew."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    name = sa.String(length=128)
    op.create_table(
        "holder",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False),
        sa.Column("application", name, nullable=False),
        sa.Column("purpose", name, nullable=True),
        sa.Column("controller", name, nullable=True),
        sa.Column("basis", sa.String(length=64), nullable=True),
        sa.Column("destination", name, nullable=True),
        sa.Column("entity", name, nullable=True),
        sa.Column("role", sa.String(length=64), nullable=True),
        sa.Column("mechanism", sa.String(length=32), nullable=True),
        sa.Column("countries", sa.String(length=512), nullable=True),
        sa.Column("retention", sa.String(length=64), nullable=True),
        sa.Column("training", sa.String(length=64), nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "daily_holder",
        sa.Column("day", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("holder", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("transfers", sa.BigInteger(), nullable=False),
        sa.Column("first", sa.BigInteger(), nullable=False),
        sa.Column("last", sa.BigInteger(), nullable=False),
        sa.Column("newest", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("day", "holder"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "daily_holder_finding",
        sa.Column("day", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("holder", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("entity_type", sa.String(length=48), nullable=False),
        sa.Column("operator", sa.String(length=16), nullable=False),
        sa.Column("n", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("day", "holder", "entity_type", "operator"),
        sqlite_with_rowid=False,
    )
    unsent = sa.text("state = 'not_sent'")
    op.create_index("transfer_unsent", "transfer", ["idx"], sqlite_where=unsent, postgresql_where=unsent)
