"""The text as it is, because a rule allows it; it is still counted in the record."""

from collections.abc import Mapping
from types import MappingProxyType

from redaction.operators.base import Params, Price


class Keep:
    """Leaves the finding where it is."""

    name = "keep"
    price = Price(reversible=True, from_vault=False, reader_learns="everything", answer_loses="nothing")
    params: Mapping[str, type] = MappingProxyType({})

    def apply(self, entity_type: str, surface: str, params: Params, key: bytes) -> str:
        """The surface itself."""
        return surface

    def load(self) -> None:
        """Nothing to import."""
