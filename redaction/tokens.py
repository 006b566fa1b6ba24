"""The placeholder grammar: `[TYPE_XXXXXXXX]`, how one is made and how one is told from other text.

The last eight characters (twelve where a scope is wider than a session) are Crockford base-32, the very last of them
a check character over the others. Pure: a scope's key and a surface text come in, a placeholder goes out; neither is
kept, and nothing here knows what a placeholder stands for.
"""

import hmac
import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # Crockford's: without I, L, O (read as 1, 1, 0) and U
SESSION_LENGTH = 8  # 35 random bits: a thousand values in one session collide with 0.0015 %
WIDE_LENGTH = 12  # 55 random bits: a million values in one application collide with 0.0014 %
LINK_LENGTH = 3  # 15 bits tell the persons of a conversation apart; 20 are left for the forms of one name
LENGTHS = (SESSION_LENGTH, WIDE_LENGTH)
MAX_LABEL = 20  # with every accepted spelling a placeholder then stays within the 64 characters restore may hold back
MAX_TOKEN = 1 + MAX_LABEL + 1 + WIDE_LENGTH + 1

_VALUE = {char: value for value, char in enumerate(ALPHABET)}
_READ_AS = str.maketrans("ILO", "110")
_LINKED = "PERSON"
_LETTERS = re.compile(r"[^\W\d_]+")
_UMLAUTS = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue"})
_LABEL = "[A-Z][A-Z0-9_]{0,19}"
_ID = f"[{ALPHABET}]{{12}}|[{ALPHABET}]{{8}}"
_TOKEN = re.compile(rf"\[({_LABEL})_({_ID})\]")
_NOT_LABEL = re.compile(r"[^A-Z0-9]+")


@dataclass(frozen=True, slots=True)
class Token:
    """A parsed placeholder. label: the entity type as written; ident: 8 or 12 characters, check character included."""

    label: str
    ident: str

    def __str__(self) -> str:
        return f"[{self.label}_{self.ident}]"


def label(entity_type: str) -> str:
    """The entity type as it stands in a placeholder: ASCII capitals, digits, `_`; at most 20 characters.

    Two types that differ only after the twentieth character share a label; their placeholders still differ.
    """
    cleaned = _NOT_LABEL.sub("_", entity_type.upper()).strip("_")
    if not cleaned or not cleaned[0].isalpha():
        cleaned = f"X_{cleaned}"
    return cleaned[:MAX_LABEL].rstrip("_")


def mint(scope_key: bytes, entity_type: str, surface: str, length: int = SESSION_LENGTH, counter: int = 0) -> str:
    """The placeholder of a surface text in a scope: HMAC-SHA-256 under the scope's key, so the same on every turn.

    Of a person's name the first three characters come from what its forms share (`shared`), so that "Anna Schmidt",
    "Frau Schmidt" and "Schmidt" are seen to belong together; each still stands for exactly its own text.
    scope_key: at least 16 random bytes. length: 8 or 12 (`LENGTHS`). counter: 0, or higher after a conflict.
    Raises ValueError on another length or a short key.
    """
    if length not in LENGTHS or len(scope_key) < 16 or counter < 0:
        raise ValueError("a placeholder has 8 or 12 characters, a key of 16 bytes or more, a counter of 0 or more")
    kind = entity_type.encode("utf-8", "surrogatepass")
    text = surface.encode("utf-8", "surrogatepass")
    message = b"dragoman token 1\0%d\0%d\0%b\0%b" % (counter, len(kind), kind, text)
    linked = _linked(scope_key, surface) if entity_type == _LINKED else ""
    attempt = 0
    while True:
        digest = hmac.digest(scope_key, b"%d\0%b" % (attempt, message), sha256)
        number = int.from_bytes(digest[:8], "big")
        drawn = "".join(ALPHABET[(number >> (5 * place)) & 31] for place in range(length - 1))
        body = linked + drawn[len(linked) :]
        # A body of digits alone reads like a phone number, one of letters alone like a word: models bend both.
        if not body.isdigit() and not body.isalpha():
            return f"[{label(entity_type)}_{body}{check_character(body)}]"
        attempt += 1


def shared(surface: str) -> str:
    """What the forms of one person's name have in common: its last word, or the one before a comma, without case,
    marks, umlauts and a genitive's apostrophe. "" where there is no letter."""
    named = surface.partition(",")[0] if "," in surface else surface
    plain = named.casefold().translate(_UMLAUTS).removesuffix("'s").removesuffix("’s")
    marks = unicodedata.normalize("NFKD", plain).replace("đ", "d")
    return next(iter(_LETTERS.findall("".join(c for c in marks if not unicodedata.combining(c)))[::-1]), "")


def _linked(scope_key: bytes, surface: str) -> str:
    form = shared(surface)
    if not form:
        return ""
    digest = hmac.digest(scope_key, b"dragoman person 1\0" + form.encode("utf-8", "surrogatepass"), sha256)
    number = int.from_bytes(digest[:8], "big")
    return "".join(ALPHABET[(number >> (5 * place)) & 31] for place in range(LINK_LENGTH))


def check_character(body: str) -> str:
    """The check character of the other characters: a weighted sum in GF(32).

    Every single wrong character and every swap of two characters changes it (the weights are distinct and not zero).
    """
    total = 0
    for place, char in enumerate(body):
        total ^= _PRODUCTS[place][_VALUE[char]]
    return ALPHABET[total]


def canonical_ident(written: str) -> str:
    """Characters as a model may have written them, in the grammar's own spelling (capitals; I, L, O as 1, 1, 0)."""
    return written.upper().translate(_READ_AS)


def is_checked(ident: str) -> bool:
    """Whether 8 or 12 characters are of the alphabet and end in their check character."""
    return len(ident) in LENGTHS and all(char in _VALUE for char in ident) and check_character(ident[:-1]) == ident[-1]


@lru_cache(maxsize=16_384)  # above the 10,000 of one exchange; a conversation shows the same ones at every turn
def parse(text: str) -> Token | None:
    """The placeholder that `text` is, exactly as `mint` writes it, else None."""
    match = _TOKEN.fullmatch(text)
    if match is None or not is_checked(match[2]):
        return None
    return Token(match[1], match[2])


def split(text: str) -> list[str]:
    """A text cut at everything that reads like a placeholder: what stands between them at even places, they at odd."""
    pieces: list[str] = []
    position = 0
    for match in _TOKEN.finditer(text):
        pieces += (text[position : match.start()], match[0])
        position = match.end()
    return [*pieces, text[position:]]


def is_token(text: str) -> bool:
    """Whether `text` is exactly one placeholder with a right check character."""
    return parse(text) is not None


def _weights() -> tuple[tuple[int, ...], ...]:
    """Products of every value with 2, 4, 8 ... in GF(2^5) modulo x^5 + x^2 + 1 (a primitive polynomial)."""
    rows = []
    row = list(range(32))
    for _ in range(WIDE_LENGTH - 1):
        row = [(value << 1) ^ (0b100101 if value & 16 else 0) for value in row]
        rows.append(tuple(row))
    return tuple(rows)


_PRODUCTS = _weights()
