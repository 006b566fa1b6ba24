"""What is said between a door worker and the ledger writer: drafts of records there, receipts and refusals back."""

from collections.abc import Sequence
from typing import Any

from audit.errors import AuditError, LedgerError, RecordError
from audit.ledger.writer import Receipt
from audit.references import NewReference, Space

SOCKET = "ledger.sock"

type OpenTransfers = dict[tuple[str, int], int]
"""(id, attempt) of a transfer without an outcome -> index of its record."""


def references_to_json(made: Sequence[NewReference]) -> list[list[str]]:
    """References that go with a draft."""
    return [[one.lookup.hex(), one.ref, one.key.hex(), str(one.space)] for one in made]


def references_from_json(rows: list[list[str]]) -> list[NewReference]:
    """The inverse."""
    return [
        NewReference(bytes.fromhex(lookup), ref, bytes.fromhex(key), Space(space)) for lookup, ref, key, space in rows
    ]


def receipt_to_json(receipt: Receipt) -> list[Any]:
    """A receipt; a checkpoint is text by its format."""
    proof = None if receipt.proof is None else receipt.proof.decode("latin-1")
    return [receipt.index, receipt.tree_size, receipt.checkpoint.decode(), receipt.leaf.hex(), proof]


def receipt_from_json(row: list[Any]) -> Receipt:
    """The inverse."""
    index, size, checkpoint, leaf, proof = row
    given = None if proof is None else proof.encode("latin-1")
    return Receipt(index, size, checkpoint.encode(), bytes.fromhex(leaf), given)


def error_to_json(error: BaseException) -> list[str]:
    """Field of a record that may not enter, or ""; code; message. What is not ours is told by its class alone."""
    if isinstance(error, RecordError):
        return [error.field, error.code, error.rule]
    if isinstance(error, AuditError):
        return ["", error.code, error.message]
    return ["", LedgerError.code, f"the ledger writer failed ({type(error).__name__})"]


def error_from_json(row: list[str]) -> AuditError:
    """The inverse; everything but a RecordError is a LedgerError, upon which nothing is sent."""
    field, code, message = row
    return RecordError(field, message, code=code) if field else LedgerError(message, code=code)


def identity(kind: str, facts: dict[str, Any]) -> tuple[str, int] | None:
    """What a transfer and its outcome have in common; None for other kinds."""
    return (facts["id"], facts["attempt"]) if kind in {"transfer", "outcome"} else None
