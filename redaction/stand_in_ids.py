"""Stand-ins of identifiers: valid in form and check digit, from ranges that nobody is ever given.

Each maker takes a source of digits and the surface, and returns None where the surface has not the form that it knows.
"""

import re
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

type Digits = Callable[[int], str]
"""How many decimal digits -> as many, drawn."""


def _written(made: str, surface: str) -> str:
    """The made letters and digits between the signs that stand in the surface."""
    rest = iter(made)
    return "".join(next(rest, "") if char.isalnum() else char for char in surface)


def _compact(surface: str) -> str:
    return "".join(char for char in surface if char.isalnum())


def us_ssn(digits: Digits, surface: str) -> str | None:
    """987-65-4320 to 987-65-4329, which the Social Security Administration keeps for advertising."""
    return _written(f"98765432{digits(1)}", surface) if re.fullmatch(r"\d{9}", _compact(surface)) else None


def gb_nhs(digits: Digits, surface: str) -> str | None:
    """999 at the front is kept for tests by NHS England; the last digit is the check modulo 11."""
    if not re.fullmatch(r"\d{10}", _compact(surface)):
        return None
    body = f"999{digits(5)}"
    # One of the two last digits always has a check digit: ten, which none has, cannot follow both.
    for last in "05":
        check = -sum(int(digit) * (10 - place) for place, digit in enumerate(body + last)) % 11
        if check < 10:
            return _written(f"{body}{last}{check}", surface)
    return None


def gb_nino(digits: Digits, surface: str) -> str | None:
    """The prefix QQ is never given out (HMRC)."""
    compact = _compact(surface)
    return _written(f"QQ{digits(6)}{compact[-1].upper()}", surface) if re.fullmatch(r"\w{2}\d{6}\w", compact) else None


def de_tax_id(digits: Digits, surface: str) -> str | None:
    """A leading zero marks test numbers (§ 139b AO, BZSt); the last digit is the check of ISO 7064 MOD 11,10."""
    if not re.fullmatch(r"\d{11}", _compact(surface)):
        return None
    body = f"0{digits(9)}"
    product = 10
    for digit in body:
        product = ((int(digit) + product) % 10 or 10) * 2 % 11
    return _written(f"{body}{(11 - product) % 10}", surface)


def mac(digits: Digits, surface: str) -> str | None:
    """00-00-5E-00-53-00 to -FF are kept for documentation (RFC 7042)."""
    return _written(f"00005E0053{digits(2)}", surface) if re.fullmatch(r"[0-9A-Fa-f]{12}", _compact(surface)) else None


MADE: Final[Mapping[str, Callable[[Digits, str], str | None]]] = MappingProxyType(
    {"US_SSN": us_ssn, "GB_NHS": gb_nhs, "GB_NINO": gb_nino, "DE_TAX_ID": de_tax_id, "MAC_ADDRESS": mac}
)
"""Entity type -> its maker."""
