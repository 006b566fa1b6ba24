"""`dragoman vault shred` and `purge` leave a record; the other commands are those of `redaction.cli`."""

from pathlib import Path
from typing import Any

import orjson
import pytest
from typer.testing import CliRunner

from audit.commands.reading import reading
from audit.ids import now_ms
from audit.log import Ledger
from audit.query import entries
from proxy.cli import build
from redaction.vault import SqlVault, open_vault
from redaction.vault.keys import FileRing


def run(home: Path, *arguments: str) -> Any:
    command = ["vault", *arguments, "--home", str(home)]
    return CliRunner().invoke(build(command), command)


def shreds(home: Path) -> list[dict[str, Any]]:
    with reading(home, None) as log, log.store.read() as connection:
        return [orjson.loads(body) for _, body in entries(connection, kinds=("shred",))]


def scope_of(home: Path, name: str, at_ms: int | None = None) -> str:
    """A scope with two placeholders, made now or long ago."""
    at_ms = at_ms if at_ms is not None else now_ms()
    vault = SqlVault(f"sqlite:///{home / 'vault.db'}", FileRing(home / "keys"), clock_ms=lambda: at_ms)
    scope = vault.open_scope(name)
    vault.issue(scope, [("PERSON", "Anna"), ("PERSON", "Ben")])
    vault.close()
    return scope.id


@pytest.fixture
def home(tmp_path: Path) -> Path:
    Ledger.open(tmp_path, node="test").close()
    return tmp_path


def test_a_shred_is_recorded_with_who_did_it(home: Path) -> None:
    scope = scope_of(home, "one")
    assert run(home, "shred", scope).output == "shredded\n"
    (record,) = shreds(home)
    assert (record["cause"], record["scopes"], record["mappings"]) == ("command", [scope], 2)
    assert record["actor"] != "system"
    again = run(home, "shred", scope)
    assert (again.exit_code, again.output) == (1, "there was nothing to shred\n")
    assert len(shreds(home)) == 1


def test_a_purge_is_recorded_where_it_took_something(home: Path) -> None:
    scope_of(home, "kept")
    assert run(home, "purge").output == "0 scopes, 0 placeholders, 0 bindings\n"
    assert shreds(home) == []
    scope_of(home, "over", at_ms=1_000_000)
    assert run(home, "purge").output == "1 scopes, 2 placeholders, 0 bindings\n"
    (record,) = shreds(home)
    assert (record["cause"], record["scopes_overflow"], record["mappings"]) == ("expired", 1, 2)


def test_a_log_that_does_not_work_keeps_everything_from_being_destroyed(home: Path) -> None:
    scope = scope_of(home, "one")
    next((home / "keys").glob("audit-log-*.key")).unlink()
    assert run(home, "shred", scope).exception is not None
    assert run(home, "purge").exception is not None
    vault = open_vault(home)
    assert vault.live([scope]) == {scope: 2}
    vault.close()


def test_a_home_without_a_log_has_nobody_to_tell(tmp_path: Path) -> None:
    scope = scope_of(tmp_path, "one")
    assert run(tmp_path, "shred", scope).output == "shredded\n"
    assert run(tmp_path, "stats").exit_code == 0
    assert not (tmp_path / "audit.db").exists()


def test_the_other_commands_are_there(home: Path) -> None:
    shown = CliRunner().invoke(build(["vault"]), ["vault", "--help"]).output
    assert all(name in shown for name in ("stats", "shred", "purge", "rotate"))
