"""A made-up value of the same kind that restore turns back: `Anna Schmidt` leaves as `Greta Feldmann`."""

from collections.abc import Mapping
from types import MappingProxyType

from redaction.errors import OperatorError
from redaction.operators.base import Params, Price


class Surrogate:
    """Names what the vault does; a type, or a place in a text, that cannot have a stand-in gets a placeholder."""

    name = "surrogate"
    price = Price(
        reversible=True,
        from_vault=True,
        reader_learns="the kind of value, a name's likely gender and language, which mentions are the same text",
        answer_loses="least of all; but a word of the answer that happens to be a stand-in is turned into the original",
    )
    params: Mapping[str, type] = MappingProxyType({})

    def apply(self, entity_type: str, surface: str, params: Params, key: bytes) -> str:
        """Always raises OperatorError `no_token`."""
        raise OperatorError("a stand-in is issued by the vault, not made here", code="no_token")

    def load(self) -> None:
        """Nothing to import."""
