"""Bank accounts: IBAN, BIC, and national account numbers by their context (account words, bank names, sort codes)."""

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Final

from stdnum import iban as stdnum_iban

from redaction.finding import Finding
from redaction.recognizers.base import Page, Pattern, Recognizer, digits, words

# A word may be glued to its front (`IBANDE89…`, `istDE89…`).
_IBAN_START: Final = re.compile(
    r"(?:(?<![A-Za-z0-9])|(?<=[a-z])(?=[A-Z])|(?<=IBAN))[A-Za-z]{2}[ -]?[0-9]{2}(?=[ .-]{0,2}[A-Za-z0-9]{2})"
)
# ISO 13616 registry: length of an IBAN by country.
_LENGTHS: Final = {
    **{"AD": 24, "AE": 23, "AL": 28, "AT": 20, "AZ": 28, "BA": 20, "BE": 16, "BG": 22, "BH": 22, "BR": 29, "BY": 28},
    **{"CH": 21, "CR": 22, "CY": 28, "CZ": 24, "DE": 22, "DK": 18, "DO": 28, "EE": 20, "EG": 29, "ES": 24, "FI": 18},
    **{"FO": 18, "FR": 27, "GB": 22, "GE": 22, "GI": 23, "GL": 18, "GR": 27, "GT": 28, "HR": 21, "HU": 28, "IE": 22},
    **{"IL": 23, "IQ": 23, "IS": 26, "IT": 27, "JO": 30, "KW": 30, "KZ": 20, "LB": 28, "LC": 32, "LI": 21, "LT": 20},
    **{"LU": 20, "LV": 21, "LY": 25, "MC": 27, "MD": 24, "ME": 22, "MK": 19, "MR": 27, "MT": 31, "MU": 30, "NL": 18},
    **{"NO": 15, "PK": 24, "PL": 28, "PS": 29, "PT": 25, "QA": 29, "RO": 24, "RS": 22, "SA": 24, "SC": 31, "SD": 18},
    **{"SE": 24, "SI": 19, "SK": 24, "SM": 27, "ST": 25, "SV": 28, "TL": 23, "TN": 24, "TR": 26, "UA": 29, "VA": 22},
    **{"VG": 24, "XK": 20},
}
_IBAN_WORD: Final = words("iban", "konto", "kontoverbindung", "bankverbindung", "account", "überweis\\w*", "tài khoản")
_SEPARATORS: Final = " -.\u00a0\t"


class Iban:
    """IBANs in any grouping and case; a wrong check digit does not hide one that has the form or the word beside it."""

    name = "iban"
    entity_types = ("IBAN_CODE",)
    expressions = (_IBAN_START,)
    needed = _IBAN_START

    def find(self, page: Page) -> Iterator[Finding]:
        if not page.has_digit:
            return
        for match in page.matches(_IBAN_START):
            length = _LENGTHS.get(match.group()[:2].upper())
            end = _end(page.text, match.start(), length) if length else None
            if length is None or end is None:
                continue
            score = _iban_score(page, match.start(), end)
            if score is not None:
                yield Finding(match.start(), end, "IBAN_CODE", score, self.name)


def _end(text: str, start: int, length: int) -> int | None:
    """Where `length` letters and digits with at most two separators between them end.

    A word must end there too, or be glued to what the check digits prove (`DE89…00ist`).
    """
    count = gap = 0
    for at in range(start, min(len(text), start + 3 * length)):
        char = text[at]
        if char.isascii() and char.isalnum():
            count, gap = count + 1, 0
            if count == length:
                following = text[at + 1 : at + 2]
                if following.isalnum() and not (
                    char.isdigit() and following.isalpha() and _proven(text[start : at + 1])
                ):
                    return None
                return at + 1
        else:
            gap += 1
            if gap > 2 or char not in _SEPARATORS:
                return None
    return None


def _proven(value: str) -> bool:
    return _valid_iban("".join(char for char in value if char.isalnum()).upper())


def _iban_score(page: Page, start: int, end: int) -> float | None:
    value = page.text[start:end]
    compact = "".join(char for char in value if char.isalnum()).upper()
    if _valid_iban(compact):
        return 1.0
    body = compact[2:]
    if sum(char.isdigit() for char in body) < len(body) // 2:
        return None
    if _IBAN_WORD.search(page.around(start, end)):
        return 0.8
    grouped = re.fullmatch(r"[A-Z]{2}\d{2}(?: [A-Z0-9]{4}){2,7}(?: [A-Z0-9]{1,4})?", value)
    return 0.6 if grouped or (value[:2].isupper() and body.isdigit()) else None


