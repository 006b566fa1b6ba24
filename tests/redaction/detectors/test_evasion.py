"""Values in disguise are found and covered whole; what is encoded and no personal data stays."""

import base64
import gzip
import io
import zipfile
import zlib

import pytest

from redaction.recognizers.encoded import _unpacked

DISGUISED = [
    ("EMAIL_ADDRESS", "schreib an «anna punkt schmidt at example punkt de» bitte"),
    ("EMAIL_ADDRESS", "mail «anna [at] example [dot] com» now"),
    ("EMAIL_ADDRESS", "gửi «khoi.mac a còng example chấm com» nhé"),
    ("EMAIL_ADDRESS", "to=«anna%40example%2Ecom»"),
    ("EMAIL_ADDRESS", "to «anna&#64;example&#46;com» ok"),
    ("EMAIL_ADDRESS", "«a\u200bnna@exam\u200bple.com» hi"),
    ("PHONE_NUMBER", "ruf an: «0 1 7 1 2 3 4 5 6 7 8» danke"),
    ("PHONE_NUMBER", "call «zero one seven one two three four five six seven eight» please"),
    ("PHONE_NUMBER", "meine nummer: «null eins sieben eins zwei drei vier fünf sechs sieben acht»"),
    ("US_SSN", "my ssn «5 3 6 - 2 2 - 8 9 4 1» ok"),
    ("IBAN_CODE", "auf «D E 8 9 3 7 0 4 0 0 4 4 0 5 3 2 0 1 3 0 0 0» bitte"),
    ("PERSON", "Herr «M&uuml;ller» war da"),
    ("PERSON", "ich heiße «Mu\u0308ller»"),
    ("PERSON", "Frau «M=C3=BCller» war da"),
    ("EMAIL_ADDRESS", r"mail «harriet\_b@example\.com» now"),
    ("DATE_OF_BIRTH", "BDAY:«19870503»"),
    ("DATE_OF_BIRTH", '{"date_of_birth": "«19870503»"}'),
]
DRESSED = [
    ("EMAIL_ADDRESS", "user = User(email='«anna.b@example.com»')"),
    ("EMAIL_ADDRESS", "write to _«anna.b@example.com»_ or __«ben@example.org»__"),
    ("EMAIL_ADDRESS", "LIKE '%«anna.b@example.com»%'"),
    ("EMAIL_ADDRESS", "imap «anna.b@example.com»@mail.example.net"),
    ("PHONE_NUMBER", "call _«+49 341 9876543»_ or tel_«+14155550133»"),
    ("CREDIT_CARD", "_«5500000000000004»_ and **«5500** 0000 0000 0004»"),
    ("PERSON", "Frau  «Vogelsang» kommt"),
    ("PERSON", "Herr\t«Vogelsang»\t12"),
    ("PERSON", "Frau **«Vogelsang»** und Ms. <b>«Blackwood»</b>"),
    ("PERSON", 'Mr. "«Blackwood»" called'),
    ("PERSON", "Frau «von und zu Guttenberg» kommt"),
    ("EMAIL_ADDRESS", "write to «anna.b AT example DOT com»"),
    ("EMAIL_ADDRESS", "mail «harriet.b@example。com» now"),
    ("EMAIL_ADDRESS", "mail «harriet.b@example｡co｡uk» now"),
    ("IBAN_CODE", "«DE89370400440532013000»und «DE89 3704 0044 0532 0130 00»EUR"),
    ("IBAN_CODE", "IBAN«DE89370400440532013000» und mein konto«DE89370400440532013000»"),
    ("PERSON", "ask __«Harriet»__ and _«Harriet Fontaine»_"),
]


@pytest.mark.parametrize(("entity_type", "marked"), DISGUISED)
def test_finds_values_in_disguise(look, entity_type, marked):
    wanted, found = look(marked, entity_type)
    assert found == wanted


@pytest.mark.parametrize(("entity_type", "marked"), DRESSED)
def test_finds_values_in_quotes_emphasis_and_columns(look, entity_type, marked):
    wanted, found = look(marked, entity_type)
    assert found == wanted


@pytest.mark.parametrize(
    "text",
    [
        "12345DE89370400440532013000",
        "abDE89370400440532013001x",
        "DE893704004405320130007",
        "call_0341987654",
        "IMG_20240101_123456.jpg",
        "order_5500000000000004",
        "file_2024123123_report.pdf",
    ],
)
def test_leaves_numbers_inside_names_of_things(look, text):
    assert look(text)[1] == []


@pytest.mark.parametrize(
    "value", ["anna.schmidt@example.com", "Visa 4111 1111 1111 1111", "IBAN DE89370400440532013000"]
)
@pytest.mark.parametrize("encode", [base64.b64encode, base64.urlsafe_b64encode, base64.b16encode])
def test_finds_values_inside_encodings(look, value, encode):
    encoded = encode(value.encode()).decode()
    found = look(f"decode {encoded} for me")[1]
    assert [text for _, text in found] == [encoded]


MAIL = b"anna.schmidt@example.com"


