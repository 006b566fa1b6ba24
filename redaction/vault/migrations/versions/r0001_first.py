"""Scopes, mappings, bindings, wrapped secrets: the first schema."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "vault_scope",
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("ref", sa.String(128), nullable=True, comment="keyed hash; none once shredded"),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("destination", sa.String(128), nullable=False),
        sa.Column("token_length", sa.SmallInteger, nullable=False),
        sa.Column("key_id", sa.String(64), nullable=False),
        sa.Column("keys", sa.LargeBinary, nullable=True, comment="wrapped; none once shredded"),
        sa.Column("ttl_s", sa.BigInteger, nullable=False),
        sa.Column("created", sa.BigInteger, nullable=False),
        sa.Column("used", sa.BigInteger, nullable=False),
        sa.Column("expires", sa.BigInteger, nullable=False),
        sa.Column("shredded", sa.BigInteger, nullable=True),
        sa.UniqueConstraint("ref", name="uq_vault_scope_ref"),
    )
    op.create_index("ix_vault_scope_expires", "vault_scope", ["expires"])
    op.create_table(
        "vault_mapping",
        sa.Column("scope", sa.String(32), sa.ForeignKey("vault_scope.id"), primary_key=True),
        sa.Column("token", sa.String(40), primary_key=True),
        sa.Column("entity_type", sa.String(128), nullable=False),
        sa.Column("counter", sa.Integer, nullable=False),
        sa.Column("surface_ref", sa.LargeBinary(16), nullable=False, comment="keyed hash of type and surface"),
        sa.Column("sealed", sa.LargeBinary, nullable=False),
        sa.Column("created", sa.BigInteger, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "vault_binding",
        sa.Column("destination", sa.String(128), primary_key=True),
        sa.Column("object_ref", sa.LargeBinary(32), primary_key=True, comment="keyed hash of the provider's id"),
        sa.Column("scope", sa.String(32), sa.ForeignKey("vault_scope.id"), primary_key=True),
        sa.Column("place", sa.SmallInteger, nullable=False),
        sa.Column("sealed", sa.LargeBinary, nullable=True, comment="the provider's id, for erasure"),
        sa.Column("lost", sa.Integer, nullable=False, comment="placeholders that went with the scope"),
        sa.Column("created", sa.BigInteger, nullable=False),
        sa.Column("expires", sa.BigInteger, nullable=False),
    )
    op.create_index("ix_vault_binding_scope", "vault_binding", ["scope"])
    op.create_index("ix_vault_binding_expires", "vault_binding", ["expires"])
    op.create_table(
        "vault_secret",
        sa.Column("name", sa.String(32), primary_key=True),
        sa.Column("key_id", sa.String(64), nullable=False),
        sa.Column("wrapped", sa.LargeBinary, nullable=False),
    )


def downgrade() -> None:
    for table in ("vault_secret", "vault_binding", "vault_mapping", "vault_scope"):
        op.drop_table(table)
