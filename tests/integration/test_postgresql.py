"""dragoman on a real PostgreSQL: one machine, two machines behind one vault and one log, and a database that is away."""

import asyncio
import secrets
import shutil
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import orjson
import pytest
import sqlalchemy as sa
from typer.testing import CliRunner

from audit.commands.reading import reading
from audit.errors import LedgerError
from audit.query import entries
from audit.verify import Verified, verify_store
from proxy.cli import build
from proxy.commands.doctor import examine
from proxy.config import parse_origin
from proxy.configured import load
from proxy.console.log import AuditLog
from proxy.console.settings import ConsoleSettings
from proxy.control.ratings import Rating, Side, Verdict
from proxy.control.store import ControlStore
from proxy.errors import ConfigError
from proxy.fakes.hold import Hold
from proxy.fakes.leaks import assert_no_leak
from proxy.running.databases import vault_of
from redaction.errors import VaultError
from redaction.vault import tables
from tests.postgres import PostgresServer, postgres_server, postgres_url, server_programs

__all__ = ["postgres_server", "postgres_url"]

MAIL = "anna.schmidt@example.com"
PASSWORD = "correct-horse-battery"


@pytest.fixture
def secret_url(postgres_url: str) -> str:
    """As operators write it: no driver, and a password, which must not be seen again."""
    return postgres_url.replace("postgresql+psycopg://tester@", f"postgresql://tester:{PASSWORD}@")


@pytest.fixture
def machine(tmp_path: Path, secret_url: str) -> Callable[[str], dict[str, Any]]:
    """`home` and `settings` of a machine by its name, as its config.toml says."""

    def make(name: str) -> dict[str, Any]:
        home = tmp_path / name
        home.mkdir(mode=0o700)
        (home / "url").write_text(secret_url + "\n")
        stores = ("vault_database", "audit_database", "control_database")
        (home / "config.toml").write_text("\n".join([f'node = "{name}"', *(f'{store} = "url"' for store in stores)]))
        given = load(home=home, environ={})
        return {"home": home, "settings": {name: getattr(given, name) for name in ("node", *stores)}}

    return make


def test_what_is_new_is_told_from_what_was_there_already(postgres_url: str) -> None:
    store = ControlStore(postgres_url)
    rating = Rating("exchange", 1, "rater", Verdict.FIRST, Side("openai", "m"), Side("mistral", "m"))
    with closing(store):
        assert [store.set_stop("destination", "openai", stopped=True) for _ in range(2)] == [True, False]
        assert [store.set_stop("destination", "openai", stopped=False) for _ in range(2)] == [True, False]
        assert [store.ratings.add(rating) for _ in range(2)] == [True, False]


def dragoman(*arguments: str, code: int = 0) -> str:
    done = CliRunner().invoke(build(arguments), arguments)
    assert done.exit_code == code, (done.output, done.exception)
    return done.output


def records(home: Path, url: str, kind: str) -> list[dict[str, Any]]:
    with reading(home, url) as log, log.store.read() as connection:
        return [orjson.loads(body) for _, body in entries(connection, kinds=(kind,))]


def verified(home: Path, url: str) -> Verified:
    with reading(home, url) as log:
        return verify_store(log.store, [log.vkey])


