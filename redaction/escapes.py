r"""Signs that a format spells otherwise, as edits of the view: URLs, HTML, strings of programs, style sheets, TeX.

Each edit stands for one sign and covers all of its spelling. All linear.
"""

import re
import unicodedata
from collections.abc import Iterator
from html import unescape
from typing import Final

from redaction.charsets import Edit

# Characters that are not seen by a reader and split a value for a pattern: soft hyphen, zero-width space and joiners,
# directional marks and isolates, word joiner and invisible operators, keycaps, BOM, variation selectors, tags.
INVISIBLE: Final = re.compile(
    "[\u00ad\u0305\u0332\u0333\u0335-\u0337\u033f\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\u20e3\ufe00-\ufe0f\ufeff"
    "\U000e0000-\U000e0fff]"
)
SPACES: Final = frozenset(
    "\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u205f\u3000"
)
_HEX: Final = "[0-9A-Fa-f]"
# Escapes of URLs (RFC 3986, UTF-8; `escape` of ECMA-262), HTML (character references), strings of JSON, JavaScript, C
# and Python, style sheets (CSS Syntax, section 4.3.7); signs inside of words as Markdown escapes them.
_ESCAPED: Final = re.compile(
    rf"(?P<url>(?:%(?:25){{0,4}}{_HEX}{{2}})+)|%(?:25){{0,4}}u(?P<wide>{_HEX}{{4}})"
    rf"|(?P<html>&(?:amp;){{0,3}}(?:\#0{{0,8}}[0-9]{{2,6}};?|\#[xX]0{{0,8}}{_HEX}{{2,5}};?|[A-Za-z]{{2,8}};))"
    rf"|\\{{1,8}}(?:u(?P<four>{_HEX}{{4}})|u\{{(?P<braced>{_HEX}{{2,5}})\}}|U000(?P<eight>{_HEX}{{5}})"
    rf"|x(?P<two>[2-7]{_HEX})|0000(?P<six>{_HEX}{{2}})[ ]?|(?P<octal>(?:0[4-7]|1[0-7])[0-7])(?![0-9]))"
    rf"|(?P<bytes>(?:\\x[89a-fA-F]{_HEX}){{1,64}}|(?:\\[23][0-7]{{2}}){{2,64}})|(?P<end>\\[nrt](?=[A-Z0-9+(]))"
    rf"|(?<=[\w.])\\(?P<style>(?:40|2[BbDdEe])(?!{_HEX})[ ]?|(?:[Cc]4|[Dd][6CcFf]|[Ee]4|[Ff][6Cc])[ ](?=[a-z]))"
    r"|(?<=\w)\\(?P<sign>[._@+-])(?=\w)"
)
_BYTE: Final = re.compile(rf"%(?:25){{0,4}}{_HEX}{{2}}|=[0-9A-F]{{2}}|\\x{_HEX}{{2}}|\\[0-7]{{3}}")
# Letters of TeX: in braces, with an argument, or inside of a word.
_TEX: Final = re.compile(
    r"""\{\\(?:(?P<mark>["'`^~])\{?(?P<letter>[A-Za-z])\}?|(?P<sign>ss|[ao]e|aa|[AO]E|AA|[olOL]))\}"""
    r"""|\\(?P<of>["'`^~cvdHkr])\{(?P<what>[A-Za-z])\}|(?<=[A-Za-z])\\(?P<bare>["'`^~])(?P<vowel>[aeiouy])"""
    r"""|(?<=[A-Za-z])\\(?P<end>ss|[ao]e|aa)(?:\{\}|[ ]|(?![A-Za-z]))"""
)
_MARKS: Final = dict(
    zip("\"'`^~cvdHkr", "\u0308\u0301\u0300\u0302\u0303\u0327\u030c\u0323\u030b\u0328\u030a", strict=True)
)
_SIGNS: Final = {
    **dict(zip(["ss", "ae", "oe", "aa", "o", "l"], "ßæœåøł", strict=True)),
    **dict(zip(["AE", "OE", "AA", "O", "L"], "ÆŒÅØŁ", strict=True)),
}
# Quoted-printable (RFC 2045, section 6.7) and encoded words (RFC 2047): what a mail's source is written in.
_MAILED: Final = re.compile(
    r"=(?:(?P<word>\?[\w.-]{2,20}\?[Qq]\?(?P<said>[!->@-~]{1,75})\?=)|(?P<soft>\r?\n(?=\S))"
    r"|(?P<run>[0-9A-F]{2}(?:=[0-9A-F]{2})*))"
)
_IN_WORD: Final = re.compile(r"_|(?:=[0-9A-F]{2})+")
_SHORTEST_LINE: Final = 60  # a line that is broken by its length has up to 76; a shorter one ends in an empty value


