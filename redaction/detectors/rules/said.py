# ruff: noqa: E501 - one expression, one line: a table of patterns reads better unbroken
"""Names that the words around them announce: honorifics, introductions, greetings, signatures, relations, labels."""

import re
from collections.abc import Iterator
from typing import Final

from redaction.detectors.rules.addressed import is_addressed, may_be_called
from redaction.detectors.rules.text import (
    ANY,
    CAP,
    CERTAIN,
    NAME,
    PARTICLE,
    Text,
    composed_places,
    is_all_capitals,
    is_given,
    is_sur,
    places,
)
from redaction.finding import Finding
from redaction.lexicon import is_word

TITLE: Final = r"(?:Dr|Prof|PD|Dipl\.-Ing|Mag|Ing)\.?(?: ?(?:med|jur|rer|phil|nat|dent|Dr)\.?){0,3}"
SALUTE: Final = (
    r"(?:[Hh]errn?|HERRN?|[Ff]rau|FRAU|[Ff]amilie|[Ff]räulein|Fam\.|Fr\.|Hr\.|Hrn\.|[Mm]r\.?|[Mm]rs\.?|[Mm]s\.?|[Mm]iss|[Mm]x\.?|Sir|Lady"
    r"|Madam|Mister|[Mm]adame|Monsieur|Señor|Señora|Rev\.|Judge|Officer|Nurse|Coach|Doctor|Professor|Schwester|Pfarrer|Oma|Opa|Tante|Onkel"
    r"|Aunt|Uncle|Auntie|Grandma|Grandpa)"
)
# Columns, emphasis, a tag or quotes between the two: `Frau  Koch`, `Ms. **Koch**`, `Herr <b>Koch</b>`.
_GAP: Final = r"[ \t]{1,3}(?:[*\"'„“‚‘]{1,3}|<[a-z]{1,6}>)?"
_HONORIFIC: Final = re.compile(
    rf"(?:(?<![\w-])|(?<=_)(?<![^\W_]_)(?<![^\W_]__))(?:{SALUTE}|{TITLE})(?: {TITLE}){{0,2}}{_GAP}(?P<value>(?:[A-Z]\. ?)?{PARTICLE}{NAME})"
)
_SMALL_HONORIFIC: Final = re.compile(
    rf"(?<![\w-])(?i:herrn?|frau|hr\.?|fr\.|mr\.?|mrs\.?|ms\.?|miss|dr\.?|prof\.?|aunt|auntie|uncle|grandma|grandpa|granny|coach|tante|onkel|oma|opa) (?P<value>{ANY}(?: {ANY})?)"
)
MY_NAME: Final = (
    r"ich heiße|ich heisse|ich heiß|mein name ist|mein name lautet|mein name:|my name is|my name's|my full name is|i am called|they call me|call me"
    r"|named after|signed by|unterschrieben von|du heißt|er heißt|sie heißt|heißt du|(?:er|sie|kind|sohn|tochter|hund) namens|his name is"
    r"|her name is|their name is|whose name is|a (?:guy|girl|man|woman|person|colleague) (?:called|named)|named|geborene|geb\."
)
_INTRODUCED: Final = re.compile(rf"(?<![\w-])(?i:{MY_NAME}) [\"'„“*]{{0,2}}(?P<value>{NAME})")
_SMALL_INTRODUCED: Final = re.compile(
    rf"(?<![\w-])(?i:ich heiße|ich heisse|ich heiß|mein name ist|my name is|my name's|(?:his|her) name is) "
    rf"(?P<value>{ANY}(?: {ANY}){{0,2}})"
)
_WEAK_INTRODUCED: Final = re.compile(
    rf"(?<![\w-])(?i:this is|i am|i'm|i’m|ich bin|ich bin's|ich bins|ich bin (?:die|der)|hier ist(?: die| der)?|hier spricht|it's|it is me|das ist"
    rf"|gezeichnet|gez\.|i\. ?a\.|i\. ?v\.|cc|attn|z\. ?hd\.|zu händen|c/o|ping|from|von|to|an):? (?P<value>{NAME})"
)
_GREETED: Final = re.compile(
    rf"(?m)(?:^|[.!?…,]\s|\n)\s{{0,3}}(?i:guten (?:morgen|tag|abend)|good (?:morning|afternoon|evening)|hallo|hallöchen|huhu|hi|hey|hello|dear|liebe[rs]?"
    rf"|moin|servus|grüezi|grüß dich|yo|sehr geehrte[rs]?|thanks|thank you|thx|cheers|danke|vielen dank|sorry|bye|tschüss|ciao|happy birthday"
    rf"|alles gute|congrats|gute besserung|welcome),? (?:(?:an|to) )?(?P<value>{NAME}(?:(?:,| und| and| &) {NAME}){{0,4}})"
    rf"(?=\s{{0,2}}[,!.:;?\n–-]|\s*$|\s+(?i:ich|i|we|wir|can|could|kannst|könntest|wie|how|du|das|hier|danke|hast|hab|did|do|what|was|please|bitte)\b)"
)
_BETWEEN: Final = re.compile(r",? ?\n ?[-*•] |,? (?:und|and|&|và) |[,;] ")
_SMALL_GREETED: Final = re.compile(
    rf"(?m)^\s{{0,3}}(?i:hallo|hi|hey|hello|yo|sup|dear|liebe[rs]?|moin|servus|ê|này|chào) (?P<value>{ANY})(?=\s{{0,2}}[,!.\n]|\s*$)"
)
_CLOSING: Final = (
    r"(?:mit )?(?:liebe|lieben|viele|vielen|beste|besten|herzliche|herzlichen|schöne|schönen|freundliche|freundlichen|sonnige)(?: und sonnige)? gr(?:ü|ue)(?:ß|ss)en?"
    r"(?: aus \w{2,20})?|lg|vg|mfg|bg|hg|glg|gruß|gruss|grüße|grüsse|bis bald|bis dann|best|cheers|regards|(?:kind|best|warm|many) (?:regards|wishes)|thanks"
    r"|many thanks|thank you|thx|yours(?: truly| sincerely| faithfully)?|sincerely|love|xoxo|take care|hochachtungsvoll|ihre?|eure?|dein|deine"
    r"|trân trọng|thân(?: mến| ái)?|tran trong|kính thư|best,? from"
)
_SIGNED: Final = re.compile(
    rf"(?m)(?i:(?:^|[.!?] )\s{{0,3}}(?:{_CLOSING})),?(?:\s{{0,2}}\n){{0,2}}[ \t]{{0,3}}(?P<value>{NAME}|[A-Z]\. {CAP})\s{{0,3}}(?:$|(?=[,|(]))"
)
_SMALL_SIGNED: Final = re.compile(
    rf"(?m)(?i:(?:^|[.!?] )\s{{0,3}}(?:lg|vg|mfg|liebe grüße|viele grüße|cheers|thanks|regards|gruß|gruss)),?\s{{1,3}}(?P<value>{ANY})\s{{0,3}}$"
)
_DASHED: Final = re.compile(rf"(?m)(?:^|\s)(?:--|—|–|~|/)\s?(?P<value>{NAME})\s*\Z")
_RELATED: Final = re.compile(
    r"(?<![\w-])(?:(?i:mein|dein|sein|ihr|unser|euer|der|die|den|dem|the|my|your|his|her|our|their)(?:e[rnms]?)? (?:\w{2,12} ){0,2}?)?(?i:"
    r"(?:freund(?:in)?|kolleg(?:e|en|in)|chef(?:in)?|mann|frau|sohn|tochter|bruder|schwester|mutter|vater|onkel|tante|cousine?|oma|opa|enkel(?:in)?"
    r"|nachbar(?:in|n)?|neffen?|nichte|ex|vermieter(?:in)?|hausarzt|ärztin|lehrer(?:in)?|trainer(?:in)?|anw(?:a|ä)lt(?:in)?|patient(?:en|in)?|mandant(?:en|in)?"
    r"|kund(?:e|en|in)|mitarbeiter(?:in)?|bewerber(?:in)?|zeug(?:e|en|in)|schüler(?:in)?|azubi|praktikant(?:in)?|partner(?:in)?|mieter(?:in)?|steuerberater(?:in)?"
    r"|kinderfrau|tagesmutter|tagesvater|babysitter(?:in)?|putzfrau|hausmeister(?:in)?|hebamme|pfleger(?:in)?|gärtner(?:in)?|friseur(?:in)?|mitbewohner(?:in)?"
    r"|kommiliton(?:e|en|in)|mitschüler(?:in)?|schwager|schwägerin|schwiegermutter|schwiegervater|stiefvater|stiefmutter|buchhalter(?:in)?|vorgesetzte[rn]?"
    r"|friend|colleague|boss|manager|husband|wife|son|daughter|brother|sister|mother|father|mom|mum|dad|uncle|aunt|cousin|neighbou?r|nephew|niece|partner"
    r"|boyfriend|girlfriend|landlord|landlady|teacher|doctor|lawyer|client|patient|customer|employee|intern|roommate|flatmate|therapist|kid|baby|bestie"
    rf"|best friend|fiancée?|coworker|co-worker|team ?lead|assistant|accountant|dentist|tenant"
    r"|nanny|babysitter|au pair|cleaner|gardener|plumber|tutor|vet|midwife|hairdresser|supervisor|caretaker|stepfather|stepmother|stepson|stepdaughter|(?:sister|brother|mother|father)-in-law"
    rf"))(?:,| is| was| ist| war| heißt| hieß| named| called| namens)? (?P<value>{NAME})"
)
_OWN: Final = re.compile(r"(?i:my|your|his|her|our|their) ")
_OWN_DE: Final = re.compile(r"(?i:mein|dein|sein|ihr|unser|euer|eur)(?:e[rnms]?)? ")
# A place that is kept for somebody.
_RESERVED: Final = re.compile(
    rf"(?<![\w-])(?i:(?:tisch|zimmer|reservierung|buchung)(?: läuft)? (?:auf|für|unter)(?: den namen)?|(?:table|room|booking|reservation)(?: for \w{{3,6}})? (?:for|under)"
    rf"|(?:table|room|booking|reservation|account)(?: is| was)? in the name of|(?:đặt|giữ) (?:bàn|phòng|lịch|chỗ|vé)(?: \w{{2,6}})? (?:cho|tên)) (?P<value>{NAME})"
)
_LOOPED: Final = re.compile(
    rf"(?<![\w-])(?i:looping in|loop in|looped in|copying in|cc'ing|introducing) (?P<value>{CAP} {CAP})"
)
# A nobiliary particle that begins a sentence; what somebody does follows.
_PARTICLE_FIRST: Final = re.compile(
    rf"(?m)(?:^|[.!?] )(?P<value>(?:Von der|Von dem|Von|Van der|Van|Zu) {CAP}) (?:hat|ist|war|kommt|kam|will|wird|sagt|sagte|meint|schreibt|ruft|braucht|möchte|kann)(?!\w)"
)
_NAMED: Final = (
    r"(?:full|first|last|given|family|middle|user|customer|display|contact|recipient|sender|patient|employee|author|owner|account)?[ _-]?name|surname"
    r"|vor- und nachname|(?:vor|nach|familien|zu|geburts|mädchen|kunden)name|ansprechpartner(?:in)?|kontaktperson|kontoinhaber(?:in)?|karteninhaber(?:in)?|inhaber(?:in)?"
    r"|empfänger(?:in)?|absender(?:in)?|patient(?:in)?|mandant(?:in)?|kund(?:e|in)|mieter(?:in)?|vermieter(?:in)?|sachbearbeiter(?:in)?|betreuer(?:in)?|zeuge|zeugin"
    r"|versicherte[r]?|antragsteller(?:in)?|mitarbeiter(?:in)?|verfasser(?:in)?|autor(?:in)?|teilnehmer(?:in)?|attendees?|assignee|reviewer|author|reporter|contact|recipient"
    r"|sender|beneficiary|payee|cardholder|card holder|account holder|customer|patient|client|tenant|landlord|employee|candidate|applicant|witness|from|to|cc|bcc|von|an"
    r"|họ và tên|họ tên|ho va ten|ho ten|tên|người nhận|nguoi nhan|người gửi|khách hàng|khach hang|chủ tài khoản|chu tai khoan|chủ tk|bệnh nhân|liên hệ"
)
_LABELLED: Final = re.compile(
    rf"(?<![\w-])(?i:{_NAMED})[\"'`*_]{{0,4}}\s?[:=|>]\s{{0,2}}[\"'`*_]{{0,4}}(?P<value>(?:{PARTICLE})?{NAME})"
)
_LABELLED_LIST: Final = re.compile(
    rf"(?<![\w-])(?i:attendees?|participants?|members?|guests?|invited|present|cc|bcc|to|an|teilnehmer(?:innen)?|teilnehmende|anwesend|gäste|mitglieder|eingeladen|thành viên|tham dự|người tham gia|khách mời)"
    rf"[\"'`*_]{{0,4}}\s?:\s{{0,2}}(?P<value>{NAME}(?:(?:, | und | and | & | và |; |,? ?\n ?[-*•] ){NAME}){{1,12}})"
)
_SMALL_LABELLED: Final = re.compile(
    r"(?<![\w-])(?i:(?:full |first |last |sur|vor|nach)name|name|họ và tên|họ tên|ho va ten|ho ten|kontoinhaber|cardholder)[\"'`*_]{0,4}\s?[:=]\s{0,2}[\"'`*_]{0,4}"
    rf"(?P<value>{ANY}(?: {ANY}){{0,3}})(?=[\"'`,;\n*.]|\s*$)"
)
_DISPLAYED: Final = re.compile(rf"(?P<value>{NAME}|{CAP}, {NAME})[\"']? ?<[^<>@\s]{{1,64}}@[^<>\s]{{3,120}}>")
_SPEAKER: Final = re.compile(
    rf"(?m)^(?:\[?[0-9][0-9:./, -]{{3,22}}(?: ?[AP]M)?\]?,? ?(?:- )?)(?P<value>{CAP}(?: {CAP}){{0,3}})(?= ?: )|^[*_]{{0,2}}(?P<bare>{CAP}(?: {CAP}){{0,2}})[*_]{{0,2}} ?:(?= |\n)"
)
_MENTIONED: Final = re.compile(rf"(?<![\w@.])@(?P<value>{CAP}(?: {CAP})?)(?![\w.@/(])")

