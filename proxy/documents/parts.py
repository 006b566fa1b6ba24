"""The texts of one XML part of an office file: which runs belong together, and what is structure.

Source: ISO/IEC 29500-1 (WordprocessingML, SpreadsheetML, PresentationML, DrawingML). Paragraphs, shared strings and
cells are lines of texts of some thousand characters, so that a detector sees a word's surroundings; attributes of a
part are one more.
"""

import re
from dataclasses import dataclass, field

from proxy.documents import xmltext
from proxy.documents.names import named_by_program
from proxy.documents.runs import BLOCK, Joined, Run
from proxy.documents.xmltext import Attribute, Chars, End, Start

_KNOWN = re.compile(
    r"http://schemas\.(?:openxmlformats|microsoft)\.(?:org|com)/|http://purl\.(?:oclc\.org/ooxml|org/dc)/|urn:schemas-microsoft"
    r"-com:|http://www\.w3\.org/"
)
_PLAIN = re.compile(r"[A-Za-z0-9_.:/#%+,;=(){}*$!|^~-]{0,200}")
_PHONE = re.compile(r"[+0][0-9]{8,}|[0-9+(][0-9 ()/.-]{6,}[ ()/.-][0-9 ()/.-]*[0-9]")
_CUSTOM = re.compile(r"customXml/item[0-9]*\.xml", re.IGNORECASE)
_SMALL = re.compile(r"\s*[-+]?[0-9]{0,4}(?:\.[0-9]*)?(?:[eE][-+]?[0-9]+)?\s*|true|false")
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]{8,}Z?")
_NUMBER = re.compile(r"[-+]?[0-9.]+(?:[eE][-+]?[0-9]+)?")
# Attributes in which people's words stand, whatever they look like.
_WORDS = frozenset(
    """author initials descr title alt target displayname displaytext tooltip prompt prompttitle error errortitle userid
    username caption uniquename string comment status lastmodifiedby sourcefile name value text location""".split()  # noqa: SIM905
)
# Fonts, languages and versions: in these, words are names of programs' own things.
_NAMES_OF_PROGRAMS = frozenset(("typeface", "panose", "Ignorable", "MustUnderstand", "Requires"))
_FONTS = frozenset(("rFonts", "font", "panose1", "altName", "lsdException", "latin", "ea", "cs", "sym", "mathFont"))
_VALUES_OF = frozenset(("alias", "tag", "docvar", "placeholder", "statustext", "helptext"))
_BREAKS = {"tab": "\t", "ptab": "\t", "br": "\n", "cr": "\n", "noBreakHyphen": "-"}
_TEXTS = frozenset(("t", "delText"))
_FIELDS = frozenset(("instrText", "delInstrText"))
_SIZES = frozenset(("posOffset", "pctPosHOffset", "pctPosVOffset", "pctWidth", "pctHeight"))
SHEET_NAME = 31  # characters that Excel allows


def joined_texts(name: str, raw: bytes) -> list[Joined]:
    """The texts of a part. name: of the member. Raises DocumentError."""
    reader = _PartReader(place_of(name), custom=_CUSTOM.match(name) is not None)
    for event in xmltext.events(raw):
        if isinstance(event, Start):
            reader.start(event)
        elif isinstance(event, End):
            reader.end(event)
        else:
            reader.chars(event)
    return reader.finish()


def place_of(name: str) -> str:
    """What a record may say of a member: its kind without number, from a closed set of characters."""
    base = name.rpartition("/")[2].partition(".")[0]
    bare = re.sub(r"[^A-Za-z]", "", base)
    return bare if 0 < len(bare) <= 24 and name.startswith(("word/", "xl/", "ppt/", "docProps/")) else "part"


@dataclass(slots=True)
class _Open:
    """An element that is open. line: runs of a paragraph or string that it begins."""

    tag: Start
    line: list[Run] | None = None
    fields: list[Run] = field(default_factory=list)


