"""What was opened to be inspected and comes back as it was sent is restored to the very text that the app wrote: JSON in
a string, base64, data: URLs in every spelling, whole and quoted in other words, in answers, streams and errors."""

import base64
import json
from urllib.parse import quote
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proxy.fakes.leaks import assert_no_leak
from proxy.formats.answers import TextReader
from redaction import tokens
from redaction.restore import Encoding, Restorable, Restorer

MAIL, IBAN = "anna.schmidt@example.com", "DE89 3704 0044 0532 0130 00"
ANY = "/v1/brand/new"
NOT_TYPES = "abcdefghijklmnopqrstuvwxyzäạ'()*!~,;/?:$&+= ẞ🙂%"


def spelled(text: str, plain: str, lower: bool) -> str:
    """A text in a URL, with every character that is not in `plain` encoded."""
    coded = quote(text, safe=plain)
    return _lowered(coded) if lower else coded


def _lowered(coded: str) -> str:
    head, *rest = coded.split("%")
    return "%".join([head, *(piece[:2].lower() + piece[2:] for piece in rest)])


@st.composite
def data_urls(draw: st.DrawFn) -> str:
    """A data: URL with planted words in it, as different programs spell one."""
    pieces = draw(
        st.lists(
            st.one_of(st.sampled_from([f" {MAIL} ", f" {IBAN} "]), st.text(NOT_TYPES, max_size=9)),
            min_size=1,
            max_size=5,
        )
    )
    kept = draw(st.sampled_from(["", "@", "@.", "!'()*~", "@:/?&=+,;$!'()*", "äạẞ🙂@"]))
    head = draw(st.sampled_from(["data:,", "data:text/plain,", "DATA:text/plain;charset=utf-8,", "data:text/csv,"]))
    coded = "".join(spelled(piece, kept, draw(st.booleans())) for piece in [*pieces, f" {MAIL} "])
    return head + coded


@settings(max_examples=150)
@given(
    url=data_urls(), opening=st.sampled_from(["", "See ", '{"u": "']), cuts=st.lists(st.integers(0, 900), max_size=6)
)
def test_a_data_url_comes_back_as_the_app_spelled_it(gate, url, opening, cuts):
    body = json.dumps({"deep": [{"new": url}]}, ensure_ascii=False).encode()
    went = gate.ask("openai", ANY, body)
    assert_no_leak([went.left], [MAIL, IBAN])
    sent = went.left.json()["deep"][0]["new"]
    echo = went.answer(went.left.body, cuts=cuts)
    assert json.loads(echo) == json.loads(body)
    # Quoted in other words, whole and in pieces.
    said = opening + sent
    for kind, raw in [
        ("application/json", json.dumps({"error": {"message": said}}).encode()),
        ("text/plain", said.encode()),
        (
            "text/event-stream",
            b"".join(
                b"data: " + json.dumps({"delta": said[at : at + 7]}).encode() + b"\n\n" for at in range(0, len(said), 7)
            ),
        ),
    ]:
        found = gate.ask("openai", ANY, body).answer(raw, kind, cuts=cuts).decode()
        if kind == "application/json":
            found = json.loads(found)["error"]["message"]
        elif kind == "text/event-stream":
            found = "".join(json.loads(line[6:])["delta"] for line in found.splitlines() if line)
        assert found == opening + url


WORDS = f"Grüße an {MAIL}, {IBAN}. Bis bald, bis bald, bis bald."
CODED = base64.b64encode(WORDS.encode()).decode()


@pytest.mark.parametrize(
    "text",
    [
        json.dumps({"an": WORDS, "n": 1.50}, indent=2),
        json.dumps({"an": WORDS, MAIL: [MAIL]}, ensure_ascii=True).replace("/", "\\/"),
        json.dumps(json.dumps({"an": [WORDS]})),
        f"data:text/plain;base64,{CODED}",
        f"data:text/plain;base64,{CODED.rstrip('=')}",
        f"data:;base64,{quote(CODED, safe='')}",
        f"data:application/json,{quote(json.dumps({'an': WORDS}))}",
        base64.b64encode(WORDS.encode() * 20).decode(),
        base64.urlsafe_b64encode(WORDS.encode() * 20).decode(),
        base64.encodebytes(WORDS.encode() * 20).decode(),
    ],
    ids=["json", "ascii", "twice", "base64", "unpadded", "percent", "json url", "long", "url-safe", "lines"],
)
@pytest.mark.parametrize("kind", ["application/json", "text/event-stream"])
def test_an_opened_text_comes_back_as_the_app_wrote_it(gate, text, kind):
    body = json.dumps({"metadata": {"new": text}, "model": "m"}).encode()
    went = gate.ask("openai", "/v1/chat/completions", body)
    assert_no_leak([went.left], [MAIL, IBAN])
    raw = went.left.body if kind == "application/json" else b"data: " + went.left.body + b"\n\n"
    echo = went.answer(raw, kind).removeprefix(b"data: ")
    assert json.loads(echo) == json.loads(body)


