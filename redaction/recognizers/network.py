"""Addresses of machines and devices: IPv4, IPv6, MAC, IMEI, advertising and device ids by their context."""

import ipaddress
import re
from typing import Final

from stdnum import luhn

from redaction.recognizers.base import Page, Pattern, Recognizer, digits, words

_OCTET: Final = r"(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])"
_IPV4: Final = re.compile(rf"(?<![\w.])(?<![vV])(?:{_OCTET}(?:\.|\[\.\]|\(\.\))){{3}}{_OCTET}(?![\w]|\.[0-9])")
_IPV6: Final = re.compile(
    r"(?<![\w:.])(?:[0-9A-Fa-f]{1,4}:|::)(?:[0-9A-Fa-f]{0,4}:){1,7}[0-9A-Fa-f]{0,4}(?:%[a-z0-9]{1,15})?(?![\w:])"
)
_MAC: Final = re.compile(
    r"(?<![\w:.-])(?:[0-9A-Fa-f]{2}(?:([:-])[0-9A-Fa-f]{2})(?:\1[0-9A-Fa-f]{2}){4}|[0-9A-Fa-f]{4}\.[0-9A-Fa-f]{4}\.[0-9A-Fa-f]{4})(?![\w:-])"
)
_VERSION: Final = words(
    "version", "ver", "v", "release", "build", "firmware", "chrome", "firefox", "safari", "edge", "section", "abschnitt"
)
_IMEI: Final = re.compile(r"(?<![\w.-])[0-9]{2}[ -]?[0-9]{6}[ -]?[0-9]{6}[ -]?[0-9](?![\w-])")
_IMEI_WORD: Final = words("imei", "imei1", "imei2", "gerätenummer", "số imei")
_DEVICE: Final = re.compile(
    r"(?i)(?<![^\W_])(?:device[ _-]?id|geräte-?id|idfa|gaid|advertising[ _-]?id|aaid|android[ _-]?id|udid|serial(?: number| no\.?)?"
    r"|seriennummer|serien-nr\.?|mã thiết bị|số seri|installation[ _-]?id)\"?\s{0,3}[:=#]?\s{0,3}(?:is|ist|lautet|là)?\s?\"?"
    r"(?P<value>(?=[A-Za-z-]{0,36}[0-9])[A-Za-z0-9][A-Za-z0-9-]{6,62}[A-Za-z0-9])(?![\w-])"
)


def _ipv4(value: str, page: Page, start: int, end: int) -> float | None:
    try:
        address = ipaddress.IPv4Address(re.sub(r"[\[\]()]", "", value))
    except ValueError:
        return None
    if address.is_loopback or address.is_unspecified or int(address) & 0xFFFFFF00 == 0xFFFFFF00:
        return None
    first, _, rest = str(address).partition(".")
    if first == "255" or (first == "0") or _VERSION.search(page.lower[max(0, start - 12) : start]):
        return None
    # A tiny number in every place is rather the number of a chapter.
    return 0.5 if all(int(part) < 10 for part in (first, *rest.split("."))) else 0.95


def _ipv6(value: str, page: Page, start: int, end: int) -> float | None:
    groups = [group for group in value.split("%")[0].split(":") if group]
    if len(groups) < 3 or not any(char.isdigit() for char in value):
        return None
    try:
        address = ipaddress.IPv6Address(value)
    except ValueError:
        return None
    return None if address.is_loopback or address.is_unspecified else 0.95


def _mac(value: str, page: Page, start: int, end: int) -> float | None:
    raw = re.sub(r"[^0-9a-f]", "", value.lower())
    return None if len(set(raw)) == 1 else 0.95


def _imei(value: str, page: Page, start: int, end: int) -> float | None:
    if not _IMEI_WORD.search(page.around(start, end)):
        return None
    return 1.0 if luhn.is_valid(digits(value)) else 0.8


RECOGNIZERS: tuple[Recognizer, ...] = (
    Pattern("ipv4", "IP_ADDRESS", _IPV4, check=_ipv4, trigger=("0",), skip_opaque=False),
    Pattern("ipv6", "IP_ADDRESS", _IPV6, check=_ipv6, trigger=(":",), skip_opaque=False),
    Pattern("mac", "MAC_ADDRESS", _MAC, check=_mac, trigger=(":", "-", "."), skip_opaque=False),
    Pattern("imei", "DEVICE_ID", _IMEI, check=_imei, trigger=("imei", "gerätenummer"), skip_opaque=False),
    Pattern(
        "device",
        "DEVICE_ID",
        _DEVICE,
        0.8,
        group="value",
        skip_opaque=False,
        trigger=("device", "gerät", "idfa", "aid", "udid", "seri", "thiết", "installation", "android", "advert"),
    ),
)
