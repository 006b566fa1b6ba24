"""The pages over a real socket: signing in, forms that come from elsewhere, hostile input, roles, languages."""

import re
import string
from collections.abc import Iterator
from contextlib import contextmanager
from html.parser import HTMLParser
from typing import Any

import httpx
import pytest

from proxy.console.language import LANGUAGES, preferred, words
from proxy.console.pages import PAGES
from proxy.console.sessions import MOST, Sessions
from proxy.console.site import SESSION, local_path
from proxy.control.tokens import Role
from tests.proxy.console.conftest import ANNA, Console, Start, fill

SAME: dict[str, str] = {"sec-fetch-site": "same-origin"}


@contextmanager
def browser(console: Console, role: Role | None = Role.OFFICER, *applications: str) -> Iterator[httpx.Client]:
    """A client that has signed in, with its cookies."""
    language = {"accept-language": "en"}
    with httpx.Client(base_url=console.url, trust_env=False, timeout=20, headers=language) as client:
        if role is not None:
            data = {"token": console.token(role, *applications), "to": "/"}
            assert client.post("/sign-in", data=data, headers=SAME).status_code == 303
        yield client


def form_of(client: httpx.Client, path: str) -> str:
    found = re.search(r'name="form" value="([^"]+)"', client.get(path).text)
    assert found is not None
    return found[1]


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


def test_without_a_session_every_page_leads_to_the_sign_in(filled: Console) -> None:
    with browser(filled, None) as client:
        for path, methods, _ in PAGES:
            for method in methods:
                answer = client.request(method, path.format(id="0" * 26), headers=SAME)
                assert answer.status_code == 303
                assert answer.headers["location"].startswith("/sign-in?to=")


def test_signing_in_opens_a_session_whose_cookie_scripts_and_other_sites_never_get(filled: Console) -> None:
    with browser(filled, None) as client:
        answer = client.post("/sign-in", data={"token": filled.token(), "to": "/who?days=30"}, headers=SAME)
        assert answer.headers["location"] == "/who?days=30"
        cookie = answer.headers["set-cookie"].lower()
        assert "httponly" in cookie
        assert "samesite=strict" in cookie
        assert "path=/" in cookie
        assert filled.token() not in cookie
        assert client.get("/who").status_code == 200


def test_behind_tls_the_cookie_goes_over_tls_only(filled: Console) -> None:
    with browser(filled, None) as client:
        for scheme, secure in (("https", True), ("http", False)):
            headers = {"origin": filled.url.replace("http", scheme)}
            answer = client.post("/sign-in", data={"token": filled.token()}, headers=headers)
            assert answer.status_code == 303
            assert ("secure" in answer.headers["set-cookie"].lower()) is secure


@pytest.mark.parametrize("token", ["", "wrong", "dgt_" + "A" * 43])
def test_a_wrong_token_opens_nothing_and_is_not_shown_again(filled: Console, token: str) -> None:
    with browser(filled, None) as client:
        answer = client.post("/sign-in", data={"token": token}, headers=SAME)
        assert answer.status_code == 401
        assert SESSION not in client.cookies
        assert not token or f'value="{token}"' not in answer.text


def test_attempts_to_sign_in_are_limited(start: Start) -> None:
    console = start(sign_ins_per_minute=2)
    with browser(console, None) as client:
        status = [client.post("/sign-in", data={"token": "wrong"}, headers=SAME).status_code for _ in range(3)]
        assert status == [401, 401, 429]


@pytest.mark.parametrize("to", ["//evil.example", "https://evil.example", "/\\evil.example", "evil", "/\n/evil", ""])
def test_signing_in_never_leads_to_another_site(to: str) -> None:
    assert local_path(to) == "/"


def test_signing_out_ends_the_session(filled: Console) -> None:
    with browser(filled) as client:
        cookie = client.cookies[SESSION]
        client.post("/sign-out", data={"form": form_of(client, "/")}, headers=SAME)
        client.cookies.set(SESSION, cookie)
        assert client.get("/").status_code == 303


def test_a_session_ends_with_its_token(filled: Console) -> None:
    with browser(filled) as client:
        assert client.get("/").status_code == 200
        filled.control.tokens.revoke(filled.control.tokens.all()[0].id)
        assert client.get("/").status_code == 303


def test_sessions_end_when_idle_and_when_old() -> None:
    now = [0.0]
    sessions = Sessions(30, 100, lambda: now[0])
    one, two = sessions.open("a"), sessions.open("b")
    for _ in range(5):
        now[0] += 19
        assert sessions.find(one) is not None
    assert sessions.find(two) is None
    now[0] += 6
    assert sessions.find(one) is None
    assert sessions.find("never") is None


def test_there_are_so_many_sessions_and_no_more() -> None:
    now = [0.0]
    sessions = Sessions(1e9, 1e9, lambda: now[0])
    cookies = []
    for _ in range(MOST + 1):
        now[0] += 1
        cookies.append(sessions.open("a"))
    assert sessions.find(cookies[0]) is None
    assert sessions.find(cookies[1]) is not None


