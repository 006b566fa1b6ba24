# ruff: noqa: E501 - one expression, one line: a table of patterns reads better unbroken
"""Street addresses of the three languages, with the postal code and town behind them."""

import re
from collections.abc import Iterator
from typing import Final

from redaction.detectors.rules.places import vietnamese_places
from redaction.detectors.rules.text import CAP, LOW, UP, Text
from redaction.finding import Finding
from redaction.lexicon import is_word

_SURE_END: Final = r"(?:straße|strasse|str\.|str|gasse|allee|chaussee)"
_END: Final = rf"(?:{_SURE_END}|weg|platz|ring|damm|ufer|steig|pfad|stieg|markt|graben|berg|hof|kamp|wall|tor|brücke|bruecke|str|zeile|park)"
_HOUSE: Final = (
    r"(?:(?:Nr\.?|Hausnr\.?|Hausnummer) )?[0-9]{1,4}(?: ?[a-hA-H](?!\w))?(?: ?[-–/+] ?[0-9]{1,4}[a-h]?(?!\w))?"
)
_FLOOR: Final = r"(?:,? (?:[0-9]{1,2}\. ?(?:OG|Stock|Etage)|EG|DG|Hinterhaus|HH|Vorderhaus|VH|c/o [\w ]{2,30}))?"
_TOWN: Final = rf"(?:,?\s{{0,2}}\n?[ \t]{{0,2}}(?:in )?(?:(?:D|A|CH)-)?[0-9]{{4,5}},? {CAP}(?:(?: am| an der| im| bei|-am-|/) ?{CAP}| {CAP}(?=[\s,.;!?]|$)){{0,1}})?"
_DE: Final = re.compile(
    rf"(?<![\w-])(?P<value>(?P<street>(?:[{UP}][{LOW}]{{1,30}}(?:-[{UP}][{LOW}]{{1,30}}){{0,3}}[- ]?(?i:{_END})"
    rf"|(?:{CAP} )(?i:{_END})"
    rf"|(?:Am|An der|An den|Auf der|Auf dem|Auf den|Im|In der|In den|In dem|Zum|Zur|Zu den|Unter den|Unter der|Hinter dem|Hinter der|Vor dem|Bei der|Straße des|Straße der|Platz der|Platz des"
    rf"|Alte|Alter|Altes|Neue|Neuer|Großer|Große|Kleine|Kleiner|Lange|Langer|Obere|Oberer|Untere|Unterer|Hohe|Breite)"
    rf"(?: [0-9]{{1,2}}\.)? {CAP}(?: {CAP})?|[{UP}][0-9]{{1,2}},?)"
    rf") {_HOUSE}(?![\w.]*[0-9]|[,.][0-9]|\s?(?:€|%|Uhr|km|Euro|Jahre|Tage|Minuten)){_FLOOR}{_TOWN})"
)
_DE_SMALL: Final = re.compile(
    rf"(?i)(?<![\w-])(?P<value>(?:[{LOW}]{{2,30}}(?:-[{LOW}]{{2,30}}){{0,2}}[- ]?{_SURE_END}|[{LOW}]{{4,30}}(?:weg|platz|ring|damm|ufer|steig|pfad))"
    rf" [0-9]{{1,4}}(?: ?[a-h](?!\w))?(?![\w.]*[0-9])(?:,? (?:in )?[0-9]{{5}} [{LOW}]{{3,30}})?)"
)
# `am stadtpark 17` in small letters is one only where somebody lives.
_DE_LIVES: Final = re.compile(
    rf"(?i)(?<!\w)(?:wohn(?:e|t|st|en|haft)|gezogen|ziehe|adresse:?) (?:jetzt |nun |dort |in |ist )?"
    rf"(?P<value>(?:am|an der|auf der|auf dem|im|zum|zur|hinter der|unter den) [{LOW}]{{3,20}}(?: [{LOW}]{{3,20}})? [0-9]{{1,3}}[a-h]?)(?![\w.]*[0-9]|\w)"
)
_DE_BARE: Final = re.compile(
    rf"(?<![\w-])(?i:in der|an der|aus der|auf der|wohnt|wohne|adresse:?) (?P<value>[{UP}][{LOW}]{{2,30}}(?:-[{UP}][{LOW}]{{2,30}}){{0,2}}[- ]?(?:straße|strasse|gasse|allee|Straße|Allee))(?!\w)"
)
_EN_END: Final = (
    r"(?:Street|St\.?|Road|Rd\.?|Avenue|Ave\.?|Lane|Ln\.?|Drive|Dr\.?|Court|Ct\.?|Close|Way|Place|Pl\.?|Square|Sq\.?|Terrace|Crescent|Cres\.?|Boulevard|Blvd\.?"
    r"|Gardens|Grove|Mews|Hill|Park|Parkway|Pkwy\.?|Highway|Hwy\.?|Circle|Cir\.?|Trail|Row|Walk|Loop|Alley|Broadway|Green|View|Rise|Quay|Wharf|Ridge|Run|Pike)"
)
_UNIT: Final = r"(?:(?i:flat|apt\.?|apartment|unit|suite|ste\.?|room|floor|#) ?#?[0-9]{0,4}[A-Za-z]?(?![\w]))"
_EN: Final = re.compile(
    rf"(?<![\w-])(?P<value>(?:{_UNIT},? )?(?<![\d.,:€$£])[0-9]{{1,5}}[A-Za-z]?(?:[-/][0-9]{{1,4}})? (?:(?:N|S|E|W|NE|NW|SE|SW|North|South|East|West|Old|Upper|Lower|New)\.? )?"
    rf"(?:(?:(?:{CAP}|[A-Z]\.?) ){{1,4}}|[0-9]{{1,3}}(?:st|nd|rd|th) |(?:the|The) ){_EN_END}(?![\w])(?: (?:NW|NE|SW|SE|N|S|E|W|North|South|East|West)(?!\w))?"
    rf"(?:,? {_UNIT})?(?:,\s?(?![A-Z]{{2}}(?!\w)){CAP}(?: {CAP}){{0,2}}){{0,2}}(?:,? (?:[A-Z]{{1,2}}[0-9][0-9A-Z]? [0-9][A-Z]{{2}}|[A-Z]{{2}},? [0-9]{{5}}(?:-[0-9]{{4}})?|[A-Z]{{2}}(?!\w)))?)"
)
_EN_SMALL: Final = re.compile(
    r"(?i)(?<![\w.,:$£€-])(?P<value>(?:(?:flat|apt|unit|suite) [0-9]{1,4}[a-z]?,? )?[0-9]{1,5}[a-z]? (?:(?:n|s|e|w|north|south|east|west|old) )?(?P<name>[a-z]{3,20}(?: [a-z]{3,20})?) "
    r"(?:street|st|road|rd|avenue|ave|lane|ln|drive|boulevard|blvd|crescent|terrace|court|ct)(?![\w])(?:,? (?:apt|unit|flat|#) ?[0-9a-z]{1,5}(?!\w))?(?:,? [a-z]{1,2}[0-9][0-9a-z]? [0-9][a-z]{2}(?!\w))?)"
)
# Without a number where somebody lives or is to be found.
_EN_BARE: Final = re.compile(
    rf"(?<![\w-])(?i:(?:live|lives|lived|living|moved|house|home|flat|place|she'?s|he'?s|i'?m|we'?re|they'?re|meet(?: me)?|address is|based|park(?:ed)?|staying) (?:down )?(?:on|off|in|at|to|near|by|just off)|(?:corner|end|bottom|top) of) "
    rf"(?P<value>(?:{CAP} ){{1,3}}(?:Street|St|Road|Rd|Avenue|Ave|Lane|Drive|Crescent|Close|Terrace|Gardens|Grove|Mews|Boulevard|Blvd|Court))(?![\w])"
)
# Elsewhere in Europe and the Americas: the kind of street stands before its name, or ends it.
_BEFORE: Final = r"(?:Rue|Avenue|Boulevard|Chemin|Quai|Impasse|Allée|Via|Viale|Piazza|Corso|Largo|Calle|C/|Avenida|Av\.|Plaza|Paseo|Carrer|Rua|Praça|Travessa|ul\.|Ul\.|ulica|al\.|Aleja|os\.|Strada|Bulevardul)"
_ENDS: Final = r"(?:gatan|vägen|gata|gränd|veien|vegen|vei|vej|vænget|gade|stræde|katu|kuja|polku|straat|laan|plein|gracht|kade|dreef|ulice|náměstí|sokak|caddesi)"
_EN_THE: Final = re.compile(
    r"(?i)(?<![\w.,:$£€-])(?P<value>(?:(?:flat|apt|unit) [0-9]{1,4}[a-z]?,? )?[0-9]{1,4}[a-z]? the (?:crescent|close|avenue|green|drive|lane|street|mews|grove|terrace|gardens|square|paddock|parade))(?!\w)"
)
# Squares of Mannheim have letters and numbers for names.
_SQUARE: Final = re.compile(
    r"(?<![\w.-])(?P<value>[A-U] ?[1-7], ?[0-9]{1,2}[a-d]?(?:[-–][0-9]{1,2})?,? 68[0-9]{3} Mannheim)(?!\w)"
)
_ABROAD: Final = re.compile(
    rf"(?<![\w-])(?P<value>(?:[0-9]{{1,5}} )?{_BEFORE} (?:(?:de|del|della|di|da|do|dos|du|des|la|le|les|el|los|las|Al|al|św\.) ?){{0,2}}{CAP}(?: (?:de |la |e )?{CAP}){{0,3}},? [0-9]{{1,5}}[a-z]?(?:/[0-9]{{1,4}})?(?![\w])"
    rf"|[0-9]{{1,5}}(?: bis| ter)?,? (?:{_BEFORE}|rue|avenue|boulevard|place|chemin) (?:(?:de|du|des|la|le|les|l'|d') ?){{0,2}}{CAP}(?:[ -]{CAP}){{0,3}}"
    rf"|(?:[0-9]{{1,5}} )?[{UP}][{LOW}]{{1,20}}{_ENDS} [0-9]{{1,4}}(?: ?[a-zA-Z](?!\w))?(?![\w])"
    rf"|(?:[0-9]{{1,5}} )?{CAP}(?: {CAP}){{0,2}} (?:utca|út|tér|u\.|körút|katu|tie|gatan|väg|ulice|sokak|caddesi) [0-9]{{1,4}}\.?)"
)
_BOX: Final = re.compile(
    rf"(?<!\w)(?P<value>(?i:p\.? ?o\.? ?box|postfach|hòm thư|hom thu) [0-9][0-9 ]{{1,8}}[0-9](?!\w)(?:{_TOWN}(?<=[{LOW}])|,? {CAP}(?: {CAP})?,? [A-Z]{{2}} [0-9]{{5}}(?!\w))?)"
)
_W: Final = rf"[{UP}{LOW}0-9]{{1,12}}"
_WARD: Final = r"(?:phường|phuong|p\.|p(?=[0-9])|quận|quan|q\.|q(?=[0-9])|huyện|huyen|h\.|xã|xa|thị trấn|thi tran|tt\.?|thị xã|tx\.?|tp\.?|thành phố|thanh pho|tỉnh|tinh)"
_STOP: Final = r"(?:phường|phuong|quận|quan|huyện|huyen|xã|tp|thành phố|nhé|nhe|nha|rồi|roi|và|va|ạ|đi|gần|gan|cho|là|la|để|nhưng|của|cua|em|anh|mình|bên|đối|lúc|luc|số|trong|còn|thì|mà)"
_WARDS: Final = rf"(?:(?:,? {_WARD}|, (?i:[pqhx])(?= )) ?(?!{_STOP}\b){_W}(?: (?!{_STOP}\b|{_WARD})[{UP}{LOW}]{{1,7}}){{0,2}}){{0,4}}"
_NUMBER: Final = r"(?:(?:căn hộ|can ho|căn|can|phòng|phong|tầng|tang|nhà|nha|số nhà|so nha|số|so|k|K) ?)?[0-9]{1,4}(?:[a-h](?!\w))?(?:/[0-9]{1,4}[a-h]?){0,4}[A-H]?"
_LANES: Final = (
    r"(?:,? (?:hẻm|hem|ngõ|ngo|ngách|ngach|kiệt|kiet|tổ|to|lô|lo) (?:số )?[0-9]{1,4}(?:/[0-9]{1,4}){0,3}[a-h]?)"
)
_VI: Final = re.compile(
    rf"(?i)(?<![\w/-])(?P<value>{_NUMBER}{_LANES}{{0,2}},? (?:đường|duong|phố|pho|đ\.) (?:số )?(?!{_STOP}\b){_W}(?: (?!{_STOP}\b|{_WARD}){_W}){{0,3}}(?!\w){_WARDS})"
)
_VI_LANE: Final = re.compile(
    rf"(?i)(?<![\w/-])(?P<value>(?:{_NUMBER}|(?:hẻm|hem|ngõ|ngo) [0-9]{{1,4}}(?:/[0-9]{{1,4}}){{0,3}}){_LANES}{{1,2}},? (?!{_STOP}\b)[{UP}{LOW}]{{2,7}}(?: (?!{_STOP}\b|{_WARD})[{UP}{LOW}]{{2,7}}){{0,3}}(?!\w){_WARDS})"
)
_VI_PLAIN: Final = re.compile(
    rf"(?<![\w/.-])(?P<value>(?:(?i:nhà|số nhà|số|căn hộ|K) ?)?[0-9]{{1,4}}(?:/[0-9]{{1,4}}){{0,4}}[A-Ha-h]?,? (?:{CAP} ){{1,3}}{CAP}(?:, ?| )(?i:{_WARD}) ?{_W}(?: {CAP}){{0,2}}(?i:(?:,? {_WARD} ?)?)(?:{_W}(?: {CAP}){{0,2}})?(?:, (?:(?i:tp\.?|thành phố) ?)?{CAP}(?: {CAP}){{0,3}})?)"
)
_VI_SMALL: Final = re.compile(
    rf"(?i)(?<![\w/.-])(?P<value>(?:(?:nhà|nha|số nhà|so nha|số|so) )?[0-9]{{1,4}}(?:/[0-9]{{1,4}}){{0,4}}[a-h]? (?!{_STOP}\b)[{LOW}]{{2,7}}(?: (?!{_STOP}\b|{_WARD})[{LOW}]{{2,7}}){{1,3}}(?:,? (?:quận|quan|q\.?|phường|phuong|p\.?) ?[0-9]{{1,2}}(?!\w)|,? (?:q|p)\. ?[{LOW}]{{2,7}} [{LOW}]{{2,7}}(?!\w)){{1,3}}(?:,? (?:tp\.? ?)?(?:hcm|hn|hà nội|ha noi|sài gòn|sai gon|đà nẵng|da nang))?)"
)
_VI_RURAL: Final = re.compile(
    rf"(?i)(?<!\w)(?P<value>(?:(?:số nhà|so nha|số|tổ|to) [0-9]{{1,4}},? )?(?:(?:tổ|to) [0-9]{{1,3}},? )?(?:ấp|ap|thôn|thon|xóm|xom|khu phố|khu pho|kp|bản|tổ dân phố) (?:[0-9]{{1,3}}|[{UP}{LOW}]{{2,7}}(?: [{UP}{LOW}]{{2,7}}){{0,2}}),? (?:xã|xa|phường|phuong|thị trấn) "
    rf"(?!{_STOP}\b){_W}(?: (?!{_STOP}\b|{_WARD})[{UP}{LOW}]{{1,7}}){{0,2}}{_WARDS})"
)
_NUMBERED: Final = re.compile(
    rf"(?<![\w/.-])(?P<value>(?i:số |nhà |k)?[0-9]{{1,4}}(?:/[0-9]{{1,4}}){{1,4}}[A-H]? {CAP}(?: {CAP}){{1,3}})(?!\w)"
)
_VI_NUMBERED: Final = re.compile(
    rf"(?<![\w/.-])(?i:địa chỉ|dia chi|ở|tại|số nhà|nhà|số|ship (?:đến|tới|về)|giao (?:đến|tới|về))[: ]{{1,2}}(?:mình |em |tôi )?(?P<value>(?:(?i:số |nhà ))?[0-9]{{1,4}}[A-H]? {CAP}(?: {CAP}){{1,3}})(?!\w)"
)
# A block of flats, a new quarter, a lot: at least two such parts, one of them with a number.
_PART: Final = rf"(?:(?i:kđt|khu đô thị|khu do thi|kdc|khu dân cư|khu dan cu|chung cư|chung cu|cư xá|cu xa|ktx|ký túc xá|tòa nhà|toà nhà|tòa|toà|toa|block|lô|lo|đường số|duong so|phòng|phong|tầng|tang|căn hộ|can ho|căn) (?:[A-Z]{{0,3}}[0-9][A-Za-z0-9.]{{0,6}}|{CAP}(?: {CAP}){{0,3}}))"
_VI_BLOCK: Final = re.compile(rf"(?<![\w/-])(?P<value>{_PART}(?:,? {_PART}){{1,4}}{_WARDS})")
_BUILDING: Final = re.compile(r"(?i)kđt|khu|kdc|cư|cu |ktx|ký túc|tòa|toà|toa |block|lô|lo |đường|duong")
# In small letters behind a label: the parts between commas.
_VI_LABELLED: Final = re.compile(
    rf"(?i)(?<!\w)(?:địa chỉ|dia chi|đ/c|(?:đc|dc)(?=:)|ship (?:về|ve|tới|toi|đến|den)|giao (?:về|ve|tới|toi|đến|den))[: ]{{1,3}}"
    rf"(?P<value>(?:(?:nhà|nha|số|so) )?[0-9]{{1,4}}(?:/[0-9]{{1,4}}){{0,3}}[a-h]? (?!{_STOP}\b)[{LOW}]{{1,7}}(?: [{LOW}]{{1,7}}){{1,3}}(?:, (?!{_STOP}\b)[{LOW}]{{1,9}}(?: (?!{_STOP}\b)[{LOW}]{{1,7}}){{1,2}}){{1,3}})"
)
_DIGIT_STREETS: Final = (
    (_DE, "street_de", 0.85, ()),
    (_EN, "street_en", 0.85, ()),
    (_ABROAD, "street_abroad", 0.75, ()),
    (_BOX, "post_box", 0.8, ()),
    (_SQUARE, "street_de", 0.85, ()),
    (
        _VI_BLOCK,
        "street_vi",
        0.8,
        (
            "kđt",
            "khu",
            "kdc",
            "tòa",
            "toà",
            "toa",
            "lô",
            "lo",
            "cư",
            "cu",
            "tầng",
            "tang",
            "căn",
            "can",
            "ph",
            "block",
            "ktx",
        ),
    ),
    (_VI, "street_vi", 0.85, ("đường", "duong", "phố", "pho", "đ.")),
    (_VI_LANE, "street_vi", 0.85, ("hẻm", "hem", "ngõ", "ngo", "ngách", "ngach", "kiệt", "kiet")),
    (_VI_PLAIN, "street_vi", 0.85, ("q", "p", "h", "x", "t")),
    (_VI_RURAL, "street_vi", 0.8, ("ấp", "thôn", "xóm", "xã", "ap ", "thon", "xom", "phố", "pho", "kp", "bản")),
)
_NEXT_PART: Final = re.compile(
    r",? (?:(?:tp\.?|thành phố|thanh pho|tỉnh|tinh|q\.|quận) ?)?(?P<place>[^\W\d_]{2,7}(?: [^\W\d_]{1,7}){0,4})"
)
_TOWN_BEHIND: Final = re.compile(r" [0-9]{4,5},? \w")
_TAIL: Final = " ,.;:-"

