"""What changed, whether all works, what to see to, and kept searches, over the API; and what a team gets of it."""

from proxy.control.tokens import Role
from tests.proxy.console.conftest import Console, browser

API = "/api/v1"


def test_changes_are_those_of_the_page_and_a_team_gets_its_own(filled: Console) -> None:
    with filled.client() as client, filled.client(Role.TEAM, "feed") as team:
        found = client.get(f"{API}/changes", params={"days": 30}).json()
        own = team.get(f"{API}/changes", params={"days": 30}).json()
        assert client.get(f"{API}/changes", params={"days": 0}).status_code == 400
    assert {one["name"]: (one["before"], one["now"]) for one in found["application"]} == {
        "messenger": (0, 4),
        "feed": (0, 3),
    }
    assert [one["name"] for one in own["application"]] == ["feed"]
    assert {one["kind"] for one in found["acts"]} >= {"key"}
    assert own["acts"] == []


def test_health_and_warnings_are_what_the_pages_show(filled: Console) -> None:
    with filled.client() as client:
        found = client.get(f"{API}/health").json()
        warnings = client.get(f"{API}/warnings").json()["items"]
    assert found["takes_transfers"] is None, "nothing serves the doors here"
    assert found["entries"] >= 14
    assert [one["soon"] for one in found["ends"] if one["what"].startswith("token")] == [True]
    assert {one["code"] for one in warnings} >= {"no_witness", "ending"}
    with filled.client(Role.TEAM, "feed") as team:
        assert team.get(f"{API}/health").status_code == 403
        assert {one["code"] for one in team.get(f"{API}/warnings").json()["items"]} <= {"facts", "exceptions"}


def test_a_kept_search_is_the_same_on_the_page_and_belongs_to_one_person(filled: Console) -> None:
    given = {"name": "refused", "filters": {"action": "block", "since": "7d"}}
    with filled.client() as client, browser(filled) as page, filled.client(Role.TEAM, "feed") as team:
        (kept,) = client.post(f"{API}/searches", json=given).json()["items"]
        assert {name: kept[name] for name in given} == given
        assert "action=block" in page.get("/transfers").text
        assert team.get(f"{API}/searches").json() == {"items": []}
        assert [one["name"] for one in team.delete(f"{API}/searches/{kept['id']}").json()["items"]] == []
        assert len(client.get(f"{API}/searches").json()["items"]) == 1, "somebody else's is left alone"
        for filters in ({"anna@example.com": "1"}, {"status": "anna@example.com"}):
            wrong = client.post(f"{API}/searches", json={"name": "x", "filters": filters})
            assert (wrong.status_code, "anna@example.com" in wrong.text) == (400, False)
        assert client.delete(f"{API}/searches/{kept['id']}").json() == {"items": []}
