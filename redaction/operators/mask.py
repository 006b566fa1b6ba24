"""All but the last characters covered: `************1234`. For people who recognize their own card or account."""

from collections.abc import Mapping
from types import MappingProxyType

from redaction.errors import OperatorError
from redaction.operators.base import Params, Price, integer

_LAST_SHOWN = 4  # what receipts print of a card
_SHOWN_AT_MOST = 3  # one character in three, so that a short value is not shown whole


class Mask:
    """presidio-anonymizer's `mask`. keep: characters shown at the end (0 to 8). char: what covers the others."""

    name = "mask"
    price = Price(
        reversible=False,
        from_vault=False,
        reader_learns="the last characters, the length, often the kind of value",
        answer_loses="the value; the model can still say which of several is meant",
    )
    params: Mapping[str, type] = MappingProxyType({"keep": int, "char": str})

    def apply(self, entity_type: str, surface: str, params: Params, key: bytes) -> str:
        """The surface covered, of the same length; never more than a third of it stays."""
        from presidio_anonymizer.operators import Mask as PresidioMask

        shown = min(integer(params, "keep", _LAST_SHOWN, 0, 8), len(surface) // _SHOWN_AT_MOST)
        char = params.get("char", "*")
        if not isinstance(char, str) or len(char) != 1 or char.isalnum() or char in "[]\\":
            raise OperatorError("parameter `char` is one character, no letter, digit or bracket", code="bad_parameter")
        told = {"masking_char": char, "chars_to_mask": len(surface) - shown, "from_end": False}
        return str(PresidioMask().operate(surface, told))

    def load(self) -> None:
        """presidio-anonymizer takes a second or more to import."""
        import presidio_anonymizer.operators  # noqa: F401
