"""What a scan finds: leaves with their pointers, and the objects and arrays around them.

Pointers are made only for leaves that somebody asks about. A pointer may hold a key of the app, its schema never does.
"""

from enum import IntEnum

from proxy.formats.shape import Shape
from redaction.segment import SegmentKind

WHOLE = -2
"""Position of a leaf that is the whole text; that of an object's member is -1, and its key may be empty."""

UNCLEAR = "\0"
"""The note of a tool call that names two tools."""


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
        pointer = self._pointer
        if pointer is None:
            assert self.parent is not None
            pointer = self._pointer = self.parent.pointer_of(self.key, self.position)
        return pointer

    @property
    def schema(self) -> str:
        """The pointer with `*` for indices and free keys."""
        schema = self._schema
        if schema is None:
            assert self.parent is not None
            schema = self._schema = self.parent.schema_of(self.key, self.listed)
        return schema

    def pointer_of(self, key: str, position: int) -> str:
        """The pointer of a child."""
        mine = self._pointer if self._pointer is not None else self.pointer
        if position >= 0:
            return f"{mine}/{position}"
        if "~" in key or "/" in key:
            key = key.replace("~", "~0").replace("/", "~1")
        return f"{mine}/{key}"

    def schema_of(self, key: str, listed: bool) -> str:
        """The schema pointer of a child; below 90 characters in all, deeper levels are one `**`."""
        mine = self._schema if self._schema is not None else self.schema
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
        if self.position == WHOLE:
            return ""
        pointer = self.frame.pointer_of(self.key, self.position)
        return f"{pointer}~k" if self.form is Form.KEY else pointer

    @property
    def schema(self) -> str:
        """The pointer with `*` for indices and free keys."""
        if self.position == WHOLE:
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
    calls: frames with a note `tool` or `call`, a tool call's name or its own type. typed: with a note `type`.
    """

    __slots__ = ("calls", "closing", "facts", "leaves", "noted", "root", "typed")

    def __init__(
        self,
        leaves: list[Leaf],
        root: Frame,
        noted: "list[tuple[str, str, int, int]]",
        closing: list[Frame],
        calls: list[Frame],
        typed: list[Frame],
    ) -> None:
        self.leaves = leaves
        self.root = root
        self.noted = noted
        self.facts = {name: value for name, value, _, _ in noted}
        self.closing = closing
        self.calls = calls
        self.typed = typed
