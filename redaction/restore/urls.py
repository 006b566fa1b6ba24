"""Where in a text a URL stands, so that restore never fills in one that the model made up.

A URL that carries a restored value to a foreign host is the classic way to take data out, so every form that some
reader opens or fetches counts: with a scheme, `www.`, a bare host with a path, a Markdown or CSS target, an HTML
attribute, a spreadsheet's formula, the brackets of LaTeX, forums and wikis. Within those, within quotation marks, and
where a text is a value by itself, blanks belong to it: whoever fetches it escapes them. The state after a text depends
on the text alone, never on how it was cut, and its memory is bounded.
"""

import re
from dataclasses import dataclass

from redaction import tokens

MAX_URL = 2048  # characters of one URL that are compared; nothing is restored behind them
MAX_LOOKALIKES = 1000  # that are counted in one channel; more tell nothing new
_LONGEST_OPENER = 128  # no alternative of _OPENER is longer; what is nearer to the end may still become an opener
KEPT = 256  # characters kept for look-behind: a bracket that opened on this line
STRING_END = "\x1e"
"""What stands for a quotation mark that begins or ends a string of JSON; those inside are escaped and stay."""
_WORK = 4096  # text is looked at when this much is there, or when a placeholder wants to know

_OPENER = re.compile(
    r"""
      (?P<target>\]\(\s{0,64}<?)
    | (?P<reference>\]:\s{0,64}(?!["'\s])<?)
    | (?P<attribute>(?:(?<!\w)(?:src|srcset|imagesrcset|href|action|formaction|poster|background|ping)
        |<object\s[^<>]{0,60}\bdata)\s{0,8}=\s{0,8}["']?)
    | (?<!\w)(?P<style>url\(\s{0,8}["']?)
    | (?P<refresh>;\s{0,8}url\s{0,8}=\s{0,8}["']?
        |content\s{0,8}=\s{0,8}["']?\s{0,8}[0-9.]{1,9}\s{0,8}[;,]\s{0,8}/[/\\])
    | (?P<formula>[=(,;+&]\s{0,8}(?-i:IMAGE|WEBSERVICE|IMPORT(?:DATA|XML|HTML|FEED))\()
    | (?P<quoted>(?:(?<!\w)["']|\x1e)\s{0,8}(?:https?|wss?|ftp):)
    | (?P<forum>\[(?:img|url|iframe|video|audio|media|image)(?:\s?=\s?["']?|[^\]\n\x1e]{0,60}\])\s{0,8}
        (?:(?:https?|wss?|ftp):|/[/\\]|www\.))
    | (?P<bracketed>(?:\[\[|[{<])\s{0,8}(?:https?|wss?|ftp):)
    | (?P<relative>(?:(?<!\w)["']|[(=,\x1e])\s{0,8}/[/\\])
    | (?P<scheme>[a-z][a-z0-9+.\-]{0,15}:[/\\]{2})
    | (?<!\w)(?P<special>(?:https?|wss?|ftp):)
    | (?<!\w)(?P<direct>(?:mailto|tel|sms|javascript):)
    | (?<!\w)(?P<data>data:(?:[a-z]{1,20}/|[,;]))
    | (?<!\w)(?P<www>www\.)
    | (?P<host>(?:[\w\-\]]{1,63}\.(?:xn--[a-z0-9\-]{1,40}|[a-z]{2,24})|\d{1,3}(?:\.\d{1,3}){3})(?::\d{1,5})?[/?])
    """,
    re.VERBOSE | re.IGNORECASE,
)
# Every alternative of _OPENER but the host contains one of these, or one of the schemes.
_SIGNS = (
    "](",
    "]:",
    "=",
    "//",
    "/\\",
    ":/",
    ":\\",
    "url(",
    "www.",
    "image(",
    "service(",
    "data(",
    "xml(",
    "html(",
    "feed(",
)
_SCHEMES = ("mailto:", "tel:", "sms:", "javascript:", "data:", "http:", "https:", "ws:", "wss:", "ftp:")
# A value that a program reads as a URL, blanks and all (WHATWG URL 4.1: `https:` and one slash are enough).
_ALONE = re.compile(r"\s{0,8}((?:https?|wss?|ftp):|/[/\\])", re.IGNORECASE)
_NEVER = re.compile(r"(?!)")
# Before one of these a reference of Markdown is none that leads anywhere: `[1]: [PERSON_…]` is a footnote.
_LEADS = re.compile(r"[/\\:&%?]")
_HOST_SIGN = re.compile(r"\.(?:xn--[a-z0-9\-]{1,40}|[a-z]{2,24}|\d{1,3})(?::\d{1,5})?[/?]")
_PLAIN_END = re.compile(r"""[\s"<>`\x00-\x1f]""")
_TARGET_END = re.compile(r"[\x00- ]|(?<!\\)[()]")  # balanced parentheses belong to a target (CommonMark 6.3)
# LaTeX's `\href{…}`, links of Org and other wikis, those of reStructuredText, from which blanks are taken out.
_BRACKETED_END = {
    "{": re.compile(r"(?<!\\)}|[\n\x1e]"),
    "[": re.compile(r"\][\][]|[\n\x1e]"),
    "<": re.compile(r"[>\n\x1e]"),
}
_FORUM_END, _FORUM_VALUE_END = re.compile(r"\[/|[\n\x1e]"), re.compile(r"[\]\n\x1e]")
_BEGUN = re.compile(r"(?:(?:https?|wss?|ftp):|/[/\\]|www\.)\Z", re.IGNORECASE)
_ANGLE_END = re.compile(r"(?<!\\)>|[\n\x1e]")
_REFERENCE_END, _REFERENCE_ANGLE_END = re.compile(r"[\x00- ]"), re.compile(r"(?:(?<!\\)>|[\n\x1e])")
_REFRESH_END = re.compile(r"[\"'>\x1e]")
_BARE_END = re.compile(r"[\t\n\f\r >\x1e]")  # white space of HTML and CSS is that of ASCII; so is Markdown's
_STYLE_END = re.compile(r"[\n\f\r)\x1e]")  # a blank may end an escape of CSS
_FORMULA_END = re.compile(r"[\n\x1e]")  # a spreadsheet asks for the image, whatever joins its address
_QUOTED_END = {'"': re.compile('["\x1e]'), "'": re.compile("['\x1e]")}
# Quotation marks of a text may never close, those of JSON always do.
_VALUE_END = {'"': re.compile('["\n\x1e]'), "'": re.compile("['\n\x1e]"), STRING_END: re.compile(STRING_END)}
_AUTHORITY = re.compile(
    r"(?:[a-z][a-z0-9+.\-]{0,15}:[/\\]{2}|(?:https?|wss?|ftp):[/\\]?|[/\\]{2}|www\.)[^/?#\\]*", re.IGNORECASE
)
_AUTHORITY_TAIL = re.compile(r"""[^/?#\\\s"<>`]*""")
_LINE_END = re.compile(r'["\n\x1e]')
_LOOKALIKE = re.compile(r"\[[a-z][a-z0-9_]{0,19}_([0-9a-z]{12}|[0-9a-z]{8})\]", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a placeholder stands. url: the URL's text before it, None outside of one; authority: in its host part."""

    url: str | None
    authority: bool = False

    @property
    def overflown(self) -> bool:
        """Whether the URL is too long to be compared."""
        return self.url is not None and len(self.url) > MAX_URL


OUTSIDE = Place(None)


class Context:
    """What stood before, in one channel: the URL that is open and look-alikes that were not restored.

    Append literal text and placeholders in their order; ask `place` right before a placeholder.
    """

    __slots__ = ("_alone", "_depth", "_end", "_new", "_position", "_size", "_text", "_url", "lookalikes")

    def __init__(self, *, alone: bool = False) -> None:
        """alone: the text is a value that a program reads, not words: one that begins as a URL is one to its end."""
        self._alone = alone
        self._text = ""
        self._new: list[str] = []
        self._size = 0
        self._position = 0  # of _text: everything before it is decided
        self._url: str | None = None
        self._end = _PLAIN_END
        self._depth = 0
        self.lookalikes: list[str] = []

    def append(self, text: str) -> None:
        """Literal text, as it goes on."""
        self._new.append(text)
        self._size += len(text)
        if self._size >= _WORK:
            self._advance(_LONGEST_OPENER)

    def append_token(self, token: str) -> None:
        """A placeholder in the grammar's own spelling; its brackets open nothing."""
        self._advance(0)
        self._text += token
        self._position = len(self._text)
        if self._url is not None:
            self._extend(token)

    def place(self) -> Place:
        """Where a placeholder stands that comes next."""
        self._advance(0)
        if self._url is None or (self._end in (_REFERENCE_END, _REFERENCE_ANGLE_END) and not _LEADS.search(self._url)):
            return OUTSIDE
        return Place(self._url, _AUTHORITY.fullmatch(self._url) is not None)

    def bracket_is_open(self) -> bool:
        """Whether a `[` on this line or in this quotation, at most 256 characters back, is still open."""
        line = _LINE_END.split(self.tail())[-1]
        return line.count("[") > line.count("]")

    def tail(self) -> str:
        """The last 256 characters at most."""
        return "".join((self._text, *self._new))[-KEPT:]

    def finish(self) -> None:
        """The text ends here."""
        self._advance(0)

    def continued(self) -> "Context | None":
        """Where a text begins that readers join to this one, which is finished: in the URL that is open here."""
        if self._url is None:
            return None
        after = Context()
        after._url, after._end, after._depth = self._url, self._end, self._depth
        return after

    def _advance(self, margin: int) -> None:
        """Decide what does not depend on text to come: openers that begin before the last `margin` characters."""
        if self._new:
            self._text += "".join(self._new)
            self._new.clear()
        self._size = 0
        text, limit = self._text, len(self._text) - margin
        self._count(text, self._position, limit)
        position = self._position
        if self._alone and limit > 0:
            self._alone = False
            if begun := _ALONE.match(text):
                self._url, self._end, position = begun[1], _NEVER, begun.end()
        if self._url is None and not may_hold_url(text[position:]):
            position = max(position, limit)
        while position < limit:
            if self._url is not None:
                position = self._read_url(text, position, limit)
                continue
            opener = _OPENER.search(text, position)
            if opener is None or opener.start() >= limit:
                position = limit
                break
            self._enter(opener)
            position = opener.end()
        cut = max(0, position - KEPT)
        self._text, self._position = text[cut:], position - cut

    def _count(self, text: str, start: int, limit: int) -> None:
        if text.find("[", start, limit) >= 0:
            for match in _LOOKALIKE.finditer(text, start):
                if match.start() >= limit or len(self.lookalikes) >= MAX_LOOKALIKES:
                    break
                self.lookalikes.append(tokens.canonical_ident(match[1]))

    def _enter(self, opener: re.Match[str]) -> None:
        kind, written = opener.lastgroup, opener[0]
        self._url, self._depth, self._end = "", 0, _PLAIN_END
        if kind == "target":
            self._end = _ANGLE_END if written.endswith("<") else _TARGET_END
        elif kind == "reference":
            self._end = _REFERENCE_ANGLE_END if written.endswith("<") else _REFERENCE_END
        elif kind in ("attribute", "style"):
            bare = _BARE_END if kind == "attribute" else _STYLE_END
            self._end = _QUOTED_END.get(written[-1], bare)
        elif kind == "refresh":
            begun = _BEGUN.search(written)
            self._url, self._end = begun[0] if begun else "", _QUOTED_END.get(written[-1], _REFRESH_END)
        elif kind == "formula":
            self._end = _FORMULA_END
        elif kind in ("bracketed", "forum") and (begun := _BEGUN.search(written)) is not None:
            self._url = begun[0]
            if kind == "bracketed":
                self._end = _BRACKETED_END[written[0]]
            else:
                self._end = _FORUM_END if "]" in written else _FORUM_VALUE_END
        elif kind in ("quoted", "relative"):
            self._url = written[1:].lstrip()
            self._end = _VALUE_END[written[0]] if kind == "quoted" else _PLAIN_END
        else:
            self._url = written

    def _read_url(self, text: str, position: int, limit: int) -> int:
        end = self._end.search(text, position, limit)
        if end is None:
            self._extend(text[position:limit])
            return limit
        at = end.start()
        self._extend(text[position:at])
        if self._end is _TARGET_END and end[0] in "()":
            if end[0] == "(":
                self._depth += 1
            elif end[0] == ")":
                self._depth -= 1
            if self._depth >= 0:
                self._extend(end[0])
                return at + 1
        self._url = None
        return at + 1

    def _extend(self, text: str) -> None:
        if self._url is not None and len(self._url) <= MAX_URL:
            self._url = (self._url + text)[: MAX_URL + 1]


def may_hold_url(text: str) -> bool:
    """Whether something in a text may begin a URL; twenty times as fast as to look where, and never wrong with no."""
    folded = text.casefold()
    if any(map(folded.__contains__, _SIGNS)):
        return True
    if ":" in folded and any(map(folded.__contains__, _SCHEMES)):
        return True
    return ("/" in folded or "?" in folded) and _HOST_SIGN.search(folded) is not None


def authority_tail(text: str, position: int) -> str:
    """What follows a placeholder inside the host part of a URL, up to where that part ends."""
    match = _AUTHORITY_TAIL.match(text, position)
    return match[0] if match else ""