@pytest.mark.parametrize(
    "headers",
    [
        {"sec-fetch-site": "cross-site"},
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"sec-fetch-site": "none"},
    ],
)
def test_a_form_from_another_site_does_nothing(filled: Console, headers: dict[str, str]) -> None:
    with browser(filled) as client:
        data = {"form": form_of(client, "/stop"), "target": "destination", "name": "openai", "do": "stop"}
        assert client.post("/stop", data=data, headers=headers).status_code == 403
    assert filled.control.stops()["destination"] == frozenset()


def test_a_form_without_the_sessions_own_token_does_nothing(filled: Console) -> None:
    with browser(filled) as client, browser(filled) as other:
        for form in ("", "wrong", form_of(other, "/stop")):
            data = {"form": form, "target": "destination", "name": "openai", "do": "stop"}
            assert client.post("/stop", data=data, headers=SAME).status_code == 403
    assert filled.control.stops()["destination"] == frozenset()


def test_a_stop_and_its_end_from_the_page_are_records(filled: Console) -> None:
    with browser(filled, Role.OPERATOR) as client:
        data = {"form": form_of(client, "/stop"), "target": "destination", "name": "openai"}
        assert "openai is stopped" in client.post("/stop", data={**data, "do": "stop"}, headers=SAME).text
        assert filled.control.stops()["destination"] == {"openai"}
        assert "openai may go on" in client.post("/stop", data={**data, "do": "resume"}, headers=SAME).text
        assert client.post("/stop", data={**data, "target": "x", "do": "stop"}, headers=SAME).status_code == 404
    assert [one["state"] for one in filled.entries("stop")] == ["stopped", "resumed"]


HOSTILE = '"><script>alert(1)</script>\u202e'


def test_hostile_input_shows_as_text(filled: Console) -> None:
    with browser(filled) as client:
        for path in ("/transfers", "/", "/who", "/sign-in"):
            answer = client.get(path, params={"application": HOSTILE, "days": HOSTILE, "to": HOSTILE})
            assert "<script>alert" not in answer.text
        assert client.get("/transfers", params={HOSTILE: "1"}).status_code == 400
        data = {"form": form_of(client, "/policy"), "text": f"version: 1\nname: {HOSTILE}\n"}
        checked = client.post("/policy", data=data, headers=SAME)
        assert checked.status_code == 200
        assert "<script>alert" not in checked.text
        assert client.get("/nowhere").status_code == 404


def test_every_page_needs_nothing_that_its_policy_forbids_and_labels_its_fields(console: Console) -> None:
    ids = fill(console)
    with browser(console) as client:
        data = {"form": form_of(client, "/person"), "subject": ANNA}
        texts = [client.post("/person", data=data, headers=SAME).text, client.get("/nowhere").text]
        paths = [
            path.format(id=ids[0]) for path, _, _ in PAGES if path not in {"/export", "/transfers/{id}/proof.json"}
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
    assert "Refused with 403 policy_blocked; nothing was sent." in refused
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


def test_languages_have_the_same_keys_and_the_same_gaps() -> None:
    def gaps(text: str) -> set[str]:
        return {name for _, name, _, _ in string.Formatter().parse(text) if name}

    english = words("en").texts
    for code in LANGUAGES:
        other = words(code).texts
        assert other.keys() == english.keys()
        assert [key for key in english if gaps(english[key]) != gaps(other[key])] == []


def test_no_page_promises_what_nobody_can() -> None:
    for code in LANGUAGES:
        text = " ".join(words(code).texts.values()).lower()
        for word in ("anonymi", "anonymis", "ẩn danh", "compliant", "konform", "gdpr-"):
            assert word not in text


@pytest.mark.parametrize(
    ("header", "code"),
    [("", "en"), ("de-AT,de;q=0.9", "de"), ("fr, vi;q=0.8, en;q=0.5", "vi"), ("en;q=0.1, de;q=0.2", "de"), ("*", "en"),
     ("de;q=nonsense", "en")],
)  # fmt: skip
def test_the_language_the_browser_likes_best(header: str, code: str) -> None:
    assert preferred(header) == code


@pytest.mark.parametrize(
    ("name", "value", "shown"),
    [("retention", "30d", "30 Tage"), ("retention", "zero", "gar nicht"), ("retention", None, "unbekannt"),
     ("retention", "contract", "contract"), ("role", "processor", "Auftragsverarbeiter"), ("training", "no", "nein"),
     ("storage", ["IE", "unknown"], "IE, unbekannt"), ("storage", [], "unbekannt"), ("agreement", "DPA-1", "DPA-1")],
)  # fmt: skip
def test_facts_are_said_in_words(name: str, value: Any, shown: str) -> None:
    assert words("de").fact(name, value) == shown
    assert words("de").number(1_234_567) == "1.234.567"
    assert words("de").word("operator", "new-one") == "new-one"
