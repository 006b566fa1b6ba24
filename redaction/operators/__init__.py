"""The ways to replace a finding: one file and one entry in `ALL` each, named as policies name them.

Surface texts enter, replacements leave; nothing is kept. Whatever is reversible is issued and kept by the vault.
"""

from collections.abc import Iterable, Mapping
from types import MappingProxyType

from redaction.errors import OperatorError
from redaction.operators.base import Operator, Params, Price
from redaction.operators.hash import Hash
from redaction.operators.keep import Keep
from redaction.operators.mask import Mask
from redaction.operators.redact import Redact
from redaction.operators.surrogate import Surrogate
from redaction.operators.tokenize import Tokenize

_EVERY: tuple[Operator, ...] = (
    Tokenize(),
    Surrogate(),
    Redact(),
    Mask(),
    Hash(),
    Keep(),
)
ALL: Mapping[str, Operator] = MappingProxyType({operator.name: operator for operator in _EVERY})
"""name -> operator; the order is the one in which guides show them."""


def named(name: str) -> Operator:
    """The operator of that name. Raises OperatorError `unknown_operator`."""
    operator = ALL.get(name)
    if operator is None:
        raise OperatorError(f"there is no operator of that name; there are: {', '.join(ALL)}", code="unknown_operator")
    return operator


def load(names: Iterable[str]) -> None:
    """Import what these operators need, at start, so that the first transfer does not wait seconds for it."""
    for name in names:
        named(name).load()


__all__ = ["ALL", "Operator", "Params", "Price", "load", "named"]