def test_a_medium_that_holds_text_comes_back_as_the_app_wrote_it(gate):
    part = {"inlineData": {"mimeType": "text/plain", "data": CODED.rstrip("=")}}
    went = gate.ask(
        "gemini", "/v1beta/models/m:generateContent", json.dumps({"contents": [{"parts": [part]}]}).encode()
    )
    assert_no_leak([went.left], [MAIL, IBAN])
    sent = went.left.json()["contents"][0]["parts"][0]
    assert sent != part
    echo = went.answer(json.dumps({"candidates": [{"content": {"parts": [sent]}}]}).encode())
    assert json.loads(echo)["candidates"][0]["content"]["parts"] == [part]


@pytest.mark.parametrize(
    "said", ["data: {}, [PERSON_AAAAAAAA] 50%", "Data:\t{}, and more", "data:, {} 50%25 [x]", "data:a, {} [x]\nb"]
)
def test_words_that_begin_as_a_data_url_does_are_words(gate, said):
    went = gate.ask("openai", ANY, json.dumps({"u": said.format(MAIL)}).encode())
    sent = json.loads(went.left.body)["u"]
    before, _, after = said.partition("{}")
    assert (sent.startswith(f"{before}["), sent.endswith(f"]{after}"), MAIL in sent) == (True, True, False)
    assert json.loads(went.answer(went.left.body, "application/json"))["u"] == said.format(MAIL)


@pytest.mark.parametrize(
    "rest",
    ["base64,AAAA", "base64," + CODED, "charset=utf-8,hello", "base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAQAAAC1HAwC"],
)
@pytest.mark.parametrize("head", [f"data:text/plain;name={MAIL};", f"data:image/png;filename={IBAN};", f"data:{MAIL};"])
@pytest.mark.parametrize("place", ["unknown", "image"])
def test_the_head_of_a_data_url_is_no_hiding_place(gate, head, rest, place):
    url = {"url": head + rest}
    said = [{"type": "image_url", "image_url": url}] if place == "image" else "hi"
    body = {"model": "m", "messages": [{"role": "user", "content": said}], "new": url if place == "unknown" else None}
    went = gate.ask("openai", "/v1/chat/completions", json.dumps(body).encode())
    if went.left is not None:
        assert_no_leak([went.left], [MAIL, IBAN])
        assert json.loads(went.answer(went.left.body)) == body
    else:
        assert went.code in {"blocked", "media_refused", "uninspectable"}


def test_what_stands_around_a_placeholder_in_a_data_url_is_sent_as_it_was_spelled(gate):
    went = gate.ask("openai", ANY, json.dumps({"u": f"data:text/plain,a@b%20c~(d)%2e{MAIL}%0a!"}).encode())
    head, _, rest = went.left.json()["u"].partition("%5BEMAIL_ADDRESS_")
    assert (head, rest[8:]) == ("data:text/plain,a@b%20c~(d)%2e", "%5D%0a!")


XML = f'<?xml version="1.0"?><a m="&quot;{MAIL}&quot;"><!-- {MAIL} --><b>Gr&#252;&#xdf;e O&apos;Neil &amp; {IBAN}</b><![CDATA[{MAIL}]]></a>'
FORM = "m=anna.schmidt%40example.com&iban=DE89+3704+0044+0532+0130+00&x=%7e"


@pytest.mark.parametrize(("kind", "body"), [("application/xml", XML), ("application/x-www-form-urlencoded", FORM)])
def test_a_form_or_a_document_that_comes_back_as_a_text_is_the_apps_own(gate, kind, body):
    went = gate.ask("openai", ANY, body.encode(), kind)
    assert_no_leak([went.left], [MAIL, IBAN])
    sent = went.left.body.decode()
    assert json.loads(went.answer(json.dumps({"echo": sent}).encode())) == {"echo": body}


@settings(max_examples=30)
@given(cuts=st.lists(st.integers(0, 400), max_size=6))
def test_xml_that_comes_back_as_xml_says_the_same(gate, cuts):
    went = gate.ask("openai", ANY, XML.encode(), "application/xml")
    found = ElementTree.fromstring(went.answer(went.left.body, "application/xml", cuts=cuts))
    wanted = ElementTree.fromstring(XML)
    assert (found.attrib, found[0].text, found[0].tail) == (wanted.attrib, wanted[0].text, wanted[0].tail)


