"""Names and addresses by rule: honorifics, introductions, closed surname lists, given names, neighbours, keys.

One pass over the text per family, each expression linear. A first recognizer of names in German, Vietnamese and
English chat; models work beside it in union.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from redaction.detect import Look
from redaction.digest import source_digest
from redaction.finding import Finding
from redaction.lexicon import is_word, words
from redaction.recognizers.base import Page
from redaction.settings import EngineSettings

_UP: Final = "A-ZÄÖÜÀ-ÖØ-ÞĂĐĨŨƠƯẠ-Ỹ"
_LOW: Final = "a-zßà-öø-ÿăđĩũơưạ-ỹ"
_CAP: Final = rf"[{_UP}][{_LOW}'’]{{1,24}}(?:-[{_UP}][{_LOW}]{{1,24}})?"
_NAME: Final = rf"{_CAP}(?:[ ]{_CAP}){{0,3}}"
_TITLE: Final = r"(?:Dr|Prof|Dipl\.-Ing|Mag)\.?(?: (?:med|jur|rer|phil|nat)\.?){0,2}"
_PARTICLE: Final = r"(?:(?:von|van|de|zu|della|el|al|bin|ten|ter|der|den) ){0,3}"

_HONORIFIC: Final = re.compile(
    rf"(?<![\w-])(?:[Hh]errn?|[Ff]rau|[Ff]amilie|Fr\.|Hr\.|Mr\.?|Mrs\.?|Ms\.?|Miss|Sir|Madam|{_TITLE})"
    rf"(?: {_TITLE})* (?P<value>{_PARTICLE}{_NAME})"
)
_INTRODUCED: Final = re.compile(
    rf"(?i:(?<![\w-])(?:ich heiße|ich heisse|mein name ist|ich bin (?:die|der)|my name is|i am called|this is|call me|"
    rf"tên (?:tôi|em|mình|anh|chị) là|ten (?:toi|em|minh) la|tôi tên(?: là)?|toi ten(?: la)?|mình tên(?: là)?|"
    rf"i am|i'm|ich bin|mình là|em là|tôi là|geb\.|geborene|gezeichnet|gez\.)) (?P<value>{_NAME})"
)
_GREETED: Final = re.compile(
    rf"(?m)(?:^|[.!?…]\s|\n)\s{{0,3}}(?i:hallo|hi|hey|hello|dear|liebe[rs]?|lieber|moin|servus|chào|chao|sehr geehrte[rs]?)"
    rf"(?: (?i:anh|chị|em|bạn))? (?P<value>{_NAME})(?=\s{{0,2}}[,!.:\n]|$)"
)
_SIGNED: Final = re.compile(
    rf"(?m)(?i:^\s{{0,3}}(?:(?:liebe|viele|beste|herzliche|schöne) grüße|lg|vg|mfg|gruß|gruss|mit freundlichen grüßen|best|cheers|"
    rf"regards|kind regards|best regards|thanks|thx|yours|sincerely|trân trọng|thân)),?\s{{0,3}}\n?\s{{0,3}}"
    rf"(?P<value>{_NAME})\s{{0,3}}$"
)
_SPEAKER: Final = re.compile(rf"(?m)^(?:\[[0-9:., ]{{4,22}}\] ?)?(?P<value>{_CAP}(?: {_CAP}){{0,3}})(?= ?: )")
_DISPLAYED: Final = re.compile(rf"(?P<value>{_NAME})\"? ?<[^<>@\s]{{1,64}}@[^<>\s]{{3,120}}>")
_VI_HONORIFIC: Final = re.compile(
    rf"(?<![\w-])(?i:anh|chị|chi|em|bác|bac|cô|co|chú|chu|ông|ong|bà|ba|bạn|ban|thầy|thay|dì|cậu) (?P<value>{_NAME})"
)
_SYLLABLE: Final = re.compile(rf"[{_UP}{_LOW}]+")
_WORD: Final = re.compile(rf"[{_UP}{_LOW}][{_UP}{_LOW}'’-]*")
_NOT_NAMES: Final = frozenset(
    [
        "the",
        "a",
        "an",
        "der",
        "die",
        "das",
        "ein",
        "eine",
        "und",
        "oder",
        "ich",
        "du",
        "er",
        "sie",
        "es",
        "wir",
        "ihr",
        "not",
        "sorry",
        "sure",
        "fine",
        "here",
        "happy",
        "glad",
        "so",
        "very",
        "going",
        "from",
        "at",
        "in",
        "on",
        "für",
        "mit",
        "von",
        "zu",
        "bei",
        "nicht",
        "auch",
        "noch",
        "just",
        "back",
        "done",
        "ready",
        "afraid",
        "interested",
        "looking",
        "trying",
        "writing",
        "leider",
        "gerade",
        "heute",
        "morgen",
        "aus",
        "all",
        "team",
        "everyone",
        "zusammen",
        "leute",
        "there",
        "again",
        "user",
        "assistant",
        "system",
        "note",
        "warning",
        "error",
        "answer",
        "question",
        "frage",
        "antwort",
        "hinweis",
        "betreff",
        "subject",
        "date",
        "datum",
        "total",
        "summe",
        "name",
        "email",
        "phone",
        "telefon",
        "adresse",
        "address",
        "damen",
        "herren",
        "kolleginnen",
        "kollegen",
        "support",
        "customer",
        "kunde",
        "madam",
        "sir",
        "monday",
        "tuesday",
        "wednesday",
        "thursday",
        "friday",
        "saturday",
        "sunday",
        "montag",
        "dienstag",
        "mittwoch",
        "donnerstag",
        "freitag",
        "samstag",
        "sonntag",
        "january",
        "february",
        "march",
        "april",
        "may",
        "june",
        "july",
        "august",
        "september",
        "october",
        "november",
        "december",
        "januar",
        "februar",
        "märz",
        "mai",
        "juni",
        "juli",
        "oktober",
        "dezember",
        "your",
        "ihr",
        "ihre",
        "ihren",
        "hi",
        "hello",
        "hallo",
        "write",
        "read",
        "please",
        "bitte",
        "what",
        "who",
        "why",
        "how",
        "when",
        "where",
        "was",
        "wer",
        "wie",
        "wann",
        "warum",
        "ok",
        "okay",
        "yes",
        "no",
        "ja",
        "nein",
    ]
)
_HINTED: Final = re.compile(
    r"(?:^|[_\s.-])(?:(?:full|first|last|given|family|sur|user|customer|display|contact|nach|vor|middle|recipient|sender|patient|"
    r"employee|author|owner)[_\s-]?name|name|nachname|vorname|họ tên|ho ten|họ và tên|ho va ten|tên|kunde|ansprechpartner)$"
)
_HINT_VALUE: Final = re.compile(
    rf"\s*(?P<value>[{_UP}{_LOW}][{_UP}{_LOW}'’.-]*(?: [{_UP}{_LOW}][{_UP}{_LOW}'’.-]*){{0,4}})\s*"
)

_STREET_END: Final = (
    r"(?:straße|strasse|str\.|str|weg|allee|platz|gasse|ring|damm|ufer|chaussee|steig|pfad|stieg|markt|graben|berg)"
)
_TOWN: Final = rf"(?:,?\s{{0,2}}\n?\s{{0,2}}(?:D-)?[0-9]{{4,5}} {_CAP}(?:[ -](?:am|an der|im|bei|{_CAP})){{0,3}})?"
_DE_STREET: Final = re.compile(
    rf"(?<![\w-])(?P<value>(?:[{_UP}][{_LOW}]{{1,30}}(?:-[{_UP}][{_LOW}]{{1,30}}){{0,3}}[- ]?(?i:{_STREET_END})"
    rf"|[{_LOW}]{{3,30}}(?:straße|strasse|str\.|weg|allee|platz|gasse)"
    rf"|(?:Am|An der|Auf der|Auf dem|Im|In der|In den|Zum|Zur|Unter den|Straße des|Platz der|Alte|Alter|Neue|Großer|Große|Kleine|Lange)"
    rf"(?: [0-9]{{1,2}}\.)? {_CAP}(?: {_CAP})?)"
    rf" [0-9]{{1,4}}(?: ?[a-hA-H](?![\w]))?(?: ?[-–/] ?[0-9]{{1,4}})?(?![\w.]*[0-9]){_TOWN})"
)
_EN_STREET: Final = re.compile(
    rf"(?<![\w-])(?P<value>(?:(?i:flat|apt\.?|unit|suite) [0-9]{{1,4}}[A-Za-z]?, )?[0-9]{{1,5}}[A-Za-z]? (?:(?:N|S|E|W)\.? )?"
    rf"{_CAP}(?: {_CAP}){{0,2}} (?:Street|St\.?|Road|Rd\.?|Avenue|Ave\.?|Lane|Ln\.?|Drive|Dr\.?|Court|Ct\.?|Close|Way|Place|Square|Terrace|"
    rf"Crescent|Boulevard|Blvd\.?|Gardens|Grove|Mews|Hill|Park)(?![\w])(?: (?:NW|NE|SW|SE))?"
    rf"(?:, {_CAP}(?: {_CAP})?)?(?:,? (?:[A-Z]{{1,2}}[0-9][0-9A-Z]? [0-9][A-Z]{{2}}|[A-Z]{{2}} [0-9]{{5}}))?)"
)
_VI_WORD: Final = rf"[{_UP}{_LOW}0-9]{{1,12}}"
_VI_STREET: Final = re.compile(
    rf"(?i:(?<![\w-])(?P<value>(?:(?:nhà|nha|số|so|số nhà|so nha) )?[0-9]{{1,4}}(?:[a-h](?!\w)|/[0-9]{{1,4}}[a-h]?){{0,3}},? "
    rf"(?:(?:hẻm|hem|ngõ|ngo|ngách|ngach|kiệt|kiet) [0-9]{{1,4}}(?:/[0-9]{{1,4}})?,? )?(?:đường|duong|phố|pho|đ\.) {_VI_WORD}(?: {_VI_WORD}){{0,3}}?"
    rf"(?=[,.;\n!?)]|$| (?:phường|phuong|quận|quan|q\.|p\.|tp|thành phố|nhé|nhe|nha|rồi|roi|và|va|ạ|đi|gần|gan))"
    rf"(?:,? (?:phường|phuong|p\.|quận|quan|q\.|huyện|xã|tp\.?|thành phố|thanh pho) ?{_VI_WORD}(?: {_VI_WORD}){{0,2}}){{0,3}}))"
)
_VI_SLASHED: Final = re.compile(
    rf"(?<![\w/-])(?P<value>[0-9]{{1,4}}(?:/[0-9]{{1,4}}){{0,3}}[A-H]? {_CAP}(?: {_CAP}){{1,3}}, (?i:q\.|quận|p\.|phường) ?[\w]{{1,12}}"
    rf"(?: {_CAP}){{0,2}}(?:, (?i:tp\.? ?)[\w.]{{1,12}}(?: {_CAP}){{0,3}})?)"
)
_POSTAL: Final = re.compile(rf"(?<![\w-])(?P<value>[0-9]{{5}} (?P<town>{_CAP}))(?![\w])")
_PLACED: Final = re.compile(
    rf"(?<![\w-])(?i:in|aus|nach|from|near|bei|wohne in|live in|ở|tại|đến) (?P<value>{_CAP})(?![\w-])"
)


class Names:
    """The rules as one detector."""

    name = "names"

    def __init__(self) -> None:
        self.languages: frozenset[str] = frozenset(("en", "de", "vi"))
        self.version = source_digest("detectors/names.py", "data")
        self._given = words("given_names")
        self._places = words("places")
        self._surnames = words("vi_surnames") | {_plain(name) for name in words("vi_surnames")}

    def detect(self, looks: Sequence[Look]) -> list[list[Finding]]:
        return [list(self._page(look)) for look in looks]

    def _page(self, look: Look) -> Iterator[Finding]:
        text = look.view.text
        page = Page(text, look.segment.hint.lower(), look.segment.kind, look.languages)
        yield from self._addresses(text)
        found = [*self._by_rule(text), *self._listed(text), *self._vietnamese(text), *self._keyed(page)]
        for finding in found:
            if not page.in_opaque(finding.start, finding.end):
                yield finding

    def _by_rule(self, text: str) -> Iterator[Finding]:
        rules = (
            (_HONORIFIC, "name_honorific", 0.9),
            (_INTRODUCED, "name_introduced", 0.85),
            (_GREETED, "name_greeted", 0.8),
            (_SIGNED, "name_signed", 0.85),
            (_DISPLAYED, "name_displayed", 0.9),
        )
        for expression, recognizer, score in rules:
            for match in expression.finditer(text):
                span = self._trimmed(text, *match.span("value"))
                if span:
                    yield Finding(*span, "PERSON", score, recognizer)
        for match in _SPEAKER.finditer(text):
            first = match["value"].split()[0].lower()
            if first in self._given or (first in self._surnames and " " in match["value"]):
                yield Finding(*match.span("value"), "PERSON", 0.85, "name_speaker")

    def _trimmed(self, text: str, start: int, end: int) -> tuple[int, int] | None:
        """The span without words at its end that are no name; None where nothing is left."""
        parts = text[start:end].split(" ")
        while parts and (parts[-1].lower() in _NOT_NAMES or (len(parts) > 1 and is_word(parts[-1]))):
            parts.pop()
        if not parts or parts[0].lower() in _NOT_NAMES or (len(parts) == 1 and self._doubtful(parts[0])):
            return None
        return start, start + len(" ".join(parts))

    def _doubtful(self, word: str) -> bool:
        return is_word(word) and word.lower() not in self._given

    def _listed(self, text: str) -> Iterator[Finding]:
        """Given names that are no ordinary words, with the capitalised words after them."""
        after = 0
        for match in _WORD.finditer(text):
            start, end = match.span()
            word = match[0].removesuffix("'s").removesuffix("’s")
            if start < after or word.lower().split("-")[0] not in self._given:
                continue
            capital = word[0].isupper()
            if not capital and is_word(word):
                continue
            end = start + len(word)
            score, tail = (0.75 if capital else 0.6), re.compile(rf"(?: {_PARTICLE}{_CAP}){{1,2}}").match(text, end)
            if capital and tail and tail[0].split()[0].lower() not in _NOT_NAMES and not is_word(tail[0].split()[0]):
                end, score = tail.end(), 0.85
            after = end
            yield Finding(start, end, "PERSON", score, "name_listed")

    def _vietnamese(self, text: str) -> Iterator[Finding]:
        """A surname of the closed list with one to three syllables after it; an honorific with a given name."""
        syllables = list(_SYLLABLE.finditer(text))
        at = 0
        while at < len(syllables):
            taken = self._run(text, syllables, at)
            if taken >= 2:
                yield Finding(syllables[at].start(), syllables[at + taken - 1].end(), "PERSON", 0.85, "name_vietnamese")
            at += max(1, taken)
        for match in _VI_HONORIFIC.finditer(text):
            first = match["value"].split()[0]
            if first.lower() not in _NOT_NAMES and (not first.isascii() or not is_word(first)):
                yield Finding(
                    match.start("value"), match.start("value") + len(first), "PERSON", 0.75, "name_vi_honorific"
                )

    def _run(self, text: str, syllables: Sequence["re.Match[str]"], at: int) -> int:
        first = syllables[at][0]
        if first.lower() not in self._surnames:
            return 0
        marked, capital = not first.isascii(), first[0].isupper()
        taken = 1
        while taken < 4 and at + taken < len(syllables):
            before, this = syllables[at + taken - 1], syllables[at + taken]
            if text[before.end() : this.start()] != " " or this[0][0].isupper() != capital or len(this[0]) > 7:
                break
            if not capital and not _middle(syllables[at + 1][0]):
                break
            taken += 1
        while taken > 2 and len(syllables[at + taken - 1][0]) == 1:
            taken -= 1
        strong = marked or _middle(syllables[at + 1][0]) if taken > 1 else False
        lone = _plain(first.lower()) in {"nguyen", "tran", "pham", "huynh", "hoang", "truong", "phan", "dang", "duong"}
        return taken if taken >= 2 and (strong or lone) and (capital or _middle(syllables[at + 1][0])) else 0

    def _keyed(self, page: Page) -> Iterator[Finding]:
        if page.hint and _HINTED.search(page.hint) and len(page.text) < 60:
            match = _HINT_VALUE.fullmatch(page.text)
            if match and (not is_word(page.text.strip()) or page.text.strip().lower() in self._given):
                value = match["value"]
                if value[0].isupper() or value.split()[0].lower() in self._given:
                    yield Finding(*match.span("value"), "PERSON", 0.8, "name_keyed")

    def _addresses(self, text: str) -> Iterator[Finding]:
        if not any(char.isdigit() for char in text):
            return
        for expression, recognizer in (
            (_DE_STREET, "street_de"),
            (_EN_STREET, "street_en"),
            (_VI_STREET, "street_vi"),
            (_VI_SLASHED, "street_vi_slashed"),
        ):
            for match in expression.finditer(text):
                yield Finding(*match.span("value"), "STREET_ADDRESS", 0.85, recognizer)
        for match in _POSTAL.finditer(text):
            if match["town"].lower() in self._places:
                yield Finding(*match.span("value"), "POSTAL_CODE", 0.8, "postal_town")

    def places(self, text: str) -> Iterable[Finding]:
        """Cities of the list behind a word that says that something is there."""
        for match in _PLACED.finditer(text):
            if match["value"].lower() in self._places:
                yield Finding(*match.span("value"), "LOCATION", 0.7, "place_listed")


def _middle(syllable: str) -> bool:
    return _plain(syllable.lower()) in {
        "van",
        "thi",
        "duc",
        "huu",
        "ngoc",
        "minh",
        "quang",
        "thanh",
        "xuan",
        "dinh",
        "thu",
    }


def _plain(text: str) -> str:
    """Without diacritics, as in chat."""
    import unicodedata

    stripped = "".join(char for char in unicodedata.normalize("NFD", text) if not unicodedata.combining(char))
    return stripped.replace("đ", "d").replace("Đ", "D")


def languages(settings: EngineSettings) -> frozenset[str]:
    """The rules know these."""
    return frozenset(("en", "de", "vi"))


def build(settings: EngineSettings) -> Names:
    return Names()
