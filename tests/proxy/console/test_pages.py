"""The pages over a real socket: hostile input, roles, what they need and what they hold, every language."""

import re
from html.parser import HTMLParser

import pytest

from audit.questions.conditions import CONDITIONS
from audit.tables import REVISION
from proxy.console.language import LANGUAGES, words
from proxy.console.pages import PAGES
from proxy.control.tokens import Role
from tests.proxy.console.conftest import ANNA, SAME, Console, browser, fill, form_of


class Page(HTMLParser):
    """What a page holds that a strict policy would have to allow."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.inline: list[str] = []
        self.addresses: list[str] = []
        self.unlabelled: list[str] = []
        self.labels: set[str] = set()
        self._inputs: list[tuple[str, str]] = []
        self._script = False
        self.feed(text)
        self.unlabelled = [name for name, label in self._inputs if not label and name not in self.labels]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self.inline += [name for name in given if name.startswith("on") or name == "style"]
        self.addresses += [given[name] for name in ("src", "href", "action") if name in given]
        self._script = tag == "script" and "src" not in given
        if tag == "style" or self._script:
            self.inline.append(tag)
        if tag == "label":
            self.labels.add(given.get("for", ""))
        if tag in {"input", "select", "textarea"} and given.get("type") != "hidden":
            self._inputs.append((given.get("id", "?"), given.get("aria-label", "")))


HOSTILE = '"><script>alert(1)</script>\u202e'


def test_hostile_input_shows_as_text(filled: Console) -> None:
    with browser(filled) as client:
        for path in ("/transfers", "/", "/who", "/incident", "/sign-in"):
            answer = client.get(path, params={"application": HOSTILE, "days": HOSTILE, "to": HOSTILE})
            assert "<script>alert" not in answer.text
        assert client.get("/transfers", params={HOSTILE: "1"}).status_code == 400
        data = {"form": form_of(client, "/policy"), "text": f"version: 1\nname: {HOSTILE}\n"}
        checked = client.post("/policy", data=data, headers=SAME)
        assert checked.status_code == 200
        assert "<script>alert" not in checked.text
        missing = client.get("/nowhere")
        assert missing.status_code == 404
        assert 'href="/transfers"' in missing.text, "whoever is signed in finds the other pages from there"


def test_every_page_needs_nothing_that_its_policy_forbids_and_labels_its_fields(console: Console) -> None:
    ids = fill(console)
    with browser(console) as client:
        data = {"form": form_of(client, "/person"), "subject": ANNA}
        texts = [client.post("/person", data=data, headers=SAME).text, client.get("/nowhere").text]
        paths = [
            path.format(id=ids[0])
            for path, methods, _ in PAGES
            if "GET" in methods
            and path
            not in {
                "/export",
                "/transfers/export",
                "/person/erase/file",
                "/person/rows",
                "/transfers/{id}/proof.json",
                "/policy/schema.json",
                "/reports/file",
            }
        ]
        for path in [*paths, f"/transfers/{ids[-1]}", "/sign-in"]:
            answer = client.get(path)
            assert answer.status_code == 200, path
            assert "default-src 'none'" in answer.headers["content-security-policy"]
            texts.append(answer.text)
    for text in texts:
        page = Page(text)
        assert page.inline == []
        assert page.unlabelled == []
        assert [one for one in page.addresses if not one.startswith(("/", "#"))] == []


def test_a_persons_identifier_is_neither_shown_again_nor_kept(filled: Console) -> None:
    with browser(filled) as client:
        data = {"form": form_of(client, "/person"), "subject": ANNA}
        answer = client.post("/person", data=data, headers=SAME)
    assert "Transfers that refer to this person: 3." in answer.text
    assert "3 of 6 transfers carry no reference" in answer.text
    assert ANNA not in answer.text
    assert filled.entries("query")[-1]["refs"]
    for path in filled.home.rglob("*"):
        assert not path.is_file() or ANNA.encode() not in path.read_bytes()


def test_a_team_sees_its_own_and_is_not_offered_the_rest(console: Console) -> None:
    ids = fill(console)
    with browser(console, Role.TEAM, "feed") as client:
        overview = client.get("/").text
        assert "feed" in overview
        assert "messenger" not in overview
        assert 'href="/person"' not in overview
        assert "/export" not in client.get("/transfers").text
        assert client.get("/person").status_code == 403
        assert client.get("/export").status_code == 403
        assert client.get(f"/transfers/{ids[0]}").status_code == 404
        assert 'class="danger"' not in client.get("/stop").text


def test_the_story_of_a_refusal_and_of_a_transfer(console: Console) -> None:
    ids = fill(console)
    with browser(console) as client:
        refused, sent = client.get(f"/transfers/{ids[-1]}").text, client.get(f"/transfers/{ids[1]}").text
    assert "Refused with 403: policy_blocked; nothing was sent." in refused
    assert "Google Ireland Ltd" in sent
    assert "Place" in sent
    assert "left as it was" in sent
    assert "image/png" in sent


def test_pages_of_transfers_continue_and_keep_their_filters(console: Console) -> None:
    for _ in range(2):
        fill(console, 120)
    with browser(console) as client:
        first = client.get("/transfers?application=feed").text
        following = re.search(r'href="(/transfers\?application=feed&amp;before=\d+)"', first)
        assert following is not None
        second = client.get(following[1].replace("&amp;", "&")).text
    shown = [re.findall(r'href="/transfers/(\w{26})"', text) for text in (first, second)]
    assert len(shown[0]) == 50
    assert not set(shown[0]) & set(shown[1])


def test_a_broken_policy_file_is_said_and_breaks_no_other_page(filled: Console) -> None:
    (filled.home / "policy.yaml").write_text("version: 1\nname: [\n")
    with browser(filled) as client:
        assert "policy lint" in client.get("/policy").text
        assert client.get("/transfers").status_code == 200
        assert client.get("/who").status_code == 200


def test_an_export_comes_from_the_page_and_is_recorded(filled: Console) -> None:
    with browser(filled, Role.AUDITOR) as client:
        answer = client.get("/export?format=tiles")
    assert "attachment" in answer.headers["content-disposition"]
    assert filled.entries("export")[-1]["format"] == "tiles"


@pytest.mark.parametrize("code", LANGUAGES)
def test_every_page_is_there_in_every_language(console: Console, code: str) -> None:
    ids = fill(console)
    with browser(console) as client:
        assert client.get(f"/language/{code}?to=/who").headers["location"] == "/who"
        for path, title in (("/", "nav.overview"), ("/who", "nav.who"), ("/transfers", "nav.transfers"),
                            (f"/transfers/{ids[0]}", "transfer.title"), ("/policy", "nav.policy"),
                            ("/stop", "nav.stop"), ("/person", "nav.person")):  # fmt: skip
            text = client.get(path).text
            assert f'<html lang="{code}">' in text
            assert f"<title>{words(code)(title)}".replace("'", "&#39;") in text


def test_every_field_of_the_log_filters_the_page(filled: Console) -> None:
    with browser(filled) as client:
        page = client.get("/transfers").text
        for name in CONDITIONS:
            assert f'name="{name}"' in page
        found = client.get("/transfers", params={"provider": "google", "streaming": ""}).text
    assert "feed" in found
    assert 'href="/transfers/' in found
    assert ">messenger<" not in found


def test_a_log_of_another_release_is_left_as_it_is_and_the_page_says_so(filled: Console) -> None:
    def to(revision: str) -> None:
        with filled.ledger.store.write() as connection:
            connection.exec_driver_sql(f"UPDATE alembic_version SET version_num = '{revision}'")

    to("0005")
    with browser(filled) as client, filled.client() as api:
        page, answer = client.get("/"), api.get("/api/v1/overview")
        assert (page.status_code, "has the schema of another release" in page.text) == (503, True)
        assert (answer.status_code, answer.json()["code"]) == (503, "store_schema")
        assert filled.ledger.store.revision() == "0005"
        to(REVISION)
        assert client.get("/").status_code == 200
