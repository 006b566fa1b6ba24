"""The request as it will leave: replaced texts spliced in, every other byte as it came; its fields for who gets it.

The last step before the record.
"""

from collections.abc import Mapping
from dataclasses import replace

from proxy.aws_signing import is_signed, signed
from proxy.errors import ConfigError, RefusedError
from proxy.formats import bedrock
from proxy.formats.base import Dialect
from proxy.messages import Headers, Outgoing
from proxy.steps.reading import NOT_SENT_ON, kept_from_storing
from proxy.steps.routing import renamed_model, routed_headers
from proxy.steps.work import Services, Work, known

_IDENTITY = (b"Accept-Encoding", b"identity")


def outgoing(work: Work, services: Services, files: Mapping[str, str]) -> Outgoing:
    """What a door may send once it is recorded. files: new bytes of attachments. Raises RefusedError, FormatError."""
    texts, beside = known(work.tokenized).texts, _beside_the_body(work)
    inspected, target, origin = known(work.inspected), known(work.target), known(work.origin)
    unkept = inspected.unkept if inspected.keeps and kept_from_storing(work) else {}
    body = work.format.splice(
        inspected, {key: text for key, text in texts.items() if key not in beside} | {**unkept, **files}
    )
    if work.routed_from is not None:
        body = renamed_model(body, work.destination.models)
    path, query, headers = target.splice(beside)
    mark = b"?" if b"?" in work.facts.egress.target else b""
    line = path.encode("latin-1") + mark + query.encode("latin-1")
    work.provider_key = services.provider_key(work.destination.name)
    fields = _headers(work, headers, line, body)
    return Outgoing(origin, work.facts.egress.method, line, fields, body)


def with_current_key(work: Work, services: Services, request: Outgoing) -> Outgoing:
    """The same request under the provider's key of this moment, for after the record.

    Whoever rotates a key asks the log what may still use the old one, so what is in no log yet must not take it along.
    """
    if work.provider_key is None:
        return request
    try:
        key = services.provider_key(work.destination.name)
    except ConfigError:
        return request  # what could be read for this request a moment ago is still good for it
    if key in (None, work.provider_key):
        return request
    work.provider_key = key
    _, _, headers = known(work.target).splice(_beside_the_body(work))
    return replace(request, headers=_headers(work, headers, request.target, request.body))


def _beside_the_body(work: Work) -> dict[str, str]:
    """New texts of path, query and fields, by their pointers."""
    in_body = {segment.pointer for segment in known(work.inspected).segments}
    return {key: text for key, text in known(work.tokenized).texts.items() if key not in in_body}


def outgoing_message(work: Work, dialect: Dialect, files: Mapping[str, str]) -> bytes:
    """One message of a session, as it may be sent once it is recorded. files: see `outgoing`. Raises FormatError."""
    inspected = known(work.inspected)
    unkept = inspected.unkept if inspected.keeps and kept_from_storing(work) else {}
    return dialect.splice(inspected, {**known(work.tokenized).texts, **unkept, **files})


def _headers(work: Work, headers: Headers, line: bytes, body: bytes) -> Headers:
    fields = _keyed(work, headers, body)
    signature = work.facts.egress.headers.get("authorization") or ""
    signs = is_signed(signature) or (work.identity.own_credential_in and work.format.name == bedrock.FORMAT.name)
    if not signs or work.routed_from is not None:
        return fields
    if work.provider_key is None:
        raise RefusedError(
            "the app signed its request, and a changed one needs a signature of ours: put AWS keys into "
            "`provider_keys` for this destination, or let the app use a Bedrock API key",
            code="provider_key_missing",
            status=401,
        )
    method, origin = work.facts.egress.method, known(work.origin)
    return signed(fields, work.provider_key, method=method, origin=origin, target=line, body=body, asked=signature)


def _keyed(work: Work, headers: Headers, body: bytes) -> Headers:
    origin, key = known(work.origin), work.provider_key
    # Restoring works on text: identity is asked for, whatever the app would have taken.
    fields = [(b"Host", origin.authority.encode("latin-1")), *headers.without(NOT_SENT_ON).fields, _IDENTITY]
    if body or work.facts.egress.method in {"POST", "PUT", "PATCH"}:
        fields.append((b"Content-Length", b"%d" % len(body)))
    kept = Headers(tuple(fields))
    if work.routed_from is not None:
        return routed_headers(work, kept, key)
    carrier = work.identity.own_credential_in
    if not carrier:
        return kept
    if key is None:
        raise RefusedError(
            "the app used a dragoman credential, but no provider key is configured for this destination",
            code="provider_key_missing",
            status=401,
        )
    return kept.with_field(carrier, f"Bearer {key}" if carrier == "authorization" else key)
