"""Payment cards (ISO/IEC 7812) with Luhn's check, in any grouping; security codes by their context."""

import re
from typing import Final

from stdnum import luhn

from redaction.recognizers.base import Page, Pattern, Recognizer, digits, words

# Underscores and asterisks around it or its first group are emphasis; commas divide cells, `.0` is what a table makes
# of a number.
_CARD: Final = re.compile(
    r"(?:(?<![\w.-])|(?<=_)(?<![^\W_]_))(?:[2-6][0-9]|18)[0-9]{2}(?:(?!\.0(?![0-9]))[ ._*-]{0,3}[0-9]){9,15}"
    r"(?!_*[^\W_])(?!(?!\.0(?![0-9]))[.-][0-9])"
)
_GROUPED: Final = re.compile(
    r"[2-6]\d{3}([ .-])\d{4}\1\d{4}\1\d{4}(?:\1\d{1,3})?|3[47]\d{2}([ .-])\d{6}\2\d{5}|3[068]\d{2}([ .-])\d{6}\3\d{4}"
)
# Issuer ranges in use: Visa; Mastercard; American Express; Diners; Discover, UnionPay, JCB, Maestro.
_ISSUER: Final = re.compile(
    r"4|5[1-5]|2(?:22[1-9]|2[3-9]|[3-6]|7[01]|720)|3[47]|3(?:0[0-59]|[689])|6(?:011|4[4-9]|5|2)|35(?:2[89]|[3-8])"
    r"|2131|1800|5018|5020|5038|5[678]|6304|6759|676[1-3]|9704"
)
_WORD: Final = words(
    *(
        "card",
        "credit card",
        "visa",
        "mastercard",
        "amex",
        "american express",
        "maestro",
        "kreditkarte",
        "kreditkartennummer",
    ),
    *("karte", "kartennummer", "karten-nr", "kreditkartennr", "debit", "cc", "thẻ", "số thẻ", "so the", "thẻ tín dụng"),
    *("the tin dung", "card number", "card_number", "cardnumber", "pan", "payment", "zahlung", "napas"),
)
_NEGATIVE: Final = words(
    *(
        "order",
        "bestellung",
        "bestellnummer",
        "tracking",
        "sendungsnummer",
        "invoice",
        "rechnungsnummer",
        "isbn",
        "ean",
    ),
    *(
        "gtin",
        "imei",
        "serial",
        "seriennummer",
        "ticket",
        "mã đơn",
        "đơn hàng",
        "mã vận đơn",
        "iccid",
        "article",
        "sku",
    ),
    *("timestamp", "order id", "order-id", "order_id", "id", "hash", "checksum"),
)
_SECURITY_CODE: Final = re.compile(
    r"(?i)(?<![^\W_])(?:cvv2?|cvc2?|cvn|cid|csc|security code|card code|prüfziffer|prüfnummer|kartenprüfnummer|mã cvv|mã bảo mật)"
    r"[^0-9\n]{0,10}(?P<value>[0-9]{3,4})(?![0-9])"
)


def _card(value: str, page: Page, start: int, end: int) -> float | None:
    number = digits(value)
    if len(set(number)) < 2 or not _ISSUER.match(number):
        return None
    ahead = page.ahead(start)
    context = bool(_WORD.search(page.around(start, end)))
    grouped = _GROUPED.fullmatch(value) is not None
    if luhn.is_valid(number):
        if context or grouped:
            return 1.0
        # One id in ten passes the check; those of databases and networks have 17 to 19 digits, hardly a card has.
        return None if _NEGATIVE.search(ahead) or not 14 <= len(number) <= 16 else 0.8
    return 0.7 if context and (grouped or len(number) in (15, 16)) else 0.5 if grouped and len(number) == 16 else None


RECOGNIZERS: tuple[Recognizer, ...] = (
    Pattern("card", "CREDIT_CARD", _CARD, check=_card, trigger=("0",)),
    Pattern(
        "card_security_code",
        "CREDIT_CARD_SECURITY_CODE",
        _SECURITY_CODE,
        0.85,
        group="value",
        trigger=("cv", "cid", "csc", "code", "prüf", "mã"),
    ),
)
