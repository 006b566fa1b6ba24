"""Alembic's entry: runs the migrations on the connection that `control.database` hands over, inside its transaction."""

from alembic import context

from proxy.control.tables import metadata

connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=metadata,
    version_table=context.config.attributes.get("version_table", "alembic_version"),
)
with context.begin_transaction():
    context.run_migrations()
