import pytest

from redaction.segment import SegmentKind

EMAILS = [
    "schreib mir an «anna.schmidt@example.com», danke",
    "Mail:«nguyen.van.an+work@mail.example.vn».",
    "<«o'brien@example.co.uk»>",
    "**«max_m@sub.domain.example.org»**",
    '{"to":"«müller@bücher.example»"}',
    "href=mailto:«x1@example.io»?subject=hi",
    "q=«anna%40example.com»&x=1",
    "«anna at example dot com» is mine",
    "meine adresse: «lena.kurz (at) web punkt de»",
    "mail «tuan.le [at] example.com»",
    "gửi qua «thuha a còng gmail chấm com» nhé",
    "«jonas.b @ example.com» geht auch",
]
NOT_EMAILS = [
    "icon@2x.png and logo@3x.webp",
    "git clone git@github.com:acme/tool.git",
    "meet me at example.com",
    "@app.route('/x') and @media screen",
    "npm i @scope/pkg@1.2.3",
    "look at this dot in the picture",
    "a@b",
]
PHONES = [
    "ruf mich an: «0171 2345678» oder «+49 (0)30 901820»",
    "Tel. «030/1234567», Fax «030 / 123 45 68»",
    "handy 0151-23456789".replace("0151-23456789", "«0151-23456789»"),
    "sđt của em là «0912 345 678» ạ",
    "so dt «0987654321» nha",
    "zalo «84 912 345 678»",
    "call me on «(415) 555-0132» tomorrow",
    "my cell is «415-555-0132»",
    "the list: «415 555 0133» and «212 555 0133», so",
    "ring «020 7946 0958» or «07700 900123»",
    "«+1 415 555 0132»",
    "international: «+33 1 42 68 53 00», «+81-3-3224-9999», «+91 98765 43210»",
    "«0049 171 2345678»",
    "Wien: «+43 664 1234567»; Zürich «+41 79 123 45 67»",
    "gọi «024 3825 1234» nhé",
    "Zalo của mình «0777.218.405»",
    "Họ tên,«0905112847»",
    "I did not order it, my registered phone is «905-674-3793»",
    "whatsapp «+49 151 23456789»!",
    "tel:«+4917123456789»",
    "Tel.«0341 9876543», Fax/«+49 341 9876544», #«+4917612345678»",
    "id,phone,n\n1,«4155550133»,2\n2,«017612345678»,3\n3,«+4917612345678»,123",
    "«+49176 1234 5678»ext12 or «+4917612345678»x9",
]
NOT_PHONES = [
    "2024-01-15 10:22:31 took 1234567 ms",
    "Bestellnummer 0171234567, Rechnung 2024-000123",
    "order no 4155550132 shipped",
    "am 15.01.2024 bis 20.02.2024",
    "Preis 1.250.000 VND, 12.500,00 EUR",
    "550e8400-e29b-41d4-a716-446655440000",
    "von 1989-2024, S. 123-145",
    "ISBN 978-3-16-148410-0",
    "v10.12.2024.1 build 20240115123456",
    "pi is 3.14159265358979 and e 2.718281828",
    "PR #1234567 in commit 0123456789",
    "call_0123456789abcdef0123456789 done",
    "timestamp 1700000000 or 1700000000000",
    "part number 123-456-78",
    "sizes 300 250 1024 and 222 333 4444",
    "eins zwei drei vier fünf sechs sieben acht",
]


@pytest.mark.parametrize("marked", EMAILS)
def test_finds_email_addresses(look, marked):
    wanted, found = look(marked, "EMAIL_ADDRESS")
    assert found == wanted


@pytest.mark.parametrize("text", NOT_EMAILS)
def test_leaves_what_only_looks_like_an_email_address(look, text):
    assert [item for item in look(text)[1] if item[0] == "EMAIL_ADDRESS"] == []


@pytest.mark.parametrize("marked", PHONES)
def test_finds_phone_numbers(look, marked):
    wanted, found = look(marked, "PHONE_NUMBER")
    assert found == wanted


@pytest.mark.parametrize("text", NOT_PHONES)
def test_leaves_numbers_that_nobody_calls(look, text):
    assert look(text)[1] == []


@pytest.mark.parametrize(
    "text",
    [
        "0.585074107",
        "x 0,0171234567 y",
        "1,234567890 or 1,234,567.89",
        "loss 0.0345678912, p = 0.123456789",
        "[0.123456789, -0.25]",
    ],
)
def test_a_fraction_is_no_phone_number(look, text):
    assert look(text)[1] == []


@pytest.mark.parametrize("marked", ["«4917612345678».0", "85758.89", "0.35076953", "1764892.5501"])
def test_a_json_number_with_a_fraction_is_a_measure_unless_a_table_made_it(look, marked):
    wanted, found = look(marked, "PHONE_NUMBER", hint="phone", kind=SegmentKind.NUMBER)
    assert found == wanted


def test_a_number_under_a_phone_key_is_a_phone_number(look):
    wanted, found = look("«491711234567»", "PHONE_NUMBER", hint="phone")
    assert found == wanted
