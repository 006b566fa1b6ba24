"""A keyed fingerprint: `[PERSON#9f86d081884c7d65]`. Tells apart and joins within one scope, gives nothing back."""

import hmac
from collections.abc import Mapping
from hashlib import sha256
from types import MappingProxyType

from redaction import tokens
from redaction.operators.base import Params, Price, integer

_DIGITS = 16  # 64 bits


class Hash:
    """HMAC-SHA-256 under the scope's key; an unkeyed hash of a name is the name. length: hex digits, 8 to 64."""

    name = "hash"
    price = Price(
        reversible=False,
        from_vault=False,
        reader_learns="the entity type, and which mentions in one scope are the same text",
        answer_loses="the value; models copy long hexadecimal less exactly than a placeholder",
    )
    params: Mapping[str, type] = MappingProxyType({"length": int})

    def apply(self, entity_type: str, surface: str, params: Params, key: bytes) -> str:
        """Type and fingerprint in brackets; `#` keeps it out of the placeholder grammar."""
        length = integer(params, "length", _DIGITS, 8, 64)
        message = b"dragoman hash 1\0%b\0%b" % (
            entity_type.encode("utf-8", "surrogatepass"),
            surface.encode("utf-8", "surrogatepass"),
        )
        return f"[{tokens.label(entity_type)}#{hmac.digest(key, message, sha256).hex()[:length]}]"

    def load(self) -> None:
        """Nothing to import."""
