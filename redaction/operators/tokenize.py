"""A placeholder that restore turns back: `[PERSON_7K3QX2MA]`. The default."""

from collections.abc import Mapping
from types import MappingProxyType

from redaction.errors import OperatorError
from redaction.operators.base import Params, Price


class Tokenize:
    """Names what the vault does; a placeholder that the vault did not store could never be restored."""

    name = "tokenize"
    price = Price(
        reversible=True,
        from_vault=True,
        reader_learns="the entity type, and which mentions in one scope are the same text",
        answer_loses="little: inflection, gender and anything that depends on the words themselves",
    )
    params: Mapping[str, type] = MappingProxyType({})

    def apply(self, entity_type: str, surface: str, params: Params, key: bytes) -> str:
        """Always raises OperatorError `no_token`."""
        raise OperatorError("a placeholder is issued by the vault, not made here", code="no_token")

    def load(self) -> None:
        """Nothing to import."""
