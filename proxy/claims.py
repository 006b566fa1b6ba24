"""Tokens (JWT, RFC 7519) that a request carries: verified against the keys that the policy names, or refused.

A token's text enters and its claims leave, never unverified: signature, algorithm, issuer, audience and time are
checked by joserfc. What a claim means is said by the policy, for applications, subjects and flags.
"""

import time
from collections.abc import Awaitable, Callable, Mapping
from types import MappingProxyType
from typing import Any

from joserfc import jwt
from joserfc.errors import InvalidKeyIdError, JoseError
from joserfc.jwk import KeySet

from policies.declared import Tokens
from proxy.errors import RefusedError, UnavailableError
from proxy.messages import Headers

MAX_TOKEN = 16 * 1024
"""Characters; servers accept header lines of half that."""
LEEWAY_S = 60
"""By how much clocks of issuer and proxy may differ (RFC 7519, section 4.1.4: "no more than a few minutes")."""
NO_CLAIMS: Mapping[str, Any] = MappingProxyType({})

type KeysOf = Callable[[str, bool], Awaitable[KeySet]]
"""(where the keys are, whether to look again) -> the keys. Raises UnavailableError (`token_keys_unavailable`)."""

type ClaimsOf = Callable[[Tokens, Headers], Awaitable[Mapping[str, Any]]]
"""`verified_claims` with the keys at hand."""


async def no_claims(_tokens: Tokens, _headers: Headers) -> Mapping[str, Any]:
    """Where nobody verifies, nobody is believed."""
    return NO_CLAIMS


async def verified_claims(
    tokens: Tokens, headers: Headers, keys_of: KeysOf, clock: Callable[[], float] = time.time
) -> Mapping[str, Any]:
    """The claims of the request's token; none where it has none.

    clock: seconds since 1970. Raises RefusedError (`token_invalid`), UnavailableError (`token_keys_unavailable`).
    """
    values = headers.all(tokens.header)
    if not values:
        return NO_CLAIMS
    token = values[0].removeprefix("Bearer ").removeprefix("bearer ").strip()
    if len(values) > 1 or len(token) > MAX_TOKEN:
        raise _invalid()
    try:
        return _claims(token, await keys_of(tokens.keys, False), tokens, clock())
    except InvalidKeyIdError:
        pass  # signed with a key that is newer than what we know
    try:
        return _claims(token, await keys_of(tokens.keys, True), tokens, clock())
    except InvalidKeyIdError:
        raise _invalid() from None


def _claims(token: str, keys: KeySet, tokens: Tokens, now: float) -> Mapping[str, Any]:
    registry = jwt.JWTClaimsRegistry(
        now=int(now),
        leeway=LEEWAY_S,
        iss={"essential": True, "value": tokens.issuer},
        aud={"essential": True, "value": tokens.audience},
        exp={"essential": True},
    )
    try:
        found = jwt.decode(token, keys, algorithms=list(tokens.algorithms))
        registry.validate(found.claims)
    except InvalidKeyIdError:
        raise
    # RecursionError: a payload that is nested deeper than any claim.
    except (JoseError, ValueError, TypeError, KeyError, RecursionError):
        raise _invalid() from None
    return MappingProxyType(found.claims)


def _invalid() -> RefusedError:
    return RefusedError(
        "the request's token is not signed by whom the policy names, is for somebody else, or has ended",
        code="token_invalid",
        status=401,
    )


def keys_unavailable() -> UnavailableError:
    """Nobody can be believed while the keys cannot be read; the request is refused."""
    return UnavailableError(
        "the keys for tokens cannot be read, so no token can be verified; nothing was sent",
        code="token_keys_unavailable",
    )
