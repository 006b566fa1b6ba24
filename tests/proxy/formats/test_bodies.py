"""Forms, multipart, JSON lines, markup and whatever else comes: every word is inspected, every other byte stays."""

import email.parser
import email.policy
import json
from urllib.parse import parse_qsl, urlencode

import httpx
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from proxy.errors import FormatError

ANY = "/any"
FORM = "application/x-www-form-urlencoded"
WORDS = st.text(st.characters(codec="utf-8"), max_size=10)


def multipart(data, files):
    """What httpx sends: body, content type."""
    request = httpx.Request("POST", "http://x", data=data, files=files)
    return request.read(), request.headers["content-type"]


def parsed(body, content_type):
    """The parts as the standard library's mail parser sees them: (name, file name, content)."""
    message = email.parser.BytesParser(policy=email.policy.HTTP).parsebytes(
        b"Content-Type: " + content_type.encode() + b"\r\n\r\n" + body
    )
    return [
        (part.get_param("name", header="content-disposition"), part.get_filename(), part.get_payload(decode=True))
        for part in message.iter_parts()
    ]


@given(st.lists(st.tuples(WORDS, WORDS), max_size=5), st.data())
def test_a_form_is_read_and_written_like_the_standard_library_does(read, pairs, data):
    body = urlencode(pairs).encode()
    one = read(ANY, body, FORM)
    assert one.splice({}) is body or not body
    chosen = {pointer: data.draw(WORDS) for pointer in one.texts if "#" not in pointer and data.draw(st.booleans())}
    texts = iter(one.texts.items())
    meant = []
    assume(not any("#" in pointer for pointer in one.texts))
    for pair in pairs:
        new = []
        for text in pair:
            pointer, seen = next(texts) if text else ("", "")
            assume(seen == text)  # a text that looks percent-encoded is read further than urlencode wrote it
            new.append(chosen.get(pointer, text))
        meant.append(tuple(new))
    assert parse_qsl(one.splice(chosen).decode(), keep_blank_values=True) == meant or not pairs


def test_a_form_changes_nothing_but_the_value(read):
    body = b"a=x%2fy&Name=Anna+M%c3%BCller&empty=&flag&b=1%2B1"
    one = read(ANY, body, FORM)
    assert one.texts["/Name"] == "Anna Müller"
    assert one.texts["/a"] == "x/y"
    assert one.splice({"/Name": "[PERSON_1] x"}) == b"a=x%2fy&Name=%5BPERSON_1%5D+x&empty=&flag&b=1%2B1"
    assert {pointer for pointer, kind in one.kinds.items() if kind == "key"} == {
        "/a~k", "/Name~k", "/empty~k", "/flag~k", "/b~k",
    }  # fmt: skip
    assert {segment.schema_pointer for segment in one.inspected.segments} == {"/*"}


@pytest.mark.parametrize("path", [ANY, "/v1/chat/completions", "/api/chat"])
def test_json_that_curl_calls_a_form_leaves_as_json(read, path):
    body = b'{"model": "m", "messages": [{"role": "user", "content": "Anna & Ben = 2"}]}'
    one = read(path, body, FORM)
    assert one.texts["/messages/0/content"] == "Anna & Ben = 2"
    assert one.splice({"/messages/0/content": "X"}) == body.replace(b"Anna & Ben = 2", b"X")
    pair = b"{anna=%7Banna"
    assert read(path, pair, FORM).splice({}) == pair


def test_json_in_a_form_and_double_encoding_are_opened(read):
    one = read(ANY, b"payload=%7B%22to%22%3A%22Anna%22%7D&twice=Anna%2520Schmidt", FORM)
    assert one.texts["/payload#/to"] == "Anna"
    assert one.texts["/twice"] == "Anna Schmidt"
    out = dict(parse_qsl(one.splice({"/payload#/to": "a b", "/twice": "a b+"}).decode()))
    assert json.loads(out["payload"]) == {"to": "a b"}
    assert out["twice"] == "a%20b%2B"


