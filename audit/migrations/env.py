"""Alembic's entry: runs the migrations on the connection that `audit.store` hands over, inside its transaction."""

from alembic import context

from audit.tables import metadata

connection = context.config.attributes["connection"]
context.configure(connection=connection, target_metadata=metadata)
with context.begin_transaction():
    context.run_migrations()
