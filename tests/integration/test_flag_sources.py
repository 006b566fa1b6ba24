"""Consent from a database and from a verified token: a withdrawal stops the next request, what fails knows nobody."""

import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest
import sqlalchemy as sa

from policies.declared import SubjectSource
from proxy.errors import ConfigError
from proxy.identity import Subject
from proxy.outbound.flag_database import FlagDatabase, reading_engine
from tests.issuer import Issuer
from tests.postgres import postgres_server, postgres_url

__all__ = ["postgres_server", "postgres_url"]

QUERY = "SELECT consent, minor FROM person WHERE id = :subject AND purpose = :purpose"
POLICY = """\
version: 1
name: consent
controllers: {us: {name: Example Ltd}}
purposes: {explain: {controller: us, basis: consent}}
destinations: {openai: {extends: bundled:openai@2026-11-23}}
tokens: {issuer: "https://login.example.com", audience: dragoman, keys: jwks.json}
applications: {chat: {identify: {networks: [127.0.0.0/8]}, purpose: explain, subject: "claim:sub"}}
trust: {dragoman-subject: [127.0.0.0/8]}
subject_flags: FLAGS
rules:
  - {id: minors-stay, when: {subject: {minor: "yes"}}, do: block}
  - {id: no-consent, when: {subject: {consent: [withdrawn, unknown], participants: all}}, do: block}
  - {id: rest, do: allow}
"""
SQL = f"{{source: sql, at: people, cache_seconds: 0, query: '{QUERY}'}}"
CLAIM = "{source: claim, at: consent}"


@pytest.fixture
def policy(tmp_path: Path) -> Callable[[str], Path]:
    def write(flags: str) -> Path:
        path = tmp_path / "policy.yaml"
        path.write_text(POLICY.replace("FLAGS", flags), encoding="utf-8")
        return path

    return write