@given(
    st.dictionaries(st.text("abcäö 1", min_size=1, max_size=5), WORDS, max_size=3),
    st.binary(max_size=20),
    WORDS.filter(lambda text: not set(text) & set('\r\n"\\')),
)
def test_multipart_is_read_byte_for_byte(read, data, content, filename):
    body, kind = multipart(data, [("file", (filename, content, "image/png"))])
    one = read(ANY, body, kind)
    assert one.splice({}) == body
    assert [part.pointer for part in one.inspected.media] == ["/file"] * bool(content) or b"image" not in kind.encode()
    chosen = {pointer: "[NEW]" for pointer in one.texts if pointer[1:] in data}
    before, after = parsed(body, kind), parsed(one.splice(chosen), kind)
    for (name, file, old), (name_now, file_now, new) in zip(before, after, strict=True):
        assert (name, file) == (name_now, file_now)
        assert new == (b"[NEW]" if f"/{name}" in chosen else old)


def test_fields_file_names_and_text_files_of_an_upload_are_inspected(read):
    files = [
        ("file", ("Lebenslauf Anna Müller.txt", "Anna wohnt in Köln\r\n".encode(), "text/plain")),
        ("photo", ("p.png", b"\x89PNG\r\n\x1a\n....", "image/png")),
        ("blob", ("x.bin", b"\x00\x01\x02", "application/octet-stream")),
        ("rows", ("batch.jsonl", b'{"custom_id": "1", "body": {"input": "Anna"}}\n{"a": "b"}\n', None)),
        ("meta", (None, b'{"who": "Anna"}', "application/json")),
    ]
    body, kind = multipart({"prompt": "Frau Lindner"}, files)
    one = read(ANY, body, kind)
    texts = one.texts
    assert texts["/prompt"] == "Frau Lindner"
    assert texts["/file"] == "Anna wohnt in Köln\r\n"
    assert texts["/file~f"] == "Lebenslauf Anna Müller.txt"
    assert texts["/rows/0/body/input"] == "Anna"
    assert texts["/meta/who"] == "Anna"
    assert one.kinds["/file"] == "file"
    assert [(part.pointer, part.media_type) for part in one.inspected.media] == [("/photo", "image/png")]
    assert [part.pointer for part in one.inspected.uninspected] == ["/blob"]
    new = {"/file": "[P] wohnt in Köln\r\n", "/file~f": 'a"[P]".txt', "/rows/0/body/input": "Ü", "/meta/who": '"'}
    out = one.splice(new)
    assert out.replace(b"[P] wohnt", b"Anna wohnt").count(b"\r\n") == body.count(b"\r\n")
    found = {name: (file, content) for name, file, content in parsed(out, kind)}
    assert found["file"] == ("a%22[P]%22.txt", "[P] wohnt in Köln\r\n".encode())
    assert json.loads(found["rows"][1].splitlines()[0]) == {"custom_id": "1", "body": {"input": "Ü"}}
    assert json.loads(found["meta"][1]) == {"who": '"'}
    assert found["photo"][1] == b"\x89PNG\r\n\x1a\n...."


def by_hand(*parts: bytes, end: bytes = b"\r\n--B--\r\n") -> bytes:
    return b"--B\r\n" + b"\r\n--B\r\n".join(parts) + end


HEAD = b'Content-Disposition: form-data; name="a"'


@pytest.mark.parametrize(
    ("part", "texts"),
    [
        (HEAD + b"\r\n\r\nAnna", {"/a": "Anna"}),
        (b"content-disposition: form-data; name=a\r\n\r\nAnna", {"/a": "Anna"}),
        (HEAD + b"; filename*=UTF-8''J%C3%BCrgen.txt\r\n\r\nx", {"/a~f": "Jürgen.txt", "/a": "x"}),
        (HEAD + b'; filename="a\\"b%22c.txt"\r\n\r\nx', {"/a~f": 'a"b"c.txt', "/a": "x"}),
        (HEAD + b"; person=Anna\r\n\r\nx", {"/a~h": "; person=Anna", "/a": "x"}),
        (HEAD + b"\r\nX-Who: Anna\r\n\r\nx", {"/a~h": "Anna", "/a": "x"}),
        (HEAD + b"\r\nContent-Type: text/plain; who=Anna\r\n\r\nx", {"/a~h": "text/plain; who=Anna", "/a": "x"}),
        (HEAD + b"\r\nContent-Type: text/plain; charset=iso-8859-1\r\n\r\nJ\xfcrgen", {"/a": "Jürgen"}),
        (b"\r\nAnna", {"/0": "Anna"}),
        (HEAD + b"\r\n\r\n", {}),
        (HEAD + b"\r\n\r\n\r\n", {"/a": "\r\n"}),
    ],
)
def test_every_way_to_write_a_part(read, part, texts):
    one = read(ANY, by_hand(part), "multipart/form-data; boundary=B")
    found = {pointer: text for pointer, text in one.texts.items() if not pointer.endswith("~k")}
    assert found == texts
    assert one.splice(dict.fromkeys(texts, "X")).count(b"X") >= len(texts)


