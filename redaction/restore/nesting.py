"""In how many strings of JSON a text stands that is still arriving: what is filled in there is escaped as often.

A document within a string counts as long as it can still become one, by the grammar of RFC 8259; in prose one begins
at a bracket and what looked like one and is none was prose. The answer at a place depends on the text before it
alone, never on how that was cut; memory is bounded.
"""

import re
from typing import Final

from redaction.restore.urls import STRING_END

MAX_STRINGS: Final = 6
"""Documents in strings of documents that are followed; no more are opened to be inspected."""
_MAX_BRACKETS: Final = 200
_WORK: Final = 4096  # text is read when this much is there, or when somebody asks
_BLANKS: Final = re.compile(r"[ \t\n\r]*")
_CHARACTERS: Final = re.compile(r'[^"\\\x00-\x1f]*')
_ESCAPE_BEGUN: Final = re.compile(r'\\(?:["\\/bfnrt]|u[0-9a-fA-F]{0,4})?')
_WORD_BEGUN: Final = re.compile(r"[a-z]{1,5}|-?[0-9]{0,40}(?:\.[0-9]{0,40})?(?:[eE][+-]?[0-9]{0,9})?")
_LONGER_THAN_WORDS: Final = 128
_WORD: Final = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?|true|false|null")
_WORDS: Final = ("true", "false", "null")
_OPENERS: Final = re.compile(r"[{\[]")
_CLOSES: Final = {"}": "{", "]": "["}
_SHORT: Final = {'"': '"', "\\": "\\", "/": "/", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}

# What may come next in a document: its first bracket, a value, a value or `]`, a key, a key or `}`, a colon, what
# follows a value; nothing but blanks; and it is none.
_BEGIN, _VALUE, _ITEM, _KEY, _FIRST_KEY, _COLON, _AFTER, _OVER, _NONE = range(9)


class _Document:
    """A JSON document that begins with a bracket, as far as it has arrived. inner: what its open string holds."""

    __slots__ = ("_brackets", "_layers", "_next", "_partial", "inner", "string")

    def __init__(self, layers: int) -> None:
        self._layers = layers
        self._next = _BEGIN
        self._brackets = ""
        self._partial = ""  # of an escape, a number or a word
        self.string = False
        self.inner: _Document | None = None

    @property
    def is_none(self) -> bool:
        """Whether this cannot become a document any more."""
        return self._next == _NONE

    @property
    def is_over(self) -> bool:
        """Whether the document is complete."""
        return self._next == _OVER

    def depth(self) -> int:
        """In how many strings the next character stands."""
        return (1 + (self.inner.depth() if self.inner is not None else 0)) if self.string and not self.is_none else 0

    def token(self) -> None:
        """A placeholder: words of a string, and nothing that a document may hold outside of one."""
        if not self.string or self._partial:
            self._next = _NONE
        elif self.inner is not None:
            self.inner.token()

    def feed(self, text: str, at: int) -> int:
        """The text from `at` on; where reading ended: behind it, or where this is none or is over."""
        end = len(text)
        while at < end and self._next < _OVER:
            at = self._in_string(text, at) if self.string else self._outside(text, at)
        if self._next == _OVER:
            at = _blanks(text, at)
        return at

    def _in_string(self, text: str, at: int) -> int:
        if self._partial or text[at] == "\\":
            return self._escape(text, at)
        match = _CHARACTERS.match(text, at)
        assert match is not None
        if match.end() > at:
            self._said(match[0])
            return match.end()
        if text[at] != '"':
            self._next = _NONE
            return at
        self.string, self.inner = False, None
        self._next = _COLON if self._next in (_KEY, _FIRST_KEY) else _AFTER
        return at + 1

    def _escape(self, text: str, at: int) -> int:
        written = self._partial + text[at : at + 6 - len(self._partial)]
        match = _ESCAPE_BEGUN.match(written)
        assert match is not None
        size = match.end()
        whole = 6 if written[1:2] == "u" else 2
        if size == whole:
            at += size - len(self._partial)
            self._partial = ""
            self._said(chr(int(written[2:6], 16)) if whole == 6 else _SHORT[written[1]])
            return at
        if size < len(written):
            self._next = _NONE
            return at
        self._partial = written
        return len(text)

    def _said(self, characters: str) -> None:
        inner = self.inner
        if inner is not None and not inner.is_none and inner.feed(characters, 0) < len(characters):
            inner._next = _NONE  # words behind its end

    def _outside(self, text: str, at: int) -> int:
        if self._partial:
            return self._word(text, at)
        at = _blanks(text, at)
        if at == len(text):
            return at
        char, state = text[at], self._next
        if char in "{[" and state in (_BEGIN, _VALUE, _ITEM) and len(self._brackets) < _MAX_BRACKETS:
            self._brackets += char
            self._next = _FIRST_KEY if char == "{" else _ITEM
        elif char in "}]" and state in (_AFTER, _FIRST_KEY, _ITEM) and self._brackets[-1:] == _CLOSES[char]:
            self._brackets = self._brackets[:-1]
            self._next = _AFTER if self._brackets else _OVER
        elif char == '"' and state in (_VALUE, _ITEM, _KEY, _FIRST_KEY):
            self.string = True
            self.inner = _Document(self._layers - 1) if self._layers > 1 else None
        elif char == ":" and state == _COLON:
            self._next = _VALUE
        elif char == "," and state == _AFTER:
            self._next = _KEY if self._brackets[-1] == "{" else _VALUE
        elif state in (_VALUE, _ITEM) and (char == "-" or char.isalnum()):
            return self._word(text, at)
        else:
            self._next = _NONE
            return at
        return at + 1

    def _word(self, text: str, at: int) -> int:
        """A number, true, false or null; kept until what follows shows that it is whole."""
        written = self._partial + text[at : at + _LONGER_THAN_WORDS]
        match = _WORD_BEGUN.match(written)
        size = match.end() if match is not None else 0
        if size == len(written):
            if written[0].islower() and not any(word.startswith(written) for word in _WORDS):
                self._next = _NONE
            self._partial = written
            return len(text)
        if not _WORD.fullmatch(written, 0, size):
            self._next = _NONE
            return at
        at += size - len(self._partial)
        self._partial, self._next = "", _AFTER
        return at


