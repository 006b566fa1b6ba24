"""Alembic's entry: runs the migrations on the connection that `redaction.vault.database` hands over."""

from alembic import context

from redaction.vault.database import VERSION_TABLE
from redaction.vault.tables import metadata

connection = context.config.attributes["connection"]
context.configure(connection=connection, target_metadata=metadata, version_table=VERSION_TABLE)
with context.begin_transaction():
    context.run_migrations()
