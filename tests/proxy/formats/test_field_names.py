"""Names of header fields are text where nobody knows them: in requests, in a session's opening, in parts of a form."""

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.formats.base import RequestHead
from proxy.formats.field_names import as_name, words_of
from proxy.formats.target import read_target
from proxy.messages import Headers

IBAN = "DE89370400440532013000"
NAMES = [f"x-{IBAN}", f"{IBAN.lower()}-id", "X-DE89-3704-0044-0532-0130-00", "x_de89_3704_0044_0532_0130_00", IBAN]
TOKEN = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
CHAT = b'{"model": "m", "messages": [{"role": "user", "content": "hi"}]}'


def digits(raw: bytes) -> bytes:
    return re.sub(rb"[^0-9]", b"", raw)


def assert_names_nobody(went: Any) -> None:
    assert went.left is not None, went.code
    for name, _ in went.left.headers:
        assert TOKEN.fullmatch(name)
        assert IBAN[2:].encode() not in digits(name)
    # The gate is that of all modules of this process, and so is its log.
    mine = [one for one in went.gate.log.records if getattr(one, "id", None) == went.exchange.transfer]
    assert {one.where for record in mine for one in getattr(record, "findings", ())} == {"header/*"}


@pytest.mark.parametrize("value", [b"1", b""])
@pytest.mark.parametrize("name", NAMES)
def test_a_name_that_a_client_makes_up_is_replaced(gate, name, value):
    went = gate.ask("openai", "/v1/chat/completions", CHAT, fields=[(name.encode(), value)])
    assert_names_nobody(went)
    assert [one for _, one in went.left.headers].count(value) >= 1


def test_the_name_of_a_field_in_the_opening_of_a_session_is_replaced(gate):
    fields = [(f"x-{IBAN}".encode(), b"1")]
    opened = gate.ask("openai", "/v1/realtime?model=m", b"", "", method="GET", upgrade=True, fields=fields)
    assert_names_nobody(opened)


@pytest.mark.parametrize("name", NAMES)
def test_the_name_of_a_field_in_a_part_of_a_form_is_replaced(gate, name):
    body = f'--b\r\nContent-Disposition: form-data; name="purpose"\r\n{name}: 1\r\n\r\nbatch\r\n--b--\r\n'
    went = gate.ask("openai", "/v1/files", body.encode(), "multipart/form-data; boundary=b")
    assert went.left is not None, went.code
    assert IBAN[2:].encode() not in digits(went.left.body)
    assert b'name="purpose"\r\n' in went.left.body
    assert went.left.body.endswith(b": 1\r\n\r\nbatch\r\n--b--\r\n")


def test_names_and_parts_that_say_nothing_go_as_they_came(gate):
    fields = [(b"X-My-Feature", b"on"), (b"x-stainless-lang", b"python"), (b"traceparent", b"00-0-0-01")]
    went = gate.ask("openai", "/v1/chat/completions", CHAT, fields=fields)
    assert went.left is not None
    assert set(fields) <= set(went.left.headers)


def test_only_names_that_nobody_knows_are_read():
    known = [(b"User-Agent", b"a"), (b"X-Stainless-Lang", b"python"), (b"my-key", b"secret"), (b"Traceparent", b"0")]
    head = RequestHead("GET", "h", "/v1", "", Headers((*known, (b"X-AnnaSchmidt_new.id", b""))), False)
    read = read_target(head, carriers=["my-key"])
    assert [(one.pointer, one.text, one.schema_pointer) for one in read.segments] == [
        ("header/4~k", "X Anna Schmidt new.id", "header/*")
    ]
    assert read.splice({})[2].fields == head.headers.fields
    spliced = read.splice({"header/4~k": "X [PERSON_4V0M7KQ2] new id"})[2]
    assert spliced.fields == (*known, (b"X%20%5BPERSON_4V0M7KQ2%5D%20new%20id", b""))


@given(st.text())
def test_every_text_can_be_a_name(text):
    assert TOKEN.fullmatch(as_name(text).encode("ascii"))


@given(st.from_regex(TOKEN.pattern.decode(), fullmatch=True))
def test_a_names_words_are_its_letters_and_digits(name):
    assert re.sub(r"[-_ ]", "", words_of(name)) == re.sub(r"[-_]", "", name)


@pytest.mark.parametrize("method", ["ANNASCHMIDT", "TRACE", "PROPFIND", "Anna"])
def test_a_method_that_a_client_makes_up_goes_nowhere(gate, method):
    went = gate.ask("openai", "/v1/chat/completions", CHAT, method=method)
    assert (went.left, went.code) == (None, "unknown_method")
