"""The request as it will leave: replaced texts spliced in, every other byte as it came; its fields for who gets it.

Pure, and the last step before the record.
"""

from collections.abc import Mapping

from proxy.aws_signing import is_signed, signed
from proxy.errors import RefusedError
from proxy.formats import bedrock
from proxy.formats.base import Dialect
from proxy.messages import Headers, Outgoing
from proxy.steps.reading import NOT_SENT_ON, kept_from_storing
from proxy.steps.routing import renamed_model, routed_headers
from proxy.steps.work import Services, Work, known

_IDENTITY = (b"Accept-Encoding", b"identity")


def outgoing(work: Work, services: Services, files: Mapping[str, str]) -> Outgoing:
    """What a door may send once it is recorded. files: new bytes of attachments. Raises RefusedError, FormatError."""
    texts = known(work.tokenized).texts
    inspected, target, origin = known(work.inspected), known(work.target), known(work.origin)
    in_body = {segment.pointer for segment in inspected.segments}
    unkept = inspected.unkept if inspected.keeps and kept_from_storing(work) else {}
    body = work.format.splice(
        inspected, {key: text for key, text in texts.items() if key in in_body} | {**unkept, **files}
    )
    if work.routed_from is not None:
        body = renamed_model(body, work.destination.models)
    path, query, headers = target.splice({key: text for key, text in texts.items() if key not in in_body})
    mark = b"?" if b"?" in work.facts.egress.target else b""
    line = path.encode("latin-1") + mark + query.encode("latin-1")
    fields = _headers(work, services, headers, body)
    signature = work.facts.egress.headers.get("authorization") or ""
    key = services.provider_key(work.destination.name)
    signs = is_signed(signature) or (work.identity.own_credential_in and work.format.name == bedrock.FORMAT.name)
    if signs and work.routed_from is None:
        if key is None:
            raise RefusedError(
                "the app signed its request, and a changed one needs a signature of ours: put AWS keys into "
                "`provider_keys` for this destination, or let the app use a Bedrock API key",
                code="provider_key_missing",
                status=401,
            )
        fields = signed(
            fields, key, method=work.facts.egress.method, origin=origin, target=line, body=body, asked=signature
        )
    return Outgoing(origin, work.facts.egress.method, line, fields, body)


def outgoing_message(work: Work, dialect: Dialect, files: Mapping[str, str]) -> bytes:
    """One message of a session, as it may be sent once it is recorded. files: see `outgoing`. Raises FormatError."""
    inspected = known(work.inspected)
    unkept = inspected.unkept if inspected.keeps and kept_from_storing(work) else {}
    return dialect.splice(inspected, {**known(work.tokenized).texts, **unkept, **files})


def _headers(work: Work, services: Services, headers: Headers, body: bytes) -> Headers:
    origin = known(work.origin)
    # Restoring works on text: identity is asked for, whatever the app would have taken.
    fields = [(b"Host", origin.authority.encode("latin-1")), *headers.without(NOT_SENT_ON).fields, _IDENTITY]
    if body or work.facts.egress.method in {"POST", "PUT", "PATCH"}:
        fields.append((b"Content-Length", b"%d" % len(body)))
    kept = Headers(tuple(fields))
    key = services.provider_key(work.destination.name)
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
