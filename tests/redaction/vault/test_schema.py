"""The migrations make the schema that the code expects, on both databases, and a foreign schema is refused."""

from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

import redaction.vault
from redaction.errors import VaultError
from redaction.vault.database import REVISION, VERSION_TABLE, Database
from redaction.vault.tables import metadata


def test_the_newest_migration_is_the_one_that_the_code_expects() -> None:
    config = Config()
    config.set_main_option("script_location", str(Path(redaction.vault.__file__).parent / "migrations"))
    config.set_main_option("path_separator", "os")
    assert ScriptDirectory.from_config(config).get_heads() == [REVISION]


def test_migrations_from_nothing_make_the_tables_of_the_code(site: Any) -> None:
    site.open()
    engine = sa.create_engine(site.url, poolclass=sa.NullPool)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"version_table": VERSION_TABLE, "compare_type": True})
        assert compare_metadata(context, metadata) == []
        assert context.get_current_revision() == REVISION
        names = set(sa.inspect(connection).get_table_names())
    assert names == {*metadata.tables, VERSION_TABLE}
    assert all(name.startswith("vault_") for name in names)  # one PostgreSQL may hold vault, log and control


def test_opening_again_changes_nothing(site: Any) -> None:
    first = site.open()
    scope = first.open_scope("a")
    site.close()
    second = Database(site.url)
    second.close()
    assert site.open().open_scope("a").id == scope.id


def test_bindings_from_before_owners_have_none_and_go_on_to_be_erased_and_purged(site: Any) -> None:
    vault = site.open()
    scope = vault.open_scope("a")
    vault.issue(scope, [("PERSON", "Anna Schmidt")])
    vault.bind("openai", "resp_1", [scope], "feed")
    site.close()
    migrated(site.url, "0003")
    vault = site.open()
    assert site.run("SELECT owner FROM vault_binding") == [(None,)]
    assert vault.binding("openai", "resp_1", ["feed", ""]) == ()
    assert [one.object_id for one in vault.objects([scope.id])] == ["resp_1"]
    vault.bind("openai", "resp_2", [vault.open_scope("a")], "feed")
    assert vault.binding("openai", "resp_2", ["feed"]) == (scope,)
    site.clock.now_ms += 400 * 86_400_000
    assert vault.purge().bindings == 2


def migrated(url: str, revision: str) -> None:
    """Bring a database back to an older schema."""
    config = Config()
    config.set_main_option("script_location", str(Path(redaction.vault.__file__).parent / "migrations"))
    config.set_main_option("path_separator", "os")
    engine = sa.create_engine(url, poolclass=sa.NullPool)
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.downgrade(config, revision)


def test_a_newer_schema_is_refused(site: Any) -> None:
    site.open()
    site.run("UPDATE vault_version SET version_num = '9999'")
    with pytest.raises(VaultError) as refused:
        site.open()
    assert refused.value.code == "schema"


@pytest.mark.parametrize(
    "url", ["postgresql+psycopg://somebody:hunter2@/nowhere?host=/nonexistent", "sqlite:////proc/nowhere/vault.db"]
)
def test_a_database_that_cannot_be_reached_is_told_without_its_password(url: str) -> None:
    with pytest.raises(VaultError) as refused:
        Database(url)
    assert refused.value.code == "unavailable"
    assert "hunter2" not in str(refused.value)
    assert "nowhere" in str(refused.value)