@lru_cache(maxsize=1024)
def _valid_iban(compact: str) -> bool:
    return bool(stdnum_iban.is_valid(compact, check_country=False))


_BIC: Final = re.compile(r"(?<![A-Za-z0-9])[A-Z]{6}[A-Z0-9]{2}(?:[A-Z0-9]{3})?(?![A-Za-z0-9])")
_BIC_WORD: Final = words("bic", "swift", "swift-code", "swift code", "swift/bic", "bic/swift")
_ACCOUNT_NUMBER: Final = re.compile(r"(?<![\w.,+-])[0-9](?:[ .-]?[0-9]){4,18}(?![\w])(?![.,][0-9])")
_ACCOUNT_WORD: Final = re.compile(
    r"(?:(?<![^\W_])(?:(?:chuyển khoản|chuyen khoan|chuyển|chuyen|ck)\s(?:vào|vao|qua|tới|toi|đến|den|sang|về)|konto(?:nummer|nr|-nr)?\.?|kto\.?(?:-?nr\.?)?|acc(?:oun)?t|account (?:no|number)\.?|acct\.? ?(?:no|#)?\.?"
    r"|a/c(?: no)?\.?|checking|savings|stk|số tk|so tk|tk|số tài khoản|so tai khoan|tài khoản|tai khoan|bank account"
    r"|vietcombank|vcb|techcombank|tcb|bidv|agribank|vietinbank|mb ?bank|tp ?bank|vp ?bank|acb|sacombank|vib|shb|hdbank"
    r"|sparkasse|volksbank|commerzbank|deutsche bank|postbank|ing|dkb|n26|barclays|hsbc|lloyds|natwest|monzo|chase"
    r"|wells fargo|bank of america|citi(?:bank)?))[^0-9\n]{0,28}$"
)
_NOT_ACCOUNT: Final = words(
    "kontostand", "balance", "số dư", "so du", "eur", "euro", "usd", "vnd", "betrag", "amount", "blz"
)
_BLZ: Final = re.compile(
    r"(?i)(?<![^\W_])(?:blz|bankleitzahl)[^0-9\n]{0,12}(?P<value>[1-8][0-9]{2} ?[0-9]{3} ?[0-9]{2})(?![0-9])"
)
_SORT_CODE: Final = re.compile(
    r"(?i)(?<![^\W_])(?:sort[ _-]?code|s/c)[^0-9\n]{0,12}(?P<value>[0-9]{2}[- ]?[0-9]{2}[- ]?[0-9]{2})(?![0-9-])"
)
_ROUTING: Final = re.compile(r"(?i)(?<![^\W_])(?:routing|aba|rtn)[^0-9\n]{0,20}(?P<value>[0-9]{9})(?![0-9])")
_MONEY: Final = re.compile(r"\s?(?:€|eur|euro|usd|\$|vnd|đ(?![a-zà-ỹ])|đồng|triệu|tỷ|k\b|tr\b|chf|£|%)")


def _bic(value: str, page: Page, start: int, end: int) -> float | None:
    return 0.85 if _BIC_WORD.search(page.around(start, end, 40)) or page.hint in ("bic", "swift") else None


def _account(value: str, page: Page, start: int, end: int) -> float | None:
    ahead = page.ahead(start, 70)
    named = _ACCOUNT_WORD.search(ahead)
    if named is None or _MONEY.match(page.lower, end) or len(digits(value)) < 6:
        return None
    if _NOT_ACCOUNT.search(ahead, named.start()):
        return None
    return 0.8


RECOGNIZERS: tuple[Recognizer, ...] = (
    Iban(),
    Pattern("bic", "BIC_CODE", _BIC, check=_bic, trigger=("bic", "swift")),
    Pattern("bank_account", "BANK_ACCOUNT", _ACCOUNT_NUMBER, check=_account, trigger=("0",)),
    Pattern("bank_code_de", "BANK_ACCOUNT", _BLZ, 0.85, group="value", trigger=("blz", "bankleitzahl")),
    Pattern("sort_code_gb", "BANK_ACCOUNT", _SORT_CODE, 0.85, group="value", trigger=("sort", "s/c")),
    Pattern("routing_us", "BANK_ACCOUNT", _ROUTING, 0.85, group="value", trigger=("routing", "aba", "rtn")),
)
