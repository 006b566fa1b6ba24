"""One growing string of an answer: what of it is held back, and what is known of all that came before."""

from typing import Final

from redaction.restore.encodings import Encoding, read_json
from redaction.restore.nesting import Nesting
from redaction.restore.sent import bare
from redaction.restore.spelling import Restorable
from redaction.restore.urls import STRING_END, Context

type Element = tuple[str, int]
_NOT_END: Final = "\x1f"  # for the same character, where a text of JSON spells it
_NESTS: Final = frozenset((Encoding.PLAIN, Encoding.JSON))


class Channel:
    """held: raw text held back; before: the character before it; context, nesting: all that came earlier.

    kept: the text goes out as it comes, and what is read of it is only counted. element: see `Restorer`.
    """

    __slots__ = ("before", "context", "element", "encoding", "held", "kept", "nesting", "start", "strict")

    def __init__(self, restorable: Restorable, encoding: Encoding, strict: bool, *, alone: bool = False) -> None:
        """alone: see `Context`."""
        self.held = ""
        self.kept = False
        self.before = ""
        self.context = Context(alone=alone)
        self.nesting = Nesting(json=encoding is Encoding.JSON) if encoding in _NESTS else None
        self.element: Element | None = None
        self.encoding = encoding
        self.strict = strict
        self.start = restorable.start_strict if strict else restorable.start

    def append(self, seen: str) -> None:
        """Literal text that is decided, as `seen` gives it."""
        self.context.append(seen)
        if self.nesting is not None:
            self.nesting.append(seen)

    def append_token(self, token: str) -> None:
        """A placeholder that is decided."""
        self.context.append_token(token)
        if self.nesting is not None:
            self.nesting.append_token()

    def depth(self) -> int:
        """In how many strings of JSON the next character stands."""
        return self.nesting.depth() if self.nesting is not None else 0

    def words_before(self) -> str:
        """The last of what came earlier, read as often as the next character is escaped, and `bare`."""
        words = self.context.tail()
        for _ in range(self.depth() - (self.encoding is Encoding.JSON)):
            words = read_json(words, final=True)[0]
        return bare(words)


def seen_of(state: Channel, text: str, raw: str = "", places: list[int] | None = None) -> str:
    """A text as its context sees it: a quotation mark of JSON itself ends what stands in the string before it."""
    if state.encoding is not Encoding.JSON:
        return text
    text = text.replace(STRING_END, _NOT_END)
    if '"' not in text:
        return text
    if places is None:
        return text.replace('"', STRING_END)
    return "".join(
        STRING_END if char == '"' and raw[at] == char else char for char, at in zip(text, places, strict=False)
    )


def raw_of(raw: str, places: list[int] | None, start: int, end: int) -> str:
    """What stands in `raw` for characters of a text that was read from it; places: see `read_json`."""
    return raw[start:end] if places is None else raw[places[start] : places[end]]