_ADDRESSED: Final = re.compile(rf"{SALUTE}|{TITLE}|(?i:anh|chị|em|bạn|cô|chú|bác|thầy|ông|bà|all|team|both)")
_NO_NAME: Final = frozenset({"med", "dent", "phil", "jur", "rer", "nat", "habil", "mult"})

_SMALL_WEAK: Final = re.compile(
    rf"(?<![\w-])(?i:its|it's|i'm|i’m|i am|this is|hier ist|ich bins?|ich bin's|bin der|bin die) (?P<value>{ANY})(?=\s?[,.!\n]|\s*$| here\b| from\b| hier\b| vom\b| von\b| aus\b)"
)
_SMALL_RELATED: Final = re.compile(
    rf"(?<![\w-])(?i:(?:my|your|his|her|our|their) (?:\w{{2,10}} )?(?:friend|boss|colleague|brother|sister|cousin|husband|wife|son|daughter|neighbou?r|roommate|coworker|manager|boyfriend|girlfriend|buddy|landlord|teacher|ex)"
    rf"|(?:this|that|a|some|the) (?:guy|girl|dude|chick|lady|kid)|(?:mein|dein|sein|ihr|unser)(?:e[nmr]?)? (?:\w{{2,10}} )?(?:freund(?:in)?|chef(?:in)?|kolleg(?:e|en|in)|bruder|schwester|cousine?|mann|frau|sohn|tochter|nachbar(?:in|n)?|mitbewohner(?:in)?|kumpel|vermieter(?:in)?|lehrer(?:in)?|ex|therapeutin|ärztin)"
    rf"|(?:so )?ein(?:en|e|em)? (?:typ|kerl|kumpel)|(?:auf den|unter dem|on the|under the) namen?|namens) (?P<value>{ANY}(?: {ANY})?)"
)
_SMALL_CALLED: Final = re.compile(
    rf"(?m)^\s{{0,3}}(?i:ok|okay|hey|thx|thanks|ty|sorry|bye|danke|alles klar|cool|ja|yes|yep|nö|no|well|omg|btw|lol),? (?P<value>{ANY})(?=\s?[,!])"
)

