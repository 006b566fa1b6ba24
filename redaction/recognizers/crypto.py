"""Wallet addresses: Bitcoin (Base58Check, Bech32), Ethereum, Monero, and others by their context."""

import hashlib
import re
from typing import Final

from redaction.recognizers.base import Page, Pattern, Recognizer, words

_BASE58: Final = re.compile(r"(?<![A-Za-z0-9])[13LM][1-9A-HJ-NP-Za-km-z]{25,34}(?![A-Za-z0-9])")
_BECH32: Final = re.compile(r"(?<![A-Za-z0-9])(?:bc1|ltc1|tb1)[02-9ac-hj-np-z]{25,87}(?![A-Za-z0-9])", re.IGNORECASE)
_ETHEREUM: Final = re.compile(r"(?<![A-Za-z0-9])0x[0-9a-fA-F]{40}(?![A-Za-z0-9])")
_MONERO: Final = re.compile(r"(?<![A-Za-z0-9])[48][0-9AB][1-9A-HJ-NP-Za-km-z]{93}(?![A-Za-z0-9])")
_OTHER: Final = re.compile(
    r"(?<![A-Za-z0-9])(?:T[1-9A-HJ-NP-Za-km-z]{33}|r[1-9A-HJ-NP-Za-km-z]{24,34}|[1-9A-HJ-NP-Za-km-z]{43,44}|addr1[02-9ac-hj-np-z]{50,110})(?![A-Za-z0-9])"
)
_WALLET: Final = words(
    "wallet",
    "solana",
    "sol",
    "tron",
    "trx",
    "usdt",
    "xrp",
    "ripple",
    "cardano",
    "ada",
    "crypto",
    "krypto",
    "ví",
    "địa chỉ ví",
)
_ALPHABET: Final = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"


def _base58(value: str, page: Page, start: int, end: int) -> float | None:
    number = 0
    for char in value:
        number = number * 58 + _ALPHABET.index(char)
    raw = number.to_bytes(25, "big") if number < 1 << 200 else b""
    if len(raw) == 25 and hashlib.sha256(hashlib.sha256(raw[:-4]).digest()).digest()[:4] == raw[-4:]:
        return 1.0
    return 0.6 if words("btc", "bitcoin", "wallet", "ví").search(page.around(start, end)) else None


def _other(value: str, page: Page, start: int, end: int) -> float | None:
    return 0.8 if _WALLET.search(page.around(start, end)) else None


RECOGNIZERS: tuple[Recognizer, ...] = (
    Pattern("bitcoin", "CRYPTO", _BASE58, check=_base58, trigger=("0",), least=26, solid=(), skip_opaque=False),
    Pattern("bech32", "CRYPTO", _BECH32, 0.95, trigger=("bc1", "ltc1", "tb1"), skip_opaque=False),
    Pattern("ethereum", "CRYPTO", _ETHEREUM, 0.95, trigger=("0x",), skip_opaque=False),
    Pattern("monero", "CRYPTO", _MONERO, 0.95, trigger=("0",), skip_opaque=False),
    Pattern(
        "wallet",
        "CRYPTO",
        _OTHER,
        check=_other,
        least=25,
        solid=(),
        trigger=("wallet", "sol", "tr", "usdt", "xrp", "rip", "ada", "ypto", "ví"),
        skip_opaque=False,
    ),
)
