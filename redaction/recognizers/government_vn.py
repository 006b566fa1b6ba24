"""Vietnamese identifiers: citizen card and its predecessor, tax code, social and health insurance, passport, plates."""

import re
from typing import Final

from stdnum.vn import mst

from redaction.recognizers.base import Page, Pattern, Recognizer, digits, words

_CITIZEN: Final = re.compile(r"(?<![\w.,+-])0[0-9]{2}(?:[ .-]?[0-9]{3}){3}(?![\w]|[.,-][0-9])")
_CITIZEN_WORD: Final = words(
    *(
        "cccd",
        "căn cước",
        "can cuoc",
        "căn cước công dân",
        "can cuoc cong dan",
        "số căn cước",
        "cccd/cmnd",
        "cmnd/cccd",
        "thẻ căn cước",
    ),
    *(
        "cmnd",
        "cmt",
        "chứng minh",
        "chung minh",
        "chứng minh nhân dân",
        "chung minh nhan dan",
        "cmtnd",
        "citizen id",
        "id card",
        "identity card",
    ),
    *("định danh", "dinh danh", "số định danh", "mã định danh", "căn cước", "ccc", "national id", "vneid", "giấy tờ"),
)
_OLD_CARD: Final = re.compile(r"(?<![\w.,+-])[0-3][0-9]{2}[ .]?[0-9]{3}[ .]?[0-9]{3}(?![\w]|[.,-][0-9])")
# Province codes of Decision 124/2004, as they stand in citizen numbers.
_PROVINCES: Final = frozenset(
    [
        1,
        2,
        4,
        6,
        8,
        10,
        11,
        12,
        14,
        15,
        17,
        19,
        20,
        22,
        24,
        25,
        26,
        27,
        30,
        31,
        33,
        34,
        35,
        36,
        37,
        38,
        40,
        42,
        44,
        45,
        46,
        48,
        49,
        51,
        52,
        54,
        56,
        58,
        60,
        62,
        64,
        66,
        67,
        68,
        70,
        72,
        74,
        75,
        77,
        79,
        80,
        82,
        83,
        84,
        86,
        87,
        89,
        91,
        92,
        93,
        94,
        95,
        96,
    ]
)
_TAX: Final = re.compile(r"(?<![\w.,+-])[0-9]{10}(?:[- ]?[0-9]{3})?(?![\w]|[.,-][0-9])")
_TAX_WORD: Final = words(
    "mst", "mã số thuế", "ma so thue", "mã thuế", "ma thue", "tax code", "tax id", "mst cá nhân", "thuế", "tax number"
)
_SOCIAL: Final = re.compile(r"(?<![\w.,+-])[0-9]{10}(?![\w]|[.,-][0-9])")
_SOCIAL_WORD: Final = words(
    "bhxh", "bảo hiểm xã hội", "bao hiem xa hoi", "số sổ bảo hiểm", "sổ bhxh", "mã số bhxh", "social insurance"
)
_HEALTH: Final = re.compile(r"(?<![\w])[A-Z]{2}[ -]?[1-5][ -]?[0-9]{2}[ -]?[0-9]{3}[ -]?[0-9]{3}[ -]?[0-9]{4}(?![\w])")
_HEALTH_WORD: Final = words(
    "bhyt", "bảo hiểm y tế", "bao hiem y te", "thẻ bảo hiểm", "health insurance", "số thẻ", "khám bệnh"
)
_PASSPORT: Final = re.compile(r"(?<![\w])[BCDEKMNPS][0-9]{7,8}(?![\w])")
_PASSPORT_WORD: Final = words("hộ chiếu", "ho chieu", "passport", "số hộ chiếu", "pass", "reisepass", "passnummer")
_LICENCE: Final = re.compile(r"(?<![\w.,+-])[0-9]{12}(?![\w])")
_LICENCE_WORD: Final = words("gplx", "giấy phép lái xe", "giay phep lai xe", "bằng lái", "bang lai", "số bằng lái")
_PLATE: Final = re.compile(
    r"(?<![\w-])(?:1[1-9]|[2-9][0-9])[ -]?[A-Z](?:[A-Z0-9])?[ -]{1,3}(?:[0-9]{3}\.?[0-9]{2}|[0-9]{4})(?![\w.-])|(?<![\w-])(?:1[1-9]|[2-9][0-9])[A-Z][0-9]?-?(?:[0-9]{3}\.[0-9]{2}|[0-9]{5})(?![\w.-])"
)
_PLATE_WORD: Final = words(
    "biển số",
    "bien so",
    "biển",
    "bks",
    "xe",
    "ô tô",
    "oto",
    "xe máy",
    "xe may",
    "plate",
    "license plate",
    "kennzeichen",
)


