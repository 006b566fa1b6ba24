"""Whom a scope concerns, so that a person's scopes can be found and shredded."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "vault_person",
        sa.Column("scope", sa.String(32), sa.ForeignKey("vault_scope.id"), primary_key=True),
        sa.Column("ref", sa.String(64), primary_key=True, comment="pseudonymous, as the log names the person"),
    )
    op.create_index("ix_vault_person_ref", "vault_person", ["ref"])


def downgrade() -> None:
    op.drop_table("vault_person")
