"""What a client is told when something goes wrong: a stable code and a sentence of ours, never somebody else's text.

One table for every kind of error that may come up on the path; what nobody foresaw is `internal`, and is refused too.
"""

from audit.errors import AuditError, LedgerError
from policies.errors import PolicyError
from proxy.errors import ProxyError, UnavailableError
from proxy.messages import Refusal
from redaction.errors import DetectionError, RedactionError, RestoreError

_AGAIN_S = 1


def refusal_of(error: Exception, transfer: str = "") -> Refusal:
    """The refusal for an error on the path before anything was sent."""
    match error:
        case UnavailableError():
            return Refusal(error.status, error.code, error.message, error.retry_after_s, transfer)
        case ProxyError():
            return Refusal(error.status, error.code, error.message, None, transfer)
        case LedgerError():
            message = "the audit log does not accept records, so nothing was sent"
            return Refusal(503, error.code, message, _AGAIN_S, transfer)
        case AuditError():
            message = "the transfer could not be described in the audit log, so nothing was sent"
            return Refusal(503, error.code, message, None, transfer)
        case DetectionError():
            message = "personal data could not be looked for, so nothing was sent"
            return Refusal(503, f"detection_{error.code}", message, _AGAIN_S, transfer)
        case RestoreError(code="too_many_placeholders"):
            message = "there is more personal data in it than one exchange may hold; send it in parts"
            return Refusal(413, error.code, message, None, transfer)
        case RedactionError():
            message = "placeholders could not be made or kept, so nothing was sent"
            return Refusal(503, f"redaction_{error.code}", message, _AGAIN_S, transfer)
        case PolicyError():
            return Refusal(503, "policy_failed", "the policy could not decide, so nothing was sent", None, transfer)
        case _:
            return Refusal(500, "internal", "dragoman failed on this request, so nothing was sent", None, transfer)