_RULES: Final = (
    (_HONORIFIC, "name_honorific", 0.9, ()),
    (_INTRODUCED, "name_introduced", 0.85, ()),
    (_SIGNED, "name_signed", 0.85, ()),
    (_RELATED, "name_related", 0.75, ()),
    (_LABELLED, "name_labelled", CERTAIN, (":", "=", "|", ">")),
    (_DISPLAYED, "name_displayed", 0.9, ("@",)),
    (_DASHED, "name_signed", 0.7, ("-", "—", "–", "~", "/")),
)

EXPRESSIONS: Final = (
    *(_RESERVED, _LOOPED, _PARTICLE_FIRST),
    *(_HONORIFIC, _SMALL_HONORIFIC, _INTRODUCED, _SMALL_INTRODUCED, _WEAK_INTRODUCED),
    *(_GREETED, _SMALL_GREETED, _SIGNED, _SMALL_SIGNED, _DASHED),
    *(_RELATED, _LABELLED, _LABELLED_LIST, _SMALL_LABELLED, _DISPLAYED),
    *(_SPEAKER, _MENTIONED, _SMALL_WEAK, _SMALL_RELATED, _SMALL_CALLED),
)
"""What the page is asked for."""


def find(text: Text) -> Iterator[Finding]:
    """Names with a word before or after them that says so."""
    for expression, recognizer, score, signs in _RULES:
        if signs and not any(sign in text.text for sign in signs):
            continue
        for match in text.page.matches(expression):
            strong = recognizer == "name_related" and _is_own(text, match)
            called = recognizer == "name_honorific" and is_addressed(text, match)
            sure = CERTAIN if strong else score
            yield from _taken(text, *match.span("value"), sure, recognizer, strong=strong, called=called)
    yield from _greeted(text)
    yield from _reserved(text)
    for match in text.page.matches(_LABELLED_LIST):
        yield from _each(text, match, 0.75, "name_labelled")
    for match in text.page.matches(_WEAK_INTRODUCED):
        yield from _taken(text, *match.span("value"), 0.7, "name_introduced", known_only=True)
    for match in text.page.matches(_MENTIONED):
        yield from _taken(text, *match.span("value"), CERTAIN, "name_mentioned", known_only=True)
    for match in text.page.matches(_SPEAKER):
        group = "value" if match["value"] else "bare"
        yield from _taken(text, *match.span(group), 0.85, "name_speaker", known_only=group == "bare")
    yield from _small(text)


