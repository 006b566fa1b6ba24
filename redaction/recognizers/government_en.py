"""Identifiers of the United States and the United Kingdom: SSN, ITIN, NINO, NHS number, UTR, passports, licences."""

import re
from typing import Final

from stdnum.gb import nhs, utr
from stdnum.us import itin, ssn

from redaction.recognizers.base import Check, Page, Pattern, Recognizer, digits, words

_SSN: Final = re.compile(r"(?<![\w.,/+-])[0-9]{3}(?P<sep>[- .]?)[0-9]{2}(?P=sep)[0-9]{4}(?![\w]|[.,/-][0-9])")
_SSN_WORD: Final = words(
    *(
        "ssn",
        "social security",
        "social security number",
        "social",
        "ss#",
        "soc sec",
        "social security no",
        "ss number",
        "ssn#",
    ),
    *("last four", "sozialversicherungsnummer", "itin", "taxpayer id", "tax id", "số an sinh xã hội"),
)
_NINO: Final = re.compile(
    r"(?<![\w])[A-Z]{2}(?P<sep>[ -]?)[0-9]{2}(?P=sep)[0-9]{2}(?P=sep)[0-9]{2}(?P=sep)[A-D](?![\w])",
    re.IGNORECASE,
)
# Prefixes that are given out; others are printed in examples and mistyped, and count beside the word only.
_NINO_PREFIX: Final = re.compile(r"(?!BG|GB|KN|NK|NT|TN|ZZ)[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z]")
_NINO_WORD: Final = words(
    "ni", "nino", "national insurance", "national insurance number", "ni number", "ni no", "insurance number"
)
_NHS: Final = re.compile(r"(?<![\w.,+-])[0-9]{3}(?P<sep>[ -]?)[0-9]{3}(?P=sep)[0-9]{4}(?![\w]|[.,-][0-9])")
_NHS_WORD: Final = words("nhs", "nhs number", "nhs no", "patient", "hospital", "gp", "surgery")
_UTR: Final = re.compile(r"(?<![\w.,+-])[0-9]{5} ?[0-9]{5}K?(?![\w])")
_UTR_WORD: Final = words("utr", "unique taxpayer reference", "self assessment", "hmrc")
_PASSPORT: Final = re.compile(r"(?<![\w])(?:(?:[A-Z]{1,2} ?)?[0-9]{6,9}|(?=[A-Z0-9]{0,7}[0-9])[A-Z0-9]{8,9})(?![\w])")
_PASSPORT_WORD: Final = re.compile(
    r"(?:passport|travel document)(?: (?:no|number|num|nr|id))?\.?[\"']?\s{0,2}(?:[:=#]|is)?\s{0,2}[\"'#]?$"
)
# US passports have nine digits, or a letter and eight digits since 2021; British ones nine digits.
_PASSPORT_US: Final = re.compile(r"(?<![\w])[A-Z]?[0-9]{8,9}(?![\w])")
_PASSPORT_GB: Final = re.compile(r"(?<![\w])[0-9]{9}(?![\w])")
_AMERICAN: Final = re.compile(
    r"(?<![^\W_])(?:u\.?s\.?(?:a\.?)?|american|united states(?: of america)?)(?:['’]s?)?[ _-](?:passport|citizen)"
)
_BRITISH: Final = re.compile(
    r"(?<![^\W_])(?:u\.?k\.?|gb|british|united kingdom|great britain)(?:['’]s?)?[ _-](?:passport|citizen)"
)
_STATES: Final = words(
    *("alabama", "alaska", "arizona", "arkansas", "california", "colorado", "connecticut", "delaware", "florida"),
    *("georgia", "hawaii", "idaho", "illinois", "indiana", "iowa", "kansas", "kentucky", "louisiana", "maine"),
    *("maryland", "massachusetts", "michigan", "minnesota", "mississippi", "missouri", "montana", "nebraska"),
    *("nevada", "new hampshire", "new jersey", "new mexico", "new york", "north carolina", "north dakota", "ohio"),
    *("oklahoma", "oregon", "pennsylvania", "rhode island", "south carolina", "south dakota", "tennessee", "texas"),
    *("utah", "vermont", "virginia", "washington", "west virginia", "wisconsin", "wyoming", "dmv", "us", "usa"),
    *("u\\.s\\.", "american", "united states", "us_driver_license", "us_drivers_license"),
)
_LICENCE_GB: Final = re.compile(
    r"(?<![\w])[A-Z9]{5}[ ]?[0-9][0156][0-9][0-3][0-9][0-9][ ]?[A-Z9]{2}[ ]?[0-9A-Z][A-Z]{2}(?![\w])"
)
_LICENCE: Final = re.compile(
    r"(?i)(?:driver'?s?|driving) licen[cs]e(?: (?:no|number|num|nr|id))?\.?[\"']?\s{0,2}(?:[:=#]|is)?\s{0,2}[\"'#]?(?P<value>(?=[a-z -]{0,4}[0-9])[a-z]{0,2}[0-9][a-z0-9-]{5,16})(?![\w])"
)
_LICENCE_SHORT: Final = re.compile(
    r"(?i)(?<![^\W_])dl(?: (?:no|number|num|nr))?\.?\s{0,2}[:=#]?\s{0,2}(?P<value>[a-z]{0,2}[0-9][a-z0-9-]{5,16})(?![\w])"
)
# Medicare Beneficiary Identifier (CMS): eleven signs, some places letters without S, L, O, I, B and Z.
_MBI: Final = re.compile(
    r"(?<![\w])[1-9][AC-HJKMNP-RT-Y][0-9AC-HJKMNP-RT-Y][0-9]-?[AC-HJKMNP-RT-Y][0-9AC-HJKMNP-RT-Y][0-9]-?[AC-HJKMNP-RT-Y]{2}[0-9]{2}(?![\w])"
)
_PLATE_GB: Final = re.compile(r"(?<![\w])[A-HJ-PR-Y][A-HJ-PR-Y][0-9]{2} ?[A-HJ-PR-Z]{3}(?![\w])")
_PLATE_US: Final = re.compile(
    r"(?i)(?:license plate|licence plate|number plate|plate|registration|reg)(?: (?:no|number|num))?\.?[\"']?\s{0,2}(?:[:=#]|is|reads)?\s{0,2}[\"'#]?(?P<value>(?=[a-z -]{0,7}[0-9])(?=[0-9 -]{0,7}[a-z])[a-z0-9]{2,4}[ -]?[a-z0-9]{2,5})(?![\w])"
)
_PLATE_WORD: Final = words("plate", "reg", "registration", "car", "van", "vehicle", "number plate", "parked", "driving")
_EIN: Final = words("ein", "employer identification number", "fein")


