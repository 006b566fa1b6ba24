"""One file per entity family or country; each ends in `RECOGNIZERS`, and `ALL` is their sum.

A recognizer looks at one page of text and says where values stand. It keeps nothing and reads nothing else.
"""

from typing import Final

from redaction.recognizers import (
    bank,
    birth,
    card,
    coordinates,
    crypto,
    email,
    government_de,
    government_en,
    government_eu,
    government_vn,
    network,
    phone,
    records,
    secrets,
    special,
    spelled,
    url,
    username,
)
from redaction.recognizers.base import Page, Pattern, Recognizer
from redaction.recognizers.dressed import Dressed
from redaction.recognizers.encoded import Encoded

__all__ = ["ALL", "Page", "Pattern", "Recognizer"]

_FAMILIES: Final = (
    secrets,
    url,
    email,
    phone,
    bank,
    card,
    network,
    crypto,
    coordinates,
    birth,
    government_de,
    government_vn,
    government_en,
    government_eu,
    username,
    spelled,
    records,
    special,
)

_PLAIN: Final[tuple[Recognizer, ...]] = tuple(recognizer for family in _FAMILIES for recognizer in family.RECOGNIZERS)
ALL: Final[tuple[Recognizer, ...]] = (*_PLAIN, Encoded(_PLAIN), Dressed(_PLAIN))
