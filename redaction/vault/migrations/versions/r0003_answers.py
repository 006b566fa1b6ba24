"""Answers that are kept for a comparison of models."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "vault_answer",
        sa.Column("exchange", sa.String(26), primary_key=True, comment="as the log names it"),
        sa.Column("attempt", sa.Integer, primary_key=True),
        sa.Column("scope", sa.String(32), sa.ForeignKey("vault_scope.id"), nullable=False),
        sa.Column("swapped", sa.SmallInteger, nullable=False, comment="random; order in which a pair is shown"),
        sa.Column("sealed", sa.LargeBinary, nullable=False),
        sa.Column("created", sa.BigInteger, nullable=False),
        sa.Column("expires", sa.BigInteger, nullable=False),
    )
    for column in ("scope", "created", "expires"):
        op.create_index(f"ix_vault_answer_{column}", "vault_answer", [column])


def downgrade() -> None:
    op.drop_table("vault_answer")
