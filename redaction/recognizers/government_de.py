"""German identifiers: tax ids, social security, health insurance, identity card, passport, driving licence, plates."""

import re
from typing import Final

from stdnum.de import idnr
from stdnum.de import vat as de_vat

from redaction.lexicon import words as words_of
from redaction.recognizers.base import Page, Pattern, Recognizer, digits, words

_TAX_ID: Final = re.compile(r"(?<![\w.,/+-])[1-9][0-9](?:[ .]?[0-9]{3}){3}(?![\w]|[.,/-][0-9])")
_TAX_WORD: Final = words(
    *(
        "steuer-?id",
        "steuer-?id-?nr",
        "steuer-?identifikationsnummer",
        "steuer ?id",
        "idnr",
        "id-nr",
        "steuer-?ident-?nr",
        "tin",
    ),
    *(
        "identifikationsnummer",
        "steuerliche identifikationsnummer",
        "steuernummer",
        "tax id",
        "tax-id",
        "tax_id",
        "tax number",
    ),
    *("steuerid", "stid", "steuer-idnr", "steuer", "steuer_id", "mã số thuế", "finanzamt"),
)
_TAX_NUMBER: Final = re.compile(
    r"(?<![\w./+-])(?:[0-9]{2,3}/[0-9]{3,4}/[0-9]{4,5}|[0-9]{3} [0-9]{3} [0-9]{5}|[0-9]{10,13})(?![\w/.-])"
)
_TAX_NUMBER_WORD: Final = words("steuernummer", "steuer-?nr", "st\\.?-?nr", "stnr", "steuernr", "finanzamt")
_SOCIAL: Final = re.compile(
    r"(?<![\w])[0-9]{2}[ /-]?[0-3][0-9][01][0-9][0-9]{2}[ /-]?[A-Za-z][ /-]?[0-9]{2}[ -]?[0-9](?![\w])"
)
_SOCIAL_WORD: Final = words(
    *(
        "rentenversicherungsnummer",
        "rvnr",
        "rv-nr",
        "rv-nummer",
        "sozialversicherungsnummer",
        "sv-nummer",
        "sv-nr",
        "svnr",
    ),
    *(
        "versicherungsnummer",
        "vsnr",
        "sozialversicherung",
        "rentenversicherung",
        "social security number",
        "pension insurance",
    ),
)
_HEALTH: Final = re.compile(r"(?<![\w])[A-Z][ ]?[0-9]{3}[ ]?[0-9]{3}[ ]?[0-9]{3}(?![\w])")
_HEALTH_WORD: Final = words(
    *("krankenversicherungsnummer", "krankenversichertennummer", "kvnr", "kv-nr", "kv-nummer", "versichertennummer"),
    *(
        "versicherten-nr",
        "krankenkasse",
        "gesundheitskarte",
        "egk",
        "kassennummer",
        "health insurance",
        "aok",
        "tk",
        "barmer",
        "dak",
        "ikk",
        "bkk",
    ),
)
_CARD: Final = re.compile(r"(?<![\w])[CFGHJKLMNPRTVWXYZ][CFGHJKLMNPRTVWXYZ0-9]{8}(?:[0-9])?(?:<?D)?(?![\w])")
_CARD_WORD: Final = words(
    *(
        "ausweis",
        "ausweisnummer",
        "ausweis-nr",
        "personalausweis",
        "personalausweisnummer",
        "perso",
        "persoausweis",
        "id card",
    ),
    *(
        "dokumentennummer",
        "seriennummer",
        "identity card",
        "ausweisnr",
        "id-card",
        "personalausweisnr",
        "national id",
        "aufenthaltstitel",
    ),
)
_PASSPORT_WORD: Final = words(
    "reisepass",
    "reisepassnummer",
    "passnummer",
    "pass-nr",
    "pass",
    "passport",
    "reisepassnr",
    "hộ chiếu",
    "passport number",
)
_LICENCE: Final = re.compile(r"(?<![\w])[A-Z][0-9A-Z]{2}[0-9A-Z]{6}[0-9][0-9A-Z](?![\w])")
_LICENCE_WORD: Final = words(
    "führerschein",
    "fuehrerschein",
    "führerscheinnummer",
    "fahrerlaubnis",
    "fahrerlaubnisnummer",
    "driving licence",
    "driver'?s license",
)
_VAT: Final = re.compile(r"(?<![\w])DE ?[1-9][0-9]{2} ?[0-9]{3} ?[0-9]{3}(?![\w])")
_PLATE: Final = re.compile(r"(?<![\w-])[A-ZÄÖÜ]{1,3}(?:-| - | )[A-Z]{1,2}[ -]?[1-9][0-9]{0,3}[EH]?(?![\w-])")
_LEAST_DIGITS: Final = 2
_PLATE_WORD: Final = words(
    *(
        "kennzeichen",
        "kfz",
        "kfz-kennzeichen",
        "nummernschild",
        "autokennzeichen",
        "auto",
        "pkw",
        "fahrzeug",
        "wagen",
        "amtl",
        "geparkt",
    ),
    *(
        "license plate",
        "licence plate",
        "number plate",
        "plate",
        "registration",
        "parkt",
        "golf",
        "bmw",
        "audi",
        "biển số",
        "zulassung",
    ),
)
_CARD_WEIGHTS: Final = (7, 3, 1)


