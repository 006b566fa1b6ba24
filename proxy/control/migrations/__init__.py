"""Alembic migrations of control.db."""
