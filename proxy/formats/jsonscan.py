"""Where every string, key and number of a JSON text stands: one strict pass along a shape, nothing is re-serialized.

Text that the caller decoded enters; leaves with spans and pointers go out, structure that the shape names is passed
over. It is RFC 8259 exactly, except that every duplicate key is seen; an error names a position, never text.
"""

import re
from enum import IntEnum
from json.decoder import scanstring  # type: ignore[attr-defined]

from proxy.errors import FormatError
from proxy.formats.shape import Shape, Use
from redaction.segment import SegmentKind

MAX_DEPTH = 200  # no API nests half as deep; a parser behind us that recurses breaks at about a thousand
MAX_LEAVES = 100_000  # about 4 s of one core; fifty times what the longest conversations hold
MIN_DIGITS = 5  # numbers below this say nothing about a person; postal codes have five digits
MIN_NUMBERS = 32  # an array of so many numbers and nothing else is a measurement or an encoding, not a list of values
IDENTIFIER = r"[A-Za-z0-9_.:/#$\-]{0,256}"  # no blank, no @, no +: neither a name, an address nor a phone number

_WS = r"[ \t\n\r]*+"
_STRING = r'"[^"\\\x00-\x1f]*+(?:\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})[^"\\\x00-\x1f]*+)*+"'
_NUMBER = r"-?(?:0|[1-9][0-9]*+)(?:\.[0-9]++)?(?:[eE][+-]?[0-9]++)?"
_VALUE = rf"(?:({_STRING})|({_NUMBER})|(true|false|null)|([\[{{]))"
_MEMBER = rf"({_STRING}){_WS}:{_WS}{_VALUE}"
_ROOT = re.compile(rf"{_WS}()(){_VALUE}").match
_FIRST_MEMBER = re.compile(rf"{_WS}(?:(\}})|{_MEMBER})").match
_NEXT_MEMBER = re.compile(rf"{_WS}(?:(\}})|,{_WS}{_MEMBER})").match
_FIRST_ELEMENT = re.compile(rf"{_WS}(?:(\])|(){_VALUE})").match
_NEXT_ELEMENT = re.compile(rf"{_WS}(?:(\])|,{_WS}(){_VALUE})").match
_END = re.compile(rf"{_WS}\Z").match
_NUMBERS = re.compile(rf"{_WS}{_NUMBER}(?:{_WS},{_WS}{_NUMBER})*+{_WS}\]").match
_DIGIT = re.compile(r"[0-9]")
_IDENTIFIER_LITERAL = re.compile(f'"{IDENTIFIER}"').match

_CLOSE, _KEY, _IS_STRING, _IS_NUMBER, _IS_WORD, _OPEN = range(1, 7)  # groups of the patterns above
_WHOLE = -2  # position of a leaf that is the whole text; that of an object's member is -1, its key may be empty


class Form(IntEnum):
    """What a leaf is in the text. NUMBERS: a whole array of numbers and nothing else."""

    STRING = 1
    NUMBER = 2
    KEY = 3
    NUMBERS = 4


class Frame:
    """One object or array on the way down. notes: values that its shape asked to remember."""

    __slots__ = ("_pointer", "_schema", "free", "key", "kind", "listed", "notes", "parent", "position", "shape")

    def __init__(self, parent: "Frame | None", key: str, listed: bool, shape: Shape, position: int = -1) -> None:
        self.parent = parent
        self.key = key
        self.listed = listed
        self.shape = shape
        self.position = position
        self.notes: dict[str, str] | None = None
        self.kind: SegmentKind | None = shape.kind or (parent.kind if parent else None)
        self.free: bool = shape.free or (parent.free if parent else False)
        self._pointer: str | None = None if parent else ""
        self._schema: str | None = None if parent else ""

    @property
    def pointer(self) -> str:
        """RFC 6901 pointer."""
        if self._pointer is None:
            assert self.parent is not None
            self._pointer = self.parent.pointer_of(self.key, self.position)
        return self._pointer

    @property
    def schema(self) -> str:
        """The pointer with `*` for indices and free keys."""
        if self._schema is None:
            assert self.parent is not None
            self._schema = self.parent.schema_of(self.key, self.listed)
        return self._schema

    def pointer_of(self, key: str, position: int) -> str:
        """The pointer of a child."""
        if position >= 0:
            return f"{self.pointer}/{position}"
        if "~" in key or "/" in key:
            key = key.replace("~", "~0").replace("/", "~1")
        return f"{self.pointer}/{key}"

    def schema_of(self, key: str, listed: bool) -> str:
        """The schema pointer of a child; below 90 characters in all, deeper levels are one `**`."""
        mine = self.schema
        if mine.endswith("/**"):
            return mine
        return f"{mine}/{key if listed else '*'}" if len(mine) < 90 else f"{mine}/**"

    def noted(self, name: str) -> str | None:
        """The nearest note of that name, here or around."""
        frame: Frame | None = self
        while frame is not None:
            if frame.notes is not None and name in frame.notes:
                return frame.notes[name]
            frame = frame.parent
        return None

    def hint(self) -> str:
        """The nearest key."""
        frame: Frame | None = self
        while frame is not None and frame.position >= 0:
            frame = frame.parent
        return frame.key if frame is not None else ""


