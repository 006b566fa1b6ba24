"""Alembic migrations of audit.db; `audit.store` runs them when a database is not at `tables.REVISION`."""
