"""Phone numbers of every region, in prose: international ones by themselves, national ones by form and context.

A candidate is a run of digits with the signs that people put between them; phonenumbers (libphonenumber's metadata)
says whether such a number can exist where the text's languages are spoken.
"""

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Final

import phonenumbers

from redaction.finding import Finding
from redaction.recognizers.base import Page, Recognizer, digits, words
from redaction.segment import SegmentKind

# An underscore beside it is emphasis (`_0341 …_`), else a part of a word. Before a plus sign any sign may stand
# (`tel_+49…`, `Fax/+49…`), before a zero `Tel.`, behind it an extension (`x12`).
_CANDIDATE: Final = re.compile(
    r"(?:(?<![\w./#$€£-])|(?<=_)(?<![^\W_]_)|(?<=[./#_-])(?=\+)|(?<=[Tt]el\.|[Ff]ax\.|[Mm]ob\.)(?=\(?0))"
    r"(?:\(\s?(?=\+))?(?:\+\s?)?\(?[0-9](?:[ \t./()\-\u00b7_*]{0,3}[0-9]){5,16}(?:(?!_*[^\W_])|(?=(?:x|ext)\.?\s?[0-9]))"
)
# A line break inside a number, as mail programs make them; only after a plus sign.
_BROKEN: Final = re.compile(r"(?<![\w+])\+[0-9]{1,3}(?:[ ./()\-\r\n]{0,3}[0-9]){7,13}(?![\w])")
_REGIONS: Final = {"de": ("DE", "AT", "CH"), "vi": ("VN",), "en": ("US", "GB")}
_ALL_REGIONS: Final = ("DE", "AT", "CH", "VN", "US", "GB")
_CONTEXT: Final = words(
    *(
        "tel",
        "telefon",
        "telefonnummer",
        "telefonnr",
        "tel-nr",
        "handy",
        "handynummer",
        "handynr",
        "mobil",
        "mobilnummer",
    ),
    *(
        "mobile",
        "cell",
        "cellphone",
        "phone",
        "phone number",
        "phonenumber",
        "telephone",
        "fax",
        "faxnummer",
        "festnetz",
    ),
    *(
        "durchwahl",
        "rufnummer",
        "meine nummer",
        "deine nummer",
        "anrufen",
        "ruf",
        "ruft",
        "rufe",
        "rückruf",
        "erreichbar",
    ),
    *(
        "erreichst",
        "erreichen",
        "call",
        "call me",
        "ring",
        "text me",
        "dial",
        "reach me",
        "reach",
        "my number",
    ),
    *("whatsapp", "wa", "signal", "telegram", "zalo", "viber", "imessage", "sms", "simse", "hotline", "notruf"),
    *("số điện thoại", "so dien thoai", "điện thoại", "dien thoai", "sđt", "sdt", "đt", "dt", "số máy", "so may"),
    *("gọi", "goi", "alo", "liên hệ", "lien he", "liên lạc", "lien lac", "di động", "di dong", "nhắn tin", "số của"),
    *(
        "phone_number",
        "phone_no",
        "mobile_number",
        "contact",
        "msisdn",
        "kontakt",
        "privat",
        "dienstlich",
        "geschäftlich",
    ),
)
# They stand beside other numbers as well, and say "phone" only where nothing else is named.
_WEAK: Final = words(
    "number", "nummer", "nr", "số", "so", "contact", "kontakt", "privat", "dienstlich", "geschäftlich", "m", "t", "p"
)
_HINT: Final = re.compile(
    r"phone|tel(?!l)|mobil|handy|fax|msisdn|sđt|sdt|điện thoại|dien_thoai|rufnummer|whatsapp|zalo"
)
_NEGATIVE: Final = words(
    *("order", "order no", "order number", "bestellung", "bestellnummer", "bestellnr", "auftrag", "auftragsnummer"),
    *(
        "invoice",
        "rechnung",
        "rechnungsnummer",
        "rechnungsnr",
        "ticket",
        "case",
        "vorgang",
        "vorgangsnummer",
        "sku",
        "ean",
    ),
    *(
        "isbn",
        "issn",
        "gtin",
        "art",
        "artikel",
        "artikelnummer",
        "art\\.?-nr",
        "kundennummer",
        "kundennr",
        "customer id",
    ),
    *("tracking", "sendung", "sendungsnummer", "paket", "paketnummer", "mã đơn", "đơn hàng", "don hang", "mã vận đơn"),
    *(
        "mã",
        "hóa đơn",
        "hoa don",
        "konto",
        "kontonummer",
        "kto",
        "kto-nr",
        "a/c",
        "tk",
        "ngân hàng",
        "ngan hang",
        "bank",
        "vcb",
        "techcombank",
        "blz",
        "account",
        "acct",
        "stk",
        "tài khoản",
        "tai khoan",
    ),
    *(
        "iban",
        "id",
        "seriennummer",
        "serial",
        "version",
        "build",
        "commit",
        "pr",
        "issue",
        "az",
        "aktenzeichen",
        "port",
    ),
    *("timestamp", "unix", "epoch", "steuer-id", "steueridentifikationsnummer", "idnr", "cccd", "cmnd", "mst", "ssn"),
    *("sort code", "routing", "nhs", "ref", "reference", "referenz", "charge", "part", "model", "modell", "doi", "pin"),
)
_NEAR: Final = 30
_AMOUNT_AFTER: Final = re.compile(
    r"\s?(?:€|eur|euro|usd|\$|vnd|vnđ|đ(?![a-zà-ỹ])|đồng|dong|chf|%|kg|g(?![a-z])|km|m²|qm|ms|mb|gb|px|°|₫|tỷ|triệu|stück|lines|bytes|rows)"
)
_DATE: Final = re.compile(
    r"^(?:\d{4}[-./]\d{1,2}[-./]\d{1,2}|\d{1,2}[-./ ]{1,2}\d{1,2}[-./ ]{1,2}(?:19|20)\d{2}|(?:19|20)\d{2}\s?[-/]\s?(?:19|20)?\d{2}"
    r"|\d{1,2}\.\d{1,2}\.\s?-\s?\d{1,2}\.\d{1,2}\.(?:\d{4})?)(?:[ T-].*)?$"
)
_FEWEST_IN_CELL: Final = 9  # digits in a row; a number with a comma has groups of three or few places
_FRACTION: Final = re.compile(r"^0\.\d+$")  # no trunk zero stands alone before a point
_THOUSANDS: Final = re.compile(r"^[1-9]\d{0,2}(?:([. ])\d{3})(?:\1\d{3})*$")
# 3-3-4 and (3) 3-4, as numbers are written in North America.
_NORTH_AMERICAN: Final = re.compile(r"^(?:1[ .-]?)?(?:\([2-9]\d{2}\) ?|[2-9]\d{2}[-. ])[2-9]\d{2}[-. ]\d{4}$")
_GERMAN_SLASH: Final = re.compile(r"^\(?0\d{2,5}\)?\s?[/-]\s?\d{3,}[\d -]*$")