def test_a_value_that_would_break_a_document_is_escaped_in_it():
    token = tokens.mint(bytes(32), "PERSON", "O'Neil & <Söhne>")
    chosen = TextReader(Restorer(Restorable({token: "O'Neil & <Söhne>"})), encoding=Encoding.XML)
    assert chosen.feed(f"<a>{token}</a>".encode()) + chosen.finish() == "<a>O'Neil &amp; &lt;Söhne&gt;</a>".encode()


TELEPHONE = 4917612345678


@pytest.mark.parametrize(("destination", "target", "request_of", "answer_of"), [
    ("gemini", "/v1beta/models/m:generateContent",
     lambda args: {"contents": [{"role": "model", "parts": [{"functionCall": {"name": "f", "args": args}}]}]},
     lambda args: {"candidates": [{"content": {"parts": [{"functionCall": {"name": "f", "args": args}}]}}]}),
    ("anthropic", "/v1/messages",
     lambda args: {"model": "m", "max_tokens": 9, "messages": [{"role": "assistant", "content": [{"type": "tool_use", "id": "t", "name": "f", "input": args}]}]},
     lambda args: {"content": [{"type": "tool_use", "id": "t", "name": "f", "input": args}]}),
    ("openai", "/mcp", lambda args: {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "f", "arguments": args}},
     lambda args: {"jsonrpc": "2.0", "id": 1, "result": {"structuredContent": args}}),
], ids=["gemini", "anthropic", "mcp"])  # fmt: skip
@pytest.mark.parametrize("kind", ["application/json", "text/event-stream"])
def test_a_number_of_the_app_comes_back_as_a_number(gate, destination, target, request_of, answer_of, kind):
    went = gate.ask(destination, target, json.dumps(request_of({"phone": TELEPHONE, "n": 7, "note": MAIL})).encode())
    assert_no_leak([went.left], [str(TELEPHONE), MAIL])
    sent = went.left.body.decode()
    begin = sent.index('{"phone"')
    arguments, _ = json.JSONDecoder().raw_decode(sent, begin)
    answer = json.dumps(answer_of({**arguments, "again": [arguments["phone"]]})).encode()
    framed = answer if kind == "application/json" else b"data: " + answer + b"\n\n"
    found = went.answer(framed, kind, 400 if kind == "application/json" else 200).removeprefix(b"data: ")
    assert json.loads(found) == answer_of({"phone": TELEPHONE, "n": 7, "note": MAIL, "again": [TELEPHONE]})


def test_a_number_that_was_said_in_words_as_well_comes_back_as_words(gate):
    args = {"phone": TELEPHONE, "text": str(TELEPHONE)}
    said = [{"functionCall": {"name": "f", "args": args}}, {"text": f"call {TELEPHONE}"}]
    went = gate.ask("gemini", "/v1beta/models/m:generateContent", json.dumps({"contents": [{"parts": said}]}).encode())
    token = went.left.json()["contents"][0]["parts"][0]["functionCall"]["args"]["phone"]
    found = json.loads(went.answer(json.dumps({"candidates": [{"content": {"parts": [{"text": token}]}}]}).encode()))
    assert found["candidates"][0]["content"]["parts"] == [{"text": str(TELEPHONE)}]


@pytest.mark.parametrize("indent", [None, 2])
@pytest.mark.parametrize("kind", ["application/json", "application/x-ndjson"])
@settings(max_examples=15)
@given(cuts=st.lists(st.integers(0, 400), max_size=6))
def test_an_answer_for_which_lines_are_expected_may_be_one_document(gate, indent, kind, cuts):
    said = {"model": "m", "new": [["a["], [f'{MAIL}"\\', {"x": []}]]}
    went = gate.ask("ollama", "/api/chat", json.dumps(said).encode())
    sent = json.dumps(went.left.json(), indent=indent).encode()
    assert json.loads(went.answer(sent, kind, cuts=cuts)) == said


@pytest.mark.parametrize("rest", ["[", "[[", "[EMAIL"])
def test_what_may_begin_a_placeholder_stays_on_its_line(gate, rest):
    went = gate.ask("ollama", "/api/chat", json.dumps({"new": MAIL}).encode())
    token = went.left.json()["new"]
    answer = f'no JSON {rest}\r\n"x"\n{token} {rest}\n{rest}'.encode()
    assert went.answer(answer, "application/x-ndjson").decode() == answer.decode().replace(token, MAIL)
