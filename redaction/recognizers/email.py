"""E-mail addresses: as written, with spaces around the signs, and as spoken ("anna at example dot com")."""

import re
from collections.abc import Iterator
from typing import Final

from redaction.finding import Finding
from redaction.lexicon import is_word
from redaction.recognizers.base import Page, Pattern, Recognizer

# RFC 5321 length limits, RFC 6531 letters; the rarer signs of a dot-atom stand in no address that people have. Signs at
# its edges are quotes and emphasis around it ('a@b.org', _a@b.org_): they must not hide it, and are no part of it.
_LABEL: Final = r"[^\W_](?:[\w-]{0,61}[^\W_])?"
_PLAIN: Final = re.compile(
    rf"(?<![\w.+%'-])[_.+%'-]{{0,8}}(?P<value>[^\W_](?:[\w.+%'-]{{0,126}}[\w+-])?(?:@|%40|&\#64;|\\u0040)"
    rf"(?:{_LABEL}\.){{1,8}}[^\W\d_]{{2,24}})(?![^\W_])"
)
# Endings that people have addresses under; the spoken form needs one, because its other words are ordinary.
_ENDING: Final = (
    r"(?:com|net|org|info|biz|eu|de|at|ch|vn|uk|us|io|me|co|fr|it|es|nl|be|pl|cz|dk|se|fi|no|pt|gr|ie|ca|au|nz|in|jp|"
    r"online|email|mail|gmbh|berlin|cloud|app|dev|edu|gov|com\.vn|edu\.vn|co\.uk|ac\.uk)"
)
_AT: Final = r"\s{0,2}[\[({<]\s?(?:at|ät|@|a còng|a cong)\s?[\])}>]\s{0,2}|\s(?:at|ät|@|a còng|a cong|a móc)\s|\s@|@\s"
_DOT: Final = r"\s?[\[({<]\s?(?:dot|punkt|chấm|cham|\.)\s?[\])}>]\s?|\s(?:dot|punkt|chấm|cham|point)\s|\s\.\s|\."
_SPOKEN: Final = re.compile(
    rf"(?<![\w.+-])(?P<local>[^\W_][\w+-]{{0,40}}(?:(?:{_DOT})[\w+-]{{1,40}}){{0,3}})(?P<at>{_AT})"
    rf"(?P<domain>[^\W_][\w-]{{0,40}}(?:(?:{_DOT})[\w-]{{1,40}}){{0,2}}(?P<dot>{_DOT}){_ENDING})(?![\w@])",
    re.IGNORECASE,
)
# From the sign on: where it stands alone no search for what is before it is worth while.
_SPOKEN_BEHIND: Final = re.compile(
    rf"(?:{_AT})[^\W_][\w-]{{0,40}}(?:(?:{_DOT})[\w-]{{1,40}}){{0,2}}(?:{_DOT}){_ENDING}(?![\w@])", re.IGNORECASE
)
_LONGEST_BEFORE: Final = 200
_ORDINARY_ENDINGS: Final = frozenset({"in", "it", "be", "no", "at", "me", "us", "es", "co", "is", "app", "mail"})
# Image files for dense screens, and the user of every git remote.
_NOT_DOMAINS: Final = re.compile(r"@\d+x\.(?:png|jpe?g|webp|gif|svg|avif)$", re.IGNORECASE)


def _plain(value: str, page: Page, start: int, end: int) -> float | None:
    if _NOT_DOMAINS.search(value) or (value.startswith("git@") and page.text[end : end + 1] in (":", "/")):
        return None
    return 1.0


class Spoken:
    """Addresses with words or spaces where the signs would be; see the module."""

    name = "email_spoken"
    entity_types = ("EMAIL_ADDRESS",)
    expressions = (_SPOKEN_BEHIND,)
    needed = _SPOKEN_BEHIND

    def find(self, page: Page) -> Iterator[Finding]:
        done = 0
        for behind in page.matches(_SPOKEN_BEHIND):
            for match in _SPOKEN.finditer(page.text, max(done, behind.start() - _LONGEST_BEFORE)):
                if match.start() >= behind.start():
                    break
                done = match.end()
                if not page.in_opaque(*match.span()) and _is_spoken(match):
                    yield Finding(*match.span(), "EMAIL_ADDRESS", 0.9, self.name)


def _is_spoken(match: "re.Match[str]") -> bool:
    at, local, value = match["at"], match["local"], match[0]
    bracketed = any(bracket in at for bracket in "[({<")
    worded = (
        bracketed
        or "@" in at
        or any(word.strip().isalpha() for word in re.findall(_DOT, match["domain"], re.IGNORECASE))
    )
    # "meet me at example.com" is no address, "me at example dot com" is none either.
    if not worded or (not bracketed and is_word(local)):
        return False
    return bracketed or value.rsplit(maxsplit=1)[-1] not in _ORDINARY_ENDINGS


RECOGNIZERS: tuple[Recognizer, ...] = (
    Pattern(
        "email",
        "EMAIL_ADDRESS",
        _PLAIN,
        check=_plain,
        group="value",
        trigger=("@", "%40", "&#64;", "\\u0040"),
        skip_opaque=False,
        solid=("@", "%40", "&#64;", "\\u0040"),
    ),
    Spoken(),
)
