"""Keyed hashes of values that a policy's exceptions let pass: the file names the hash, nobody can read the value in it.

A value and its type enter, 64 hexadecimal digits leave. The key lives in the home folder; replicas that share a policy
with exceptions share the key file as well.
"""

import hmac
import unicodedata
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from proxy.running.keys import ensure_key

_LABEL = b"dragoman exception value 1\0"


@dataclass(frozen=True, slots=True)
class ValueRefs:
    """Makes references under one key. key: 32 random bytes."""

    key: bytes

    @classmethod
    def of_home(cls, home: Path) -> "ValueRefs":
        """With the key of a home folder, made when it is not there. Raises ConfigError when it is no key."""
        return cls(ensure_key(home / "keys" / "values.key"))

    def __call__(self, entity_type: str, value: str) -> frozenset[str]:
        """HMAC-SHA-256 over the type and the value; case, width and white space of the value do not matter."""
        folded = " ".join(unicodedata.normalize("NFKC", value).casefold().split())
        kind, text = entity_type.encode("utf-8", "surrogatepass"), folded.encode("utf-8", "surrogatepass")
        message = _LABEL + len(kind).to_bytes(4, "big") + kind + text
        return frozenset({hmac.new(self.key, message, sha256).hexdigest()})
