"""Somebody who issues tokens: a key, its JWK set in a file, and tokens signed with it or with another."""

import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet, OctKey

ISSUER, AUDIENCE = "https://login.example.com", "dragoman"


@dataclass
class Issuer:
    """file: where the public keys are."""

    file: Path
    key: ECKey = field(default_factory=lambda: ECKey.generate_key("P-256", {"kid": "k1"}))

    def publish(self) -> None:
        """Writes the public keys."""
        self.file.write_bytes(orjson.dumps(KeySet([self.key]).as_dict(private=False)))

    def rotate(self, kid: str) -> None:
        """A new key, published."""
        self.key = ECKey.generate_key("P-256", {"kid": kid})
        self.publish()

    def token(
        self, *, key: ECKey | OctKey | None = None, alg: str = "ES256", kid: str | None = "k1", **claims: Any
    ) -> str:
        """A token of this issuer for `dragoman` that ends in five minutes, unless claims say otherwise."""
        said = {"iss": ISSUER, "aud": AUDIENCE, "exp": int(time.time()) + 300} | claims
        header = {"alg": alg} | ({"kid": kid} if kid else {})
        said = {name: value for name, value in said.items() if value is not None}
        return jwt.encode(header, said, key or self.key, algorithms=[alg])
