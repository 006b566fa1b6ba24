"""What hides from a reader of patterns is seen, and every position leads back to the text as it is."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from redaction.normalize import normalize

WORDS = ("Jürgen Schröder, Straße – 12", "Nguyễn Thị Hạnh, đường Lê Lợi")
CHARSETS = ("cp1250", "cp1251", "mac_roman", "cp437", "cp850")
SEEN = [
    ("Mu\u0308ller", "Müller"),
    ("anna＠example．com", "anna@example.com"),
    ("a\u200bnna@exam\u00adple.com", "anna@example.com"),
    ("аnna@example.com", "anna@example.com"),
    ("０１７１ ２３４５６７８", "0171 2345678"),
    ("0171\u00a0234\u202f5678", "0171 234 5678"),
    ("0171\u2011234", "0171-234"),
    ("𝐀𝐧𝐧𝐚", "Anna"),
    ("٠١٧١", "0171"),
    ("anna%40example%2Ecom", "anna@example.com"),
    ("M%C3%BCller", "Müller"),
    ("anna&#64;example&#x2E;com", "anna@example.com"),
    ("M&uuml;ller", "Müller"),
    ("M\\u00fcller", "Müller"),
    ("call 0 1 7 1 2 3 4 5 6 7 8 now", "call 01712345678 now"),
    ("From: =?utf-8?Q?J=C3=BCrgen_Lindner?= <x>", "From: Jürgen Lindner <x>"),
    ("=?UTF-8?q?Nguy=E1=BB=85n?=", "Nguyễn"),
    ("Herr M=C3=BCller", "Herr Müller"),
    ("to harriet.b=40example.com", "to harriet.b@example.com"),
    ("x" * 60 + " Lind=\r\nner", "x" * 60 + " Lindner"),
    (r"harriet\_b\@example\.com", "harriet_b@example.com"),
    ("0️⃣3️⃣4️⃣1️⃣", "0341"),
    ("JÃ¼rgen NguyÃªn", "Jürgen Nguyên"),
    ("Nguyá»…n Há»“ng â€“ Thá»‹", "Nguyễn Hồng - Thị"),
    ("Jürgen".encode().decode("latin-1").encode().decode("cp1252"), "Jürgen"),
    ("\x1b[1;31mJür\x1b[0mgen", "Jürgen"),
    (r"\u001b[32mAnna\033[0m", "Anna"),
    ("A\bAn\bnn\bna\ba", "Anna"),
    ("A\x00n\x00n\x00a\x00", "Anna"),
    ("A\u0336n\u0332n\u0305a", "Anna"),
    ("<b>Jü</b>rgen <b>Lind</b>ner", "Jürgen Lindner"),
    ("<span>Jürgen</span><span>Lindner</span>", "Jürgen Lindner"),
    ("Lind<wbr>ner", "Lindner"),
    ("**Jü**rgen L**ind**ner", "Jürgen Lindner"),
    ("**Anna** **Lindner**", "**Anna Lindner**"),
    ("_Anna_ _Lindner_ `0341` `987`", "Anna Lindner `0341 987`"),
    ("_536-90-4399_", "536-90-4399"),
    ("Lind-\nner, Schmidt-\r\n  Meier", "Lindner, Schmidt-\r\n  Meier"),
    ("q=J%C3%BCrgen+Lindner&tel=0341+987+6543;", "q=Jürgen Lindner&tel=0341 987 6543;"),
    ("name=Anna+Lindner", "name=Anna Lindner"),
    (r"J\xc3\xbcrgen M\303\274ller J\xfcrgen M\u{fc}ller", "Jürgen Müller Jürgen Müller"),
    (r"J\\\\u00fcrgen", "Jürgen"),
    ("J%25C3%25BCrgen%2520Lindner", "Jürgen Lindner"),
    ("J&amp;uuml;rgen&amp;#32;L&amp;amp;#105;ndner", "Jürgen Lindner"),
    ("Lind&shy;ner&nbsp;Anna&#8203;", "Lindner Anna"),
    ("=?utf-8?B?SsO8cmdlbg==?= =?iso-8859-1?Q?M=FCller_x?=", "Jürgen Müller x"),
    *((text.encode().decode(charset), text.replace("–", "-")) for text in WORDS for charset in CHARSETS),
    (
        "J¸rgen Schrˆder, M³ller, Ma▀mann, Gro§mann, Sch\x94nfeld",
        "Jürgen Schröder, Müller, Maßmann, Großmann, Schönfeld",
    ),
    ("J\ufffdrgen M\ufffd\ufffdller", "Jürgen Müller"),
    (r"harriet\x40example\x2ecom \\x2b49\x20341", "harriet@example.com +49 341"),
    (r"harriet\100example\056com, \101nna", "harriet@example.com, Anna"),
    (r"harriet\40 example\2e com, a\000040b, M\fc ller", "harriet@example.com, a@b, Müller"),
    (r"harriet\U00000040example.com", "harriet@example.com"),
    ("harriet%u0040example.com J%u00FCrgen J%FCrgen J=FCrgen", "harriet@example.com Jürgen Jürgen Jürgen"),
    ("harriet&#64example.com &#0000064; &#x00040;", "harriet@example.com @ @"),
    (
        r"""M{\"u}ller, M\"uller, M\"{u}ller, {\"O}zt{\"u}rk, Andr\'e, Wei{\ss}, Stra\ss e""",
        "Müller, Müller, Müller, Öztürk, André, Weiß, Straße",
    ),
    ("+⁴⁹ ³⁴¹ ¹²³⁴", "+49 341 1234"),
    ("🅷🅰🆁🆁🅸🅴🆃 🅐nna ᴊᴏʜɴ", "HARRIET Anna john"),
    ("Lind<!-- -->ner", "Lindner"),
    ("D E 8 9 3 7 0 4 0 0 4 4 0 5", "DE89370400440 5".replace(" ", "")),
]
SAME = [
    "Привет, как дела?",
    "Ελλάδα",
    "Nguyễn Văn An",
    "100% sicher & gut",
    "a &notanentity; b",
    "%E4%F6 is Latin-1, %zz nothing",
    "\\uD83D alone",
    "A B C D",
    "A=\nPASSWORD=x",
    "a=3Db=20c",
    "x=E4=F6",
    "x² und m³, Müller¹², 10²³",
    "√2 ≈ 1,4 · ∆x, 12 ÷ 3 = 4, §12, m³ und ± 3",
    "Гёте и Гёдель, Дім, «Ж», Ελλάδα ╞═╡ ├── a └── b",
    r"\d{3} \x \u \"user\": \"a\" {\"order\": 1} it\'s C:\dir\data \cite{a1} \ssh",
    "A B C D E F G H I J K",
    "„SPAẞ“, „MENÜ“ und À»",
    "2**10**3, 3*4*5 und a*b*c",
    "__init__ _private_ snake_case_name @_someone_",
    "Map<K, V> a < b > c",
    "- one\n- two, E-Mail-\nAdresse, 10-\n20",
    "token=ab12+/cdEF== x=1+2 mail=anna+news@example.com",
    r"\xff\xfe \300\301 C:\x86 [\e]",
    "=?no-such?B?QUJD?= =?utf-8?B?!!?=",
]