async def test_a_machine_on_postgresql(
    stand: Any, chat: Any, machine: Any, postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = machine("one")
    async with stand(**one) as it, it.client("openai") as client:
        answer = await client.post("/v1/chat/completions", json=chat(f"Write to {MAIL}"))
        assert f"Write to {MAIL}" in answer.json()["choices"][0]["message"]["content"]
        assert_no_leak(it.received(), [MAIL])
        await it.settled()
    home = one["home"]
    assert not (home / "audit.db").exists()
    assert not (home / "vault.db").exists()
    assert not (home / "control.db").exists()
    assert answer.headers["dragoman-transfer"] in dragoman("audit", "query", "--json", "--home", str(home))
    assert "1 transfer" in dragoman("audit", "verify", "--home", str(home))
    assert verified(home, postgres_url).open == 0
    # A command that is not told the database asks the one of the settings; given in the environment it is the same.
    with sa.create_engine(postgres_url, poolclass=sa.NullPool).connect() as connection:
        scope = connection.execute(sa.select(tables.scope.c.id)).scalar_one()
    (home / "config.toml").unlink()
    monkeypatch.setenv("DRAGOMAN_DATABASE", postgres_url)
    monkeypatch.setenv("DRAGOMAN_AUDIT_DATABASE", postgres_url)
    assert "shredded" in dragoman("vault", "shred", scope, "--home", str(home))
    assert records(home, postgres_url, "shred")[0]["scopes"] == [scope]


async def test_commands_and_console_write_the_same_log(
    stand: Any, machine: Any, chat: Any, postgres_url: str, capfd: pytest.CaptureFixture[str]
) -> None:
    one = machine("one")
    home = one["home"]
    async with stand(**one) as it, it.client("openai") as client:
        settings = ConsoleSettings.from_line(ConsoleSettings.of(it.app.settings).line())
        assert PASSWORD.encode() not in settings.line()
        await client.post("/v1/chat/completions", json=chat(MAIL))
        await it.settled()

        def use() -> None:
            with closing(AuditLog(settings.as_settings)) as log, log.read() as connection:
                assert len(list(entries(connection, kinds=("transfer",)))) == 1
            dragoman("stop", "openai", "--home", str(home))
            dragoman("erase", "hold", "--subject", "somebody", "--home", str(home))
            dragoman("erase", "--subject", "somebody", "--dry-run", "--home", str(home))

        await asyncio.to_thread(use)
        await it.app.refresh()
        refused = await client.post("/v1/chat/completions", json=chat("hello"))
        assert refused.status_code == 403
    kinds = verified(home, postgres_url).kinds
    assert (kinds["stop"], kinds["erasure"], kinds["query"]) == (1, 1, 1)
    assert PASSWORD not in "".join(capfd.readouterr())


async def test_a_conversation_goes_on_on_another_machine(
    stand: Any, chat: Any, machine: Any, postgres_url: str
) -> None:
    one, two = machine("one"), machine("two")
    first = chat(f"I am {MAIL}")
    async with stand(**one) as here:
        shutil.copytree(one["home"] / "keys", two["home"] / "keys")
        shared = {"openai": parse_origin(here.fakes["openai"].url, what="openai")}
        async with (
            stand(**two, upstreams=shared) as there,
            here.client("openai") as client,
            there.client("openai") as other,
        ):
            await client.post("/v1/chat/completions", json=first)
            messages = [*first["messages"], {"role": "assistant", "content": "hi"}, {"role": "user", "content": MAIL}]
            answer = await other.post("/v1/chat/completions", json={**first, "messages": messages})
            assert MAIL in answer.json()["choices"][0]["message"]["content"]
            left = [orjson.loads(request.body) for request in here.received()]
            token = left[0]["messages"][0]["content"].removeprefix("I am ")
            assert left[1]["messages"][0]["content"] == f"I am {token}"
            assert left[1]["messages"][2]["content"] == token
            model = {"model": "fake-echo-all"}
            told = await client.post("/v1/responses", json={**model, "input": f"I am {MAIL}"})
            asked = {**model, "input": "so?", "previous_response_id": told.json()["id"]}
            # This machine never saw the original: it knows from the vault what that response was about.
            assert MAIL in (await other.post("/v1/responses", json=asked)).text

            both = (client, other)
            sent = [both[n % 2].post("/v1/chat/completions", json=chat(f"{n} {MAIL}")) for n in range(20)]
            assert {answer.status_code for answer in await asyncio.gather(*sent)} == {200}
            await here.settled()
            await there.settled()
            assert_no_leak(here.received(), [MAIL])
    found = verified(one["home"], postgres_url)
    assert (found.kinds["transfer"], found.kinds["outcome"], found.open) == (24, 24, 0)
    nodes = [record["node"] for record in records(two["home"], postgres_url, "transfer")]
    assert (nodes.count("one"), nodes.count("two")) == (12, 12)


async def test_what_is_set_on_one_machine_holds_on_all(stand: Any, chat: Any, machine: Any, postgres_url: str) -> None:
    one, two = machine("one"), machine("two")
    async with stand(**one) as here:
        shutil.copytree(one["home"] / "keys", two["home"] / "keys")
        shared = {"openai": parse_origin(here.fakes["openai"].url, what="openai")}
        async with stand(**two, upstreams=shared) as there, there.client("openai") as client:

            async def until(status: int) -> None:
                """Until the other machine answers so."""
                async with asyncio.timeout(100):
                    while (await client.post("/v1/chat/completions", json=chat("hello"))).status_code != status:
                        await asyncio.sleep(0.05)

            on_one = ("--home", str(one["home"]))
            await until(200)
            await asyncio.to_thread(dragoman, "stop", "openai", *on_one)
            await until(403)
            await asyncio.to_thread(dragoman, "stop", "openai", "--resume", *on_one)
            await until(200)
            made = orjson.loads(await asyncio.to_thread(dragoman, "app", "add", "messenger", "--json", *on_one))
            await there.app.refresh()
            credential = {"dragoman-credential": made["credential"]}
            answer = await client.post("/v1/chat/completions", json=chat("hello"), headers=credential)
            assert answer.status_code == 200
            await there.settled()
    assert [record["name"] for record in records(two["home"], postgres_url, "stop")] == ["openai", "openai"]
    assert records(two["home"], postgres_url, "transfer")[-1]["application"] == "messenger"
    assert "messenger" in dragoman("app", "list", "--home", str(two["home"]))


async def test_a_machine_that_cannot_see_what_was_stopped_lets_nothing_pass(
    stand: Any, chat: Any, machine: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = machine("one")
    async with stand(**one) as it, it.client("openai") as client:
        assert (await client.post("/v1/chat/completions", json=chat("hello"))).status_code == 200
        monkeypatch.setattr("proxy.policy.in_force.STALE_S", -1.0)
        answer = await client.post("/v1/chat/completions", json=chat("hello"))
        assert (answer.status_code, answer.json()["error"]["code"]) == (503, "control_away")
        assert (await client.get(f"{it.gateway}/-/readyz")).status_code == 503
        assert len(it.received()) == 1


async def test_a_refusal_does_not_wait_for_a_log_that_hangs(
    stand: Any, chat: Any, machine: Any, postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = machine("one")
    async with stand(**one) as it, it.client("openai") as client:
        monkeypatch.setattr("proxy.policy.in_force.STALE_S", -1.0)
        monkeypatch.setattr("proxy.steps.closing.REFUSAL_S", 0.05)
        with sa.create_engine(postgres_url, poolclass=sa.NullPool).begin() as connection:
            connection.execute(sa.text("LOCK TABLE entry IN ACCESS EXCLUSIVE MODE"))
            answer = await client.post("/v1/chat/completions", json=chat("hello"))
            assert (answer.status_code, answer.json()["error"]["code"]) == (503, "control_away")
        assert it.received() == []
    assert [record["reason"] for record in records(one["home"], postgres_url, "blocked")] == ["control_away"]


@pytest.mark.parametrize(
    ("table", "patience", "code"),
    [
        ("entry", "proxy.steps.closing.RECORD_S", "ledger_slow"),
        ("vault_scope", "proxy.running.adapters.STORE_S", "store_slow"),
    ],
    ids=["log", "vault"],
)
async def test_who_waits_for_a_database_that_hangs_is_refused_in_time(
    stand: Any, chat: Any, machine: Any, postgres_url: str, monkeypatch: pytest.MonkeyPatch, table: str, patience: str,
    code: str,
) -> None:  # fmt: skip
    one = machine("one")
    async with stand(**one) as it, it.client("openai") as client:
        assert (await client.post("/v1/chat/completions", json=chat("hello"))).status_code == 200
        await it.settled()
        with monkeypatch.context() as patched:
            patched.setattr(patience, 0.05)
            with sa.create_engine(postgres_url, poolclass=sa.NullPool).begin() as connection:
                connection.execute(sa.text(f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE"))
                answer = await client.post("/v1/chat/completions", json=chat(f"I am {MAIL}"))
        assert (answer.status_code, answer.json()["error"]["code"]) == (503, code)
        assert len(it.received()) == 1
        # It goes on, and what was recorded all the same says that nothing was sent under it.
        assert (await client.post("/v1/chat/completions", json=chat(f"I am {MAIL}"))).status_code == 200
        await it.settled()
    sent = records(one["home"], postgres_url, "transfer")
    states = {outcome["id"]: outcome["state"] for outcome in records(one["home"], postgres_url, "outcome")}
    expected = ["complete", "not_sent", "complete"] if code == "ledger_slow" else ["complete", "complete"]
    assert [states[transfer["id"]] for transfer in sent] == expected
    assert verified(one["home"], postgres_url).open == 0


async def test_a_machine_with_other_keys_does_not_start(stand: Any, machine: Any) -> None:
    one, two, three = machine("one"), machine("two"), machine("three")
    async with stand(**one):
        with pytest.raises(LedgerError, match="audit-log.vkey"):
            async with stand(**two):
                pass
        shutil.copytree(one["home"] / "keys", three["home"] / "keys")
        (three["home"] / "keys" / "vault.key").unlink()
        with pytest.raises(VaultError):
            async with stand(**three):
                pass


async def test_who_is_erased_on_one_machine_is_erased_for_all(
    stand: Any, chat: Any, machine: Any, postgres_url: str
) -> None:
    one, two = machine("one"), machine("two")
    async with stand(**one) as here, here.client("openai") as client:
        shutil.copytree(one["home"] / "keys", two["home"] / "keys")
        for person in ("anna-4711", "ben-0815"):
            about = {"dragoman-subject": person, "dragoman-session": person}
            await client.post("/v1/chat/completions", json=chat(f"I am {MAIL}"), headers=about)
        await here.settled()
        erase = ("erase", "--subject", "anna-4711", "--yes", "--home", str(two["home"]))
        assert await asyncio.to_thread(dragoman, *erase)
        with sa.create_engine(postgres_url, poolclass=sa.NullPool).connect() as connection:
            persons = connection.execute(sa.text("SELECT count(DISTINCT ref) FROM vault_person")).scalar_one()
        assert persons == 1, "Ben alone is known"
        ask = ("audit", "query", "--json", "--home", str(one["home"]), "--subject")
        assert '"transfer"' not in await asyncio.to_thread(dragoman, *ask, "anna-4711")
        assert '"transfer"' in await asyncio.to_thread(dragoman, *ask, "ben-0815")
    assert verified(one["home"], postgres_url).kinds["erasure"] >= 1


@pytest.mark.parametrize("text", [MAIL, "nothing personal"], ids=["personal", "plain"])
async def test_a_database_that_is_away_lets_nothing_leave(
    each_door: Any, chat: Any, machine: Any, postgres_server: PostgresServer, postgres_url: str, text: str
) -> None:
    one = machine("one")
    name = sa.make_url(postgres_url).database or ""
    async with each_door(**one) as it, it.client("openai") as client:
        answer = await client.post("/v1/chat/completions", json=chat("before"))
        assert answer.status_code == 200
        await it.settled()
        before = len(it.received())
        postgres_server.run(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
        postgres_server.run(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'")
        for _ in range(2):
            answer = await client.post("/v1/chat/completions", json=chat(text))
            assert answer.status_code == 503
            assert answer.json()["error"]["code"] == answer.headers["dragoman-reason"]
            assert not {MAIL, PASSWORD, name} & set(answer.text.split())
        assert len(it.received()) == before
        assert [check.ok for check in examine(it.app.settings) if check.name == "audit database"] == [False]
        postgres_server.run(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true")
        # It was away before anything began: nothing is in doubt, and the same process goes on.
        await it.app.refresh()
        answer = await client.post("/v1/chat/completions", json=chat(text))
        assert answer.status_code == 200
        await it.settled()
    assert verified(one["home"], postgres_url).kinds["transfer"] == 2


async def test_an_answer_that_ends_while_the_database_is_away_has_its_outcome(
    stand: Any, chat: Any, machine: Any, postgres_server: PostgresServer, postgres_url: str
) -> None:
    one, name, hold = machine("one"), sa.make_url(postgres_url).database, Hold()
    async with stand(**one, openai={"hold": hold}) as it, it.client("openai") as client:
        asking = asyncio.create_task(client.post("/v1/chat/completions", json=chat("hello")))
        while not hold.waiting:
            await asyncio.sleep(0.01)
        postgres_server.run(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
        postgres_server.run(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'")
        hold.open()
        assert (await asking).status_code == 200
        assert it.app.gate.open_transfers == 1
        postgres_server.run(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true")
        await it.settled()
    assert [record["state"] for record in records(one["home"], postgres_url, "outcome")] == ["complete"]


async def test_a_commit_of_which_nobody_knows_costs_refusals_and_no_start(
    stand: Any, chat: Any, machine: Any, postgres_url: str
) -> None:
    one, hold, broken = machine("one"), Hold(), [True]

    def probe(step: str) -> None:
        if broken and step == "committed":
            raise sa.exc.OperationalError("COMMIT", {}, OSError("server closed the connection"))

    async with stand(**one, openai={"hold": hold}) as it, it.client("openai") as client:
        asking = asyncio.create_task(client.post("/v1/chat/completions", json=chat(MAIL)))
        while not hold.waiting:
            await asyncio.sleep(0.01)
        it.app.ledger._writer._probe = probe
        answer = await client.post("/v1/chat/completions", json=chat("hello"))
        assert (answer.status_code, answer.headers["dragoman-reason"]) == (503, "ledger_reopening")
        assert (await client.get(f"{it.gateway}/-/healthz")).status_code == 200, "a start would not help"
        hold.open()
        answer = await asking
        assert (answer.status_code, MAIL in answer.text) == (200, True)
        broken.clear()
        while not it.app.takes_transfers():
            await asyncio.sleep(0.01)
        assert (await client.post("/v1/chat/completions", json=chat(MAIL))).status_code == 200
        await it.settled()
        assert len(it.received()) == 2
    states = sorted(record["state"] for record in records(one["home"], postgres_url, "outcome"))
    assert states == ["complete", "complete", "not_sent"]
    assert verified(one["home"], postgres_url).open == 0


async def test_dragoman_ends_in_order_while_its_database_is_away(
    stand: Any, machine: Any, postgres_server: PostgresServer, postgres_url: str
) -> None:
    one, name = machine("one"), sa.make_url(postgres_url).database
    async with stand(**one):
        postgres_server.run(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
        postgres_server.run(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'")
    postgres_server.run(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true")
    async with stand(**one):
        assert records(one["home"], postgres_url, "gap")[0]["cause"] == "crash"


async def test_a_start_is_refused_without_showing_the_url(stand: Any, machine: Any, tmp_path: Path) -> None:
    one = machine("one")
    unnamed = {**one, "settings": {**one["settings"], "node": "local"}}
    with pytest.raises(ConfigError, match="DRAGOMAN_NODE"):
        async with stand(**unnamed):
            pass
    (one["home"] / "url").write_text(f"mysql://root:{PASSWORD}@db/x")
    with pytest.raises(ConfigError, match="_database") as refused:
        async with stand(**one):
            pass
    assert PASSWORD not in str(refused.value)
    config = tmp_path / "config.toml"
    config.write_text(f'vault_database = "postgresql://u:{PASSWORD}@db/x"\n')
    with pytest.raises(ConfigError, match="vault_database") as refused:
        load(config)
    assert PASSWORD not in str(refused.value)


def test_a_missing_driver_is_named(machine: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = load(home=machine("one")["home"], environ={})
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(ConfigError, match=r"dragoman\[postgresql\]"):
        vault_of(settings)


def test_the_environment_wins_and_is_not_kept(tmp_path: Path, postgres_url: str) -> None:
    (tmp_path / "config.toml").write_text('vault_database = "env:OTHER"\n')
    given = load(home=tmp_path, environ={"DRAGOMAN_DATABASE": postgres_url, "DRAGOMAN_AUDIT_DATABASE": postgres_url})
    assert (given.vault_database, given.audit_database) == ("env:DRAGOMAN_DATABASE", "env:DRAGOMAN_AUDIT_DATABASE")
    assert postgres_url not in repr(given)


def test_doctor_asks_the_databases(machine: Any, postgres_url: str) -> None:
    one = machine("one")
    settings = load(home=one["home"], environ={})
    checks = {check.name: check for check in examine(settings)}
    assert [checks[name].ok for name in ("audit database", "vault database", "node")] == [True, True, True]
    vault_of(settings).close()
    (one["home"] / "url").write_text("not a url")
    away = next(check for check in examine(settings) if check.name == "vault database")
    assert not away.ok
    assert "postgresql://USER" in away.found


async def test_the_policy_in_force_is_the_same_on_all_machines(
    stand: Any, chat: Any, machine: Any, postgres_url: str
) -> None:
    one, two = machine("one"), machine("two")
    text = """\
version: 1
name: {name}
unknown_applications: allow
destinations:
  openai: {{extends: bundled:openai@2026-11-23}}
rules:
  - {{id: all, when: {{entity: any}}, do: {do}}}
  - {{id: rest, when: {{entity: none}}, do: allow}}
"""
    (one["home"] / "policy.yaml").write_text(text.format(name="first", do="tokenize"))
    async with stand(**one) as here:
        shutil.copytree(one["home"] / "keys", two["home"] / "keys")
        shared = {"openai": parse_origin(here.fakes["openai"].url, what="openai")}
        async with stand(**two, upstreams=shared) as there, there.client("openai") as client:
            # The second has no file at all: it takes over what the first one has.
            assert there.app.active.policy.digest == here.app.active.policy.digest
            (one["home"] / "policy.yaml").write_text(text.format(name="second", do="block"))
            await here.app.refresh()
            await there.app.refresh()
            assert there.app.active.policy.name == "second"
            answer = await client.post("/v1/chat/completions", json=chat(f"I am {MAIL}"))
            assert answer.status_code == 403
    activated = [record["name"] for record in records(two["home"], postgres_url, "policy")]
    assert activated == ["first", "second"], "recorded once, by the machine that activated it"


def postgres_client(server: PostgresServer, program: str, *arguments: str, given: bytes = b"") -> bytes:
    """What a program of PostgreSQL writes."""
    command = [server_programs() / program, "-h", server.folder, "-U", "tester", *arguments]
    return subprocess.run(command, input=given, capture_output=True, check=True).stdout


async def test_vault_and_log_come_back_from_a_backup_together(
    stand: Any, chat: Any, machine: Any, postgres_server: PostgresServer, postgres_url: str
) -> None:
    """The drill of docs/operations.md, command by command."""
    one, copy = machine("one"), f"{sa.make_url(postgres_url).database}_copy"
    mail = "karla.kolumna@example.com"  # in no policy that the database keeps
    first = chat(f"I am {mail}")
    async with stand(**one) as it, it.client("openai") as client:
        told = await client.post("/v1/responses", json={"model": "fake-echo-all", "input": f"I am {mail}"})
        await client.post("/v1/chat/completions", json=first)
        await it.settled()
        token = orjson.loads(it.received()[1].body)["messages"][0]["content"].removeprefix("I am ")
    saved = postgres_client(postgres_server, "pg_dump", "--no-owner", sa.make_url(postgres_url).database or "")
    assert mail.encode() not in saved, "originals are encrypted under keys that are not in the database"
    postgres_server.run(f"CREATE DATABASE {copy}")
    try:
        postgres_client(postgres_server, "psql", "-q", "-d", copy, given=saved)
        again = machine("one-again")
        shutil.copytree(one["home"] / "keys", again["home"] / "keys")
        restored = postgres_server.url(copy)
        (again["home"] / "url").write_text(restored)
        before = verified(again["home"], restored)
        async with stand(**again) as it, it.client("openai") as client:
            messages = [*first["messages"], {"role": "assistant", "content": "hi"}, {"role": "user", "content": mail}]
            answer = await client.post("/v1/chat/completions", json={**first, "messages": messages})
            assert mail in answer.json()["choices"][0]["message"]["content"]
            assert orjson.loads(it.received()[0].body)["messages"][2]["content"] == token
            asked = {"model": "fake-echo-all", "input": "so?", "previous_response_id": told.json()["id"]}
            await client.post("/v1/responses", json=asked)
            await it.settled()
            assert_no_leak(it.received(), [mail])
        after = verified(again["home"], restored)
        assert (after.kinds["transfer"], after.open) == (before.kinds["transfer"] + 2, 0)
    finally:
        postgres_server.run(f"DROP DATABASE {copy} WITH (FORCE)")


async def test_the_vault_key_is_rotated_while_two_machines_serve(
    stand: Any, chat: Any, machine: Any, postgres_url: str
) -> None:
    one, two = machine("one"), machine("two")
    first = chat(f"I am {MAIL}")
    async with stand(**one) as here:
        shutil.copytree(one["home"] / "keys", two["home"] / "keys")
        shared = {"openai": parse_origin(here.fakes["openai"].url, what="openai")}
        async with (
            stand(**two, upstreams=shared) as there,
            here.client("openai") as client,
            there.client("openai") as other,
        ):
            await client.post("/v1/chat/completions", json=first)
            made = secrets.token_bytes(32)
            for home in (one["home"], two["home"]):
                (home / "keys" / "vault.key.new").touch(0o600)
                (home / "keys" / "vault.key.new").write_bytes(made)
            await asyncio.to_thread(dragoman, "vault", "rotate", "--home", str(one["home"]))
            assert (one["home"] / "keys" / "vault.key").read_bytes() == made
            # The other machine has not rotated yet: it reads what is under the new key, and writes under the old one.
            await other.post("/v1/chat/completions", json=chat("I am ben.miller@example.com"))
            messages = [*first["messages"], {"role": "assistant", "content": "hi"}, {"role": "user", "content": MAIL}]
            answer = await other.post("/v1/chat/completions", json={**first, "messages": messages})
            assert MAIL in answer.json()["choices"][0]["message"]["content"]
            left = [orjson.loads(request.body) for request in here.received()]
            assert left[0]["messages"][0] == left[2]["messages"][0]
            again = {**chat("I am ben.miller@example.com"), "user": "so?"}
            assert "ben.miller@example.com" in (await client.post("/v1/chat/completions", json=again)).text
            assert await asyncio.to_thread(dragoman, "vault", "rotate", "--home", str(two["home"]))
    with sa.create_engine(postgres_url, poolclass=sa.NullPool).connect() as connection:
        used = connection.execute(sa.select(tables.scope.c.key_id).distinct()).scalars().all()
    assert len(used) == 1