EXPRESSIONS: Final = (
    *(_DE, _DE_SMALL, _DE_LIVES, _DE_BARE, _EN),
    *(_EN_SMALL, _EN_BARE, _EN_THE, _SQUARE, _ABROAD),
    *(_BOX, _VI, _VI_LANE, _VI_PLAIN, _VI_SMALL),
    *(_VI_RURAL, _NUMBERED, _VI_NUMBERED, _VI_BLOCK, _VI_LABELLED),
)
"""What the page is asked for."""


def find(text: Text) -> Iterator[Finding]:
    """Street addresses; nearly all need a number."""
    yield from _bare(text)
    if not text.page.has_digit:
        return
    for expression, recognizer, score, trigger in _DIGIT_STREETS:
        if trigger and not (text.vietnamese and any(literal in text.page.lower for literal in trigger)):
            continue
        for match in text.page.matches(expression):
            if _is_street(expression, match):
                yield _finding(text, match, score, recognizer)
    yield from _small(text)


def _is_street(expression: re.Pattern[str], match: "re.Match[str]") -> bool:
    if expression is _VI_BLOCK:
        return _BUILDING.search(match["value"]) is not None
    if expression is _DE:
        return _TOWN_BEHIND.search(match[0]) is not None or not _is_ordinary_german(match["street"])
    return True