@pytest.mark.parametrize("name", [b"_charset_", b'"_charset_"', b'"_CHARSET_"'])
@pytest.mark.parametrize(("charset", "raw"), [("utf-16", "Jürgen".encode("utf-16")), ("cp1252", b"J\xfcrgen")])
def test_a_part_that_names_the_charset_of_the_others_is_heard(read, name, charset, raw):
    said = b"Content-Disposition: form-data; name=%b\r\n\r\n%b" % (name, charset.encode())
    text = HEAD + b"\r\n\r\n" + raw
    for parts in ((said, text), (text, said)):
        assert read(ANY, by_hand(*parts), "multipart/form-data; boundary=B").texts["/a"] == "Jürgen"
    with pytest.raises(FormatError, match="charset"):
        read(
            ANY,
            by_hand(said.replace(charset.encode(), b"utf-7"), HEAD + b"\r\n\r\nx"),
            "multipart/form-data; boundary=B",
        )


@pytest.mark.parametrize(
    "body",
    [
        b"", b"--B--\r\n", b"--B\r\n\r\nx", b"x\r\n--B\r\n\r\nx\r\n--B--", by_hand(HEAD), by_hand(b"no colon\r\n\r\nx"),
        by_hand(HEAD + b"\r\n\r\nx", end=b"\r\n--B--\r\nAnna"), by_hand(HEAD + b"\r\n\r\nx\n--B\r\n\r\ny"),
        by_hand(HEAD + b"\r\n" + HEAD + b"\r\n\r\nx"), by_hand(b"A: b\r\n c\r\n\r\nx"), by_hand(b"A : b\r\n\r\nx"),
        by_hand(HEAD + b"\r\nContent-Transfer-Encoding: base64\r\n\r\nQW5uYQ=="), by_hand(HEAD + b"\r\n\r\nx", end=b"\r\n--B"),
        by_hand(*[HEAD + b"\r\n\r\nx"] * 1001),
    ],
)  # fmt: skip
def test_multipart_that_two_parsers_could_cut_differently_is_refused(read, body):
    if not body:
        body = b"\r\n"
    with pytest.raises(FormatError, match="multipart body cannot be read") as caught:
        read(ANY, body, "multipart/form-data; boundary=B")
    assert caught.value.code == "invalid_multipart"


@pytest.mark.parametrize(
    "kind", ["multipart/form-data", "multipart/form-data; boundary=", "multipart/form-data; boundary=a; boundary=b",
             "multipart/form-data; boundary=" + "a" * 71, 'multipart/form-data; boundary="ä"'],
)  # fmt: skip
def test_a_boundary_is_needed(read, kind):
    with pytest.raises(FormatError, match="no usable boundary"):
        read(ANY, by_hand(HEAD + b"\r\n\r\nx"), kind)


@given(st.binary(max_size=60))
def test_any_bytes_in_multipart_are_read_or_refused(read, raw):
    for body in (raw, by_hand(raw), by_hand(HEAD + b"\r\n\r\n" + raw)):
        try:
            one = read(ANY, body, "multipart/form-data; boundary=B")
        except FormatError as error:
            assert error.code in {"invalid_multipart", "invalid_encoding"}  # noqa: PT017 (both outcomes are right)
        else:
            assert one.splice({}) == body


def test_json_lines_are_documents(read):
    body = b'{"a": "Anna"}\r\n\r\nno json, Anna\n["Anna"]'
    one = read(ANY, body, "application/x-ndjson")
    assert [text for pointer, text in one.texts.items() if not pointer.endswith("~k")] == [
        "Anna",
        "no json, Anna",
        "Anna",
    ]
    out = one.splice({"/0/a": '"', "/1": "X", "/2/0": "Y"})
    assert out == b'{"a": "\\""}\r\n\r\nX\n["Y"]'


MARKUP = '<p class="x" title="J&#252;rgen &amp; Co">Jürgen\'s <b>M&uuml;ller</b><!-- Anna --><![CDATA[A & B]]></p>'


