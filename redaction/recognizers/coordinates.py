"""Places as numbers: decimal pairs, degrees with minutes and seconds, geo: URIs, map links, plus codes."""

import re
from typing import Final

from redaction.recognizers.base import Page, Pattern, Recognizer, words

_PAIR: Final = re.compile(
    r"(?<![\w.,+-])[+-]?(?P<lat>[0-9]{1,2}\.[0-9]{3,16})°?\s?[NSns]?\s?(?:,|;|/|\s)\s?[+-]?(?P<lon>1?[0-9]{1,2}\.[0-9]{3,16})°?\s?[EWOewo]?(?!\w|\.\w)"
)
_NAMED: Final = re.compile(
    r"(?i)(?<![^\W_])(?:lat(?:itude)?|breite(?:ngrad)?|vĩ độ)[\"']?\s{0,3}[:=]\s{0,3}(?P<value>[+-]?[0-9]{1,2}\.[0-9]{2,16}[^\w\n]{1,12}(?:lon(?:gitude)?|lng|long|länge(?:ngrad)?|kinh độ)[\"']?\s{0,3}[:=]\s{0,3}[+-]?[0-9]{1,3}\.[0-9]{2,16})"
)
_DEGREES: Final = re.compile(
    r"(?<![\w])[0-9]{1,2}°\s?[0-9]{1,2}(?:\.[0-9]{1,6})?['′’]\s?(?:[0-9]{1,2}(?:\.[0-9]{1,6})?(?:\"|″|''|”)\s?)?[NS][,;/\s]{0,3}[0-9]{1,3}°\s?[0-9]{1,2}(?:\.[0-9]{1,6})?['′’]\s?(?:[0-9]{1,2}(?:\.[0-9]{1,6})?(?:\"|″|''|”)\s?)?[EWO](?![\w])"
)
_LINK: Final = re.compile(
    r"(?i)(?:geo:|[?&](?:q|ll|center|query|destination|daddr)=(?:loc:)?|/@)(?P<value>-?[0-9]{1,2}\.[0-9]{3,16}(?:,|%2C)-?[0-9]{1,3}\.[0-9]{3,16})"
)
_PLUS_CODE: Final = re.compile(r"(?<![\w+])[23456789CFGHJMPQRVWX]{4,8}\+[23456789CFGHJMPQRVWX]{2,3}(?![\w+])")
_WORD: Final = words(
    "gps",
    "koordinaten",
    "coordinates",
    "coords",
    "location",
    "standort",
    "position",
    "tọa độ",
    "toạ độ",
    "toa do",
    "vị trí",
    "lat",
    "maps",
    "map",
    "karte",
    "latitude",
)
_MORE: Final = re.compile(r"(?:,|;| and| und| và)\s?-?[0-9]{1,4}\.[0-9]")
_SERIES: Final = re.compile(r"[0-9]\.[0-9]{1,9}(?:,|;) ?\Z")
_HINTED: Final = re.compile(r"(?:^|[^a-z])(?:lat|latitude|lon|lng|longitude|breitengrad|längengrad)$")
_NUMBER: Final = re.compile(r"^\s*(?P<value>[+-]?[0-9]{1,3}\.[0-9]{3,16})\s*$")


def _pair(value: str, page: Page, start: int, end: int) -> float | None:
    match = _PAIR.match(page.text, start)
    if match is None or float(match["lat"]) > 90 or float(match["lon"]) > 180:
        return None
    if _WORD.search(page.around(start, end)) or any(sign in value for sign in "°NSEW"):
        return 0.95
    if _MORE.match(page.text, end) or _SERIES.search(page.text, max(0, start - 12), start):
        return None  # a row of numbers
    precise = min(len(match["lat"].partition(".")[2]), len(match["lon"].partition(".")[2])) >= 4
    return 0.75 if precise and "," in value else None


def _hinted(value: str, page: Page, start: int, end: int) -> float | None:
    return 0.8 if _HINTED.search(page.hint) else None


RECOGNIZERS: tuple[Recognizer, ...] = (
    Pattern("coordinates", "COORDINATES", _PAIR, check=_pair, trigger=("0",)),
    Pattern("coordinates_named", "COORDINATES", _NAMED, 0.95, group="value", trigger=("lat", "breite", "vĩ")),
    Pattern("degrees", "COORDINATES", _DEGREES, 0.95, trigger=("°",)),
    Pattern("map_link", "COORDINATES", _LINK, 0.95, group="value", trigger=("geo:", "=", "/@"), skip_opaque=False),
    Pattern("plus_code", "COORDINATES", _PLUS_CODE, 0.7, trigger=("+",)),
    Pattern("coordinates_field", "COORDINATES", _NUMBER, check=_hinted, group="value", trigger=("0",)),
)
