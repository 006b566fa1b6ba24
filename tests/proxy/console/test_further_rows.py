"""Further rows for the page's own script: by key, with every filter, of a person without the identifier."""

import re

import httpx
import pytest

from proxy.console.questions import NotFoundError
from proxy.console.sought import MOST, Sought
from proxy.control.tokens import Role
from tests.proxy.console.conftest import ANNA, SAME, Console, browser, fill, form_of


def rows(answer: httpx.Response) -> tuple[list[int], str]:
    """Indices of the rows, and where to go on."""
    assert answer.status_code == 200, answer.text
    found = re.search(r'data-next="(\d*)"', answer.text)
    assert found is not None
    return [int(index) for index in re.findall(r'<tr [^>]*data-index="(\d+)"', answer.text)], found[1]


def url_of(page: str) -> str:
    found = re.search(r'data-more="([^"]+)"', page)
    assert found is not None
    return found[1].replace("&amp;", "&")


def test_rows_go_on_where_the_page_ended(console: Console) -> None:
    fill(console, 130)
    with browser(console) as client:
        page = client.get("/transfers?kind=transfer")
        indices, following = rows(page)
        assert len(indices) == 50
        further, end = rows(client.get(f"{url_of(page.text)}&before={following}"))
        assert url_of(page.text).startswith("/transfers/rows?limit=200&kind=transfer")
        assert (len(further), end) == (80, "")
        assert [*indices, *further] == sorted({*indices, *further}, reverse=True)
    asked = [one for one in console.entries("query") if one["question"] == "query"]
    assert [(one["results"], one["filters"]) for one in asked] == [(50, ["kind"]), (80, ["kind"])]


def test_a_team_gets_its_own_rows(console: Console) -> None:
    fill(console)
    with browser(console, Role.TEAM, "feed") as client:
        indices, _ = rows(client.get("/transfers/rows?limit=200"))
    assert len(indices) == 3


@pytest.mark.parametrize("given", ["limit=501", "before=x", "nonsense=1", "limit=0"])
def test_what_cannot_be_asked_is_refused(filled: Console, given: str) -> None:
    with browser(filled) as client:
        assert client.get(f"/transfers/rows?{given}").status_code == 400


def test_a_persons_rows_go_on_without_the_identifier(console: Console) -> None:
    for _ in range(2):
        fill(console, 120)
    with browser(console) as client:
        data = {"form": form_of(client, "/person"), "subject": ANNA}
        page = client.post("/person", data=data, headers=SAME)
        indices, following = rows(page)
        url = url_of(page.text)
        further, end = rows(client.get(f"{url}&before={following}"))
        assert ANNA not in url + page.text
        assert (len(indices), len(further), end) == (50, 70, "")
        assert min(indices) > max(further)
        with browser(console, Role.AUDITOR) as other:
            assert other.get(url).status_code == 404, "another token's name for somebody finds nobody"
        assert client.get("/person/rows?of=guessed").status_code == 404
        with browser(console, Role.OPERATOR) as other:
            assert other.get(url).status_code == 403
    first, second = [one for one in console.entries("query") if one["question"] == "query"]
    assert first["refs"] == second["refs"] == list(console.ledger.references.known("subject", ANNA))  # type: ignore[arg-type]


def test_who_was_asked_about_long_ago_has_to_be_asked_about_again(console: Console) -> None:
    from proxy.console.access import Visitor

    visitor = Visitor(console.control.tokens.create(Role.OFFICER, "x", (), 1)[1])
    sought = Sought()
    first = sought.keep(visitor, ("A" * 22,))
    last = [sought.keep(visitor, (str(number),)) for number in range(MOST)][-1]
    assert sought.find(visitor, last) == (str(MOST - 1),)
    with pytest.raises(NotFoundError):
        sought.find(visitor, first)
