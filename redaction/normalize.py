"""Text as a detector should see it, with a map back to the text as it is.

What hides from a pattern is the first thing an attacker tries: decomposed letters, zero-width characters, full-width
and mathematical forms, foreign digits, look-alike letters of another script, escapes of other formats, mail as it is
sent, digits with a space after each. Only the view changes, never what is sent.
"""

import re
import unicodedata
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from redaction import escapes, garbled
from redaction.charsets import Edit, ungarbled
from redaction.escapes import INVISIBLE, SPACES

_HYPHENS: Final = frozenset("\u2010\u2011\u2012\u2013\u2212\ufe58\ufe63\uff0d\u00ad")
# Letters that look like Latin ones (Unicode confusables, the common part), replaced only inside a word that also has
# Latin letters or digits: a Russian or Greek word stays what it is.
_LOOKALIKES: Final = {
    **dict(zip("аеорсухіјѕԁһԛԝɡӏ", "aeopcyxijsdhqwgl", strict=True)),
    **dict(zip("АВЕКМНОРСТХІЈЅУԚԜҮ", "ABEKMHOPCTXIJSYQWY", strict=True)),
    **dict(zip("ΑΒΕΖΗΙΚΜΝΟΡΤΥΧ", "ABEZHIKMNOPTYX", strict=True)),
    **dict(zip("αονικρυ", "aovikpu", strict=True)),
}
# One letter or digit, a space, one letter or digit, …: as people write to slip past a filter.
_SPACED: Final = re.compile(r"(?<!\S)(?:[A-Z0-9] (?:[-./] )?){8,44}[A-Z0-9](?!\S)")
_FEWEST_DIGITS: Final = 6
# Full stops of East Asia that a name server takes for a dot (RFC 3490, section 3.1); in prose they end a sentence.
_DOTS: Final = re.compile("(?<=[^\\W_])[\u3002\uff61](?=[a-z0-9])")
_RAISED: Final = "\u00b2\u00b3\u00b9"
_RAISED_NUMBER: Final = re.compile("(?<![^\\W\\d_])[\u00b9\u00b2\u00b3\u2070-\u2079]{3,}")
# Letters that Unicode does not decompose: small capitals, and white ones on black.
_FANCY: Final = {
    **dict(zip("ᴀʙᴄᴅᴇꜰɢʜɪᴊᴋʟᴍɴᴏᴘꞯʀꜱᴛᴜᴠᴡʏᴢ", "abcdefghijklmnopqrstuvwyz", strict=True)),
    **{chr(base + at): chr(0x41 + at) for base in (0x1F150, 0x1F170) for at in range(26)},
}
_WORD: Final = re.compile(r"\w+")
_NON_ASCII: Final = re.compile(r"[^\x00-\x7f]")


@dataclass(frozen=True, slots=True)
class View:
    """A text as detectors see it.

    text: the normalized text.
    starts, ends: for each code point of `text` the span of the original it came from; None when nothing changed.
    """

    text: str
    starts: tuple[int, ...] | None = None
    ends: tuple[int, ...] | None = None

    def span(self, start: int, end: int) -> tuple[int, int]:
        """The original's span for a non-empty span of the view, both half open, in code points."""
        if self.starts is None or self.ends is None:
            return start, end
        return self.starts[start], self.ends[end - 1]

    def position(self, original: int) -> int:
        """The first position of the view that stands at or after a position of the original."""
        return original if self.starts is None else bisect_left(self.starts, original)


def normalize(text: str) -> View:
    """A view of any text. Linear in its length; pure ASCII and composed plain text cost one scan."""
    whole = _replaced(View(text), ungarbled(text))
    if whole.starts is not None:  # what was read wrong twice
        whole = _replaced(whole, ungarbled(whole.text))
    if any(sign in text for sign in _RAISED):
        whole = _replaced(whole, _raised(whole.text))
    view = _through(whole, _characters(whole.text))
    view = _replaced(view, garbled.without_looks(view.text))
    view = _replaced(view, garbled.plain_words(view.text))
    if "%" in view.text or "&" in view.text or "\\" in view.text:
        view = _replaced(view, escapes.unescaped(view.text))
        if "\\" in view.text:
            view = _replaced(view, escapes.untexed(view.text))
    if "=" in view.text:
        view = _replaced(view, list(escapes.unmailed(view.text)))
    if "\u3002" in view.text or "\uff61" in view.text:
        view = _replaced(view, [(*match.span(), ".") for match in _DOTS.finditer(view.text)])
    return _replaced(view, _unspaced(view.text))