def _is_own(text: Text, match: "re.Match[str]") -> bool:
    """`Our nanny Blessing`, `Unsere Kinderfrau Blessing`: only a name has a capital there, or is no German word."""
    if text.page.languages[0] == "en":
        return _OWN.match(match[0]) is not None
    return _OWN_DE.match(match[0]) is not None and not is_word(match["value"].split(" ")[0], "de")


def _reserved(text: Text) -> Iterator[Finding]:
    for expression in (_RESERVED, _LOOPED, _PARTICLE_FIRST):
        for match in text.page.matches(expression):
            value = match["value"].lower()
            if value in composed_places() or value.split(" ")[-1] in places():
                continue
            yield from _taken(text, *match.span("value"), 0.76, "name_introduced")


def _greeted(text: Text) -> Iterator[Finding]:
    for match in text.page.matches(_GREETED):
        yield from _each(text, match, CERTAIN, "name_greeted")


def _each(text: Text, match: "re.Match[str]", score: float, recognizer: str) -> Iterator[Finding]:
    """Each name of an enumeration."""
    at = match.start("value")
    for part in _BETWEEN.split(match["value"]):
        start = text.text.index(part, at)
        at = start + len(part)
        yield from _taken(text, start, at, score, recognizer)


def _taken(
    text: Text,
    start: int,
    end: int,
    score: float,
    recognizer: str,
    *,
    known_only: bool = False,
    strong: bool = False,
    called: bool = False,
) -> Iterator[Finding]:
    """The finding without ordinary words at its end; nothing where no name is left.

    known_only: the first or last word must stand in a list, because the words around it announce anything.
    strong: a capital is enough, because only names have one here ("my son Kit"). called: behind an address, so that
    words which only their parts make ones are names ("Frau Steinhäuser").
    """
    parts = text.text[start:end].split(" ")
    while len(parts) > 1 and _ADDRESSED.fullmatch(parts[0]):
        start += len(parts.pop(0)) + 1
    if len(parts) == 1 and _ADDRESSED.fullmatch(parts[0]):
        return
    while parts and not _may_end(parts, called=called):
        parts.pop()
    if (
        not parts
        or len(parts[0]) == 1
        or (not strong and _is_ordinary(parts) and not (called and may_be_called(parts[0])))
    ):
        return
    if known_only and " ".join(parts).lower() in composed_places():
        return
    if known_only and not any(_is_name(part) and not is_word(part) for part in (parts[0], parts[-1])):
        return
    end = start + len(" ".join(parts))
    if text.text[start:end].endswith(("'s", "’s")):
        end -= 2
    if not text.is_company(end):
        yield Finding(start, end, "PERSON", score, recognizer)


