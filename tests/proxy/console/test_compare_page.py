"""The page of comparing models over a real socket: blind until rated, recorded before it is seen, officers only."""

import re
from contextlib import closing
from typing import Any

import httpx
import pytest

from proxy.console.language import LANGUAGES, words
from proxy.control.tokens import Role
from redaction.vault import open_vault
from tests.proxy.console.comparing import OPENAI, OWN, mirrored
from tests.proxy.console.conftest import SAME, Console, browser, form_of


def send(client: httpx.Client, **data: Any) -> httpx.Response:
    return client.post("/compare", data={"form": form_of(client, "/compare"), **data}, headers=SAME)


def pair_of(text: str) -> str:
    found = re.search(r'name="pair" value="([^"]+)"', text)
    assert found is not None, text
    return found[1]


def before_figures(text: str) -> str:
    return text.partition(words("en")("compare.figures"))[0]


@pytest.mark.parametrize("code", LANGUAGES)
def test_an_empty_page_teaches(console: Console, code: str) -> None:
    with browser(console) as client:
        client.get(f"/language/{code}?to=/")
        text = client.get("/compare").text
    assert "keep: {days: 14}" in text
    assert "dragoman policy new compare" in text
    assert words(code)("compare.no_weeks") in text


def test_a_pair_is_blind_until_it_is_rated(console: Console) -> None:
    ids = mirrored(console, 2)
    with browser(console) as client:
        assert "2 of 2 kept pairs wait" in client.get("/compare").text
        shown = send(client, do="show").text
        part = before_figures(shown)
        assert pair_of(shown) == f"{ids[1]}/2"
        assert "[Person 1]" in part
        assert "4V0M7KQ2" not in part
        assert not [name for name in (*OPENAI, *OWN) if name in part]
        # Words of a model show as words, in a direction of their own.
        assert "&lt;b&gt;today&lt;/b&gt;" in part
        looks = console.entries("query")
        assert [(one["question"], one["transfer"], one["filters"]) for one in looks if "transfer" in one] == [
            ("show", ids[1], ["compare"])
        ]
        own = "a" if part.index("today") < part.index("back.") else "b"
        rated = send(client, do=own, pair=f"{ids[1]}/2").text
        said = before_figures(rated)
        assert "own-llama llama-3.3-70b" in said
        assert "openai gpt-5-mini" in said
        assert pair_of(rated) == f"{ids[0]}/2", "the next one is shown"
        assert "100 % (1 of 1 decided pair, 0 ties); between 21 % and 100 %" in rated
        again = send(client, do="a", pair=f"{ids[1]}/2")
        assert again.status_code == 404
    (rating,) = console.control.ratings.since(0)
    assert (rating.verdict, rating.second.destination, rating.by_person) == ("second", "own-llama", True)
    assert "token:" not in rating.rater


def test_a_pair_may_be_left_out_and_is_there_again(console: Console) -> None:
    ids = mirrored(console, 2)
    with browser(console) as client:
        assert pair_of(send(client, do="skip", pair=f"{ids[1]}/2").text) == f"{ids[0]}/2"
        assert "That was the last one" in send(client, do="skip", pair=f"{ids[0]}/2").text
        assert pair_of(send(client, do="show").text) == f"{ids[1]}/2"
        assert send(client, do="tie", pair=f"{ids[1]}/2").status_code == 200
        send(client, do="tie", pair=f"{ids[0]}/2")
        assert "You have rated all pairs that are kept: 2" in client.get("/compare").text
        assert "2 ties and no decision yet" in client.get("/compare").text


def test_figures_need_no_kept_text_and_costs_no_guess(console: Console) -> None:
    mirrored(console, 3, kept=False)
    with browser(console) as client:
        text = client.get("/compare").text
        assert "Nobody has rated these two yet" in text
        for cell in ("3", "100", "200", "900", "3,600", "1,800"):
            assert f'<td class="n">{cell}</td>' in text, cell
        assert words("en")("compare.no_prices") in text
        assert "0 / 3" in text
        table = 'date = 2026-11-01\ncurrency = "EUR"\nsource = "x"\n[models."gpt-5-mini"]\ninput = 1\noutput = 10\n'
        (console.home / "prices.toml").write_text(table)
        text = client.get("/compare").text
        assert "Cost (EUR)" in text
        assert '<td class="n">0.0126</td>' in text


def test_what_is_gone_is_not_shown(console: Console) -> None:
    (exchange,) = mirrored(console)
    with browser(console) as client, closing(open_vault(console.home)) as vault:
        scope = vault.open_scope(f"{exchange} own-llama", destination="own-llama")
        assert vault.shred(scope.id)
        assert send(client, do="a", pair=f"{exchange}/2").status_code == 404
        assert words("en")("compare.begin") not in client.get("/compare").text


@pytest.mark.parametrize(
    "data", [{"do": "c"}, {"do": "a"}, {"do": "a", "pair": "x/2"}, {"do": "skip", "pair": "1" * 99}]
)
def test_what_is_no_choice_is_refused(console: Console, data: dict[str, str]) -> None:
    mirrored(console)
    with browser(console) as client:
        assert send(client, **data).status_code == 400
    assert console.control.ratings.since(0) == ()


@pytest.mark.parametrize("role", [Role.AUDITOR, Role.OPERATOR, Role.TEAM])
def test_only_officers_read_pairs(console: Console, role: Role) -> None:
    mirrored(console)
    with browser(console, role, *(("messenger",) if role is Role.TEAM else ())) as client:
        assert client.get("/compare").status_code == 403
        assert 'href="/compare"' not in client.get("/").text