def _tax_id(value: str, page: Page, start: int, end: int) -> float | None:
    valid = idnr.is_valid(digits(value))
    if _TAX_WORD.search(page.around(start, end)):
        return 1.0 if valid else 0.8
    # One number in about thirty passes by chance: without a word it is believed only where nothing else is named.
    return (
        0.65
        if valid and not words("order", "bestell\\w*", "ticket", "nr", "no", "id", "isbn").search(page.ahead(start, 25))
        else None
    )


def _tax_number(value: str, page: Page, start: int, end: int) -> float | None:
    if _TAX_NUMBER_WORD.search(page.around(start, end)):
        return 0.9
    return 0.6 if re.fullmatch(r"\d{3}/\d{3}/\d{5}", value) else None


def social_is_valid(value: str) -> bool:
    """The check digit of a German pension insurance number (§ 4 VKVV: weights over the digits, the letter as two)."""
    compact = "".join(char for char in value.upper() if char.isalnum())
    numbers = compact[:8] + f"{ord(compact[8]) - 64:02d}" + compact[9:11]
    weights = (2, 1, 2, 5, 7, 1, 2, 1, 2, 1, 2, 1)
    total = sum(sum(divmod(int(digit) * weight, 10)) for digit, weight in zip(numbers, weights, strict=True))
    return total % 10 == int(compact[11])


def _social(value: str, page: Page, start: int, end: int) -> float | None:
    if _SOCIAL_WORD.search(page.around(start, end)):
        return 1.0
    return 0.95 if social_is_valid(value) else 0.5 if value[-4:-3].isupper() and " " in value else None


def _health(value: str, page: Page, start: int, end: int) -> float | None:
    compact = value.replace(" ", "")
    context = _HEALTH_WORD.search(page.around(start, end))
    numbers = f"{ord(compact[0]) - 64:02d}" + compact[1:9]
    total = sum(sum(divmod(int(digit) * (1 + at % 2), 10)) for at, digit in enumerate(numbers))
    valid = total % 10 == int(compact[9])
    return 1.0 if context else 0.6 if valid and " " not in value else None


def _mrz_valid(value: str) -> bool:
    """ICAO 9303 check digit: weights 7, 3, 1, letters from A = 10."""
    total = sum(int(char, 36) * _CARD_WEIGHTS[at % 3] for at, char in enumerate(value[:9]))
    return total % 10 == int(value[9])


def _identity_card(value: str, page: Page, start: int, end: int) -> float | None:
    number = value.split("<")[0].removesuffix("D") if len(value) > 10 else value
    if not any(char.isdigit() for char in number):
        return None
    near = page.around(start, end)
    if _PASSPORT_WORD.search(near) and not _CARD_WORD.search(near):
        return None
    if _CARD_WORD.search(near):
        return 0.9
    return 0.6 if len(number) == 10 and any(char.isalpha() for char in number[1:]) and _mrz_valid(number) else None


def _passport(value: str, page: Page, start: int, end: int) -> float | None:
    return 0.85 if _PASSPORT_WORD.search(page.around(start, end)) and any(char.isdigit() for char in value) else None


def _licence(value: str, page: Page, start: int, end: int) -> float | None:
    return 0.9 if _LICENCE_WORD.search(page.around(start, end)) and any(char.isdigit() for char in value) else None


def _vat(value: str, page: Page, start: int, end: int) -> float | None:
    context = words("ust-?id", "ust-?idnr", "umsatzsteuer\\w*", "vat", "ust-id-nr", "ust").search(
        page.around(start, end)
    )
    return 0.9 if context else 0.6 if de_vat.is_valid(value) else None


def _plate(value: str, page: Page, start: int, end: int) -> float | None:
    if _PLATE_WORD.search(page.around(start, end, 40)):
        return 0.85
    # Without a word beside it: the full form, the code of a district that there is, two digits or more.
    district, _, rest = value.partition("-")
    number = rest.partition(" ")[2]
    return 0.5 if district in words_of("plate_districts") and len(number) >= _LEAST_DIGITS else None


RECOGNIZERS: tuple[Recognizer, ...] = (
    Pattern("de_tax_id", "DE_TAX_ID", _TAX_ID, check=_tax_id, trigger=("0",)),
    Pattern("de_tax_number", "DE_TAX_ID", _TAX_NUMBER, check=_tax_number, trigger=("0",)),
    Pattern("de_social_security", "DE_SOCIAL_SECURITY", _SOCIAL, check=_social, trigger=("0",)),
    Pattern("de_health_insurance", "HEALTH_INSURANCE_ID", _HEALTH, check=_health, trigger=("0",)),
    Pattern("de_id_card", "DE_ID_CARD", _CARD, check=_identity_card, trigger=("0",)),
    Pattern("de_passport", "DE_PASSPORT", _CARD, check=_passport, trigger=("pass", "hộ chiếu")),
    Pattern(
        "de_driver_license",
        "DE_DRIVER_LICENSE",
        _LICENCE,
        check=_licence,
        trigger=("führer", "fuehrer", "fahrerlaub", "driv"),
    ),
    Pattern("de_vat_id", "DE_VAT_ID", _VAT, check=_vat, trigger=("de",)),
    Pattern("de_plate", "LICENSE_PLATE", _PLATE, check=_plate, trigger=("0",)),
)
