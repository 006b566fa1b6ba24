"""The page of transfers over a real socket: live rows, kept searches, and what is found taken along."""

import asyncio
import csv
import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, cast

import httpx
import orjson
import pytest

from audit.record import OutcomeRecord
from proxy.console.language import words
from proxy.console.live import MOST_OF_ONE
from proxy.console.site import SESSION, Site
from proxy.control.searches import MOST
from proxy.control.tokens import Role
from tests.audit.conftest import exchange_record
from tests.proxy.console.conftest import SAME, Console, Start, browser, fill, form_of

HOSTILE = '"><script>alert(1)</script>'
ROUND = "a\u202eb"


def events(answer: httpx.Response) -> Iterator[list[tuple[str, str]]]:
    """Index and state of the rows of each event."""
    for line in answer.iter_lines():
        if line.startswith("data: "):
            rows = orjson.loads(line[6:])["rows"]
            yield re.findall(r'data-index="(\d+)" data-state="(\w+)"', rows)


@contextmanager
def following(client: httpx.Client, **given: str) -> Iterator[httpx.Response]:
    with client.stream("GET", "/transfers/live", params=given) as answer:
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith("text/event-stream")
        yield answer


def test_new_transfers_and_their_ends_come_without_asking_again(console: Console) -> None:
    fill(console)
    with browser(console) as client, following(client, application="messenger") as answer:
        seen = events(answer)
        assert len(next(seen)) == 4
        made = exchange_record()
        console.ledger.append_blocking(exchange_record(application="feed"))
        console.ledger.append_blocking(made)
        assert [state for _, state in next(seen)] == ["open"]
        console.ledger.append_blocking(
            OutcomeRecord(id=made.id, attempt=1, at=made.at + 9, state="complete", restored=0)
        )
        assert [state for _, state in next(seen)] == ["complete"]
    looked = [one for one in console.entries("query") if one["question"] == "tail"]
    assert [one["filters"] for one in looked] == [["application"]], "one record for all of the looking"


def test_what_comes_is_escaped_like_the_page() -> None:
    site = Site(*cast(Any, (None, None, None)))
    row = {"idx": 1, "id": HOSTILE, "state": HOSTILE, "action": HOSTILE, "at": 0, "findings": 1}
    html = site.text(
        "rows", {"t": words("en"), "rows": [{**row, "application": HOSTILE, "destination": HOSTILE, "model": HOSTILE}]}
    )
    assert "<script>" not in html
    assert html.count("&lt;script&gt;") >= 6


def test_a_team_follows_its_own_transfers_alone(console: Console) -> None:
    fill(console)
    with browser(console, Role.TEAM, "feed") as client, following(client) as answer:
        first = next(events(answer))
    assert len(first) == 3


def test_without_a_session_a_browser_is_told_not_to_ask_again(filled: Console) -> None:
    with browser(filled, None) as client:
        assert client.get("/transfers/live").status_code == 204


def test_a_stream_ends_with_the_session_and_does_not_keep_it_alive(start: Start) -> None:
    console = start()
    fill(console)
    with browser(console) as client, following(client) as answer:
        cookie = client.cookies[SESSION]
        seen = events(answer)
        next(seen)
        with browser(console, None) as other:
            other.cookies.set(SESSION, cookie)
            other.post("/sign-out", data={"form": form_of(other, "/")}, headers=SAME)
        assert list(seen) == []


def test_a_stream_ends_with_its_token(filled: Console) -> None:
    with browser(filled) as client, following(client) as answer:
        seen = events(answer)
        next(seen)
        filled.control.tokens.revoke(filled.control.tokens.all()[0].id)
        assert list(seen) == []


def test_one_person_has_so_many_streams_and_no_more(filled: Console) -> None:
    from contextlib import ExitStack

    with browser(filled) as client, ExitStack() as stack:
        seen = [events(stack.enter_context(following(client))) for _ in range(MOST_OF_ONE)]
        assert [len(next(one)) for one in seen] == [7] * MOST_OF_ONE
        assert client.get("/transfers/live").status_code == 429


@pytest.mark.parametrize("given", [{"since": "nonsense"}, {HOSTILE: "x"}, {"application": "x" * 261}])
def test_filters_that_cannot_be_open_no_stream(filled: Console, given: dict[str, str]) -> None:
    with browser(filled) as client:
        answer = client.get("/transfers/live", params=given)
    assert answer.status_code == 400
    assert "<script>alert" not in answer.text


