"""What is learned from an answer while it passes: tokens counted, model, objects created, the words themselves.

Words are kept as the upstream sent them, placeholders not filled in, and only as far as the bound.
"""

from proxy.formats.base import ResponseFacts, Usage
from proxy.formats.jsonscan import Scan

MAX_TEXT = 256 * 1024  # characters of all channels together
MAX_OBJECTS = 1000  # that one answer names; each is a row in the vault, and what comes after keeps its placeholders
_NOTHING = ("null", "", "{", "[")


class Noticed:
    """Fills the facts of one response."""

    __slots__ = ("_facts", "_kinds", "_left", "_named", "_pieces", "_whole_left")

    def __init__(self) -> None:
        self._facts = ResponseFacts()
        self._left = self._whole_left = MAX_TEXT
        self._pieces: dict[str, list[str]] = {}
        self._kinds: dict[str, int] = {}
        self._named: set[str] = set()

    @property
    def facts(self) -> ResponseFacts:
        """All that is known so far."""
        for channel, pieces in self._pieces.items():
            if len(pieces) > 1:
                pieces[:] = ["".join(pieces)]
            self._facts.texts[channel] = pieces[0]
        return self._facts

    def event(self) -> None:
        """One more event passed."""
        self._facts.events += 1

    def complete(self) -> None:
        """The response ended as its format says it ends."""
        self._facts.complete = True

    def found(self, found: Scan) -> None:
        """Take over what the scan noted: `model`, `usage.in`, `usage.out`, `object.<kind>`, `complete`.

        `of.<kind>`: the object that those of this kind belong to; they are named `<it>/<kind>s/<id>`, as in paths.
        """
        facts = self._facts
        holders = {name[3:]: value for name, value, _, _ in found.noted if name.startswith("of.")}
        for name, value, _, _ in found.noted:
            if value in _NOTHING:
                continue
            if name == "model":
                facts.model = value[:256]
            elif name == "usage.in" and value.isdigit():
                facts.usage = Usage(int(value[:12]), facts.usage.output_tokens)
            elif name == "usage.out" and value.isdigit():
                facts.usage = Usage(facts.usage.input_tokens, int(value[:12]))
            elif name.startswith("object."):
                kind = name[7:]
                self._object(kind, f"{holders[kind]}/{kind}s/{value}"[:512] if kind in holders else value[:512])
            elif name == "complete" and value != "false":
                facts.complete = True

    def _object(self, kind: str, named: str) -> None:
        """Each once; a second one of a kind as `<kind>.2`, and so on."""
        if named in self._named or len(self._named) >= MAX_OBJECTS:
            return
        self._named.add(named)
        self._kinds[kind] = number = self._kinds.get(kind, 0) + 1
        self._facts.objects[kind if number == 1 else f"{kind}.{number}"] = named

    def objects(self) -> list[str]:
        """The objects that were named since the last time; from here on, they are gathered anew."""
        named = list(self._facts.objects.values())
        self._facts.objects.clear()
        self._kinds.clear()
        self._named.clear()
        return named

    def text(self, channel: str, text: str) -> None:
        """A piece of a channel's words."""
        if len(text) > self._left:
            self._facts.truncated = True
            text = text[: self._left]
        if text:
            self._left -= len(text)
            self._pieces.setdefault(channel, []).append(text)

    def whole(self, text: str) -> None:
        """A text that came in one piece; many streams say at their end once more what they said."""
        if text in self._facts.wholes:
            return
        self._whole_left -= len(text)
        if self._whole_left < 0:
            self._facts.truncated = True
        else:
            self._facts.wholes[text] = None

    def taken(self) -> tuple[list[str], bool]:
        """The words so far, and whether some did not fit; from here on, words are kept anew."""
        facts = self.facts
        texts, truncated = [*facts.texts.values(), *facts.wholes], facts.truncated
        facts.texts.clear()
        facts.wholes.clear()
        facts.truncated = False
        self._pieces.clear()
        self._left = self._whole_left = MAX_TEXT
        return texts, truncated