def _bare(text: Text) -> Iterator[Finding]:
    """Streets and villages without a number."""
    if "de" in text.page.languages:
        for match in text.page.matches(_DE_BARE):
            if not is_word(match["value"], "de"):
                yield Finding(*match.span("value"), "STREET_ADDRESS", 0.6, "street_de")
    if "en" in text.page.languages:
        for match in text.page.matches(_EN_BARE):
            yield Finding(*match.span("value"), "STREET_ADDRESS", 0.72, "street_en")
    if text.vietnamese and not text.page.has_digit:
        for match in text.page.matches(_VI_RURAL):
            yield _finding(text, match, 0.8, "street_vi")


def _small(text: Text) -> Iterator[Finding]:
    languages = text.page.languages
    if "de" in languages:
        for match in text.page.matches(_DE_SMALL):
            if not is_word(match["value"].split(" ")[0], "de"):
                yield _finding(text, match, 0.7, "street_de")
        for match in text.page.matches(_DE_LIVES):
            yield _finding(text, match, 0.75, "street_de")
    if "en" in languages:
        for match in text.page.matches(_EN_SMALL):
            if not _is_measure(match["name"]):
                yield _finding(text, match, 0.65, "street_en")
        for match in text.page.matches(_EN_THE):
            yield _finding(text, match, 0.65, "street_en")
    if text.vietnamese:
        for expression in (_VI_LABELLED, _VI_SMALL, _NUMBERED, _VI_NUMBERED):
            for match in text.page.matches(expression):
                yield _finding(text, match, 0.7, "street_vi")


