"""Comparing models over the API: pairs without names, a record before each look, the figures, officers only."""

import pytest

from proxy.control.tokens import Role
from tests.proxy.console.comparing import OPENAI, OWN, mirrored
from tests.proxy.console.conftest import Console

PAIRS = "/api/v1/comparisons"


def test_a_pair_has_no_names_until_it_is_rated(console: Console) -> None:
    ids = mirrored(console, 2)
    with console.client() as client:
        found = client.get(PAIRS).json()
        assert found == {"kept": 2, "items": [{"exchange": ids[1], "attempt": 2}, {"exchange": ids[0], "attempt": 2}]}
        answer = client.get(f"{PAIRS}/{ids[1]}/2")
        pair = answer.json()
        assert not [name for name in (*OPENAI, *OWN, "4V0M7KQ2") if name in answer.text]
        assert pair["same_question"] is True
        assert "[Person 1]" in pair["a"]["asked"][1]["text"]
        own = "a" if "today" in pair["a"]["said"][0] else "b"
        told = client.put(f"{PAIRS}/{ids[1]}/2/rating", json={"better": own}).json()
        assert told[own] == {"destination": "own-llama", "model": "llama-3.3-70b"}
        assert client.put(f"{PAIRS}/{ids[1]}/2/rating", json={"better": "tie"}).status_code == 404
        assert [one["exchange"] for one in client.get(PAIRS).json()["items"]] == [ids[0]]
        assert client.get(f"{PAIRS}/{ids[1]}/3").status_code == 404
    looks = [(one["transfer"], one["filters"]) for one in console.entries("query") if "transfer" in one]
    assert looks == [(ids[1], ["compare"]), *[(ids[1], ["compare", "rate"])] * 2], "the second word, too, looked"
    (rating,) = console.control.ratings.since(0)
    assert (rating.verdict, rating.by_person) == ("second", True)


def test_the_figures_are_those_of_the_command_and_the_page(console: Console) -> None:
    ids = mirrored(console, 3)
    with console.client() as client:
        client.put(f"{PAIRS}/{ids[0]}/2/rating", json={"better": "tie"})
        found = client.get(f"{PAIRS}/report", params={"days": 7}).json()
        assert client.get(f"{PAIRS}/report", params={"days": 0}).status_code == 400
    (match,) = found["matches"]
    assert (match["first"]["destination"], match["second"]["destination"]) == ("openai", "own-llama")
    assert (match["people"]["ties"], match["people"]["rate"]) == (1, None)
    assert (match["measures"]["first"]["answers"], match["measures"]["second"]["wait_ms"]) == (3, 200)
    assert sum(week["all"] for week in found["weeks"]) == 3
    assert found["prices"] is None
    assert console.entries("query")[-1]["question"] == "report"


@pytest.mark.parametrize("role", [Role.AUDITOR, Role.OPERATOR, Role.TEAM])
def test_only_officers_may(console: Console, role: Role) -> None:
    (exchange,) = mirrored(console)
    with console.client(role, *(("messenger",) if role is Role.TEAM else ())) as client:
        answers = [client.get(path) for path in (PAIRS, f"{PAIRS}/report", f"{PAIRS}/{exchange}/2")]
        answers.append(client.put(f"{PAIRS}/{exchange}/2/rating", json={"better": "a"}))
    assert {answer.status_code for answer in answers} == {403}
    assert console.entries("query") == []
