"""The organisation's identity provider (OpenID Connect): who somebody is, by a token that its keys have signed.

A token enters and a visitor leaves, or one constant error: signature, algorithm, issuer, audience, times, and for a
sign-in the nonce, are checked by joserfc; what a role is stands in the settings. Discovery and keys are read over https
(or http on this machine), kept for five minutes, and read again for an unknown key at most every ten seconds.
"""

import hmac
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

import httpx
import orjson
from joserfc import jwt
from joserfc.errors import InvalidKeyIdError, JoseError
from joserfc.jwk import KeySet

from proxy.config import secret
from proxy.control.tokens import Role, Token
from proxy.errors import ConfigError, ProxyError, UnavailableError
from proxy.next_proxy import NextProxy
from proxy.outbound.clients import client
from proxy.outbound.streams.base import checked_url

ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")
"""With a public key only: a shared secret would let whoever checks also sign, and `none` signs nothing."""
MAX_TOKEN = 16 * 1024
MAX_BYTES = 256 * 1024
LEEWAY_S = 60
KEPT_S = 300.0
AGAIN_S = 10.0
TIMEOUT_S = 5.0
_OPTIONS = {"issuer", "client_id", "client_secret", "audience", "role_claim", "roles", "algorithms", "public_url"}


class NotSignedInError(ProxyError):
    """A token that opens nothing; the same words whatever is wrong with it."""

    code = "sign_in"
    status = 401

    def __init__(self) -> None:
        super().__init__("the identity provider's token opens nothing here")


@dataclass(frozen=True, slots=True)
class OidcSettings:
    """`[oidc]` of the settings. client_secret: a reference, "" for a public client. audience: of tokens for the API.

    role_claim: name of the claim, dots between nested ones. roles: its value -> role and a team's applications, the
    first that fits counts. public_url: where browsers reach the console, "" for the host they name.
    """

    issuer: str
    client_id: str
    client_secret: str
    audience: str
    role_claim: str
    roles: tuple[tuple[str, Role, tuple[str, ...]], ...]
    algorithms: tuple[str, ...]
    public_url: str


def read_oidc(table: Mapping[str, Any]) -> OidcSettings | None:
    """The settings, None where there are none. Raises ConfigError that names the option."""
    if not table:
        return None
    for key in table:
        if key not in _OPTIONS:
            raise ConfigError(f"oidc: there is no option {key!r}; there are {', '.join(sorted(_OPTIONS))}")
    texts = {name: table.get(name, "") for name in ("issuer", "client_id", "client_secret", "audience", "public_url")}
    if not all(isinstance(value, str) for value in texts.values()) or not texts["issuer"] or not texts["client_id"]:
        raise ConfigError("oidc: issuer and client_id are texts and have to be there")
    roles, algorithms = table.get("roles", {}), tuple(table.get("algorithms", ("RS256",)))
    if not isinstance(roles, dict) or not roles:
        raise ConfigError('oidc: [oidc.roles] says which value is which role: "dpo" = "officer"')
    if not algorithms or set(algorithms) - set(ALGORITHMS):
        raise ConfigError(f"oidc.algorithms: a list of {', '.join(ALGORITHMS)}")
    return OidcSettings(
        checked_url(texts["issuer"], "oidc.issuer"),
        texts["client_id"],
        texts["client_secret"],
        texts["audience"] or texts["client_id"],
        str(table.get("role_claim", "roles")),
        tuple((str(value), *_role(str(meant))) for value, meant in roles.items()),
        algorithms,
        texts["public_url"].rstrip("/") and checked_url(texts["public_url"].rstrip("/"), "oidc.public_url"),
    )


def _role(text: str) -> tuple[Role, tuple[str, ...]]:
    """`officer`, or `team:messenger,feed`."""
    name, _, applications = text.partition(":")
    names = tuple(one.strip() for one in applications.split(",") if one.strip())
    if name not in set(Role) or (name == Role.TEAM) != bool(names):
        raise ConfigError(f"oidc.roles: one of {', '.join(Role)}; a team with its applications, team:messenger,feed")
    return Role(name), names


