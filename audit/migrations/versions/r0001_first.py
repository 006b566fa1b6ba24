"""The log, what is derived from it, and the destroyable references: the first schema."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "boot",
        sa.Column("boot", sa.String(length=26), nullable=False),
        sa.Column("node", sa.String(length=128), nullable=False),
        sa.Column("started", sa.BigInteger(), nullable=False),
        sa.Column("ended", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("boot"),
    )
    op.create_table(
        "daily",
        sa.Column("day", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("environment", sa.String(length=16), nullable=False),
        sa.Column("application", sa.String(length=128), nullable=False),
        sa.Column("purpose", sa.String(length=128), nullable=False),
        sa.Column("destination", sa.String(length=128), nullable=False),
        sa.Column("entity", sa.String(length=128), nullable=False),
        sa.Column("provider", sa.String(length=128), nullable=False),
        sa.Column("action", sa.String(length=16), nullable=False),
        sa.Column("transfers", sa.BigInteger(), nullable=False),
        sa.Column("with_subject", sa.BigInteger(), nullable=False),
        sa.Column("findings", sa.BigInteger(), nullable=False),
        sa.Column("bytes_in", sa.BigInteger(), nullable=False),
        sa.Column("bytes_out", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint(
            "day", "kind", "environment", "application", "purpose", "destination", "entity", "provider", "action"
        ),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "daily_finding",
        sa.Column("day", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("environment", sa.String(length=16), nullable=False),
        sa.Column("application", sa.String(length=128), nullable=False),
        sa.Column("destination", sa.String(length=128), nullable=False),
        sa.Column("provider", sa.String(length=128), nullable=False),
        sa.Column("entity_type", sa.String(length=48), nullable=False),
        sa.Column("operator", sa.String(length=16), nullable=False),
        sa.Column("n", sa.BigInteger(), nullable=False),
        sa.Column("transfers", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint(
            "day", "kind", "environment", "application", "destination", "provider", "entity_type", "operator"
        ),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "entry",
        sa.Column("idx", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("leaf", sa.LargeBinary(length=32), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("idx"),
    )
    op.create_index("entry_kind", "entry", ["kind", "idx"], unique=False)
    op.create_table(
        "finding",
        sa.Column("idx", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False),
        sa.Column("row", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("entity_type", sa.String(length=48), nullable=False),
        sa.Column("operator", sa.String(length=16), nullable=False),
        sa.Column("n", sa.BigInteger(), nullable=False),
        sa.Column("rule", sa.String(length=128), nullable=True),
        sa.Column("recognizer", sa.String(length=128), nullable=True),
        sa.Column("language", sa.String(length=3), nullable=True),
        sa.PrimaryKeyConstraint("idx", "row"),
        sqlite_with_rowid=False,
    )
    op.create_index("finding_type", "finding", ["entity_type", "idx"], unique=False)
    op.create_table(
        "reference",
        sa.Column("lookup", sa.LargeBinary(length=32), nullable=False),
        sa.Column("ref", sa.String(length=22), nullable=False),
        sa.Column("key", sa.LargeBinary(length=32), nullable=False),
        sa.Column("space", sa.String(length=16), nullable=False),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("lookup", "ref"),
        sqlite_with_rowid=False,
    )
    op.create_index("reference_ref", "reference", ["ref"], unique=False)
    op.create_table(
        "subject",
        sa.Column("ref", sa.String(length=22), nullable=False),
        sa.Column("idx", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False),
        sa.Column("role", sa.String(length=16), nullable=False),
        sa.PrimaryKeyConstraint("ref", "idx", "role"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "tile",
        sa.Column("level", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("hashes", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("level", "number"),
    )
    op.create_table(
        "transfer",
        sa.Column("idx", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False),
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("day", sa.Integer(), nullable=False),
        sa.Column("node", sa.String(length=128), nullable=False),
        sa.Column("boot", sa.String(length=26), nullable=False),
        sa.Column("environment", sa.String(length=16), nullable=False),
        sa.Column("application", sa.String(length=128), nullable=False),
        sa.Column("identified_by", sa.String(length=16), nullable=False),
        sa.Column("session", sa.String(length=22), nullable=True),
        sa.Column("purpose", sa.String(length=128), nullable=True),
        sa.Column("controller", sa.String(length=128), nullable=True),
        sa.Column("basis", sa.String(length=64), nullable=True),
        sa.Column("destination", sa.String(length=128), nullable=True),
        sa.Column("entity", sa.String(length=128), nullable=True),
        sa.Column("role", sa.String(length=64), nullable=True),
        sa.Column("mechanism", sa.String(length=32), nullable=True),
        sa.Column("countries", sa.String(length=512), nullable=True),
        sa.Column("retention", sa.String(length=64), nullable=True),
        sa.Column("training", sa.String(length=64), nullable=True),
        sa.Column("provider", sa.String(length=128), nullable=True),
        sa.Column("host", sa.String(length=260), nullable=True),
        sa.Column("endpoint", sa.String(length=128), nullable=True),
        sa.Column("model", sa.String(length=128), nullable=True),
        sa.Column("format", sa.String(length=128), nullable=True),
        sa.Column("door", sa.String(length=16), nullable=False),
        sa.Column("mode", sa.String(length=16), nullable=False),
        sa.Column("network", sa.String(length=128), nullable=True),
        sa.Column("policy_digest", sa.String(length=64), nullable=True),
        sa.Column("policy_name", sa.String(length=128), nullable=True),
        sa.Column("action", sa.String(length=16), nullable=False),
        sa.Column("reason", sa.String(length=64), nullable=True),
        sa.Column("observe", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("subjects", sa.Integer(), nullable=False),
        sa.Column("findings", sa.BigInteger(), nullable=False),
        sa.Column("bytes_in", sa.BigInteger(), nullable=False),
        sa.Column("bytes_out", sa.BigInteger(), nullable=False),
        sa.Column("outcome_idx", sa.BigInteger(), nullable=True),
        sa.Column("state", sa.String(length=16), nullable=True),
        sa.Column("status", sa.Integer(), nullable=True),
        sa.Column("ended", sa.BigInteger(), nullable=True),
        sa.Column("tokens_in", sa.BigInteger(), nullable=True),
        sa.Column("tokens_out", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("idx"),
        sa.UniqueConstraint("id", "attempt", name="transfer_id_attempt"),
    )
    op.create_index("transfer_application", "transfer", ["application", "idx"], unique=False)
    op.create_index("transfer_day", "transfer", ["day", "destination", "idx"], unique=False)
    op.create_index("transfer_destination", "transfer", ["destination", "idx"], unique=False)
    op.create_index(
        "transfer_open",
        "transfer",
        ["node", "idx"],
        unique=False,
        sqlite_where=sa.text("state IS NULL"),
        postgresql_where=sa.text("state IS NULL"),
    )
    op.create_index("transfer_session", "transfer", ["session", "idx"], unique=False)
    op.create_table(
        "tree",
        sa.Column("id", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("origin", sa.String(length=128), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("peaks", sa.LargeBinary(), nullable=False),
        sa.Column("checkpoint", sa.LargeBinary(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("erasures", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