class Leaf:
    """A string, key or number: `text[start:end]` is its literal, quotes included."""

    __slots__ = ("end", "form", "frame", "key", "listed", "position", "shape", "start")

    def __init__(
        self, form: Form, frame: Frame, key: str, listed: bool, position: int, shape: Shape, start: int, end: int
    ) -> None:
        self.form = form
        self.frame = frame
        self.key = key
        self.listed = listed
        self.position = position
        self.shape = shape
        self.start = start
        self.end = end

    @property
    def pointer(self) -> str:
        """RFC 6901 pointer; that of a key has the suffix `~k`, which no pointer to a value can have."""
        if self.position == _WHOLE:
            return ""
        pointer = self.frame.pointer_of(self.key, self.position)
        return f"{pointer}~k" if self.form is Form.KEY else pointer

    @property
    def schema(self) -> str:
        """The pointer with `*` for indices and free keys."""
        if self.position == _WHOLE:
            return ""
        return self.frame.schema_of(self.key, self.listed)

    @property
    def hint(self) -> str:
        """The nearest key, "" for a key itself."""
        if self.form is Form.KEY:
            return ""
        return self.key if self.position < 0 else self.frame.hint()


class Scan:
    """Leaves in the order of the text. facts: notes whose name begins with `@`, less the `@`, wherever they stood.

    noted: the same with every value in its order, and where its literal stands: (name, value, start, end).
    closing: frames with a note `close` that says something (not null, false or "").
    """

    __slots__ = ("closing", "facts", "leaves", "noted", "root")

    def __init__(
        self, leaves: list[Leaf], root: Frame, noted: "list[tuple[str, str, int, int]]", closing: list[Frame]
    ) -> None:
        self.leaves = leaves
        self.root = root
        self.noted = noted
        self.facts = {name: value for name, value, _, _ in noted}
        self.closing = closing


def string_of(literal: str) -> str:
    """The value of a string literal that the scanner found."""
    return literal[1:-1] if "\\" not in literal else str(scanstring(literal, 1)[0])


def scan(text: str, shape: Shape, *, keys: bool = True) -> Scan:
    """All leaves that are not plain structure. keys: keys that are not listed are leaves as well.

    Raises FormatError `invalid_json` (position in characters) or `too_deep`.
    """
    return _Scanner(text, keys).run(shape)


