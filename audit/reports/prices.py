"""What models cost: a table that the operator keeps, with the day it was read and where. Nothing is guessed.

date = 2026-11-01
currency = "USD"
source = "https://provider.example/pricing"

[models."gpt-5"]          # or a prefix with a star: "gpt-5-*"
input = "1.25"            # for a million tokens
output = "10"
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

from audit.errors import AuditError

MILLION = 1_000_000
MAX_BYTES = 1024 * 1024


class PricesError(AuditError):
    """The table of prices cannot be read."""

    code = "prices"


@dataclass(frozen=True, slots=True)
class Price:
    """For a million tokens."""

    input: Decimal
    output: Decimal


@dataclass(frozen=True, slots=True)
class Prices:
    """A table of prices as it stood on a day."""

    day: date
    currency: str
    source: str
    models: Mapping[str, Price]

    def cost(self, model: str, tokens_in: int, tokens_out: int) -> Decimal | None:
        """What these tokens cost; None where the table does not know the model. The longest prefix wins."""
        fits = [name for name in self.models if name == model or (name[-1:] == "*" and model.startswith(name[:-1]))]
        if not fits:
            return None
        price = self.models[max(fits, key=lambda name: (name == model, len(name)))]
        return (price.input * tokens_in + price.output * tokens_out) / MILLION


def read(path: Path) -> Prices:
    """The table of a file. Raises PricesError that names file and field."""
    try:
        with path.open("rb") as file:
            text = file.read(MAX_BYTES).decode()
        data = tomllib.loads(text)
    except OSError as error:
        raise PricesError(f"{path} cannot be read ({error.strerror})") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError):
        raise PricesError(f"{path} is not a TOML file") from None
    day, currency, source = data.get("date"), data.get("currency"), data.get("source", "")
    if type(day) is not date or not isinstance(currency, str) or not isinstance(source, str):
        raise PricesError(f'{path}: write date = 2026-11-01, currency = "USD" and source = "…"')
    models = data.get("models")
    if not isinstance(models, dict) or not models:
        raise PricesError(f'{path}: no model has a price; write [models."NAME"] with input and output')
    return Prices(day, currency[:8], source[:200], {name: _price(path, name, one) for name, one in models.items()})


def _price(path: Path, name: str, given: Any) -> Price:
    try:
        price = Price(*(Decimal(str(given[side])) for side in ("input", "output")))
    except (KeyError, TypeError, InvalidOperation):
        price = None
    if price is None or not all(one.is_finite() and one >= 0 for one in (price.input, price.output)):
        raise PricesError(f"{path}: models.{name} needs input and output, the price of a million tokens")
    return price
