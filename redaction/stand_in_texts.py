"""Stand-ins of addresses, postal codes and dates of birth: the language and the form are kept, the place is nowhere.

Streets and towns are named after examples, postal codes come from ranges that no post office uses. No date is nobody's;
a made-up one is of about the same age. Each maker gives None where the surface has not a form that it knows.
"""

import re
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

type Below = Callable[[int], int]
"""A limit -> a whole number from 0 up to, not including, it, drawn."""

_STREETS: Final = {
    "de": ("Musterweg", "Musterallee", "Mustergasse", "Beispielweg", "Beispielallee", "Probeweg", "Probeallee"),
    "en": ("Sample Street", "Sample Road", "Sample Lane", "Specimen Road", "Specimen Lane", "Placeholder Lane"),
    "vi": ("đường Ví Dụ", "đường Mẫu Số", "đường Thử Nghiệm", "đường Minh Họa", "phố Ví Dụ", "phố Minh Họa"),
}
_TOWNS: Final = {"de": "Musterstadt", "en": "Sampleton", "vi": "Phường Ví Dụ"}
_VIETNAMESE: Final = re.compile(
    r"(?i)(?<!\w)(?:đường|duong|phố|pho|ngõ|ngo|hẻm|hem|ngách|kiệt|quận|quan|phường|phuong|huyện|xã|thôn|ấp|tổ)(?!\w)|[ăđơưạảấầẩẫậắằẳẵặẹẻẽếềểễệỉịọỏốồổỗộớờởỡợụủứừửữựỳỵỷỹ]"
)
_ENGLISH: Final = re.compile(
    r"(?i)(?<!\w)(?:street|st|road|rd|avenue|ave|lane|ln|drive|dr|court|ct|close|way|place|square|terrace|crescent|boulevard|blvd|gardens|grove|flat|apt|suite)\.?(?!\w)"
)
_GERMAN_CODE: Final = re.compile(r"(?<!\d)\d{5}(?!\d)(?= [^\W\d_])")
_BRITISH_CODE: Final = re.compile(r"(?<!\w)[A-Z]{1,2}\d[0-9A-Z]? \d[A-Z]{2}(?!\w)")
_AMERICAN_CODE: Final = re.compile(r"(?<!\w)[A-Z]{2} \d{5}(?!\d)")
_HOUSES: Final = (600, 400)  # 600 to 999: numbers that hardly a street reaches

_MONTHS: Final = {
    "de": [
        "Januar",
        "Februar",
        "März",
        "April",
        "Mai",
        "Juni",
        "Juli",
        "August",
        "September",
        "Oktober",
        "November",
        "Dezember",
    ],
    "en": [
        "January",
        "February",
        "March",
        "April",
        "May",
        "June",
        "July",
        "August",
        "September",
        "October",
        "November",
        "December",
    ],
}
_NUMERIC: Final = re.compile(r"(?P<a>\d{1,4})(?P<sep>[./-] ?)(?P<b>\d{1,2})(?P=sep)(?P<c>\d{2,4})")
_NAMED: Final = re.compile(r"(?P<day>\d{1,2})(?P<mark>\.|st|nd|rd|th)? (?P<month>[^\W\d_]{3,9}) (?P<year>\d{4})")
_MONTH_FIRST: Final = re.compile(r"(?P<month>[A-Za-z]{3,9}) (?P<day>\d{1,2})(?P<mark>st|nd|rd|th)?,? (?P<year>\d{4})")
_SPOKEN: Final = re.compile(r"(?P<head>(?:ngày )?)\d{1,2} tháng \d{1,2}(?P<between>,? năm )(?P<year>\d{4})")
_YEARS: Final = 3
_DAYS: Final = 28  # every month has so many