def _blanks(text: str, at: int) -> int:
    match = _BLANKS.match(text, at)
    assert match is not None
    return match.end()


class Nesting:
    """What stood before, in one channel, as far as it tells in how many strings of JSON the next character stands.

    json: the text is a document whose own escapes are read and whose own quotation marks are `STRING_END`; else prose.
    """

    __slots__ = ("_document", "_in_string", "_json", "_new", "_size")

    def __init__(self, *, json: bool) -> None:
        self._json = json
        self._in_string = False
        self._document: _Document | None = None
        self._new: list[str] = []
        self._size = 0

    def append(self, text: str) -> None:
        """Literal text, as it goes on."""
        self._new.append(text)
        self._size += len(text)
        if self._size >= _WORK:
            self._read()

    def append_token(self) -> None:
        """A placeholder."""
        self._read()
        if self._document is not None:
            self._document.token()

    def depth(self) -> int:
        """In how many strings the next character stands; at least 1 in JSON."""
        self._read()
        return int(self._json) + (self._document.depth() if self._document is not None else 0)

    def _read(self) -> None:
        if self._new:
            text = "".join(self._new)
            self._new.clear()
            self._size = 0
            (self._read_json if self._json else self._read_prose)(text)

    def _read_json(self, text: str) -> None:
        for number, piece in enumerate(text.split(STRING_END)):
            if number:
                self._in_string = not self._in_string
                self._document = _Document(MAX_STRINGS - 1) if self._in_string else None
            document = self._document
            if piece and document is not None and not document.is_none and document.feed(piece, 0) < len(piece):
                self._document = None  # words behind its end, or it was none

    def _read_prose(self, text: str) -> None:
        at = 0
        while at < len(text):
            if self._document is None:
                begin = _OPENERS.search(text, at)
                if begin is None:
                    return
                at = begin.start()
                self._document = _Document(MAX_STRINGS)
            at = self._document.feed(text, at)
            if self._document.is_none or self._document.is_over:
                self._document = None
