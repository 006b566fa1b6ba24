"""Receipts: a tlog-proof holds for its entry alone, and every way to spoil one is refused."""

import base64
from dataclasses import replace

import pytest

from audit.checkpoint import Checkpoint
from audit.errors import VerifyError
from audit.log import Ledger
from audit.merkle import inclusion_proof, leaf_hash, root_of
from audit.prove import HEADER, Fresh, Proof, check, prove, read
from audit.query import entries
from audit.signing import KeyFile
from audit.tiles import TileBuilder

SIGNER = KeyFile.from_seed("audit.dragoman.example/log1", bytes(range(32)))
LETTERS = [letter.encode() for letter in "abcdefg"]


def proof_of(index: int, count: int = 7) -> Proof:
    leaves = [leaf_hash(letter) for letter in LETTERS[:count]]
    note = Checkpoint(SIGNER.verifier.name, count, root_of(leaves)).signed(SIGNER)

    def node(level: int, at: int) -> bytes:
        return root_of(leaves[at << level : (at + 1) << level])

    return Proof(index, tuple(inclusion_proof(node, index, count)), note)


def test_the_text_is_that_of_the_specification() -> None:
    """The hashes of the proof are those of the vector in audit-formats.md (5 of 7)."""
    head, _, note = proof_of(5).text().partition(b"\n\n")
    lines = head.decode().split("\n")
    assert lines[:2] == ["c2sp.org/tlog-proof@v1", "index 5"]
    expected = ["2824a7ccda2caa72", "5aeb196e83598231", "33376a3bd63e9993"]
    assert [base64.b64decode(line)[:8].hex() for line in lines[2:]] == expected
    assert note == proof_of(5).checkpoint


@pytest.mark.parametrize("count", [1, 2, 3, 7])
def test_a_proof_holds_for_its_entry_and_no_other(count: int) -> None:
    for index in range(count):
        proof = Proof.parse(proof_of(index, count).text())
        assert check(proof, LETTERS[index], [SIGNER.verifier]).size == count
        for other in range(count):
            if other != index:
                with pytest.raises(VerifyError) as raised:
                    check(proof, LETTERS[other], [SIGNER.verifier])
                assert raised.value.code == "proof_wrong"


def test_extra_data_that_is_no_hash_is_skipped() -> None:
    text = proof_of(5).text().replace(b"\nindex", b"\nextra AAAA\nindex", 1)
    assert Proof.parse(text) == proof_of(5)


def test_a_proof_that_says_its_leaf_holds_without_the_entry() -> None:
    proof = replace(proof_of(5), leaf=leaf_hash(LETTERS[5]))
    assert check(read(base64.b64encode(proof.text()) + b"\n"), None, [SIGNER.verifier]).size == 7
    assert read(proof.text()) == proof
    with pytest.raises(VerifyError) as raised:
        check(replace(proof, leaf=leaf_hash(LETTERS[4])), None, [SIGNER.verifier])
    assert raised.value.code == "proof_wrong"
    with pytest.raises(VerifyError) as raised:
        check(proof_of(5), None, [SIGNER.verifier])
    assert raised.value.code == "proof_without_leaf"
    with pytest.raises(VerifyError, match="neither"):
        read(b"!")


@pytest.mark.parametrize("before", [0, 1, 254, 255, 300, 511, 65_533, 65_790])
def test_the_proofs_of_one_commit_are_those_that_the_whole_tree_gives(before: int) -> None:
    leaves = [leaf_hash(number.to_bytes(4, "big")) for number in range(before + 300)]
    builder = TileBuilder()
    for leaf in leaves[:before]:
        builder.append(leaf)
    full = dict(tile for leaf in leaves[before:] for tile in builder.append(leaf))
    note = Checkpoint(SIGNER.verifier.name, len(leaves), root_of(leaves)).signed(SIGNER)
    proofs = Fresh(builder, full).prove(list(enumerate(leaves))[before:], note)
    assert sorted(proofs) == list(range(before, before + 300))
    for index, text in proofs.items():
        proof = Proof.parse(text)
        assert (proof.index, proof.leaf) == (index, leaves[index])
        assert check(proof, None, [SIGNER.verifier]).size == before + 300


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"c2sp.org/tlog-proof@v2\nindex 5\n\nx",
        f"{HEADER}\n\n".encode(),
        f"{HEADER}\nindex 05\n\n".encode(),
        f"{HEADER}\nindex -1\n\n".encode(),
        f"{HEADER}\nindex 1\n!!\n\n".encode(),
        f"{HEADER}\nindex 1".encode(),
        f"{HEADER}\nindex 1\n".encode() + b"AAAA\n" * 64 + b"\n",
    ],
)
def test_what_is_no_proof_is_refused(data: bytes) -> None:
    with pytest.raises(VerifyError) as raised:
        Proof.parse(data)
    assert raised.value.code == "proof_malformed"


def test_a_proof_under_a_checkpoint_of_an_unknown_key_is_refused() -> None:
    stranger = KeyFile.from_seed(SIGNER.verifier.name, bytes(32))
    with pytest.raises(VerifyError) as raised:
        check(proof_of(5), LETTERS[5], [stranger.verifier])
    assert raised.value.code == "signature_missing"


def test_entries_of_full_and_partial_tiles_are_proven(ledger: Ledger, transfer) -> None:
    ledger._append_all(transfer() for _ in range(600))
    with ledger.store.read() as connection:
        for index in (0, 255, 256, 511, 512, 600):
            body = next(entries(connection, since=index))[1]
            proof = Proof.parse(prove(connection, index).text())
            assert check(proof, body, [ledger.home.read_vkey()]).size == 601
        for index in (-1, 601):
            with pytest.raises(VerifyError) as raised:
                prove(connection, index)
            assert raised.value.code == "entry_missing"
