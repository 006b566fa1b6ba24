"""No page of the console, and no filter of it, asks the log for what no index leads to.

What the console really sends to the database is caught while its pages are opened, and SQLite tells its plan for each.
"""

import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

import pytest
import sqlalchemy as sa

from audit.questions.conditions import CONDITIONS, INSIDE, SCORE_FROM
from audit.tables import metadata, transfer
from proxy.control.tokens import Role
from tests.proxy.console.conftest import ANNA, SAME, Console, browser, fill, form_of

GROWS = {
    "entry", "transfer", "finding_set", "subject", "reference", "tile", "daily", "daily_finding", "daily_type",
    "daily_value", "daily_holder", "daily_holder_finding",
}  # fmt: skip
"""Tables with more rows the longer the log is. Sums by month have some thousand in ten years, and are read whole where
nobody named a period."""
PAGES = (
    "/", "/?days=1", "/?days=365", "/changes", "/who", "/transfers", "/incident?since=24h", "/incident?since=7d",
    "/health", "/compare", "/approvals", "/reveals", "/reports", "/tokens", "/stop", "/policy",
)  # fmt: skip
OF_THE_LOG = re.compile(rf"FROM ({'|'.join(metadata.tables)})\b")
ONE_INSIDE = {"findings.where": "/x", "outcome.stream": "complete", "uninspected.reason": "opaque"}


@contextmanager
def caught(console: Console) -> Iterator[set[tuple[str, tuple[Any, ...]]]]:
    """What is read from the log meanwhile."""
    found: set[tuple[str, tuple[Any, ...]]] = set()

    def note(connection: Any, cursor: Any, statement: str, parameters: Any, context: Any, many: bool) -> None:
        if statement.startswith(("SELECT", "WITH")) and OF_THE_LOG.search(statement):
            found.add((statement, tuple(parameters)))

    sa.event.listen(sa.Engine, "before_cursor_execute", note)
    try:
        yield found
    finally:
        sa.event.remove(sa.Engine, "before_cursor_execute", note)


def walks(console: Console, statement: str, parameters: tuple[Any, ...]) -> list[str]:
    """Steps of the plan that read a growing table from end to end."""
    with closing(sqlite3.connect(console.home / "audit.db")) as connection:
        plan = [str(row[3]) for row in connection.execute(f"EXPLAIN QUERY PLAN {statement}", parameters)]
    # A page of the newest is read from the end of the table until it is full.
    newest = "LIMIT" in statement and "idx DESC" in statement and not any("ORDER BY" in step for step in plan)
    steps = plan[1:] if newest and plan[0] == "SCAN transfer" else plan
    return [
        step for step in steps if (found := re.match(r"SCAN (\w+)", step)) and found[1] in GROWS and "INDEX" not in step
    ]


def unindexed(console: Console, statements: set[tuple[str, tuple[Any, ...]]]) -> list[tuple[str, list[str]]]:
    return [(one[0], steps) for one in sorted(statements, key=str) if (steps := walks(console, *one))]


def value_for(name: str) -> str:
    if name == SCORE_FROM:
        return "0.5"
    if name in ONE_INSIDE:
        return ONE_INSIDE[name]
    kind = transfer.c[name].type.python_type if name in transfer.c else str
    return "true" if kind is bool else "1" if kind is int else "openai"


@pytest.mark.parametrize(("role", "applications"), [(Role.OFFICER, ()), (Role.TEAM, ("feed",))])
def test_every_page_asks_by_an_index(console: Console, role: Role, applications: tuple[str, ...]) -> None:
    first, *_ = fill(console)
    with browser(console, role, *applications) as client, caught(console) as statements:
        for path in (*PAGES, f"/transfers/{first}", f"/transfers/{first}/proof.json"):
            assert client.get(path).status_code in {200, 403, 404}, path
        if role is Role.OFFICER:
            for path in ("/person", "/person/erase"):
                data = {"form": form_of(client, path), "subject": ANNA, "do": "plan"}
                assert client.post(path, data=data, headers=SAME).status_code == 200
    assert len(statements) > 15
    assert unindexed(console, statements) == []


def test_every_filter_asks_by_an_index(console: Console) -> None:
    fill(console)
    names = [name for name in CONDITIONS if name not in INSIDE or name in ONE_INSIDE]
    assert set(ONE_INSIDE) <= set(names)
    with browser(console) as client, caught(console) as statements:
        for name in names:
            assert client.get("/transfers", params={name: value_for(name)}).status_code == 200, name
        assert (
            client.get("/transfers", params={"application": "feed", "since": "7d", "action": "allow"}).status_code
            == 200
        )
        assert client.get("/transfers", params={"state": "open"}).status_code == 200
    assert len(statements) > len(names)
    assert unindexed(console, statements) == []


def test_a_question_without_an_index_would_be_seen(filled: Console) -> None:
    assert walks(filled, "SELECT count(*) FROM transfer WHERE model = ?", ("x",)) == ["SCAN transfer"]
    assert walks(filled, "SELECT idx FROM transfer WHERE model = ? ORDER BY idx DESC LIMIT 50", ("x",)) == []
    assert walks(filled, "SELECT idx FROM transfer ORDER BY model, idx DESC LIMIT 50", ()) == ["SCAN transfer"]
