"""The leak search finds each spelling in each place, says where, and never says what."""

import base64
import gzip
import json
import quopri
import unicodedata
import zlib
from urllib.parse import quote, quote_plus

import brotli
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from proxy.fakes.leaks import assert_no_leak, find_leaks
from proxy.fakes.traffic import Received
from proxy.messages import Headers


def gzipped(data: bytes) -> bytes:
    """The same bytes at any time, so that workers of one run collect the same tests."""
    return gzip.compress(data, mtime=0)


NAME = "Nguyễn Thị Ánh Tuyết"
MAIL = "jürgen.groß@beispiel.de"
VALUES = [NAME, MAIL]


def body(data: bytes, *headers: tuple[bytes, bytes]) -> Received:
    return Received("POST", b"/v1/chat/completions", Headers(headers), data)


def b64(offset: int, text: str = NAME) -> bytes:
    return base64.b64encode(b"x" * offset + text.encode() + b"yz")


SPELLINGS = {
    "as it is": NAME.encode(),
    "JSON escapes": json.dumps({"text": NAME}).encode(),
    "JSON escapes in JSON escapes": json.dumps({"arguments": json.dumps({"text": NAME})}).encode(),
    "escaped slashes and quotes": json.dumps({"a": json.dumps({"b": json.dumps([NAME])})}).encode(),
    "percent-encoding": quote(NAME).encode(),
    "form encoding": b"q=" + quote_plus(NAME).encode(),
    "HTML decimal entities": "".join(f"&#{ord(char)};" for char in NAME).encode(),
    "HTML hexadecimal entities": "".join(f"&#x{ord(char):x};" for char in NAME).encode(),
    "base64, offset 0": b"data:text/plain;base64," + b64(0),
    "base64, offset 1": b64(1),
    "base64, offset 2": b64(2),
    "base64 without padding": b64(1).rstrip(b"="),
    "base64, URL-safe": base64.urlsafe_b64encode(b"?>~" + NAME.encode()),
    "base64 glued to other letters": b"id" + b64(0),
    "base64 in lines": base64.encodebytes(b"x" * 50 + NAME.encode()),
    "base64 in lines in JSON": json.dumps({"file": base64.encodebytes(b"x" * 50 + NAME.encode()).decode()}).encode(),
    "base64 of JSON escapes": base64.b64encode(json.dumps([NAME]).encode()),
    "base64 of gzip": base64.b64encode(gzipped(NAME.encode())),
    "base64 of UTF-16": base64.b64encode(NAME.encode("utf-16-le")),
    "hex": NAME.encode().hex().encode(),
    "quoted-printable": quopri.encodestring(NAME.encode()),
    "decomposed": unicodedata.normalize("NFD", NAME).encode(),
    "decomposed and escaped": json.dumps(unicodedata.normalize("NFD", NAME)).encode(),
    "capitals": NAME.upper().encode(),
    "full-width": "ＮＧＵＹễＮ Thị Ánh Tuyết".encode(),
    "split by a line break": "Nguyễn\r\n  Thị Ánh\tTuyết".encode(),
    "split by blanks everywhere": " ".join(NAME).encode(),
    "split by an escaped line break": json.dumps("Nguyễn\nThị Ánh Tuyết", ensure_ascii=False).encode(),
    "split by zero-width joiners": "\u200d".join(NAME).encode(),
    "without blanks": NAME.replace(" ", "").encode(),
    "UTF-16": NAME.encode("utf-16"),
    "gzip": gzipped(NAME.encode()),
    "gzip inside something else": b"--boundary\r\n\r\n" + gzipped(NAME.encode()) + b"\r\n--boundary--",
    "zlib": zlib.compress(NAME.encode()),
}


@pytest.mark.parametrize("spelled", SPELLINGS.values(), ids=SPELLINGS.keys())
def test_every_spelling_in_a_body_is_found(spelled):
    (leak,) = find_leaks([body(b"first"), body(b"some text " + spelled + b" and more")], VALUES)
    assert (leak.request, leak.value, leak.place) == (1, 0, "body")


@pytest.mark.parametrize(
    ("coding", "data"),
    [
        ("gzip", gzipped(NAME.encode())),
        ("deflate", zlib.compress(NAME.encode())),
        ("br", brotli.compress(NAME.encode())),
        ("zstd", zstandard.compress(NAME.encode())),
        ("br, gzip", gzipped(brotli.compress(NAME.encode()))),
    ],
)
def test_every_content_encoding_is_undone(coding, data):
    assert find_leaks([body(data, (b"Content-Encoding", coding.encode()))], VALUES)


def test_named_html_entities_are_read():
    assert find_leaks([body(b"<p>j&uuml;rgen.gro&szlig;&commat;beispiel.de</p>")], [MAIL])


def test_a_body_whose_content_encoding_is_a_lie_is_searched_as_it_is():
    assert find_leaks([body(NAME.encode(), (b"content-encoding", b"br"))], VALUES)


def test_targets_and_headers_are_searched():
    call = Received(
        "GET",
        b"/search?q=" + quote(NAME).encode(),
        Headers(((b"X-User", MAIL.encode("latin-1")), (b"Authorization", b"Basic " + b64(1, MAIL)))),
        b"",
    )
    found = {(leak.value, leak.place) for leak in find_leaks([call], VALUES)}
    assert found == {(0, "target"), (1, "header x-user"), (1, "header authorization")}


def test_placeholders_and_other_text_are_no_leak():
    text = "Xin chào [PERSON_7K3QX2MA], viết cho [EMAIL_ADDRESS_0A1B2C3D] nhé. Nguyễn Văn Nam, juergen@beispiel.de"
    assert_no_leak([body(json.dumps({"content": text}).encode())], VALUES)


def test_a_short_name_counts_as_a_word_of_its_own_only():
    assert not find_leaks([body(b"plan Lanka atlanta")], ["Lan"])
    assert find_leaks([body("chị Lan ơi".encode())], ["Lan"])
    assert find_leaks([body(json.dumps("chị\nLan").encode())], ["Lan"])


@pytest.mark.parametrize("values", [[], [""], ["ab"], [NAME, " a "]])
def test_a_search_that_would_prove_nothing_is_refused(values):
    with pytest.raises(ValueError):
        assert_no_leak([body(b"x")], values)


def test_the_failure_says_where_and_never_what():
    with pytest.raises(AssertionError) as caught:
        assert_no_leak([body(base64.b64encode(json.dumps(NAME).encode()))], VALUES)
    assert "value 0 is in request 0, body (base64, JSON escapes)" in str(caught.value)
    assert "Tuyết" not in str(caught.value)


def test_broken_data_of_every_kind_is_read_without_a_failure():
    for data in (
        b"\xff\xfe\x00\xd8",
        b"\x1f\x8b\x08broken",
        b"%zz%",
        rb"\ud800 \u12 \x",
        b"&#1114112;&#xfffffff;",
        b"=XY=",
    ):
        assert find_leaks([body(data, (b"content-encoding", b"gzip"))], VALUES) == []


@given(before=st.binary(max_size=40), after=st.binary(max_size=40), offset=st.integers(0, 2))
def test_a_value_inside_any_bytes_is_found_through_base64(before, after, offset):
    data = base64.b64encode(before + b" " + MAIL.encode() + b" " + after)
    assert find_leaks([body(b"~" * offset + data)], [MAIL])