class _Scanner:
    __slots__ = ("closing", "keys", "leaves", "noted", "text")

    def __init__(self, text: str, keys: bool) -> None:
        self.text = text
        self.keys = keys
        self.leaves: list[Leaf] = []
        self.noted: list[tuple[str, str, int, int]] = []
        self.closing: list[Frame] = []

    def run(self, shape: Shape) -> Scan:
        text = self.text
        root = Frame(None, "", True, shape)
        match = _ROOT(text)
        if match is None:
            raise _broken(0)
        end = match.end()
        if match.lastindex == _OPEN:
            if shape.tokens and (numbers := _NUMBERS(text, end)) and text[end - 1] == "[":
                self.leaves.append(Leaf(Form.NUMBERS, root, "", True, _WHOLE, shape, end - 1, numbers.end()))
                end = numbers.end()
            else:
                end = self._container(root, end)
        else:
            self._scalar(match, root, "", True, _WHOLE, shape)
        if _END(text, end) is None:
            raise _broken(end)
        return Scan(self.leaves, root, self.noted, self.closing)

    def _container(self, frame: Frame, start: int) -> int:
        """Everything in the container that opens just before `start`, without recursion."""
        text, stack, end = self.text, [frame], start
        is_object = text[start - 1] == "{"
        pattern = _FIRST_MEMBER if is_object else _FIRST_ELEMENT
        positions = [-1 if is_object else 0]
        leaves = self.leaves
        while stack:
            if len(leaves) > MAX_LEAVES:
                raise too_many()
            match = pattern(text, end)
            if match is None:
                raise _broken(end)
            end = match.end()
            if match.lastindex == _CLOSE:
                stack.pop()
                positions.pop()
                pattern = _NEXT_MEMBER if positions and positions[-1] < 0 else _NEXT_ELEMENT
                continue
            frame, position = stack[-1], positions[-1]
            if position < 0:
                key, listed, shape = self._member(match, frame)
            else:
                positions[-1] = position + 1
                key, listed, shape = "", False, frame.shape.item()
            if match.lastindex != _OPEN:
                self._scalar(match, frame, key, listed, position, shape)
                pattern = _NEXT_MEMBER if position < 0 else _NEXT_ELEMENT
                continue
            passed = self._numbers(frame, key, listed, position, shape, end)
            if passed:
                end, pattern = passed, _NEXT_MEMBER if position < 0 else _NEXT_ELEMENT
                continue
            if len(stack) >= MAX_DEPTH:
                raise FormatError(
                    f"the JSON body nests deeper than {MAX_DEPTH} levels; send it flatter", code="too_deep"
                )
            if shape.note:
                self._note(frame, shape.note, text[end - 1], end - 1, end)
            stack.append(Frame(frame, key, listed, shape, position))
            is_object = text[end - 1] == "{"
            positions.append(-1 if is_object else 0)
            pattern = _FIRST_MEMBER if is_object else _FIRST_ELEMENT
        return end

    def _member(self, match: re.Match[str], frame: Frame) -> tuple[str, bool, Shape]:
        start, end = match.span(_KEY)
        key = self.text[start + 1 : end - 1]
        if "\\" in key:
            key = str(scanstring(self.text, start + 1)[0])
        shape = frame.shape.members.get(key)
        if shape is not None:
            return key, True, shape
        shape = frame.shape.other
        if shape is None:
            shape = frame.shape.member(key)
        if self.keys:
            self.leaves.append(Leaf(Form.KEY, frame, key, False, -1, shape, start, end))
        return key, False, shape

    def _scalar(self, match: re.Match[str], frame: Frame, key: str, listed: bool, position: int, shape: Shape) -> None:
        form = match.lastindex or 0
        start, end = match.span(form)
        if shape.note:
            literal = self.text[start:end]
            self._note(frame, shape.note, string_of(literal) if form == _IS_STRING else literal, start, end)
        if form == _IS_STRING:
            if end - start == 2 and shape.use is not Use.DELTA:
                return
            if shape.use is Use.STRUCTURAL and _IDENTIFIER_LITERAL(self.text, start):
                return
            self.leaves.append(Leaf(Form.STRING, frame, key, listed, position, shape, start, end))
        elif form == _IS_NUMBER and shape.use is not Use.STRUCTURAL and self._digits(start, end) >= MIN_DIGITS:
            self.leaves.append(Leaf(Form.NUMBER, frame, key, listed, position, shape, start, end))

    def _digits(self, start: int, end: int) -> int:
        return 0 if end - start < MIN_DIGITS else len(_DIGIT.findall(self.text, start, end))

    def _note(self, frame: Frame, note: str, value: str, start: int, end: int) -> None:
        if note[0] == "@":
            self.noted.append((note[1:], value, start, end))
            return
        if note == "close" and value not in ("null", "false", ""):
            self.closing.append(frame)
        if frame.notes is None:
            frame.notes = {}
        frame.notes[note] = value

    def _numbers(self, frame: Frame, key: str, listed: bool, position: int, shape: Shape, start: int) -> int:
        """Where an array of numbers that opens before `start` ends, if it is passed over as one; else 0."""
        if self.text[start - 1] != "[":
            return 0
        match = _NUMBERS(self.text, start)
        if match is None:
            return 0
        if shape.use is Use.STRUCTURAL or shape.item().use is Use.STRUCTURAL:
            return match.end()
        if not shape.tokens and self.text.count(",", start, match.end()) + 1 < MIN_NUMBERS:
            return 0
        self.leaves.append(Leaf(Form.NUMBERS, frame, key, listed, position, shape, start - 1, match.end()))
        return match.end()


def too_many() -> FormatError:
    """The error of a body with more texts than anyone writes; each costs memory and time, however small it is."""
    return FormatError(
        f"the body has more than {MAX_LEAVES:,} texts; send it in parts", code="too_many_texts", status=413
    )


def _broken(position: int) -> FormatError:
    return FormatError(f"the body is not valid JSON near character {position}; nothing was sent", code="invalid_json")
