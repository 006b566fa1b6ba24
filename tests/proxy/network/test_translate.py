"""Proxy credentials as clients write them, and the refusal that needs no gate."""

import base64
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.doors.network.translate import credential_of, plain_reply
from proxy.messages import Refusal

words = st.text(st.characters(blacklist_categories=["Cs"], blacklist_characters=":"), max_size=20)


@given(words, words)
def test_the_password_is_the_credential_else_the_user(user, password):
    basic = base64.b64encode(f"{user}:{password}".encode()).decode()
    assert credential_of(f"Basic {basic}") == (password or user)
    assert credential_of(f"bAsIc  {basic}") == (password or user)


@pytest.mark.parametrize(
    ("value", "credential"),
    [
        (None, ""),
        ("", ""),
        ("Bearer drg_x", "drg_x"),
        ("bearer  drg_x ", "drg_x"),
        ("Basic not-base64!", ""),
        ("Basic /w==", ""),
        ("Digest username=x", ""),
        ("Basic", ""),
    ],
)
def test_what_is_no_credential_is_none(value, credential):
    assert credential_of(value) == credential


@given(st.text(max_size=60))
def test_any_field_is_read_without_an_error(value):
    assert isinstance(credential_of(value), str)


def test_a_refusal_without_a_gate_is_read_by_every_sdk():
    reply = plain_reply(Refusal(503, "failed_closed", "nothing was sent", 2))
    error = json.loads(reply.body)
    assert error["type"] == "error"
    assert error["error"]["message"] == "nothing was sent"
    assert error["error"]["code"] == "failed_closed"
    assert error["error"]["status"] == "UNAVAILABLE"
    assert reply.headers.get("dragoman-reason") == "failed_closed"
    assert reply.headers.get("retry-after") == "2"