class IdentityProvider:
    """One provider. Synchronous, safe between threads. clock: seconds since 1970."""

    def __init__(
        self, settings: OidcSettings, through: NextProxy | None = None, clock: Callable[[], float] = time.time
    ) -> None:
        self.settings, self.through, self._clock = settings, through, clock
        self._lock = threading.Lock()
        self._known: tuple[float, Mapping[str, Any], KeySet] | None = None
        self._asked = -AGAIN_S
        self._client = client(through, timeout=TIMEOUT_S)

    def visitor(self, given: str, *, audience: str = "", nonce: str | None = None) -> Token:
        """Whom a token is about, as the token it stands for. nonce: the one of a sign-in, which it then has to hold.

        Raises NotSignedInError, UnavailableError.
        """
        claims = self._claims(given, audience or self.settings.audience, nonce)
        found = self._role(claims)
        if found is None:
            raise NotSignedInError
        role, applications = found
        subject, issued = str(claims["sub"]), claims.get("iat")
        name = next(
            (claims[key] for key in ("preferred_username", "email") if isinstance(claims.get(key), str)), subject
        )
        return Token(
            id=f"oidc-{sha256(f'{self.settings.issuer}\n{subject}'.encode()).hexdigest()[:24]}",
            role=role,
            name="".join(letter for letter in name if letter.isprintable())[:96],
            applications=applications,
            created=int(issued * 1000) if isinstance(issued, int | float) else 0,
            expires=int(claims["exp"] * 1000),
        )

    def endpoint(self, name: str) -> str:
        """An address of the provider, from its own description. Raises UnavailableError."""
        metadata, _ = self._keys(again=False)
        try:
            return checked_url(str(metadata[name]), name)
        except (KeyError, ConfigError):
            raise _away() from None

    def client_secret(self) -> str:
        """The console's own secret, "" for a public client."""
        return secret(self.settings.client_secret) if self.settings.client_secret else ""

    def close(self) -> None:
        """Ends connections."""
        self._client.close()

    def _claims(self, given: str, audience: str, nonce: str | None) -> Mapping[str, Any]:
        if len(given) > MAX_TOKEN:
            raise NotSignedInError
        for again in (False, True):
            _, keys = self._keys(again=again)
            try:
                return self._checked(given, keys, audience, nonce)
            except InvalidKeyIdError:
                continue  # signed with a key that is newer than what we know
            # RecursionError: a payload that is nested deeper than any claim.
            except (JoseError, ValueError, TypeError, KeyError, RecursionError):
                break
        raise NotSignedInError

    def _checked(self, given: str, keys: KeySet, audience: str, nonce: str | None) -> Mapping[str, Any]:
        registry = jwt.JWTClaimsRegistry(
            now=int(self._clock()),
            leeway=LEEWAY_S,
            iss={"essential": True, "value": self.settings.issuer},
            aud={"essential": True, "value": audience},
            exp={"essential": True},
            sub={"essential": True},
        )
        found = jwt.decode(given, keys, algorithms=list(self.settings.algorithms))
        registry.validate(found.claims)
        if nonce is not None and not hmac.compare_digest(str(found.claims.get("nonce", "")).encode(), nonce.encode()):
            raise ValueError("another sign-in is meant")
        claims: dict[str, Any] = found.claims
        # OpenID Connect Core 3.1.3.7: one of several audiences is meant only where `azp` says so.
        several = isinstance(claims["aud"], list) and len(claims["aud"]) > 1
        if several and nonce is not None and claims.get("azp") != audience:
            raise ValueError("another party is meant")
        return claims

    def _role(self, claims: Mapping[str, Any]) -> tuple[Role, tuple[str, ...]] | None:
        found: Any = claims
        for part in self.settings.role_claim.split("."):
            found = found.get(part) if isinstance(found, dict) else None
        # A text or a list of texts; the keys of an object grant nothing, for their values may say no.
        listed = found if isinstance(found, list) else [found]
        values = {one for one in listed if isinstance(one, str)}
        return next(((role, names) for value, role, names in self.settings.roles if value in values), None)

    def _keys(self, *, again: bool) -> tuple[Mapping[str, Any], KeySet]:
        with self._lock:
            now = self._clock()
            if self._known is not None and now - self._known[0] < (AGAIN_S if again else KEPT_S):
                return self._known[1], self._known[2]
            if now - self._asked < AGAIN_S:
                if self._known is not None and now - self._known[0] < KEPT_S:
                    return self._known[1], self._known[2]
                raise _away()  # it failed a moment ago; not everybody waits for it again
            self._asked = now
            try:
                metadata = self._read(f"{self.settings.issuer.rstrip('/')}/.well-known/openid-configuration")
                if metadata.get("issuer") != self.settings.issuer:
                    raise ValueError("another issuer")
                keys = KeySet.import_key_set(self._read(checked_url(str(metadata["jwks_uri"]), "jwks_uri")))  # type: ignore[arg-type]
            except (httpx.HTTPError, JoseError, ConfigError, ValueError, KeyError, TypeError):
                if self._known is not None and now - self._known[0] < KEPT_S:
                    return self._known[1], self._known[2]
                raise _away() from None
            self._known = (now, metadata, keys)
            return metadata, keys

    def _read(self, url: str) -> dict[str, Any]:
        with self._client.stream("GET", url) as answer:
            data = b""
            for part in answer.iter_bytes():
                data += part
                if len(data) > MAX_BYTES:
                    raise ValueError("too large")
        found = orjson.loads(data) if answer.status_code == 200 else None
        if not isinstance(found, dict):
            raise ValueError("not an object")
        return found


def _away() -> UnavailableError:
    return UnavailableError("the identity provider does not answer as it should", code="identity_provider_away")
