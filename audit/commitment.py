"""Commitments: what lets the owner prove later which bytes a record speaks of, without the bytes being guessable.

A bare SHA-256 of a short prompt can be guessed. So the hash is keyed by a salt derived from the scope's commit key
and the transfer's id; the salt is stored nowhere, and destroying the scope's key closes the commitment for ever.
"""

import hmac
from typing import Final

REQUEST_IN: Final = "request-in"
REQUEST_OUT: Final = "request-out"
MEDIA: Final = "media"

_PURPOSE = b"dragoman/commitment/v1"


def commit(key: bytes, transfer_id: str, label: str, data: bytes) -> str:
    """The commitment to `data`, as records hold it: 64 lower-case hexadecimal digits.

    key: commit key of the scope, at least 16 random bytes. transfer_id: ULID of the exchange. label: which bytes
    (`REQUEST_IN`, `REQUEST_OUT`, `MEDIA`), so that equal bytes in two places do not look equal. Raises ValueError.
    """
    return hmac.digest(_salt(key, transfer_id, label), data, "sha256").hex()


def _salt(key: bytes, transfer_id: str, label: str) -> bytes:
    if len(key) < 16:
        raise ValueError("a commit key has at least 16 bytes")
    transfer, which = transfer_id.encode(), label.encode()
    lengths = len(transfer).to_bytes(2, "big"), len(which).to_bytes(2, "big")
    return hmac.digest(key, _PURPOSE + lengths[0] + transfer + lengths[1] + which, "sha256")


def opens(commitment: str, key: bytes, transfer_id: str, label: str, data: bytes) -> bool:
    """Whether `data` is what was committed to; takes the same time whatever the answer."""
    return hmac.compare_digest(commitment.encode(), commit(key, transfer_id, label, data).encode())