def street(below: Below, surface: str) -> str | None:
    """House number, street, and where the surface has them postal code and town, in the language's own order."""
    language = "vi" if _VIETNAMESE.search(surface) else "en" if _ENGLISH.search(surface) else "de"
    name = _STREETS[language][below(len(_STREETS[language]))]
    house = _HOUSES[0] + below(_HOUSES[1])
    if language == "de":
        town = f", {postal_code(below, '00000')} {_TOWNS['de']}" if _GERMAN_CODE.search(surface) else ""
        return f"{name} {house}{town}"
    town = f", {_TOWNS[language]}" if "," in surface else ""
    if language == "en":
        british, american = _BRITISH_CODE.search(surface), _AMERICAN_CODE.search(surface)
        if british:
            town = f", {_TOWNS['en']} {postal_code(below, british[0])}"
        elif american:
            town = f", {_TOWNS['en']} {postal_code(below, '00000')}"
    return f"{house} {name}{town}"


def postal_code(below: Below, surface: str) -> str | None:
    """Digits after two zeros, which no country of ours gives out; for Britain the area QQ, which there is not."""
    if re.fullmatch(r"[A-Za-z]{1,2}\d[0-9A-Za-z]? ?\d[A-Za-z]{2}", surface):
        letters = "ABDEFGHJLNPQRSTUWXYZ"
        return f"QQ{1 + below(9)} {1 + below(9)}{letters[below(20)]}{letters[below(20)]}"
    if surface.isascii() and surface.isdigit() and 5 <= len(surface) <= 6:
        return f"00{below(10 ** (len(surface) - 2)):0{len(surface) - 2}d}"
    return None


def birth_date(below: Below, surface: str) -> str | None:
    """Another day of about the same year, in the same order and with the same signs and month names."""
    for expression, make in ((_NUMERIC, _numeric), (_NAMED, _named), (_MONTH_FIRST, _named), (_SPOKEN, _spoken)):
        match = expression.fullmatch(surface)
        if match is not None:
            return make(below, match)
    return None


def _numeric(below: Below, match: "re.Match[str]") -> str | None:
    a, b, c, sep = match["a"], match["b"], match["c"], match["sep"]
    year_first = len(a) == 4
    if (len(a) == 3 or len(c) == 3) or (year_first and len(c) > 2):
        return None
    # Two signs where both had two, so that a table stays one; day and month both below 13 fit every order.
    width = 2 if len(b) == 2 and len(c if year_first else a) == 2 else 1
    month = f"{1 + below(12):0{width}d}"
    day = f"{1 + below(_DAYS if int(a) > 12 or sep[0] != '/' else 12):0{width}d}"
    if year_first:
        return f"{_near(below, a)}{sep}{month}{sep}{day}"
    if int(b) > 12:  # the month stands first
        return f"{month}{sep}{day}{sep}{_near(below, c)}"
    return f"{day}{sep}{month}{sep}{_near(below, c)}"


def _near(below: Below, year: str) -> str:
    """A year of as many digits, at most three away."""
    drawn = int(year) - _YEARS + below(2 * _YEARS + 1)
    return f"{max(drawn, 0):04d}" if len(year) == 4 else f"{drawn % 100:02d}"


def _named(below: Below, match: "re.Match[str]") -> str | None:
    months = next((listed for listed in _MONTHS.values() if match["month"].capitalize() in listed), None)
    if months is None:
        return None
    month, day, year = months[below(12)], 1 + below(_DAYS), _near(below, match["year"])
    mark = "." if match["mark"] == "." else _ordinal(day) if match["mark"] else ""
    month = month if match["month"][0].isupper() else month.lower()
    if match.start("month") < match.start("day"):
        comma = "," if "," in match[0] else ""
        return f"{month} {day}{mark}{comma} {year}"
    return f"{day}{mark} {month} {year}"


def _ordinal(day: int) -> str:
    return {1: "st", 2: "nd", 3: "rd"}.get(day % 10 if day not in (11, 12, 13) else 0, "th")


def _spoken(below: Below, match: "re.Match[str]") -> str | None:
    day, month = 1 + below(_DAYS), 1 + below(12)
    return f"{match['head']}{day} tháng {month}{match['between']}{_near(below, match['year'])}"


MADE: Final[Mapping[str, Callable[[Below, str], str | None]]] = MappingProxyType(
    {"STREET_ADDRESS": street, "POSTAL_CODE": postal_code, "DATE_OF_BIRTH": birth_date}
)
"""Entity type -> its maker."""
