"""Requests to Amazon Web Services, signed again: a body that was rewritten has another signature (Signature Version 4).

The app's own signature ends here and is not checked; who the app is, is a matter of `identity`. Keys are what
`provider_keys` names: `ACCESS_KEY_ID:SECRET_ACCESS_KEY[:SESSION_TOKEN]`, or a Bedrock API key alone. botocore signs.
"""

import re

from proxy.errors import RefusedError
from proxy.messages import Headers, Origin

SCHEME = "AWS4-HMAC-SHA256"
OWN_FIELDS = ("authorization", "x-amz-security-token", "x-amz-date", "x-amz-content-sha256")
_SCOPE = re.compile(r"Credential=([^/,\s]+)/[0-9]{8}/([a-z0-9-]+)/([a-z0-9-]+)/aws4_request")
_HOST = re.compile(r"[a-z0-9-]+\.([a-z]{2}(?:-[a-z]+)+-[0-9])\.amazonaws\.com(?:\.cn)?")
_SIGNED = ("content-type", "x-amz-", "x-amzn-")


def is_signed(authorization: str | None) -> bool:
    """Whether an Authorization field is a signature of a request, which a changed body would break."""
    return (authorization or "").startswith(SCHEME)


def signer_of(authorization: str) -> str:
    """The access key's id in such a field: the same in every request of one app, which the signature is not."""
    found = _SCOPE.search(authorization)
    return f"{SCHEME} {found[1]}" if found else SCHEME


def signed(
    headers: Headers, key: str, *, method: str, origin: Origin, target: bytes, body: bytes, asked: str = ""
) -> Headers:
    """The fields with a signature of ours. asked: the app's Authorization field, whose region and service count.

    Raises RefusedError `provider_key_missing` or `provider_region_unknown`.
    """
    kept = headers.without(OWN_FIELDS)
    access, colon, rest = key.partition(":")
    if not colon:
        return kept.with_field("Authorization", f"Bearer {key}")
    secret, _, token = rest.partition(":")
    scope, host = _SCOPE.search(asked), _HOST.fullmatch(origin.host)
    region = scope[2] if scope else host[1] if host else ""
    service = scope[3] if scope else "bedrock"
    if not region:
        raise RefusedError("the region to sign for is not known; sign the request, or use a host that names it",
                           code="provider_region_unknown")  # fmt: skip
    from botocore.auth import SigV4Auth
    from botocore.awsrequest import AWSRequest
    from botocore.credentials import Credentials

    fields = {
        name.decode("latin-1"): value.decode("latin-1")
        for name, value in kept
        if name.decode("latin-1").lower().startswith(_SIGNED)
    }
    url = f"{origin.scheme}://{origin.authority}{origin.prefix}{target.decode('latin-1')}"
    request = AWSRequest(method, url, headers=fields, data=body)
    SigV4Auth(Credentials(access, secret, token or None), service, region).add_auth(request)
    for name in ("X-Amz-Date", "X-Amz-Security-Token", "Authorization"):
        if name in request.headers:
            kept = kept.with_field(name, str(request.headers[name]))
    return kept