def _finding(text: Text, match: "re.Match[str]", score: float, recognizer: str) -> Finding:
    start, end = match.span("value")
    while end > start and text.text[end - 1] in _TAIL:
        end -= 1
    if recognizer == "street_vi":
        end = _with_towns(text, end)
    return Finding(start, end, "STREET_ADDRESS", score, recognizer)


def _with_towns(text: Text, end: int) -> int:
    """The end of an address with the district and the city behind it: `…, Hải Châu, Đà Nẵng`.

    A district that no list has counts when it has a capital and a known place follows.
    """
    known = end
    for _ in range(3):
        match = _NEXT_PART.match(text.page.lower, end)
        if match is None:
            break
        parts = match["place"].split(" ")
        size = next((n for n in range(len(parts), 0, -1) if " ".join(parts[:n]) in vietnamese_places()), 0)
        if size:
            known = end = match.start("place") + len(" ".join(parts[:size]))
        elif (
            text.text[match.start("place")].isupper() and text.text[match.end("place") : match.end("place") + 1] == ","
        ):
            end = match.end("place")
        else:
            break
    return known


_UNSURE: Final = (
    "berg",
    "hof",
    "tor",
    "markt",
    "park",
    "ring",
    "platz",
    "wall",
    "brücke",
    "weg",
    "damm",
    "zeile",
    "kamp",
)


def _is_ordinary_german(street: str) -> bool:
    """`Parkplatz 3`, `Schritt 2`, `Im Jahr 2024`: what a number follows without being a street."""
    lower = street.lower()
    if re.fullmatch(r"[a-z][0-9]{1,2},?", lower):
        return True
    if " " in street:
        last = street.rsplit(" ", 1)[1]
        return (
            lower.split(" ")[0] in ("im", "am", "zum", "zur")
            and is_word(last, "de")
            and not lower.endswith((*_UNSURE, "straße", "str."))
        )
    return lower.endswith(_UNSURE) and is_word(street, "de")


def _is_measure(name: str) -> bool:
    return name.split(" ")[0] in {
        "minute",
        "minutes",
        "min",
        "hour",
        "hours",
        "day",
        "days",
        "week",
        "month",
        "year",
        "years",
        "miles",
        "people",
        "more",
        "the",
        "and",
        "of",
        "per",
    }