@pytest.mark.parametrize(("text", "seen"), SEEN)
def test_what_is_hidden_is_seen(text, seen):
    assert normalize(text).text == seen


@pytest.mark.parametrize("text", SAME)
def test_what_hides_nothing_stays(text):
    view = normalize(text)
    assert view.text == text
    assert view.span(0, len(text)) == (0, len(text))


def test_a_span_covers_the_whole_spelling():
    text = "mail anna&#64;example&#46;com ok"
    view = normalize(text)
    start = view.text.index("anna@example.com")
    first, last = view.span(start, start + len("anna@example.com"))
    assert text[first:last] == "anna&#64;example&#46;com"


tricky = st.text(
    st.one_of(
        st.sampled_from("%&#;\\u0410аᴀ0 １é\u0301\u200b\u00adAZ9 -./@"),
        st.sampled_from(["%40", "&#64;", "&uuml;", "\\u00fc", "1 2 3 4 5 6 7 8 9 "]).map(lambda part: part[0]),
        st.characters(),
    ),
    max_size=40,
)
parts = st.lists(
    st.one_of(
        tricky,
        st.sampled_from(
            [
                "%C3%BC",
                "%25C3%25BC",
                "Ã¼",
                "Ã\x83Â¼",
                "\x1b[1m",
                "a\b",
                "\0",
                "<b>",
                "</b>",
                "**a**",
                "a-\nb",
                "=a+b&",
                "\\xc3\\xbc",
                "\\\\u00fc",
                "&amp;#64;",
                "&shy;",
                "√º",
                "├╝",
                "\ufffd",
                "\\x40",
                "\\100",
                "\\40 ",
                "%u0040",
                "%FCa",
                "{\\ss}",
                '\\"{u}',
                "³⁴¹",
                "<!-- -->",
                "=?utf-8?B?SsO8?=",
                "=C3=BC",
                "=?utf-8?Q?a_=40?=",
                "=\n",
                "\\.a",
                "%40",
                "&#64;",
                "&amp;",
                "\\u0041",
                "1 2 3 4 5 6 7 8 9 0",
            ]
        ),
    ),
    max_size=6,
).map("".join)


@given(parts)
def test_spans_lie_in_the_text_in_order_and_miss_nothing_seen(text):
    view = normalize(text)
    before = 0
    for index in range(len(view.text)):
        start, end = view.span(index, index + 1)
        assert before <= start < end <= len(text)
        before = start
    assert view.starts is not None or view.text == text


@given(st.text(max_size=60))
def test_composed_and_decomposed_text_look_the_same(text):
    composed = unicodedata.normalize("NFC", text)
    if not composed.isascii() and unicodedata.normalize("NFC", unicodedata.normalize("NFD", composed)) == composed:
        plain = normalize("Müller Nguyễn").text
        assert normalize(unicodedata.normalize("NFD", "Müller Nguyễn")).text == plain


@pytest.mark.parametrize(
    "text", ["q=a%0AB7", "q=a%0dB7", "a&#10;B7", r"a\u000aB7", r"a\u0000B7", r"a\nB7", r"a\tB7", "a%09B7", "a%00B7"]
)
def test_a_word_ends_at_an_escaped_control_character(text):
    assert normalize(text).text.endswith("a\nB7")


@pytest.mark.parametrize("text", [r"C:\new\temp", r"a\b7", r"\name", r"\x0a"])
def test_a_backslash_of_the_text_stays(text):
    assert normalize(text).text == text
