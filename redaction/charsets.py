"""Bytes that were read in the wrong charset, as edits of the view: "JÃ¼rgen", "J√ºrgen" and "J├╝rgen" are one name.

Files of old systems, exports of spreadsheets and consoles are full of it. What is looked for are the letters of Western
Europe and Vietnam in UTF-8, and the few of German that single bytes of other systems became. All linear.
"""

import re
from collections.abc import Iterator
from typing import Final

type Edit = tuple[int, int, str]
"""start, end, what is seen instead; edits are sorted and do not overlap."""

_CHARSETS: Final = ("cp1252", "cp1250", "cp1258", "cp1251", "mac_roman", "cp437", "cp850")
"""Those that a reader takes when nobody told it; of two that explain the same the first."""
_LETTERS: Final = (b"\xc2", b"\xc3", b"\xc4", b"\xc5", b"\xc6", b"\xe1\xba", b"\xe1\xbb", b"\xe2\x80")
"""What those letters and their punctuation begin with; one byte more follows."""
_AFTER: Final = range(0x80, 0xC0)


def _bytes_of(charset: str) -> dict[str, int]:
    """What each byte is read as; one that the charset leaves free is read as a control character."""
    return {bytes([byte]).decode(charset, "ignore") or chr(byte): byte for byte in range(0x80, 0x100)}


_READ: Final = {charset: _bytes_of(charset) for charset in _CHARSETS}
_READ["cp1252"] |= {chr(byte): byte for byte in range(0x80, 0xA0)}  # so Latin-1 has them


def _pairs(charset: str) -> re.Pattern[str]:
    back = {byte: char for char, byte in reversed(_READ[charset].items())}
    begin = "|".join("".join(back[byte] for byte in letter) for letter in _LETTERS)
    rest = "".join(re.escape(char) for char, byte in _READ[charset].items() if byte in _AFTER)
    return re.compile(f"(?:{begin})[{rest}]")


_GARBLED: Final = {charset: _pairs(charset) for charset in _CHARSETS}
_ANY: Final = re.compile("|".join(dict.fromkeys(one.pattern for one in _GARBLED.values())))
_IN_A_WORD: Final = re.compile(r"[A-Za-z]")
# Letters of German as single bytes of other systems: Windows read as Macintosh and DOS, and the other way round, less
# signs that stand between letters for reasons of their own. What nobody can know any more is mostly one of them.
_SINGLE: Final = {
    **dict(zip("‰ˆ¸", "äöü", strict=True)),
    **dict(zip("÷³ⁿ▀", "öüüß", strict=True)),
    **dict(zip("Ÿ§", "üß", strict=True)),
    **dict(zip("\x84\x94\x81", "äöü", strict=True)),
    "\ufffd": "ü",
}
_ONE: Final = re.compile(f"(?<=[A-Za-z])(?:[{''.join(_SINGLE)}]|\ufffd{{2,3}})(?=[a-z])")


def ungarbled(text: str) -> list[Edit]:
    """What was read in the wrong charset, as it was."""
    if text.isascii():
        return []
    edits = list(_of_utf8(text)) if _ANY.search(text) else []
    return edits or [(*match.span(), _SINGLE[match[0][0]]) for match in _ONE.finditer(text)]


def _of_utf8(text: str) -> Iterator[Edit]:
    """By the charset that explains most; any but the first has its signs beside letters: alone they mean themselves."""
    found = {charset: list(pairs.finditer(text)) for charset, pairs in _GARBLED.items()}
    charset = max(found, key=lambda one: len(found[one]))
    read = _READ[charset]
    if charset != _CHARSETS[0] and not any(_beside_a_letter(text, *match.span()) for match in found[charset]):
        return
    for match in found[charset]:
        try:
            yield *match.span(), bytes(read[char] for char in match[0]).decode("utf-8")
        except UnicodeDecodeError:
            continue


def _beside_a_letter(text: str, start: int, end: int) -> bool:
    return bool(_IN_A_WORD.match(text, end) or (start and _IN_A_WORD.match(text, start - 1)))
