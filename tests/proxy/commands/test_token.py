"""`dragoman token`: made once, kept as a digest, bound to applications, ended at once."""

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from typer.testing import CliRunner

from proxy.cli import build
from proxy.control.database import HEAD
from proxy.control.store import ControlStore
from proxy.control.tokens import DAY_MS, Role, digest
from proxy.errors import ConfigError


def run(home: Path, *arguments: str) -> Any:
    command = ["token", *arguments, "--home", str(home)]
    return CliRunner().invoke(build(command), command)


def created(home: Path, *arguments: str) -> dict[str, Any]:
    done = run(home, "create", *arguments, "--json")
    assert done.exit_code == 0, done.output
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_a_token_is_found_by_its_digest_and_stored_nowhere(tmp_path: Path) -> None:
    made = created(tmp_path, "--role", "auditor", "--name", "Dr. Nguyễn")
    store = ControlStore.at(tmp_path)
    found = store.tokens.find(digest(made["token"]))
    store.close()
    assert found is not None
    assert (found.id, found.role, found.name, found.applications) == (made["id"], Role.AUDITOR, "Dr. Nguyễn", ())
    for path in tmp_path.iterdir():
        assert made["token"].encode() not in path.read_bytes()


def test_a_teams_token_is_bound_to_its_applications(tmp_path: Path) -> None:
    made = created(tmp_path, "--role", "team", "--application", "messenger", "--application", "glasses")
    assert made["applications"] == ["messenger", "glasses"]
    assert "needs its applications" in str(run(tmp_path, "create", "--role", "team").exception)


def test_the_other_roles_are_bound_to_none(tmp_path: Path) -> None:
    done = run(tmp_path, "create", "--role", "officer", "--application", "messenger")
    assert "sees every application" in str(done.exception)


def test_a_revoked_token_opens_nothing_and_stays_in_the_list(tmp_path: Path) -> None:
    made = created(tmp_path, "--role", "operator")
    assert run(tmp_path, "revoke", made["id"]).exit_code == 0
    store = ControlStore.at(tmp_path)
    assert store.tokens.find(digest(made["token"])) is None
    store.close()
    listed = json.loads(run(tmp_path, "list", "--json").stdout)
    assert [one["id"] for one in listed if one["revoked"]] == [made["id"]]
    assert "no valid token" in str(run(tmp_path, "revoke", made["id"]).exception)


def test_a_token_ends_when_its_days_are_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = created(tmp_path, "--role", "auditor", "--days", "7")
    later = time.time_ns() + 7 * DAY_MS * 1_000_000
    monkeypatch.setattr("proxy.control.tokens.time.time_ns", lambda: later)
    store = ControlStore.at(tmp_path)
    assert store.tokens.find(digest(made["token"])) is None
    store.close()


@pytest.mark.parametrize(
    ("role", "name", "applications", "days"),
    [
        (Role.AUDITOR, "", (), 1),
        (Role.AUDITOR, "<b>", (), 1),
        (Role.AUDITOR, "a" * 97, (), 1),
        (Role.AUDITOR, "a", (), 0),
        (Role.AUDITOR, "a", (), 100_000),
        (Role.TEAM, "a", ("Messenger App",), 1),
    ],
)
def test_what_makes_no_sense_is_refused(
    tmp_path: Path, role: Role, name: str, applications: tuple[str, ...], days: int
) -> None:
    store = ControlStore.at(tmp_path)
    with pytest.raises(ConfigError):
        store.tokens.create(role, name, applications, days)
    assert store.tokens.all() == ()
    store.close()


def test_the_list_is_a_table_for_people(tmp_path: Path) -> None:
    name = "Vũ Thị Hạnh of the department for data protection"
    made = created(tmp_path, "--role", "team", "--application", "messenger", "--application", "feed", "--name", name)
    shown = run(tmp_path, "list").stdout
    (row,) = [line for line in shown.splitlines() if made["id"] in line]
    assert name in row
    assert "messenger, feed" in row
    assert made["token"] not in shown


def _as_it_was(path: Path, step: Callable[[Any, str], None], revision: str) -> None:
    from alembic.config import Config

    engine = sa.create_engine(f"sqlite:///{path}")
    with engine.begin() as connection:
        config = Config()
        config.set_main_option("script_location", "proxy.control:migrations")
        config.attributes["connection"] = connection
        step(config, revision)
    engine.dispose()


def test_a_control_database_of_the_release_before_gets_tokens(tmp_path: Path) -> None:
    from alembic import command

    _as_it_was(tmp_path / "control.db", command.upgrade, "0001")
    store = ControlStore.at(tmp_path)
    value, _ = store.tokens.create(Role.AUDITOR, "a", (), 1)
    assert store.tokens.find(digest(value)) is not None
    store.close()
    _as_it_was(tmp_path / "control.db", command.downgrade, "0001")


def test_the_schema_is_the_one_that_the_migrations_make(tmp_path: Path) -> None:
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext

    from proxy.control.tables import metadata

    ControlStore.at(tmp_path).close()
    engine = sa.create_engine(f"sqlite:///{tmp_path / 'control.db'}")
    with engine.connect() as connection:
        context = MigrationContext.configure(connection)
        assert context.get_current_revision() == HEAD
        assert compare_metadata(context, metadata) == []
    engine.dispose()
