"""The entity type alone: `[PERSON]`. Nothing comes back."""

from collections.abc import Mapping
from types import MappingProxyType

from redaction import tokens
from redaction.operators.base import Params, Price


class Redact:
    """presidio-anonymizer's `replace`, with our brackets."""

    name = "redact"
    price = Price(
        reversible=False,
        from_vault=False,
        reader_learns="the entity type",
        answer_loses="who is who: two people of one text become the same word",
    )
    params: Mapping[str, type] = MappingProxyType({})

    def apply(self, entity_type: str, surface: str, params: Params, key: bytes) -> str:
        """The type in brackets."""
        from presidio_anonymizer.operators import Replace

        return str(Replace().operate(surface, {"new_value": f"[{tokens.label(entity_type)}]"}))

    def load(self) -> None:
        """presidio-anonymizer takes a second or more to import."""
        import presidio_anonymizer.operators  # noqa: F401
