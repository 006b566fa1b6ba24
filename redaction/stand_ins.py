"""Stand-ins: a made-up value of the same kind as the one it hides, drawn under a scope's key.

Names come from a list of our own; addresses, numbers and domains from ranges that standards keep free for examples, so
that none belongs to anybody. Pure; what cannot have a stand-in gets None, and then a placeholder.
"""

import hmac
import re
from collections.abc import Callable, Mapping
from functools import cache
from hashlib import sha256
from importlib.resources import files
from types import MappingProxyType
from typing import Final

from redaction import stand_in_ids, stand_in_texts
from redaction.lexicon import words

KIND: Final = "surrogate:"
"""Before the entity type of an item that wants a stand-in instead of a placeholder."""
TRIES: Final = 12
"""Counters that draw a stand-in; where all of them are taken, the next ones make placeholders."""
MIN_LENGTH, MAX_LENGTH = 4, 40  # shorter ones stand in ordinary text; longer ones do not fit into the vault's column

_WORD = re.compile(r"[^\W\d_]+")
_CARD = re.compile(r"\d(?:[ -]?\d){12,18}")
_VIETNAMESE = re.compile(r"[ăâđêôơưạảấầẩẫậắằẳẵặẹẻẽếềểễệỉịọỏốồổỗộớờởỡợụủứừửữựỳỵỷỹ]", re.IGNORECASE)
_TITLES: Final = frozenset(
    ("dr", "prof", "herr", "herrn", "frau", "mr", "mrs", "ms", "miss", "sir", "anh", "chị", "ông", "bà", "cô")
)
_SYMBOLS: Final = "23456789abcdefghjkmnpqrstvwxyz"  # what reads alike is left out
# Bundesnetzagentur, "Rufnummern für Film und Fernsehen": blocks of 1000 in five cities, never assigned.
_GERMAN: Final = ("30 23125 ", "69 90009 ", "40 66969 ", "221 4710 ", "89 99998 ")
# Ofcom, "Telephone numbers for use in TV and radio drama".
_BRITISH: Final = ("20 7946 0", "7700 900")
# NANPA: 555-0100 to 555-0199 are kept for fiction in every area.
_AREAS: Final = ("202", "212", "305", "312", "415", "512", "617", "702", "808", "907")
_NETWORKS: Final = ("192.0.2.", "198.51.100.", "203.0.113.")  # RFC 5737
_DOMAINS: Final = ("example.com", "example.org", "example.net")  # RFC 2606


class Dice:
    """A stream of choices that depends on a key and what is asked, and on nothing else."""

    def __init__(self, key: bytes, kind: str, surface: str, counter: int) -> None:
        asked = "\0".join((kind, surface, str(counter))).encode("utf-8", "surrogatepass")
        self._number = int.from_bytes(hmac.digest(key, b"dragoman stand-in 1\0" + asked, sha256), "big")

    def below(self, limit: int) -> int:
        """A whole number from 0 up to, not including, `limit`; 256 bits are enough for what one stand-in asks."""
        self._number, drawn = divmod(self._number, limit)
        return drawn

    def of(self, choices: tuple[str, ...]) -> str:
        return choices[self.below(len(choices))]

    def symbols(self, count: int, alphabet: str = _SYMBOLS) -> str:
        return "".join(alphabet[self.below(len(alphabet))] for _ in range(count))

    def digits(self, count: int) -> str:
        return self.symbols(count, "0123456789")


def parts(entity_type: str, surface: str) -> tuple[tuple[int, int], ...]:
    """Spans of what gets stand-ins of its own: the words of a name, else the whole; () where it cannot have one.

    Word by word, "Frau Schmidt" and "Anna Schmidt" keep sharing a name, and no two stand-ins make a third together.
    """
    if entity_type != "PERSON":
        return ((0, len(surface)),) if entity_type in _MADE else ()
    spans = []
    for match in _WORD.finditer(surface):
        if match[0].casefold() in _TITLES:
            continue
        before, after = surface[: match.start()][-1:], surface[match.end() :][:1]
        if len(match[0]) < 2 or _glued(before) or _glued(after):
            return ()
        spans.append(match.span())
    return tuple(spans)


def draw(key: bytes, entity_type: str, surface: str, counter: int) -> str | None:
    """The stand-in of a surface (of one word, for a name), None where there is none.

    It differs from the surface in any case, has 4 to 40 characters, and begins and ends as a word or number does.
    """
    make = _MADE.get(entity_type)
    made = make(Dice(key, entity_type, surface, counter), surface) if make is not None else None
    if made is None or not MIN_LENGTH <= len(made) <= MAX_LENGTH or made.casefold() == surface.casefold():
        return None
    return made


def is_stand_in(text: str) -> bool:
    """Whether a text has the form of a stand-in, so that restore may look for it literally."""
    return MIN_LENGTH <= len(text) <= MAX_LENGTH and (text[0].isalnum() or text[0] == "+") and text[-1].isalnum()


def _glued(char: str) -> bool:
    return char.isalnum() or char == "_"


