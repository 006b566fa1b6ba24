"""Values in disguise are found and covered whole; what is encoded and no personal data stays."""

import base64

import pytest

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


@pytest.mark.parametrize(
    "text",
    [
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
