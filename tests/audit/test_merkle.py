"""The tree: vectors of audit-formats.md, RFC 6962's definition as an oracle, and proofs that hold or do not."""

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit.merkle import (
    EMPTY_ROOT,
    Frontier,
    consistency_proof,
    full_root,
    inclusion_proof,
    leaf_hash,
    node_hash,
    root_of,
    verify_consistency,
    verify_inclusion,
)


def leaves(n: int) -> list[bytes]:
    return [leaf_hash(number.to_bytes(4, "big")) for number in range(n)]


def defined_root(hashes: list[bytes]) -> bytes:
    """RFC 6962, 2.1, word by word."""
    if not hashes:
        return hashlib.sha256(b"").digest()
    if len(hashes) == 1:
        return hashes[0]
    middle = 1 << ((len(hashes) - 1).bit_length() - 1)
    return node_hash(defined_root(hashes[:middle]), defined_root(hashes[middle:]))


def node_of(hashes: list[bytes]):
    return lambda level, index: defined_root(hashes[index << level : (index + 1) << level])


ENTRY = b'{"action":"tokenise","seq":0,"v":1}'
LETTERS = [leaf_hash(letter.encode()) for letter in "abcdefgh"]


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (EMPTY_ROOT, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
        (leaf_hash(b""), "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"),
        (leaf_hash(b"a"), "022a6979e6dab7aa5ae4c3e5e45f7e977112a7e63593820dbec1ec738a24f93c"),
        (root_of(LETTERS[:2]), "b137985ff484fb600db93107c77b0365c80d78f5b429ded0fd97361d077999eb"),
        (root_of(LETTERS[:3]), "36642e73c2540ab121e3a6bf9545b0a24982cd830eb13d3cd19de3ce6c021ec1"),
        (root_of(LETTERS[:7]), "4ae191939f548d9934740b88dea2c5cb89bb8870fc4505cd79dec6bbfaaee9cb"),
        (root_of(LETTERS), "a5dac6b1ff1dca13dcf9423dcbf1bbb4dbce7e8cbf7f4c014cf40c6c8171a2bd"),
        (leaf_hash(ENTRY), "98824049d9f696ac9fc5e6f03ed9f5a3c8f177006e0316f7c6d10645acef4974"),
    ],
)  # fmt: skip
def test_hashes_are_those_of_the_vectors(found: bytes, expected: str) -> None:
    assert found.hex() == expected


@pytest.mark.parametrize("levels", range(6))
def test_a_full_tree_has_the_root_that_is_defined(levels: int) -> None:
    assert full_root(leaves(1 << levels)) == defined_root(leaves(1 << levels))


@pytest.mark.parametrize("height", [1, 2, 3])
def test_a_leaf_that_ends_full_subtrees_tells_their_roots(height: int) -> None:
    frontier, hashes = Frontier(), leaves(70)
    for size, leaf in enumerate(hashes, 1):
        ended = [span for span in (1 << height * n for n in range(1, 8)) if size % span == 0]
        assert list(frontier.append(leaf, height)) == [defined_root(hashes[size - span : size]) for span in ended]


def test_an_inclusion_proof_is_that_of_the_vector() -> None:
    proof = inclusion_proof(node_of(LETTERS[:7]), 5, 7)
    assert [one[:8].hex() for one in proof] == ["2824a7ccda2caa72", "5aeb196e83598231", "33376a3bd63e9993"]


def test_a_consistency_proof_is_that_of_the_vector() -> None:
    proof = consistency_proof(node_of(LETTERS[:7]), 3, 7)
    expected = ["597fcb31282d3465", "d070dc5b8da9aea7", "b137985ff484fb60", "e286d3390665a7cd"]
    assert [one[:8].hex() for one in proof] == expected


@given(st.integers(0, 300))
def test_a_frontier_gives_the_defined_root_and_survives_storage(n: int) -> None:
    frontier = Frontier()
    for leaf in leaves(n):
        frontier.append(leaf)
    assert frontier.root() == defined_root(leaves(n))
    assert Frontier.from_bytes(n, frontier.to_bytes()).root() == frontier.root()


def test_a_copy_of_a_frontier_does_not_grow_with_it() -> None:
    frontier = Frontier()
    frontier.append(LETTERS[0])
    copy = frontier.copy()
    frontier.append(LETTERS[1])
    assert (copy.size, copy.root()) == (1, LETTERS[0])


@pytest.mark.parametrize("data", [b"", b"x" * 32, b"x" * 65])
def test_a_frontier_refuses_peaks_that_do_not_fit_its_size(data: bytes) -> None:
    with pytest.raises(ValueError, match="one hash for each bit"):
        Frontier.from_bytes(3, data)


@given(st.data())
def test_an_inclusion_proof_holds_for_its_leaf_only(data: st.DataObject) -> None:
    n = data.draw(st.integers(1, 200))
    index = data.draw(st.integers(0, n - 1))
    hashes = leaves(n)
    proof = inclusion_proof(node_of(hashes), index, n)
    root = defined_root(hashes)
    assert verify_inclusion(hashes[index], index, n, proof, root)
    assert not verify_inclusion(leaf_hash(b"another"), index, n, proof, root)
    assert not verify_inclusion(hashes[index], index, n, [*proof, root], root)
    assert not verify_inclusion(hashes[index], n, n, proof, root)
    other = data.draw(st.integers(0, n - 1))
    if other != index:
        assert not verify_inclusion(hashes[index], other, n, proof, root)
    if proof:
        assert not verify_inclusion(hashes[index], index, n, proof[:-1], root)


@given(st.data())
def test_a_consistency_proof_holds_for_a_log_that_only_grew(data: st.DataObject) -> None:
    new = data.draw(st.integers(1, 200))
    old = data.draw(st.integers(1, new))
    hashes = leaves(new)
    proof = consistency_proof(node_of(hashes), old, new)
    old_root, new_root = defined_root(hashes[:old]), defined_root(hashes)
    assert verify_consistency(old, old_root, new, new_root, proof)
    forked = defined_root([*hashes[: old - 1], leaf_hash(b"forked")])
    assert not verify_consistency(old, forked, new, new_root, proof)
    assert not verify_consistency(old, old_root, new, forked, proof)
    assert not verify_consistency(old, old_root, new, new_root, [*proof, new_root])


@pytest.mark.parametrize(("index", "size"), [(-1, 3), (3, 3), (0, 0)])
def test_there_is_no_proof_outside_the_tree(index: int, size: int) -> None:
    with pytest.raises(ValueError, match="outside"):
        inclusion_proof(node_of(LETTERS), index, size)


@pytest.mark.parametrize(("old", "new"), [(0, 3), (4, 3)])
def test_there_is_no_consistency_with_an_empty_or_larger_tree(old: int, new: int) -> None:
    with pytest.raises(ValueError, match="older tree"):
        consistency_proof(node_of(LETTERS), old, new)
    assert not verify_consistency(old, LETTERS[0], new, LETTERS[0], [])