def _citizen(value: str, page: Page, start: int, end: int) -> float | None:
    number = digits(value)
    if _CITIZEN_WORD.search(page.around(start, end)):
        return 1.0
    if words("gplx", "giấy phép lái xe", "bằng lái", "stk", "tài khoản", "mã đơn", "đơn hàng").search(
        page.ahead(start)
    ):
        return None
    return 0.85 if int(number[:3]) in _PROVINCES and number[3] in "0123" else None


def _old_card(value: str, page: Page, start: int, end: int) -> float | None:
    return 0.9 if _CITIZEN_WORD.search(page.around(start, end, 40)) else None


def _tax(value: str, page: Page, start: int, end: int) -> float | None:
    if _TAX_WORD.search(page.around(start, end, 40)):
        return 1.0 if mst.is_valid(digits(value)) else 0.85
    return 0.6 if re.fullmatch(r"\d{10}-\d{3}", value) and mst.is_valid(digits(value)) else None


def _social(value: str, page: Page, start: int, end: int) -> float | None:
    return 0.97 if _SOCIAL_WORD.search(page.around(start, end, 40)) else None


def _health(value: str, page: Page, start: int, end: int) -> float | None:
    return 1.0 if _HEALTH_WORD.search(page.around(start, end)) else 0.75


def _passport(value: str, page: Page, start: int, end: int) -> float | None:
    return 0.9 if _PASSPORT_WORD.search(page.around(start, end, 40)) else None


def _licence(value: str, page: Page, start: int, end: int) -> float | None:
    return 1.0 if _LICENCE_WORD.search(page.ahead(start)) else None


def _plate(value: str, page: Page, start: int, end: int) -> float | None:
    if _PLATE_WORD.search(page.around(start, end, 40)):
        return 0.9
    return 0.75 if re.fullmatch(r"\d{2}[A-Z][A-Z0-9]?[ -]+\d{3}\.\d{2}", value) else None


RECOGNIZERS: tuple[Recognizer, ...] = (
    Pattern("vn_citizen", "VN_CCCD", _CITIZEN, check=_citizen, trigger=("0",)),
    Pattern("vn_citizen_old", "VN_CCCD", _OLD_CARD, check=_old_card, trigger=("0",)),
    Pattern("vn_tax", "VN_MST", _TAX, check=_tax, trigger=("0",)),
    Pattern(
        "vn_social_insurance",
        "VN_SOCIAL_INSURANCE",
        _SOCIAL,
        check=_social,
        trigger=("bhxh", "bảo hiểm", "bao hiem", "social insurance"),
    ),
    Pattern("vn_health_insurance", "HEALTH_INSURANCE_ID", _HEALTH, check=_health, trigger=("0",)),
    Pattern("vn_passport", "VN_PASSPORT", _PASSPORT, check=_passport, trigger=("pass", "hộ chiếu", "ho chieu")),
    Pattern("vn_driver_license", "DRIVER_LICENSE", _LICENCE, check=_licence, trigger=("gplx", "lái", "lai")),
    Pattern("vn_plate", "LICENSE_PLATE", _PLATE, check=_plate, trigger=("0",)),
)
