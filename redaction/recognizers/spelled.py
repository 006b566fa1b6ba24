"""Numbers that are spelled out digit by digit, as on the phone: "null eins sieben eins …"."""

import re
from itertools import pairwise
from typing import Final

from redaction.recognizers.base import Page, Pattern, Recognizer, words

_VALUES: Final = {
    **{
        word: value
        for value, word in enumerate(["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"])
    },
    **{
        word: value
        for value, word in enumerate(
            ["null", "eins", "zwei", "drei", "vier", "fünf", "sechs", "sieben", "acht", "neun"]
        )
    },
    **{
        word: value
        for value, word in enumerate(["không", "một", "hai", "ba", "bốn", "năm", "sáu", "bảy", "tám", "chín"])
    },
    **{
        word: value
        for value, word in enumerate(["khong", "mot", "hai", "ba", "bon", "nam", "sau", "bay", "tam", "chin"])
    },
    **{"oh": 0, "zwo": 2, "fuenf": 5, "tư": 4, "lăm": 5},
}
_WORD: Final = "(?:" + "|".join(sorted(_VALUES, key=len, reverse=True)) + ")"
_DIGITS: Final = re.compile(rf"(?i)(?<!\w)(?:{_WORD}[ ,.-]{{1,3}}){{6,18}}{_WORD}(?!\w)")
_CONTEXT: Final = words(
    *(
        "phone",
        "call",
        "number",
        "reach",
        "cell",
        "mobile",
        "text",
        "tel",
        "telefon",
        "nummer",
        "handy",
        "ruf",
        "anrufen",
    ),
    *("erreichbar", "số", "so", "gọi", "goi", "sđt", "sdt", "điện thoại", "dien thoai", "zalo"),
)


def _spelled(value: str, page: Page, start: int, end: int) -> float | None:
    found = [_VALUES[word] for word in re.findall(r"\w+", value.lower())]
    steps = {after - before for before, after in pairwise(found)}
    if steps <= {1} or steps <= {-1} or len(set(found)) == 1:
        return None  # somebody counts
    return 0.8 if _CONTEXT.search(page.around(start, end)) else 0.6 if len(found) > 8 else None


RECOGNIZERS: tuple[Recognizer, ...] = (Pattern("phone_spelled", "PHONE_NUMBER", _DIGITS, check=_spelled),)
