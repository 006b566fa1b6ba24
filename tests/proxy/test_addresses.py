"""Addresses in an answer that would lead an app around the gateway."""

import pytest

from proxy.doors.addresses import through_us
from proxy.messages import Headers, Origin

GOOGLE = Origin("https", "generativelanguage.googleapis.com", 443)
LOCAL = Origin("http", "127.0.0.1", 9000, "/base")
US = "http://127.0.0.1:8788/gemini"


def told(name: str, value: str, status: int = 200, origin: Origin = GOOGLE, method: str = "POST") -> str | None:
    head = Headers(((b"X-Other", b"1"), (name.encode(), value.encode())))
    return through_us(head, method, status, origin, US).get(name)


@pytest.mark.parametrize(
    ("value", "meant"),
    [
        ("https://generativelanguage.googleapis.com/upload/v1beta/files?upload_id=a&b=c", f"{US}/upload/v1beta/files?upload_id=a&b=c"),
        ("https://GenerativeLanguage.googleapis.com:443/x", f"{US}/x"),
        ("/upload/x", f"{US}/upload/x"),
        ("https://storage.example/x", None),
        ("http://generativelanguage.googleapis.com/x", None),
        ("https://generativelanguage.googleapis.com@evil.example/x", None),
        ("//evil.example/x", None),
        ("https://[", None),
    ],
)  # fmt: skip
def test_an_upload_goes_through_us_or_nowhere(value, meant):
    assert told("X-Goog-Upload-URL", value) == meant


@pytest.mark.parametrize(
    ("status", "value", "meant"),
    [
        (302, "https://generativelanguage.googleapis.com/x", f"{US}/x"),
        (307, "/x?q=1", f"{US}/x?q=1"),
        (303, "https://storage.example/x", "https://storage.example/x"),
        (301, "https://storage.example/x", None),
        (302, "https://storage.example/x", None),
        (307, "https://storage.example/x", None),
        (308, "https://storage.example/x", None),
        (201, "files/a", "files/a"),
        (307, "files/a?b=..", "files/a?b=.."),
        (307, "?b=1", "?b=1"),
        # What readers of the WHATWG's URL take for another host's, and ours for a path.
        (307, "https:storage.example/x", None),
        (307, "\\\\storage.example/x", None),
        (307, "\\/storage.example/x", None),
        # Another destination of ours.
        (307, "/../openai/v1/x", None),
        (307, "../../openai/v1/x", None),
        (307, "/%2E./openai/v1/x", None),
        (307, "..", None),
    ],
)
def test_a_redirect_to_which_the_body_would_be_sent_again_stays_with_us(status, value, meant):
    assert told("Location", value, status) == meant


@pytest.mark.parametrize(
    ("method", "status", "passes"),
    [("GET", 302, True), ("HEAD", 307, True), ("PUT", 301, False), ("PATCH", 302, False), ("DELETE", 303, True),
     ("PUT", 201, True), ("POST", 305, False)],
)  # fmt: skip
def test_only_what_is_asked_without_a_body_may_be_led_elsewhere(method, status, passes):
    value = "https://storage.example/x"
    assert told("Location", value, status, method=method) == (value if passes else None)


def test_the_prefix_of_a_configured_upstream_is_taken_off():
    assert told("location", "http://127.0.0.1:9000/base/v1/x", 302, LOCAL) == f"{US}/v1/x"
    assert told("location", "http://127.0.0.1:9000/based/x", 302, LOCAL) == f"{US}/based/x"


def test_a_head_without_addresses_is_the_same_object():
    head = Headers(((b"content-type", b"text/plain"),))
    assert through_us(head, "POST", 200, GOOGLE, US) is head