@cache
def names() -> Mapping[str, tuple[str, ...]]:
    """Group -> names: `f`, `m`, `family`, `vi`."""
    found: dict[str, list[str]] = {}
    for line in files("redaction").joinpath("data", "stand_ins.txt").read_text("utf-8").splitlines():
        if not line.startswith("#"):
            group, *listed = line.split()
            found.setdefault(group, []).extend(listed)
    return MappingProxyType({group: tuple(listed) for group, listed in found.items()})


def _person(dice: Dice, surface: str) -> str | None:
    small = surface.casefold()
    if _VIETNAMESE.search(surface):
        group = "vi"
    elif small in words("surnames"):
        group = "family"
    else:
        group = "f" if small.endswith(("a", "e", "i")) else "m"
    return _cased(dice.of(tuple(name for name in names()[group] if name.casefold() != small)), surface)


def _cased(name: str, surface: str) -> str:
    if surface.isupper():
        return name.upper()
    return name.lower() if surface.islower() else name


def _email(dice: Dice, surface: str) -> str:
    return f"{_login(dice)}@{dice.of(_DOMAINS)}"


def _login(dice: Dice) -> str:
    return f"{dice.of(names()['f']).lower()}.{dice.symbols(5)}"


def _username(dice: Dice, surface: str) -> str:
    return _login(dice).replace(".", "_")


def _phone(dice: Dice, surface: str) -> str | None:
    digits = re.sub(r"\D", "", surface)
    if surface.startswith(("+49", "0049")):
        return f"+49 {dice.of(_GERMAN)}{dice.digits(3)}"
    if surface.startswith(("+44", "0044")):
        return f"+44 {dice.of(_BRITISH)}{dice.digits(3)}"
    if surface.startswith("+1") and len(digits) == 11:
        return f"+1 {dice.of(_AREAS)} 555 01{dice.digits(2)}"
    if digits.startswith("0") and len(digits) > 10:
        return f"0{dice.of(_GERMAN)}{dice.digits(3)}"
    return None  # Vietnam keeps no numbers free, and a number without its country could be anybody's


def _address(dice: Dice, surface: str) -> str:
    if ":" in surface:
        return f"2001:db8:{':'.join(dice.symbols(4, '123456789abcdef') for _ in range(6))}"  # RFC 3849
    return f"{dice.of(_NETWORKS)}{1 + dice.below(254)}"


def _iban(dice: Dice, surface: str) -> str | None:
    """Same country and form; zeros where the bank stands, which no bank has; right check digits (ISO 13616)."""
    compact = re.sub(r"\s", "", surface).upper()
    if not re.fullmatch(r"[A-Z]{2}\d{2}[A-Z0-9]{11,30}", compact):
        return None
    body = "".join(
        "Z" if char.isalpha() else "0" if place < 8 else dice.digits(1) for place, char in enumerate(compact[4:])
    )
    number = int("".join(str(int(char, 36)) for char in f"{body}{compact[:2]}00"))
    made = f"{compact[:2]}{98 - number % 97:02d}{body}"
    grouped = " ".join(made[start : start + 4] for start in range(0, len(made), 4))
    return grouped if " " in surface.strip() and len(grouped) <= MAX_LENGTH else made


def _card(dice: Dice, surface: str) -> str | None:
    """Issuer 9999 99, which no card has (ISO/IEC 7812: national, unassigned); right check digit (Luhn)."""
    if not _CARD.fullmatch(surface):
        return None
    digits = "999999" + dice.digits(sum(char.isdigit() for char in surface) - 7)
    total = sum(
        sum(divmod(2 * int(digit), 10)) if place % 2 == 0 else int(digit) for place, digit in enumerate(digits[::-1])
    )
    made = iter(f"{digits}{-total % 10}")
    return "".join(next(made) if char.isdigit() else char for char in surface)


def _by_digits(make: Callable[[stand_in_ids.Digits, str], str | None]) -> Callable[[Dice, str], str | None]:
    def made(dice: Dice, surface: str) -> str | None:
        value = make(dice.digits, surface)
        return value if value is not None and is_stand_in(value) else None

    return made


def _by_choice(make: Callable[[stand_in_texts.Below, str], str | None]) -> Callable[[Dice, str], str | None]:
    def made(dice: Dice, surface: str) -> str | None:
        value = make(dice.below, surface)
        return value if value is not None and is_stand_in(value) else None

    return made


_MADE: Final[Mapping[str, Callable[[Dice, str], str | None]]] = MappingProxyType(
    {
        "PERSON": _person,
        "EMAIL_ADDRESS": _email,
        "USERNAME": _username,
        "PHONE_NUMBER": _phone,
        "IP_ADDRESS": _address,
        "IBAN_CODE": _iban,
        "CREDIT_CARD": _card,
        **{name: _by_digits(make) for name, make in stand_in_ids.MADE.items()},
        **{name: _by_choice(make) for name, make in stand_in_texts.MADE.items()},
    }
)
"""Entity types that have stand-ins."""