class Phone:
    """Phone numbers; see the module."""

    name = "phone"
    entity_types = ("PHONE_NUMBER",)
    expressions = (_CANDIDATE, _BROKEN)
    needed = None

    def find(self, page: Page) -> Iterator[Finding]:
        if not page.has_digit:
            return
        for match in page.matches(_CANDIDATE):
            start, end = _trimmed(page.text, *match.span())
            # A table takes a phone number for a float: 4917612345678.0. Any other fraction is a measure.
            if page.kind is SegmentKind.NUMBER and page.text.endswith(".0", start, end):
                end -= 2
            score = None if _in_decimal(page.text, start, end) else _score(page, start, end)
            if score is not None:
                yield Finding(start, end, "PHONE_NUMBER", score, self.name)
        if "+" in page.text:
            for match in page.matches(_BROKEN):
                if "\n" in match.group() and _valid("+" + digits(match.group()), None):
                    yield Finding(*match.span(), "PHONE_NUMBER", 0.8, self.name)


def _trimmed(text: str, start: int, end: int) -> tuple[int, int]:
    """Without an opening bracket that is not closed inside."""
    value = text[start:end]
    if value.startswith("(") and ")" not in value:
        start += 1 + len(value[1:]) - len(value[1:].lstrip())
    elif value.startswith("(") and text[end : end + 1] == ")" and value.count("(") > value.count(")"):
        start += 1
    return start, end


def _in_decimal(text: str, start: int, end: int) -> bool:
    """Whether a comma joins it to other digits (`1,234567`, `0,0171…`) that are no cells of a table (`1,0171…,2`)."""
    before = start > 1 and text[start - 1] == "," and text[start - 2].isdigit()
    after = text[end : end + 1] == "," and text[end + 1 : end + 2].isdigit()
    if not before and not after:
        return False
    value = text[start:end]
    fraction = before and text[start - 2] == "0" and not text[max(0, start - 3) : start - 2].isdigit()
    return fraction or not (
        (value[0] in "+(0" and "." not in value) or (value.isdigit() and len(value) >= _FEWEST_IN_CELL)
    )


