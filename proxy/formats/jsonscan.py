"""Where every string, key and number of a JSON text stands: one strict pass along a shape, nothing is re-serialized.

Text that the caller decoded enters; leaves with spans and pointers go out, structure that the shape names is passed
over. It is RFC 8259 exactly, except that every duplicate key is seen; an error names a position, never text.
"""

import re
from json.decoder import scanstring  # type: ignore[attr-defined]

from proxy.errors import FormatError
from proxy.formats.leaves import UNCLEAR, WHOLE, Form, Frame, Leaf, Scan
from proxy.formats.shape import Shape, Use

__all__ = ["IDENTIFIER", "MAX_DEPTH", "MAX_LEAVES", "MIN_NUMBERS", "Form", "Frame", "Leaf", "Scan", "scan", "string_of",
           "too_many"]  # fmt: skip

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


def string_of(literal: str) -> str:
    """The value of a string literal that the scanner found."""
    return literal[1:-1] if "\\" not in literal else str(scanstring(literal, 1)[0])


def scan(text: str, shape: Shape, *, keys: bool = True) -> Scan:
    """All leaves that are not plain structure. keys: keys that are not listed are leaves as well.

    Raises FormatError `invalid_json` (position in characters) or `too_deep`.
    """
    return _Scanner(text, keys).run(shape)


class _Scanner:
    __slots__ = ("calls", "closing", "keys", "leaves", "noted", "text", "typed")

    def __init__(self, text: str, keys: bool) -> None:
        self.text = text
        self.keys = keys
        self.leaves: list[Leaf] = []
        self.noted: list[tuple[str, str, int, int]] = []
        self.closing: list[Frame] = []
        self.calls: list[Frame] = []
        self.typed: list[Frame] = []

    def run(self, shape: Shape) -> Scan:
        text = self.text
        root = Frame(None, "", True, shape)
        match = _ROOT(text)
        if match is None:
            raise _broken(0)
        end = match.end()
        if match.lastindex == _OPEN:
            if shape.tokens and (numbers := _NUMBERS(text, end)) and text[end - 1] == "[":
                self.leaves.append(Leaf(Form.NUMBERS, root, "", True, WHOLE, shape, end - 1, numbers.end()))
                end = numbers.end()
            else:
                end = self._container(root, end)
        else:
            self._scalar(match, root, "", True, WHOLE, shape)
        if _END(text, end) is None:
            raise _broken(end)
        return Scan(self.leaves, root, self.noted, self.closing, self.calls, self.typed)

    def _container(self, frame: Frame, opened: int) -> int:
        """Everything in the container that opens just before `opened`, without recursion."""
        text, stack, end = self.text, [frame], opened
        is_object = text[opened - 1] == "{"
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
                start, stop = match.span(_KEY)
                key = text[start + 1 : stop - 1]
                found = frame.shape.members.get(key)
                key, listed, shape = (key, True, found) if found is not None else self._member(match, frame)
            else:
                positions[-1] = position + 1
                key, listed, shape = "", False, frame.shape.item()
            if match.lastindex != _OPEN:
                self._scalar(match, frame, key, listed, position, shape)
                pattern = _NEXT_MEMBER if position < 0 else _NEXT_ELEMENT
                continue
            if text[end - 1] == "[" and (passed := self._numbers(frame, key, listed, position, shape, end)):
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
        if self.keys and not (frame.shape.named and _IDENTIFIER_LITERAL(self.text, start)):
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
        if note == "type":
            self.typed.append(frame)
        elif note in ("tool", "call"):
            self.calls.append(frame)
            if frame.notes.get(note, value) != value:
                value = UNCLEAR  # of two names either may be taken
        frame.notes[note] = value

    def _numbers(self, frame: Frame, key: str, listed: bool, position: int, shape: Shape, start: int) -> int:
        """Where an array of numbers that opens before `start` ends, if it is passed over as one; else 0."""
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
