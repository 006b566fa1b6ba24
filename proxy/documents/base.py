"""The values of this room: what a reader found in a file, and why one could not be read.

A reader numbers the texts of a file in its order; the same bytes give the same numbers, so new texts are handed back by
number alone.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

PDF = "application/pdf"
DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
PPTX = "application/vnd.openxmlformats-officedocument.presentationml.presentation"
OFFICE = (DOCX, XLSX, PPTX)
IMAGES = ("image/png", "image/jpeg", "image/gif", "image/webp")
READABLE = frozenset((PDF, *OFFICE, *IMAGES))
"""Media types that a reader knows, as told by the first bytes."""

LEAVE = "leave"
"""For `images`, where a file is given back: nothing of it changes but texts that were ours."""

RETYPE = "retype"
"""For `images`, where a PDF with new texts becomes another one of its words alone."""

MAX_TEXTS = 20_000  # a sheet of that many words is a database; detection would take minutes
MAX_CHARS = 4_000_000  # of all texts of one file


class DocumentError(Exception):
    """A file that cannot be read, or not be rewritten. code: stable; message: never a word of the file."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


@dataclass(frozen=True, slots=True)
class Word:
    """A word of an image: characters `start:end` of its text, and its box in pixels."""

    start: int
    end: int
    left: int
    top: int
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class Text:
    """One text of a file. place: a name of this room for where it stands (`document`, `comments`, `metadata`).

    words: where its words are in the image that it was read from. fixed: no other text can be written there.
    """

    place: str
    text: str
    fixed: bool = False
    words: tuple[Word, ...] = ()


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a file that is no text: an image in it, an object, a macro. inspectable: it was looked into."""

    media_type: str
    size: int
    inspectable: bool = False


@dataclass(slots=True)
class Opened:
    """What a reader found. inspectable: everything in it but `parts` was read. why: what is missing where it was not.

    recognized: member of the file (`""` for the whole) -> first and count of the texts that were read from its pixels;
    of a PDF, page -> those of its texts.
    """

    texts: list[Text] = field(default_factory=list)
    parts: list[Part] = field(default_factory=list)
    inspectable: bool = True
    why: str = ""
    recognized: dict[str, tuple[int, int]] = field(default_factory=dict)
    _chars: int = 0

    def add(self, text: Text) -> None:
        """One text more. Raises DocumentError `document_too_large`."""
        self._chars += len(text.text)
        if len(self.texts) >= MAX_TEXTS or self._chars > MAX_CHARS:
            raise DocumentError("document_too_large", "a file holds more text than can be inspected in time")
        self.texts.append(text)


type Recognize = Callable[[bytes], tuple[list[Text], str]]
"""Text in an image: its bytes -> texts with their words, and what is missing where that is not possible."""
