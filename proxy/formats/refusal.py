"""Our refusals in the shape of each provider's own errors, so that its SDK raises its own error class with our code.

Only a refusal's status, code, message and transfer id enter; every message is ours and holds no inspected text.
"""

import json
from collections.abc import Callable

from proxy.messages import Headers, Refusal, Reply

type Shape = Callable[[Refusal], dict[str, object]]

_OPENAI_TYPES = {
    400: "invalid_request_error",
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    409: "conflict_error",
    413: "invalid_request_error",
    422: "invalid_request_error",
    429: "rate_limit_error",
}
_ANTHROPIC_TYPES = _OPENAI_TYPES | {413: "request_too_large", 503: "overloaded_error", 529: "overloaded_error"}
# google.rpc.Code names for HTTP statuses (google/rpc/code.proto).
_GOOGLE_STATUS = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    409: "ABORTED",
    413: "INVALID_ARGUMENT",
    415: "INVALID_ARGUMENT",
    421: "FAILED_PRECONDITION",
    429: "RESOURCE_EXHAUSTED",
    501: "UNIMPLEMENTED",
    503: "UNAVAILABLE",
    504: "DEADLINE_EXCEEDED",
}


def openai(refusal: Refusal) -> dict[str, object]:
    """`{"error": {"message", "type", "param", "code"}}`; the SDK's `APIStatusError.code` is our code."""
    kind = _OPENAI_TYPES.get(refusal.status, "api_error" if refusal.status >= 500 else "invalid_request_error")
    return {"error": {"message": _told(refusal), "type": kind, "param": None, "code": refusal.code}}


def gemini(refusal: Refusal) -> dict[str, object]:
    """google.rpc.Status as JSON, with our code as the reason of an ErrorInfo (AIP-193)."""
    reason = {
        "@type": "type.googleapis.com/google.rpc.ErrorInfo",
        "reason": refusal.code.upper(),
        "domain": "dragoman",
        "metadata": {"code": refusal.code, "transfer": refusal.transfer},
    }
    status = _GOOGLE_STATUS.get(refusal.status, "INTERNAL" if refusal.status >= 500 else "FAILED_PRECONDITION")
    return {"error": {"code": refusal.status, "message": _told(refusal), "status": status, "details": [reason]}}


def anthropic(refusal: Refusal) -> dict[str, object]:
    """`{"type": "error", "error": {"type", "message"}}`, our code beside them."""
    kind = _ANTHROPIC_TYPES.get(refusal.status, "api_error" if refusal.status >= 500 else "invalid_request_error")
    error = {"type": kind, "message": _told(refusal), "code": refusal.code}
    return {"type": "error", "error": error, "request_id": refusal.transfer or None}


def plain(refusal: Refusal) -> dict[str, object]:
    """`{"error": text, "message": text, "code": code}`, for APIs whose errors are one sentence."""
    return {"error": _told(refusal), "message": _told(refusal), "code": refusal.code}


def llama(refusal: Refusal) -> dict[str, object]:
    """`{"title", "detail", "status"}` (RFC 9457), our code beside them."""
    return {"title": "Refused", "detail": _told(refusal), "status": refusal.status, "code": refusal.code}


def jsonrpc(refusal: Refusal) -> dict[str, object]:
    """A JSON-RPC 2.0 error (section 5.1) with a code of the server's own range, ours beside it; the id is unknown."""
    error = {"code": -32000, "message": _told(refusal), "data": {"code": refusal.code}}
    return {"jsonrpc": "2.0", "id": None, "error": error}


def _told(refusal: Refusal) -> str:
    return f"dragoman: {refusal.message} [{refusal.code}]"


def reply(refusal: Refusal, shape: Shape) -> Reply:
    """The whole answer: JSON body, `dragoman-reason`, `dragoman-transfer`, Retry-After where trying again can help."""
    body = json.dumps(shape(refusal), ensure_ascii=False).encode()
    headers = Headers(((b"Content-Type", b"application/json"), (b"Content-Length", str(len(body)).encode())))
    headers = headers.with_field("dragoman-reason", refusal.code)
    if refusal.transfer:
        headers = headers.with_field("dragoman-transfer", refusal.transfer)
    if refusal.retry_after_s is not None:
        headers = headers.with_field("Retry-After", str(refusal.retry_after_s))
    else:
        # openai's SDK tries again on 409, 429 and 5xx unless it is told not to; a refusal stays one.
        headers = headers.with_field("x-should-retry", "false")
    return Reply(refusal.status, headers, body)


def sse(refusal: Refusal, shape: Shape, *, event: str = "") -> bytes:
    """The error as the last event of a stream; blank line first, as one may have been cut."""
    named = f"event: {event}\n" if event else ""
    return f"\n\n{named}data: {json.dumps(shape(refusal))}\n\n".encode()


def line(refusal: Refusal, shape: Shape) -> bytes:
    """The error as the last JSON line."""
    return f"\n{json.dumps(shape(refusal))}\n".encode()
