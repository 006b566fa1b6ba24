"""What an operator is: one way to write something else in the place of a finding, with its price told.

An operator is pure and knows one surface text at a time: what it was found as, the parameters of the rule, the key of
the scope. It keeps nothing, and its errors never quote the surface.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from redaction.errors import OperatorError

type Params = Mapping[str, str | int]


@dataclass(frozen=True, slots=True)
class Price:
    """What an operator means for the people concerned and for the answer; shown by `policy explain` and the guides.

    reversible: whether restore brings the original back. from_vault: whether the replacement is issued by the vault
    (then `apply` refuses). reader_learns: what whoever receives the text still learns. answer_loses: what it costs
    in quality.
    """

    reversible: bool
    from_vault: bool
    reader_learns: str
    answer_loses: str


class Operator(Protocol):
    """One operator; instances are immutable and shared. params: name -> type of the parameters a rule may give."""

    name: str
    price: Price
    params: Mapping[str, type]

    def apply(self, entity_type: str, surface: str, params: Params, key: bytes) -> str:
        """What stands in the place of `surface`. key: the scope's, at least 16 bytes; only keyed operators use it.

        Raises OperatorError: `bad_parameter`, or `no_token` where the vault must issue the replacement.
        """
        ...

    def load(self) -> None:
        """Import what `apply` needs, so that the first transfer does not wait for it."""
        ...


def integer(params: Params, name: str, default: int, least: int, most: int) -> int:
    """A whole-number parameter within its bounds. Raises OperatorError `bad_parameter`."""
    value = params.get(name, default)
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise OperatorError(f"parameter `{name}` is a whole number from {least} to {most}", code="bad_parameter")
    return value