@pytest.fixture(params=["sqlite", "postgresql"])
def people(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[sa.Engine]:
    """A company's own database with a table of persons."""
    file = f"sqlite:///{tmp_path / 'people.db'}"
    url = file if request.param == "sqlite" else str(request.getfixturevalue("postgres_url"))
    engine = sa.create_engine(url)
    with engine.begin() as connection:
        connection.execute(sa.text("CREATE TABLE person (id text, purpose text, consent text, minor boolean)"))
    yield engine
    engine.dispose()


def says(people: sa.Engine, person: str, consent: str, minor: bool = False, purpose: str = "explain") -> None:
    with people.begin() as connection:
        statement = sa.text("INSERT INTO person VALUES (:id, :purpose, :consent, :minor)")
        connection.execute(statement, {"id": person, "purpose": purpose, "consent": consent, "minor": minor})


async def asked(it: Any, chat: Callable[..., dict[str, Any]], *headers: tuple[str, str]) -> str:
    """`sent`, or the rule that blocked."""
    async with it.client("openai") as client:
        answer = await client.post("/v1/chat/completions", json=chat("Hello"), headers=list(headers))
    return "sent" if answer.status_code == 200 else str(it.records("blocked")[-1]["rules"][0])


def of(person: str) -> tuple[str, str]:
    return "dragoman-subject", person


async def test_a_database_decides_and_a_withdrawal_stops_the_next_request(
    stand: Any, chat: Callable[..., dict[str, Any]], policy: Callable[[str], Path], people: sa.Engine, tmp_path: Path
) -> None:
    secret = tmp_path / "url"
    secret.write_text(people.url.render_as_string(hide_password=False), encoding="utf-8")
    databases = MappingProxyType({"people": str(secret)})
    says(people, "anna", "given")
    says(people, "kim", "given", minor=True)
    says(people, "twice", "given")
    says(people, "twice", "withdrawn")
    says(people, "other", "given", purpose="another")
    async with stand(settings={"policy": policy(SQL), "flag_databases": databases}) as it:
        assert await asked(it, chat, of("anna")) == "sent"
        assert await asked(it, chat, of("kim")) == "minors-stay"
        assert await asked(it, chat, of("anna"), of("ben; role=participant")) == "no-consent"
        for person in ("nobody", "twice", "other", "anna' OR 'a'='a", ""):
            assert await asked(it, chat, of(person)) == "no-consent", person
        with people.begin() as connection:
            connection.execute(sa.text("UPDATE person SET consent = 'withdrawn' WHERE id = 'anna'"))
        assert await asked(it, chat, of("anna")) == "no-consent"
        with people.begin() as connection:
            connection.execute(sa.text("DROP TABLE person"))
        assert await asked(it, chat, of("anna")) == "no-consent"
        assert b'dragoman_events_total{error="sql",kind="flags_unreadable"}' in it.app.metrics.render()


async def test_a_database_is_only_read(people: sa.Engine, tmp_path: Path) -> None:
    secret = tmp_path / "url"
    secret.write_text(people.url.render_as_string(hide_password=False), encoding="utf-8")
    engine = reading_engine("people", {"people": str(secret)})
    for statement in ("INSERT INTO person (id) VALUES ('x')", "DELETE FROM person", "CREATE TABLE t (x text)"):
        with engine.connect() as connection, pytest.raises(sa.exc.DBAPIError):
            connection.execute(sa.text(statement))
    engine.dispose()


async def test_a_query_that_takes_too_long_knows_nobody_and_ends(
    people: sa.Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("proxy.outbound.flag_database.TIMEOUT_S", 0.2)
    secret, seen = tmp_path / "url", []
    secret.write_text(people.url.render_as_string(hide_password=False), encoding="utf-8")
    database = FlagDatabase({"people": str(secret)}, lambda kind, label: seen.append((kind, label)))
    slow = (
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT :subject AS consent FROM n WHERE i < 0"
    )
    facts = await database.look_up(SubjectSource("sql", "people", query=slow), [Subject("anna")], "explain")
    assert (facts[0].consent, seen) == ("unknown", [("flags_unreadable", "sql")])
    database.close()


async def test_answers_are_kept_for_as_long_as_the_policy_says(tmp_path: Path) -> None:
    file, now = tmp_path / "people.db", [0.0]
    with sqlite3.connect(file) as connection:
        connection.execute("CREATE TABLE person (id, consent)")
        connection.execute("INSERT INTO person VALUES ('anna', 'given')")
    connection.close()
    secret = tmp_path / "url"
    secret.write_text(f"sqlite:///{file}", encoding="utf-8")
    database = FlagDatabase({"p": str(secret)}, lambda kind, label: None, clock=lambda: now[0])
    source = SubjectSource("sql", "p", cache_seconds=60, query="SELECT consent FROM person WHERE id = :subject")
    for moment, consent in ((0.0, "given"), (59.9, "given"), (60.0, "withdrawn")):
        now[0] = moment
        (facts,) = await database.look_up(source, [Subject("anna")], "")
        assert facts.consent == consent
        with sqlite3.connect(file) as connection:
            connection.execute("UPDATE person SET consent = 'withdrawn'")
        connection.close()
    database.close()


async def test_a_database_that_no_setting_names_keeps_the_policy_from_being_used(
    stand: Any, policy: Callable[[str], Path]
) -> None:
    with pytest.raises(ConfigError, match="flag_databases"):
        async with stand(settings={"policy": policy(SQL)}):
            raise AssertionError("it started")


async def test_a_claim_decides_about_the_requester_alone(
    stand: Any, chat: Callable[..., dict[str, Any]], policy: Callable[[str], Path], tmp_path: Path
) -> None:
    home = tmp_path / "home"
    home.mkdir()
    issuer = Issuer(home / "jwks.json")
    issuer.publish()

    def shows(**claims: Any) -> tuple[str, str]:
        return "dragoman-token", issuer.token(**claims)

    async with stand(settings={"policy": policy(CLAIM)}) as it:
        assert await asked(it, chat, shows(sub="anna", consent="given")) == "sent"
        (subject,) = it.records("transfer")[-1]["subjects"]
        assert subject["role"] == "requester"
        assert "anna" not in subject["ref"]
        assert await asked(it, chat, shows(consent="given")) == "sent"
        assert await asked(it, chat, shows(sub="anna", consent="withdrawn")) == "no-consent"
        assert await asked(it, chat, shows(sub="anna")) == "no-consent"
        assert await asked(it, chat) == "no-consent"
        assert await asked(it, chat, shows(sub="anna", consent={"consent": {"explain": "given"}})) == "sent"
        assert await asked(it, chat, shows(sub="anna", consent={"consent": {"another": "given"}})) == "no-consent"
        assert await asked(it, chat, shows(sub="anna", consent={"consent": "given", "minor": True})) == "minors-stay"
        with_ben = (of("anna"), of("ben; role=participant"))
        assert await asked(it, chat, shows(sub="anna", consent="given"), *with_ben) == "no-consent"
