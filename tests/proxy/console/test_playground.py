"""The page on which people try texts and policies: what it shows, and that nothing of it is kept."""

import orjson
import pytest

from proxy.control.tokens import Role
from tests.proxy.console.conftest import SAME, browser, form_of

MAIL = "anna.probe@example.com"
PATTERNS = ("patterns",)


@pytest.fixture
def console(start):
    return start(detectors=PATTERNS)


def tried(client, text=f"Write to {MAIL}", **given):
    data = {"form": form_of(client, "/try"), "policy": "default", "destination": "openai", "text": text, **given}
    return client.post("/try", data=data, headers=SAME)


def test_what_is_found_what_leaves_and_what_comes_back_are_shown(console):
    with browser(console) as client:
        page = tried(client)
    assert page.status_code == 200
    assert '<mark class="transform"' in page.text
    leaves, _, comes_back = page.text.partition("What the application would get back")
    assert "[EMAIL_ADDRESS_" in leaves.partition("What the recipient would get")[2]
    assert MAIL in comes_back


@pytest.mark.parametrize("destination", ["anthropic", "gemini", "llama", "cohere", "ollama", "mistral", "vertex"])
def test_every_api_is_spoken_in_its_own_words(console, destination):
    with browser(console) as client:
        page = tried(client, destination=destination)
    assert "[EMAIL_ADDRESS_" in page.text
    assert MAIL in page.text.partition("What the application would get back")[2]


def test_a_whole_request_is_read_like_one(console):
    body = orjson.dumps(
        {"model": "m", "messages": [{"role": "system", "content": "x"}, {"role": "user", "content": MAIL}]}
    )
    with browser(console) as client:
        page = tried(client, body.decode(), path="/v1/chat/completions")
    assert "/messages/1/content" in page.text


def test_a_refusal_says_why(console):
    with browser(console) as client:
        page = tried(client, "My key is sk-proj-Abc123Def456Ghi789Jkl012Mno345Pqr678", policy="strict")
    assert "This would be refused" in page.text
    assert "policy_rule" in page.text


def test_a_draft_decides_where_there_is_one(console):
    draft = (
        "version: 1\nname: draft\ndestinations:\n  openai: {extends: 'bundled:openai@2026-11-23'}\n"
        "rules:\n  - {id: never, do: block, because: Not even once}\n"
    )
    with browser(console) as client:
        page = tried(client, policy="draft", draft=draft)
    assert "Not even once" in page.text


def test_the_log_says_that_somebody_tried_something_and_not_what(console):
    with browser(console) as client:
        tried(client)
    asked = console.entries("query")[-1]
    assert (asked["question"], asked["filters"], asked["results"]) == ("explain", ["playground"], 1)
    for file in console.home.rglob("*"):
        assert not file.is_file() or MAIL.encode() not in file.read_bytes(), file


def test_markup_in_a_text_is_text(console):
    with browser(console) as client:
        page = tried(client, f"<script>alert(1)</script> {MAIL} \u202e evil")
    assert "<script>alert" not in page.text
    assert "&lt;script&gt;" in page.text


def test_a_team_tries_as_its_own_applications_only(console):
    with browser(console, Role.TEAM, "messenger") as client:
        assert tried(client, application="feed").status_code == 403


@pytest.mark.parametrize("given", [{"path": "v1/x"}, {"text": "x" * 100_001}, {"path": "/" + "x" * 2001}])
def test_input_that_does_not_fit_is_refused(console, given):
    with browser(console) as client:
        assert tried(client, **given).status_code == 400


def test_somebody_who_is_not_signed_in_tries_nothing(console):
    with browser(console, None) as client:
        assert client.post("/try", data={"text": MAIL}, headers=SAME).headers["location"].startswith("/sign-in")