def unescaped(text: str) -> list[Edit]:
    """What stands for escapes of formats and programs."""
    edits: list[Edit] = []
    for match in _ESCAPED.finditer(text):
        kind = match.lastgroup or ""
        seen = match[kind]
        if kind in ("url", "bytes"):
            edits += _of_bytes(text, match)
        elif kind == "html":
            for _ in range(4):
                seen = unescape(seen)
            if len(seen) == 1 and (INVISIBLE.match(seen) or _shown(seen)):
                edits.append((*match.span(), _shown(seen)))
        elif kind == "sign":
            edits.append((*match.span(), seen))
        elif shown := "\n" if kind == "end" else _shown(chr(int(seen, 8 if kind == "octal" else 16))):
            edits.append((*match.span(), shown))
    return edits


def untexed(text: str) -> list[Edit]:
    """Letters as TeX and its bibliographies write them."""
    edits: list[Edit] = []
    for match in _TEX.finditer(text):
        mark, letter = match["mark"] or match["of"] or match["bare"], match["letter"] or match["what"] or match["vowel"]
        if not mark:
            edits.append((*match.span(), _SIGNS[match["sign"] or match["end"]]))
        elif len(seen := unicodedata.normalize("NFC", letter + _MARKS[mark])) == 1:
            edits.append((*match.span(), seen))
    return edits


def unmailed(text: str) -> Iterator[Edit]:
    """What stands for the signs and the broken lines of a mail's source."""
    for match in _MAILED.finditer(text):
        start, end = match.span()
        if match["word"]:
            first, last = match.span("said")
            yield start, first, ""
            for part in _IN_WORD.finditer(text, first, last):
                yield from [(*part.span(), " ")] if part[0] == "_" else _of_bytes(text, part)
            yield last, end, ""
        elif match["soft"]:
            if start - text.rfind("\n", 0, start) > _SHORTEST_LINE:
                yield start, end, ""
        else:
            edits = _of_bytes(text, match)
            if any(not char.isascii() or char == "@" for _, _, char in edits):
                yield from edits


def _shown(char: str) -> str:
    """What stands for an escaped character; "" where nothing does. A word ends at a control character."""
    if char.isprintable() or char in SPACES:
        return " " if char in SPACES else char
    return "\n" if char.isspace() or unicodedata.category(char) == "Cc" else ""


def _of_bytes(text: str, run: re.Match[str]) -> list[Edit]:
    """One edit for each character of a run of escaped bytes; none when they are no UTF-8 text.

    A single byte inside of a word is a letter of Latin-1. The sign of an escape may be escaped itself, once or more.
    """
    spelled = _BYTE.findall(run[0])
    raw = bytes(int(byte[1:], 8) if byte[1:].isdigit() and byte[0] == "\\" else int(byte[-2:], 16) for byte in spelled)
    start, end = run.span()
    try:
        decoded = raw.decode("utf-8")
    except UnicodeDecodeError:
        letter = raw.decode("latin-1")
        in_a_word = text[end : end + 1].islower() and (run[0][0] == "\\" or text[max(0, start - 1) : start].isalpha())
        return [(start, end, letter)] if len(raw) == 1 and letter.isalpha() and in_a_word else []
    edits: list[Edit] = []
    done = 0
    for char in decoded:
        last = done + len(char.encode("utf-8"))
        size = sum(map(len, spelled[done:last]))
        if (shown := _shown(char)) or INVISIBLE.match(char):
            edits.append((start, start + size, shown))
        start, done = start + size, last
    return edits
