"""Signing in and out, sessions, and forms that come from elsewhere."""

import pytest

from proxy.console.pages import PAGES
from proxy.console.sessions import MOST, Sessions
from proxy.console.site import SESSION, local_path
from proxy.control.tokens import Role
from tests.proxy.console.conftest import SAME, Console, Start, browser, form_of


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


def test_attempts_to_sign_in_are_limited(start: Start, no_time_passes: None) -> None:
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