def _dump(raw: bytes, group: int, end: str) -> str:
    lines = [raw[at : at + 16] for at in range(0, len(raw), 16)]
    shown = [line.decode("latin-1") for line in lines]
    return "\n".join(
        f"{16 * n:08x}{end}  {line.hex(' ', group):<48}  {text}"
        for n, (line, text) in enumerate(zip(lines, shown, strict=True))
    )


def _zipped(raw: bytes) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.txt", raw)
    return file.getvalue()


@pytest.mark.parametrize(
    "encoded",
    [
        MAIL.hex(" "), MAIL.hex(":").upper(), "0x" + MAIL.hex(), "".join(f"\\x{one:02x}" for one in MAIL),
        ", ".join(f"0x{one:02x}" for one in MAIL), f"Grüße an {MAIL.decode()}".encode().hex(),
        _dump(b"to: " + MAIL, 1, ""), _dump(b"to: " + MAIL, 2, ":"),
        base64.b64encode(MAIL.decode().encode("utf-16-le")).decode(),
        base64.b64encode(f"Grüße an {MAIL.decode()}".encode("cp1252")).decode(),
        base64.b64encode(base64.b64encode(b"mail " + MAIL)).decode(), base64.b64encode(MAIL.hex().encode()).decode(),
        *(base64.b64encode(pack(b"mail <" + MAIL + b">")).decode() for pack in (gzip.compress, zlib.compress, _zipped)),
    ],
)  # fmt: skip
def test_finds_values_in_bytes_as_tools_show_and_pack_them(look, encoded):
    assert look(f"see\n{encoded}\nfor me")[1] == [("EMAIL_ADDRESS", encoded)]


@pytest.mark.parametrize(
    ("entity_type", "marked"),
    [
        ("EMAIL_ADDRESS", 'to «harriet.b<span class="at">@</span>example.com» now'),
        ("EMAIL_ADDRESS", "to «harriet.b<!-- x -->@example.com» or [b]«ben[/b]@example.org»"),
        ("EMAIL_ADDRESS", "to «harriet.b😀@example.com»"),
        ("PHONE_NUMBER", 'Tel. «+49 <span class="n">341</span> <span id=x>987</span>6543»'),
        ("PHONE_NUMBER", "Tel. «+49 📞 341 📞 9876543», «0🔹3🔹4🔹1🔹9🔹8🔹7🔹6🔹5🔹4🔹3»"),
        ("PHONE_NUMBER", "«+⁴⁹ ³⁴¹ ⁹⁸⁷⁶⁵⁴³»"),
    ],
)
def test_finds_values_with_markup_comments_or_emoji_inside(look, entity_type, marked):
    wanted, found = look(marked, entity_type)
    assert set(wanted) <= set(found)


def test_what_markup_itself_says_is_looked_at_as_it_stands(look):
    wanted, found = look(
        '<a href="mailto:«harriet.b@example.com»">x</a><i title="«ben@example.org»">y</i>', "EMAIL_ADDRESS"
    )
    assert found == wanted


@pytest.mark.parametrize(
    "text",
    [
        '<td><span class="mi">12</span><span class="o">,</span> <span class="mi">3456</span></td>',
        "<b>3</b><i>4</i> cats, 12🍎34🍊56, nice😀day, ❤️ 2024 ❤️",
        "[b]1[/b] [i]2[/i] [c]3[/c] list[0] a[b]c <!-- todo 12 --> x",
    ],
)
def test_leaves_markup_and_emoji_with_nothing_inside(look, text):
    assert look(text)[1] == []


def test_what_would_unfold_to_more_than_a_page_is_not_unfolded():
    assert len(_unpacked(gzip.compress(bytes(1_000_000)), 1000)) == 1000
    assert _unpacked(gzip.compress(b"x"), 0) == b""
    assert len(_unpacked(_zipped(bytes(1_000_000)), 1000)) <= 1010
    for broken in (gzip.compress(MAIL)[:-12] + b"xxxx", _zipped(MAIL)[:-9], b"\x1f\x8b", b"\x78\x9c", b"PK\x03\x04"):
        assert MAIL not in _unpacked(broken, 0)
        _unpacked(broken, 1000)


@pytest.mark.parametrize(
    "text",
    [
        "12 34 56 78 23 45 67 34 56 23 45 67 34 56 34 34",
        "2024 12 11 10 09 08\n2025 11 12 13 14 15",
        "7f45 4c46 0201 0100 0000 0000 0000 0000",
        "fingerprint 9f:86:d0:81:88:4c:7d:65:9a:2f:ea:a0:c5:5a:d0:15",
        "decode aGVsbG8gd29ybGQgdGhpcyBpcyBhIGxvbmcgdGV4dA== for me",
        "eins zwei drei vier fünf sechs sieben acht neun",
        "one two three four five six seven eight nine ten",
        "0 0 1 0 1 1 0 1 0 1",
        "a search for a%20b%20c in C%23",
        "sha256 e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    ],
)
def test_leaves_encodings_of_nothing_personal(look, text):
    assert look(text)[1] == []
