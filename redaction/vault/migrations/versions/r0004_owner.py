"""Which application has bound a provider's object; of older bindings nobody knows, so nobody has them."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    comment = "keyed hash of the application; none before schema 4"
    op.add_column("vault_binding", sa.Column("owner", sa.String(64), nullable=True, comment=comment))


def downgrade() -> None:
    op.drop_column("vault_binding", "owner")