def _score(page: Page, start: int, end: int) -> float | None:
    value = page.text[start:end]
    number = digits(value)
    if not 7 <= len(number) <= 15 or _FRACTION.match(value):
        return None
    if page.kind is SegmentKind.NUMBER and "." in value:
        return None
    # A version has such a form too (`415.555.0198`), but nobody calls one.
    called = _NORTH_AMERICAN.match(value) is not None and _CONTEXT.search(page.ahead(start)) is not None
    if page.in_opaque(start, end) and not called:
        return None
    if value.startswith(("+", "(+")):
        number = (
            number if "(0)" not in value else number.replace("0", "", 1) if number.startswith("0") else _no_trunk(value)
        )
        return 1.0 if _valid("+" + number, None) else 0.75 if len(number) >= 8 else None
    hinted = _HINT.search(page.hint) is not None
    ahead = page.ahead(start)
    strong = _last(_CONTEXT, ahead)
    negative = _last(_NEGATIVE, ahead)
    if len(ahead) - negative > _NEAR and _NORTH_AMERICAN.match(value):
        negative = -1  # another matter, told before
    if not hinted and negative > strong:
        return None
    near = page.around(start, end)
    context = hinted or _CONTEXT.search(near) is not None or (negative < 0 and _WEAK.search(ahead) is not None)
    return None if _is_other(page, end, value, context) else _national(value, number, page.languages, context)


def _no_trunk(value: str) -> str:
    return digits(value.replace("(0)", "", 1))


def _last(pattern: re.Pattern[str], text: str) -> int:
    """Where the last match ends, -1 without one: the nearer word decides."""
    return max((match.end() for match in pattern.finditer(text)), default=-1)


def _is_other(page: Page, end: int, value: str, context: bool) -> bool:
    if _DATE.match(value) or (not context and _THOUSANDS.match(value)):
        return True
    if len(set(digits(value))) <= 2 or (
        page.text[end : end + 1] in (":", "%") and page.text[end + 1 : end + 2].isdigit()
    ):
        return True
    return _AMOUNT_AFTER.match(page.lower, end) is not None


def _national(value: str, number: str, languages: tuple[str, ...], context: bool) -> float | None:
    if number.startswith("00") and len(number) >= 10:
        return 0.95 if _valid("+" + number[2:], None) else 0.6 if context else None
    if number.startswith("0"):
        return _with_trunk_zero(value, number, languages, context)
    if _NORTH_AMERICAN.match(value):
        # A person's form hardly deceives, except for three plain groups: those must be valid or reserved for fiction.
        valid = _valid(number[-10:], "US") or number[-7:-4] == "555" or any(sign in value for sign in "(-.")
        return 0.9 if context else 0.75 if valid else None
    if not context:
        return None
    if len(number) >= 10 and (_valid("+" + number, None) or _valid(number, "US")):
        return 0.85
    if any(_valid("0" + number, region) for region in _regions(languages)):
        return 0.7
    return 0.5 if 7 <= len(number) <= 8 and _is_written_like_one(value) else None


def _with_trunk_zero(value: str, number: str, languages: tuple[str, ...], context: bool) -> float | None:
    valid = any(_valid(number, region) for region in _regions(languages))
    if valid and context:
        return 0.95
    if valid:
        return 0.8 if len(number) >= 9 else 0.5 if _is_written_like_one(value) else None
    if context and 7 <= len(number) <= 13:
        return 0.7
    written = _GERMAN_SLASH.match(value) or (_is_written_like_one(value) and 10 <= len(number) <= 12)
    return 0.6 if written and len(number) >= 8 else None


def _is_written_like_one(value: str) -> bool:
    return any(sign in value for sign in " -/")


def _regions(languages: tuple[str, ...]) -> tuple[str, ...]:
    likely = [region for language in languages for region in _REGIONS.get(language, ())]
    return (*likely, *(region for region in _ALL_REGIONS if region not in likely))


@lru_cache(maxsize=4096)
def _valid(number: str, region: str | None) -> bool:
    # The cache holds numbers in this worker's memory for the life of the process, as long as texts do themselves.
    try:
        parsed = phonenumbers.parse(number, region)
    except phonenumbers.NumberParseException:
        return False
    return phonenumbers.is_valid_number(parsed)


RECOGNIZERS: tuple[Recognizer, ...] = (Phone(),)