def test_character_references_hide_nothing(read):
    one = read(ANY, MARKUP.encode(), "application/xml")
    words = list(one.texts.values())
    assert {"Jürgen & Co", "Müller", " Anna ", "A & B"} <= {
        text.replace("<!--", "").replace("-->", "") for text in words
    }
    chosen = {pointer: "<X>" for pointer, text in one.texts.items() if text in ("Jürgen & Co", "Müller", "A & B")}
    assert one.splice(chosen).decode() == (
        '<p class="x" title="&lt;X&gt;">Jürgen\'s <b>&lt;X&gt;</b><!-- Anna --><![CDATA[<X>]]></p>'
    )


@given(st.text("<>&;!-[]CDATA\"'= /?a&#65;", max_size=40))
def test_every_character_of_markup_is_in_a_segment_or_white(read, text):
    body = text.encode()
    one = read(ANY, body, "text/html")
    assert one.splice({}) == body
    left, done = [], 0
    for slot in one.inspected.source.document.slots:
        left.append(text[done : slot.start])
        done = slot.end
    # Quotes, white space and the brackets of CDATA are all that stands outside.
    assert set("".join([*left, text[done:]])) <= set(" \"'<![]CDATA>")
    if text and "&" not in text and text.strip()[:1] not in ("[", '"'):
        assert one.texts == {"/text": text}


def test_markup_without_references_is_one_text(read):
    assert read(ANY, b"<a>Anna</a>", "text/xml").texts == {"/text": "<a>Anna</a>"}


def test_markup_says_its_own_encoding(read):
    body = '<?xml version="1.0" encoding="iso-8859-1"?><a>Jürgen</a>'.encode("latin-1")
    one = read(ANY, body, "application/xml")
    assert "Jürgen" in one.texts["/text"]
    assert one.splice({"/text": one.texts["/text"].replace("Jürgen", "ß")}).endswith(b"<a>\xdf</a>")


@pytest.mark.parametrize(
    ("kind", "body", "text"),
    [
        ("text/plain; charset=iso-8859-1", b"J\xfcrgen", "Jürgen"),
        ("text/plain; charset=iso-8859-1", "Jürgen".encode(), "Jürgen"),
        ("application/x-unheard-of; charset=iso-8859-1", "Jürgen".encode(), "Jürgen"),
        ("text/markdown", "Jürgen".encode(), "Jürgen"),
        ("text/plain; charset=utf-16", "Jürgen".encode("utf-16"), "Jürgen"),
        ("text/plain", b"A\0n\0Anna", "A\0n\0Anna"),
        ("application/octet-stream", "Jürgen".encode(), "Jürgen"),
        ("application/x-unheard-of", b"Anna", "Anna"),
        ("", b"Anna", "Anna"),
    ],
)
def test_what_can_be_read_as_text_is_text(read, kind, body, text):
    one = read(ANY, body, kind)
    assert one.texts == {"/text": text}
    assert one.splice({"/text": "X"})[-2:].strip(b"\0") == b"X"


@pytest.mark.parametrize(
    "charset", ["cp037", "utf-7", "hex", "base64", "idna", "unicode_escape", "utf-16-le", "no-such"]
)
def test_a_charset_that_reads_ascii_as_something_else_is_refused(read, charset):
    for kind in ("text/plain", "application/json", "application/x-www-form-urlencoded"):
        with pytest.raises(FormatError, match="charset"):
            read(ANY, b"Anna", f"{kind}; charset={charset}")


@pytest.mark.parametrize(
    ("kind", "body", "media", "uninspected"),
    [
        ("application/octet-stream", b"\x00\xff\x00", [], ["application/octet-stream"]),
        ("", b"\x00\xff\x00", [], ["application/octet-stream"]),
        ("audio/mpeg", b"ID3\xff\x00", ["audio/mpeg"], []),
        ("application/octet-stream", b"%PDF-1.7\xff", ["application/pdf"], []),
        ("application/grpc", b"\x00\x00\x00\x00\x05\xff", ["application/grpc"], []),
    ],
)
def test_what_cannot_is_one_part_for_the_policy(read, kind, body, media, uninspected):
    one = read(ANY, body, kind)
    assert one.texts == {}
    assert [part.media_type for part in one.inspected.media] == media
    assert [part.media_type for part in one.inspected.uninspected] == uninspected
    assert one.splice({}) is body
