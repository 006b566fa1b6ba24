"""Ids: ULIDs, which sort by time and say nothing else."""

import os
import time

_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_PAIRS = tuple([high + low for high in _ALPHABET for low in _ALPHABET])
_SHIFTS = tuple(range(120, -1, -10))


def now_ms() -> int:
    """Milliseconds since 1970 UTC."""
    return time.time_ns() // 1_000_000


def new_id(at: int | None = None) -> str:
    """A ULID: 48 bits of time in milliseconds, 80 random bits, 26 characters of Crockford's base 32."""
    value = ((now_ms() if at is None else at) << 80) | int.from_bytes(os.urandom(10))
    return "".join([_PAIRS[(value >> shift) & 1023] for shift in _SHIFTS])
