"""Ids: ULIDs, which sort by time and say nothing else."""

import secrets
import time

_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


def now_ms() -> int:
    """Milliseconds since 1970 UTC."""
    return time.time_ns() // 1_000_000


def new_id(at: int | None = None) -> str:
    """A ULID: 48 bits of time in milliseconds, 80 random bits, 26 characters of Crockford's base 32."""
    value = ((now_ms() if at is None else at) << 80) | secrets.randbits(80)
    return "".join(_ALPHABET[(value >> shift) & 31] for shift in range(125, -1, -5))