def _ssn(value: str, page: Page, start: int, end: int) -> float | None:
    number = digits(value)
    context = _SSN_WORD.search(page.around(start, end))
    separated = value.count("-") == 2
    if itin.is_valid(number):
        return None if not context and not separated else 0.5
    if number[:3] in ("000", "666") or number[3:5] == "00" or number[5:] == "0000" or number[0] == "9":
        return 0.8 if context and separated else None
    if context:
        return 1.0 if ssn.is_valid(number) or separated else 0.85
    return 0.85 if separated else None


def _itin(value: str, page: Page, start: int, end: int) -> float | None:
    if not itin.is_valid(digits(value)):
        return None
    return 0.95 if _SSN_WORD.search(page.around(start, end)) else 0.75 if value.count("-") == 2 else None


def _nino(value: str, page: Page, start: int, end: int) -> float | None:
    if _NINO_WORD.search(page.around(start, end)):
        return 1.0
    if not _NINO_PREFIX.match(value.upper()):
        return None
    return 0.9 if value[:2].isupper() and value[-1].isupper() else 0.5


def _nhs(value: str, page: Page, start: int, end: int) -> float | None:
    valid = nhs.is_valid(digits(value))
    if _NHS_WORD.search(page.around(start, end, 40)):
        return 0.98 if valid else 0.9
    return 0.7 if valid and value.count(" ") == 2 else None


def _utr(value: str, page: Page, start: int, end: int) -> float | None:
    return (0.95 if utr.is_valid(value) else 0.85) if _UTR_WORD.search(page.around(start, end, 40)) else None


def _passport(value: str, page: Page, start: int, end: int) -> float | None:
    return 0.85 if _PASSPORT_WORD.search(page.ahead(start, 40)) or "passport" in page.hint else None


def _passport_of(nation: re.Pattern[str]) -> Check:
    """Behind the word, with the nation before it; a bare label stays a `PASSPORT`."""

    def check(value: str, page: Page, start: int, end: int) -> float | None:
        ahead = page.ahead(start)
        labelled = _PASSPORT_WORD.search(ahead) or "passport" in page.hint
        return 0.95 if labelled and nation.search(ahead) else None

    return check


def _licence_us(value: str, page: Page, start: int, end: int) -> float | None:
    return 0.9 if _STATES.search(page.around(start, end)) else None


def _licence_gb(value: str, page: Page, start: int, end: int) -> float | None:
    return 0.9


def _plate_gb(value: str, page: Page, start: int, end: int) -> float | None:
    return 0.85 if _PLATE_WORD.search(page.around(start, end, 40)) else 0.5 if " " in value else None


RECOGNIZERS: tuple[Recognizer, ...] = (
    Pattern("us_ssn", "US_SSN", _SSN, check=_ssn, trigger=("0",)),
    Pattern("us_itin", "US_ITIN", _SSN, check=_itin, trigger=("0",)),
    Pattern("gb_nino", "GB_NINO", _NINO, check=_nino, trigger=("0",)),
    Pattern("gb_nhs", "GB_NHS", _NHS, check=_nhs, trigger=("0",)),
    Pattern("gb_utr", "TAX_ID", _UTR, check=_utr, trigger=("utr", "taxpayer", "assessment", "hmrc")),
    Pattern("passport", "PASSPORT", _PASSPORT, check=_passport, trigger=("passport", "travel document")),
    Pattern("us_passport", "US_PASSPORT", _PASSPORT_US, check=_passport_of(_AMERICAN), trigger=("passport",)),
    Pattern("gb_passport", "GB_PASSPORT", _PASSPORT_GB, check=_passport_of(_BRITISH), trigger=("passport",)),
    Pattern("us_driver_license", "US_DRIVER_LICENSE", _LICENCE, check=_licence_us, group="value", trigger=("license",)),
    Pattern(
        "us_driver_license", "US_DRIVER_LICENSE", _LICENCE_SHORT, check=_licence_us, group="value", trigger=("dl",)
    ),
    Pattern("us_medicare", "HEALTH_INSURANCE_ID", _MBI, 0.85, trigger=("0",)),
    Pattern("gb_driver_license", "DRIVER_LICENSE", _LICENCE_GB, check=_licence_gb, trigger=("0",)),
    Pattern("driver_license", "DRIVER_LICENSE", _LICENCE, 0.85, group="value", trigger=("licen",)),
    Pattern("gb_plate", "LICENSE_PLATE", _PLATE_GB, check=_plate_gb, trigger=("0",)),
    Pattern("us_plate", "LICENSE_PLATE", _PLATE_US, 0.75, group="value", trigger=("plate", "reg")),
)