class _PartReader:
    def __init__(self, place: str, *, custom: bool) -> None:
        self._place = place
        self._custom = custom
        self._open: list[_Open] = []
        self._formula = False
        self._texts: list[Joined] = []
        self._attributes = Joined(place)
        self._names: set[str] = set()
        self._fixed: list[str] = []

    def start(self, tag: Start) -> None:
        for attribute in tag.attributes:
            self._attribute(tag, attribute)
        self._formula = tag.name == "f" or (self._formula and tag.name != "c")
        if self._strange(tag.namespace):
            self._names.add(tag.name)
        self._open.append(_Open(tag, [] if self._is_line(tag) else None))
        broken = _BREAKS.get(tag.name)
        line = self._line()
        if broken is not None and line is not None and line.line is not None:
            line.line.append(Run(broken))

    def end(self, _tag: End) -> None:
        one = self._open.pop()
        if one.line is not None:
            self._add_line(one.line)
            self._add_line(one.fields)

    def chars(self, event: Chars) -> None:
        if event.fixed:
            if not event.text.startswith("mso-application"):
                self._fixed.append(event.text)
            return
        if not self._open or (not event.text.strip() and self._open[-1].tag.name not in _TEXTS):
            return
        tag, line = self._open[-1].tag, self._line()
        if line is not None and line.line is not None and tag.name in _TEXTS:
            # DrawingML keeps blanks, and allows no attribute there.
            named = 0 if tag.get("space") is not None or "drawingml" in tag.namespace else tag.named
            line.line.append(Run(event.text, event.start, event.end, named))
        elif line is not None and tag.name in _FIELDS:
            line.fields.append(Run(event.text, event.start, event.end, bare=False))
        elif not self._is_structure(tag, event.text):
            self._add_line([self._run(tag, event)])

    def finish(self) -> list[Joined]:
        if self._attributes.runs:
            self._texts.append(self._attributes)
        said = [*sorted(self._names), *self._fixed]
        if said:
            self._texts.append(Joined(self._place, [Run("\n".join(said))], fixed=True))
        return self._texts

    def _line(self) -> _Open | None:
        return next((one for one in reversed(self._open) if one.line is not None), None)

    def _strange(self, namespace: str) -> bool:
        return self._custom or _KNOWN.match(namespace) is None

    def _is_line(self, tag: Start) -> bool:
        space = tag.namespace
        if tag.name == "p":
            return "wordprocessingml" in space or "drawingml" in space
        return tag.name in {"si", "is", "text"} and "spreadsheetml" in space

    def _is_structure(self, tag: Start, text: str) -> bool:
        if self._strange(tag.namespace):
            return False
        if tag.name in _SIZES or _SMALL.fullmatch(text):
            return True
        if tag.name in {"created", "modified", "lastPrinted"} and _DAY.fullmatch(text.strip()):
            return True
        cell = self._cell() if tag.name == "v" else None
        kind = cell.get("t") if cell is not None else None
        return kind is not None and kind.value in {"s", "b", "e"} and _PLAIN.fullmatch(text) is not None

    def _cell(self) -> Start | None:
        return next((one.tag for one in reversed(self._open) if one.tag.name == "c"), None)

    def _run(self, tag: Start, event: Chars) -> Run:
        """A text by itself. A number in a cell that becomes words makes the cell one of words."""
        extra = number = None
        cell = self._cell() if tag.name == "v" and "spreadsheetml" in tag.namespace else None
        if cell is not None and _NUMBER.fullmatch(event.text.strip()):
            kind = cell.get("t")
            if kind is None:
                extra = (cell.named, cell.named, b' t="str"')
            elif kind.value == "n":
                extra = (kind.start, kind.end, b"str")
        elif cell is not None and (kind := cell.get("t")) is not None and kind.value == "str" and not self._formula:
            number = (kind.start, kind.end, b"n")  # a formula's text stays one; ours was a number
        bare = "spreadsheetml" in tag.namespace and tag.name in {"f", "definedName", "formula1", "formula2", "formula"}
        return Run(event.text, event.start, event.end, extra=extra, number=number, bare=bare)

    def _add_line(self, runs: list[Run]) -> None:
        if not any(run.text.strip() for run in runs):
            return
        if not self._texts or self._texts[-1].size > BLOCK:
            self._texts.append(Joined(self._place))
        for run in (*runs, Run("\n")):
            self._texts[-1].add(run)

    def _attribute(self, tag: Start, one: Attribute) -> None:
        if one.namespace == "xmlns":
            if _KNOWN.match(one.value) is None:
                self._fixed.append(one.value)
            return
        strange = self._strange(tag.namespace)
        if strange:
            self._names.add(one.name)
        if one.value and (strange or self._holds_words(tag, one)):
            named = tag.name in {"sheet", "definedName"} and one.name == "name"
            limit = SHEET_NAME if tag.name == "sheet" else 0
            url = one.name in {"Target", "href"}
            self._attributes.add(Run(one.value, one.start, one.end, bare=named, limit=limit if named else 0, url=url))
            self._attributes.add(Run("\n"))

    @staticmethod
    def _holds_words(tag: Start, one: Attribute) -> bool:
        if one.name in _NAMES_OF_PROGRAMS or tag.name in _FONTS or _DAY.fullmatch(one.value):
            return False
        if one.name == "Target" and named_by_program(one.value):
            return False
        if one.name.lower() in _WORDS or (one.name == "val" and tag.name.lower() in _VALUES_OF):
            return _SMALL.fullmatch(one.value) is None
        return _PLAIN.fullmatch(one.value) is None or _PHONE.search(one.value) is not None