def keep(client: httpx.Client, name: str, do: str = "save", search: str = "", **filters: str) -> httpx.Response:
    data = {"form": form_of(client, "/transfers"), "do": do, "name": name, "search": search}
    return client.post("/transfers", params=filters, data=data, headers=SAME)


def test_a_search_is_kept_under_a_name_and_forgotten(filled: Console) -> None:
    with browser(filled) as client:
        answer = keep(client, f"  Ảnh nhỏ {HOSTILE} ", application="feed", action="transform")
        assert "Kept." in answer.text
        assert "<script>alert" not in answer.text
        assert "Ảnh nhỏ &#34;&gt;&lt;script&gt;" in answer.text
        page = client.get("/transfers").text
        assert 'href="/transfers?application=feed&amp;action=transform"' in page
        keep(client, f"Ảnh nhỏ {HOSTILE}", application="messenger")
        (kept,) = filled.control.searches.all(filled.control.tokens.all()[0])
        assert kept.filters == {"application": "messenger"}, "the same name is the same search"
        assert "Forgotten." in keep(client, "", "forget", kept.id).text
    assert filled.control.searches.all(filled.control.tokens.all()[0]) == ()


@pytest.mark.parametrize("name", ["", "   ", "x" * 81, ROUND, "a\x00b"])
def test_a_name_is_short_and_readable(filled: Console, name: str) -> None:
    with browser(filled) as client:
        assert keep(client, name, application="feed").status_code == 400
        assert keep(client, "x", "nonsense").status_code == 404


def test_searches_are_a_persons_own_and_not_without_end(filled: Console) -> None:
    mine = filled.control.tokens.create(Role.OFFICER, "Ms First", (), 1)[1]
    other = filled.control.tokens.create(Role.OFFICER, "Mr Second", (), 1)[1]
    searches = filled.control.searches
    for number in range(MOST):
        searches.save(mine, f"search {number}", {"application": "feed"})
    with pytest.raises(Exception, match="remove one first"):
        searches.save(mine, "one more", {})
    searches.save(mine, "search 1", {"application": "other"})
    assert searches.all(other) == ()
    searches.remove(other, searches.all(mine)[0].id)
    assert len(searches.all(mine)) == MOST


def taken(console: Console, role: Role = Role.OFFICER, **given: str) -> httpx.Response:
    with browser(console, role) as client:
        return client.get("/transfers/export", params=given)


def test_what_is_found_is_taken_along_and_recorded(filled: Console) -> None:
    answer = taken(filled, form="csv", application="feed", since="2026-01-01")
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert [row["application"] for row in rows] == ["feed"] * 3
    assert 'filename="transfers.csv"' in answer.headers["content-disposition"]
    lines = [orjson.loads(line) for line in taken(filled, form="jsonl", application="feed").text.splitlines()]
    assert [line["id"] for line in lines] == [row["id"] for row in rows]
    records = filled.entries("export")
    assert [(one["format"], one["entries"], one["filters"]) for one in records] == [
        ("csv", 3, ["application", "since"]),
        ("jsonl", 3, ["application"]),
    ]
    assert records[0]["tree_size"] > 3


def test_it_is_parquet_as_the_command_writes_it(filled: Console) -> None:
    pq: Any = pytest.importorskip("pyarrow.parquet")
    table = pq.read_table(io.BytesIO(taken(filled, form="parquet", kind="transfer").content))
    assert table.num_rows == 6
    assert str(table.schema.field("at").type) == "timestamp[ms, tz=UTC]"


def test_an_export_that_finds_nothing_still_says_its_columns(filled: Console) -> None:
    assert taken(filled, form="csv", application="nobody").text.startswith("idx,id,attempt,kind,at,")


def test_more_than_a_page_comes_whole_and_ends_where_it_began(console: Console) -> None:
    async def fill_it() -> None:
        await asyncio.gather(*(console.ledger.append(exchange_record()) for _ in range(1_101)))

    asyncio.run(fill_it())
    lines = taken(console, form="jsonl").text.splitlines()
    assert len({orjson.loads(line)["id"] for line in lines}) == len(lines) == 1_101


@pytest.mark.parametrize(("role", "status"), [(Role.OPERATOR, 403), (Role.AUDITOR, 200)])
def test_only_those_who_may_export_do(filled: Console, role: Role, status: int) -> None:
    assert taken(filled, role, form="jsonl").status_code == status
    assert taken(filled, role, form="docx").status_code == (400 if status == 200 else status)
    assert taken(filled, role, form="csv", since="nonsense").status_code == (400 if status == 200 else status)
