"""What may go wrong in this package, as one small tree: every error has a stable `code` that callers may rely on.

An error text says what failed, where, and what to do. Inspected text, found values and keys never enter it,
so it may be logged and shown to a client as it is.
"""


class RedactionError(Exception):
    """The base of every error of this package.

    code: stable, lower case, e.g. `busy`; the class says the family, the code says which case.
    """

    code: str = "redaction_failed"

    def __init__(self, message: str, *, code: str | None = None) -> None:
        super().__init__(message)
        if code is not None:
            self.code = code


class DetectionError(RedactionError):
    """Detection did not finish, so nothing may be sent.

    Codes: `busy` (the queue is full: try again later), `timeout` (the deadline passed), `crashed` (a worker
    process died), `failed` (a detector raised), `closed` (the pool is not running), `too_large`.
    """

    code = "failed"


class SettingsError(RedactionError):
    """The settings ask for something that is not there.

    Codes: `no_detector` (a language without a detector), `no_model` (a model is not installed), `settings`.
    """

    code = "settings"


class RestoreError(RedactionError):
    """A response cannot be restored within the limits.

    Codes: `too_many_placeholders`, `not_a_placeholder`, `too_many_channels`.
    """

    code = "restore"


class OperatorError(RedactionError):
    """A replacement cannot be made, so nothing may be sent.

    Codes: `unknown_operator`, `bad_parameter`, `bad_finding` (a span outside of its text), `no_token`, `unstable`.
    """

    code = "operator"


class VaultError(RedactionError):
    """The vault cannot keep or give back originals, so nothing may be sent.

    Codes: `unavailable` (the database does not answer), `key` (a key is missing, wrong or readable by others),
    `missing` (there is none), `shredded`, `unknown_scope`, `damaged` (a stored value does not decrypt), `full` (too
    many in one scope), `needs_two_people`, `schema` (the database belongs to another version).
    """

    code = "unavailable"
