"""Commitments open for their bytes, key, transfer and label, and for nothing else."""

import hashlib

import pytest

from audit.commitment import REQUEST_IN, REQUEST_OUT, commit, opens

KEY = bytes(range(32))
TRANSFER = "01ARZ3NDEKTSV4RRFFQ69G5FAV"


def test_a_commitment_opens_for_what_was_committed_to() -> None:
    commitment = commit(KEY, TRANSFER, REQUEST_IN, b"body")
    assert opens(commitment, KEY, TRANSFER, REQUEST_IN, b"body")


@pytest.mark.parametrize(
    ("key", "transfer", "label", "data"),
    [
        (bytes(32), TRANSFER, REQUEST_IN, b"body"),
        (KEY, TRANSFER[:-1] + "W", REQUEST_IN, b"body"),
        (KEY, TRANSFER, REQUEST_OUT, b"body"),
        (KEY, TRANSFER, REQUEST_IN, b"bodY"),
    ],
)
def test_a_commitment_opens_for_nothing_else(key: bytes, transfer: str, label: str, data: bytes) -> None:
    assert not opens(commit(KEY, TRANSFER, REQUEST_IN, b"body"), key, transfer, label, data)


def test_a_commitment_is_not_a_bare_hash() -> None:
    assert commit(KEY, TRANSFER, REQUEST_IN, b"yes") != hashlib.sha256(b"yes").hexdigest()


def test_transfer_and_label_cannot_run_into_each_other() -> None:
    assert commit(KEY, "ab", "c", b"") != commit(KEY, "a", "bc", b"")


def test_a_short_key_is_refused() -> None:
    with pytest.raises(ValueError, match="16 bytes"):
        commit(b"short", TRANSFER, REQUEST_IN, b"")
