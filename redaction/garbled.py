"""What programs did to a text on its way to us, as edits of its view: colours of a terminal, markup and hyphens inside
of words, text of forms, encoded words of mail.

People paste all of it without a thought, and names and numbers stand in it in pieces. Each function takes the text of a
view and gives edits, sorted and apart from each other; nothing here changes what is sent. All linear.
"""

import base64
import binascii
import re
from collections.abc import Iterator
from typing import Final

from redaction.charsets import Edit

# Control sequences (ECMA-48, section 5.4), as bytes or as strings spell them; what overstrikes; zero bytes of UTF-16.
_TERMINAL: Final = re.compile(
    r"(?:\x1b|\\u001[bB]|\\x1[bB]|\\033|\\e)\[[0-9;?]{0,16}[A-Za-z]|\x1b\][^\x07\x1b]{0,200}(?:\x07|\x1b\\)"
    r"|[^\n\x08]\x08|\x00"
)
# Tags without attributes, which say how a word looks, and empty comments; others may hold something themselves.
_TAG: Final = r"(?:</?(?:b|i|u|s|em|strong|mark|small|big|span|code|del|ins|wbr|font)\s?/?>|<!--\s{0,4}-->)"
_TAGS: Final = re.compile(rf"(?:{_TAG})+", re.IGNORECASE)
# Emphasis of a part of a word, and of each word of a name.
_EMPHASIS: Final = re.compile(
    r"(?<![\w*~])(?P<part>\*{1,3}|~~)(?P<begin>[^\W_]{1,40})(?P=part)(?=[^\W_])"
    r"|(?<=[^\W\d_])(?P<mid>\*\*|~~)(?P<inner>[^\W\d_]{1,40})(?P=mid)(?![*~])"
    r"|(?<=[^\W_])(?P<close>\*{1,3}|~~|__?|`)[ ](?P=close)(?=\+?[^\W_])"
    r"|(?<![\w*@])(?P<around>__?)(?P<what>[0-9A-Z+][^\s_]{2,60})(?P=around)(?!\w)"
)
# A word that was broken at the end of a line.
_BROKEN: Final = re.compile(r"(?<=[^\W\d_]{2})-[ \t]?\r?\n[ \t]{0,8}(?=[^\W\d_]{2})")
# Text of a form (WHATWG URL, section 5): a plus sign is a blank where words or groups of digits stand around it.
_FORM: Final = re.compile(
    r"(?<==)(?:[^\W\d_]{2,20}(?:\+[^\W\d_]{1,20}){1,5}|\+?[0-9]{2,5}(?:\+[0-9]{2,7}){1,6}|(?=[^\s=&@]{0,80}%[0-9A-F]{2})[^\s=&@+]{0,60}(?:\+[^\s=&@+]{0,60}){1,8})"
    r"(?=[&\s\"';,]|$)"
)
# Encoded words of mail headers (RFC 2047).
_WORD: Final = re.compile(r"=\?(?P<charset>[\w.-]{2,20})\?(?P<how>[BbQq])\?(?P<said>[!->@-~]{1,200})\?=")


def without_looks(text: str) -> list[Edit]:
    """A text without what only says how it is shown."""
    edits: list[Edit] = []
    if "\x1b" in text or "\\" in text or "\x08" in text or "\x00" in text:
        edits += [(*match.span(), "") for match in _TERMINAL.finditer(text)]
    if ">" in text:
        edits += [(*match.span(), _between(match)) for match in _TAGS.finditer(text)]
    if "*" in text or "~~" in text or "_" in text or "`" in text:
        edits += _emphasis(text)
    if "-\n" in text or "-\r" in text or "- " in text or "-\t" in text:
        edits += [(*match.span(), "") for match in _BROKEN.finditer(text) if text[match.end()].islower()]
    return _apart(edits)


def _between(tags: re.Match[str]) -> str:
    """One element ends and another begins: two words; else a part of one."""
    return " " if tags[0].startswith("</") and not tags[0].rpartition("<")[2].startswith("/") else ""


def _emphasis(text: str) -> Iterator[Edit]:
    for match in _EMPHASIS.finditer(text):
        if match["close"]:
            yield *match.span(), " "
            continue
        inner = "begin" if match["part"] else "inner" if match["mid"] else "what"
        yield match.start(), match.start(inner), ""
        yield match.end(inner), match.end(), ""


def plain_words(text: str) -> list[Edit]:
    """Text as forms and heads of mail spell it."""
    edits: list[Edit] = []
    if "+" in text and "=" in text:
        edits += [
            (at, at + 1, " ")
            for match in _FORM.finditer(text)
            for at in range(match.start() + 1, match.end())
            if text[at] == "+"
        ]
    if "=?" in text:
        edits += [(*match.span(), said) for match in _WORD.finditer(text) if (said := _mailed(match))]
    return _apart(edits)


def _mailed(word: re.Match[str]) -> str:
    """What an encoded word says; "" for one of UTF-8 with signs, which is read letter by letter elsewhere."""
    charset, said = word["charset"].lower(), word["said"]
    try:
        if word["how"] in "Bb":
            raw = base64.b64decode(said + "=" * (-len(said) % 4), validate=True)
        elif charset == "utf-8":
            return ""
        else:
            raw = re.sub(rb"=([0-9A-Fa-f]{2})", lambda m: bytes.fromhex(m[1].decode()), said.replace("_", " ").encode())
        text = raw.decode(charset)
    except (LookupError, ValueError, binascii.Error):
        return ""
    return text if text.isprintable() else ""


def _apart(edits: list[Edit]) -> list[Edit]:
    """In order; of two that overlap the one that begins first."""
    kept: list[Edit] = []
    for edit in sorted(edits):
        if not kept or edit[0] >= kept[-1][1]:
            kept.append(edit)
    return kept