def _is_ordinary(parts: list[str]) -> bool:
    return all(is_word(part) and not _is_name(part) for part in parts) or (parts[0].isupper() and is_word(parts[0]))


def _may_end(parts: list[str], *, called: bool) -> bool:
    last = parts[-1].strip("'’,-")
    if not last[:1].isupper():
        return False
    if not is_word(last):
        return True
    # A surname that is a word as well ("Frau Koch", "Mr Green") counts, but no verb at a sentence's end.
    if _is_name(last) or len(parts) == 1:
        return True
    return called and is_given(parts[-2].lower()) and may_be_called(last)


def _is_name(part: str) -> bool:
    word = part.strip("'’,-.").lower()
    return is_given(word) or is_sur(word) or (word.endswith("s") and is_given(word[:-1]))


def _is_place(word: str) -> bool:
    return word.lower() in places() and not is_given(word.lower())


def _small(text: Text) -> Iterator[Finding]:
    """The same in lower case, as in chat: only what is no ordinary word, or stands in a list."""
    for expression, recognizer, score in (
        (_SMALL_HONORIFIC, "name_honorific", CERTAIN),
        (_SMALL_INTRODUCED, "name_introduced", CERTAIN),
        (_SMALL_GREETED, "name_greeted", 0.65),
        (_SMALL_SIGNED, "name_signed", 0.7),
        (_SMALL_LABELLED, "name_labelled", 0.7),
        (_SMALL_WEAK, "name_introduced", 0.55),
        (_SMALL_CALLED, "name_greeted", 0.55),
        (_SMALL_RELATED, "name_related", 0.55),
    ):
        for match in text.page.matches(expression):
            parts: list[str] = []
            for part in match["value"].split(" "):
                if part in _NO_NAME or (
                    text.ordinary(part) and not (expression is _SMALL_HONORIFIC and not parts and is_sur(part.lower()))
                ):
                    break
                parts.append(part)
            if parts and len(parts[0]) > 2 and not is_all_capitals(parts[0]) and not _is_place(parts[0]):
                start = match.start("value")
                yield Finding(start, start + len(" ".join(parts)), "PERSON", score, recognizer)