def _characters(text: str) -> View:
    if text.isascii() or not _needs_work(text):
        return View(text)
    pieces: list[str] = []
    starts: list[int] = []
    ends: list[int] = []
    for start, end in _clusters(text):
        seen = _piece(text[start:end])
        pieces.append(seen)
        starts.extend([start] * len(seen))
        ends.extend([end] * len(seen))
    seen_text = _without_lookalikes("".join(pieces))
    if seen_text == text:
        return View(text)
    return View(seen_text, tuple(starts), tuple(ends))


def _through(first: View, second: View) -> View:
    """The second view, of the text of the first, as one of what the first was of."""
    if first.starts is None or second.starts is None:
        return second if first.starts is None else View(second.text, first.starts, first.ends)
    spans = [first.span(*second.span(at, at + 1)) for at in range(len(second.text))]
    return View(second.text, tuple(start for start, _ in spans), tuple(end for _, end in spans))


def _replaced(view: View, edits: list[Edit]) -> View:
    """The view with edits, each new character mapped to all of what it came from."""
    if not edits:
        return view
    pieces: list[str] = []
    starts: list[int] = []
    ends: list[int] = []
    size = len(view.text)
    starts_before: Sequence[int] = range(size) if view.starts is None else view.starts
    ends_before: Sequence[int] = range(1, size + 1) if view.ends is None else view.ends
    at = 0
    for start, end, seen in (*edits, (size, size, "")):
        starts += starts_before[at:start]
        ends += ends_before[at:start]
        pieces += (view.text[at:start], seen)
        if end > start:
            first, last = view.span(start, end)
            starts += [first] * len(seen)
            ends += [last] * len(seen)
        at = end
    return View("".join(pieces), tuple(starts), tuple(ends))


def _unspaced(text: str) -> list[Edit]:
    return [
        (start, start + 1, "")
        for match in _SPACED.finditer(text)
        if sum(char.isdigit() for char in match[0]) >= _FEWEST_DIGITS
        for start in range(*match.span())
        if text[start] == " "
    ]


def _raised(text: str) -> list[Edit]:
    return [
        (at, at + 1, str(unicodedata.digit(text[at])))
        for match in _RAISED_NUMBER.finditer(text)
        for at in range(*match.span())
    ]


def _needs_work(text: str) -> bool:
    # One look at each distinct foreign character is enough; a text has few of them.
    return any(
        _piece(char) != char or unicodedata.combining(char) or char in _LOOKALIKES
        for char in set(_NON_ASCII.findall(text))
    )


def _clusters(text: str) -> list[tuple[int, int]]:
    """Spans of a base character with its combining marks; everything else alone."""
    spans: list[tuple[int, int]] = []
    start = 0
    for index, char in enumerate(text):
        if index > start and not (char > "\u02ff" and unicodedata.combining(char)):
            spans.append((start, index))
            start = index
    spans.append((start, len(text)))
    return spans


def _piece(cluster: str) -> str:
    if len(cluster) == 1:
        if cluster < "\x80":
            return cluster
        if cluster in SPACES:
            return " "
        if "\ud800" <= cluster <= "\udfff":
            return "\ufffd"  # half a pair: no library that speaks UTF-8 takes it
        if cluster in _HYPHENS and cluster != "\u00ad":
            return "-"
    if INVISIBLE.search(cluster):
        cluster = INVISIBLE.sub("", cluster)
    composed = unicodedata.normalize("NFC", cluster)
    if len(composed) == 1 and composed > "\x7f":
        return _plain(composed)
    return composed


def _plain(char: str) -> str:
    """Digits of any script as ASCII; full-width, mathematical, circled and ligature forms as plain letters."""
    if char in _RAISED:
        return char  # a unit's power or a footnote, not a digit of a number
    if char in _FANCY:
        return _FANCY[char]
    digit = unicodedata.digit(char, None)
    if digit is not None and unicodedata.category(char) in ("Nd", "No"):
        return str(digit)
    if not unicodedata.decomposition(char).startswith("<"):
        return char
    compatible = unicodedata.normalize("NFKC", char)
    return compatible if compatible.isascii() and compatible.isprintable() and len(compatible) <= 4 else char


def _without_lookalikes(text: str) -> str:
    if not any(char in text for char in _LOOKALIKES):
        return text

    def latin(match: re.Match[str]) -> str:
        word = match.group()
        others = [char for char in word if not char.isascii()]
        if len(others) == len(word) or not all(char in _LOOKALIKES or _is_latin(char) for char in others):
            return word
        return "".join(_LOOKALIKES.get(char, char) for char in word)

    return _WORD.sub(latin, text)


def _is_latin(char: str) -> bool:
    return "LATIN" in unicodedata.name(char, "")
