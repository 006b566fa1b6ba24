"""The errors of `proxy`: one base, few kinds, each with a stable code and an HTTP status.

A text says what happened, where, and what to do; it never holds inspected text, so it may be logged and shown.
"""


def place_of(error: BaseException) -> str:
    """Class of an error and the line it came from (`KeyError at walk.py:66`): of one that is not ours, all that may be
    logged, because its text could quote what was inspected."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    place = f" at {trace.tb_frame.f_code.co_filename.rpartition('/')[2]}:{trace.tb_lineno}" if trace else ""
    return f"{type(error).__name__}{place}"


class ProxyError(Exception):
    """Base of every error that `proxy` raises on purpose. code: stable; status: HTTP status of the refusal."""

    code = "internal"
    status = 500

    def __init__(self, message: str, *, code: str | None = None, status: int | None = None) -> None:
        super().__init__(message)
        self.message = message
        if code is not None:
            self.code = code
        if status is not None:
            self.status = status


class FormatError(ProxyError):
    """A body, target or header that cannot be read or rewritten safely."""

    code = "unreadable_request"
    status = 400


class RefusedError(ProxyError):
    """A transfer that must not happen: policy, identity, destination."""

    code = "refused"
    status = 403


class UnavailableError(ProxyError):
    """A stage that protects the data does not work or is full; the transfer is refused, not sent unprotected."""

    code = "unavailable"
    status = 503

    def __init__(self, message: str, *, code: str | None = None, retry_after_s: int = 1) -> None:
        super().__init__(message, code=code)
        self.retry_after_s = retry_after_s


class ConfigError(ProxyError):
    """A setting, file or start condition that keeps dragoman from starting."""

    code = "config"


class ProposalError(ConfigError):
    """A policy that cannot be asked for, agreed to or gone back to."""

    code = "policy_proposal"
    status = 409
