"""Tiles: names and widths of the specification, bundles, and a builder that agrees with the tree."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit.errors import VerifyError
from audit.merkle import inclusion_proof, leaf_hash, root_of, subtree_root, verify_inclusion
from audit.tiles import (
    ENTRIES,
    TileBuilder,
    TileId,
    decode_bundle,
    encode_bundle,
    node_source,
    partial_tiles,
    tiles_of,
    width_at,
)


@pytest.mark.parametrize(
    ("tile", "path"),
    [
        (TileId(0, 0), "tile/0/000"),
        (TileId(0, 1000), "tile/0/x001/000"),
        (TileId(2, 1234067), "tile/2/x001/x234/067"),
        (TileId(1, 5, 17), "tile/1/005.p/17"),
        (TileId(ENTRIES, 273, 112), "tile/entries/273.p/112"),
    ],
)
def test_paths_are_those_of_the_specification(tile: TileId, path: str) -> None:
    assert tile.path == path


def test_a_tree_of_70000_has_exactly_the_tiles_of_the_sample() -> None:
    tiles = tiles_of(70_000)
    by_level = {level: [tile for tile in tiles if tile.level == level] for level in (ENTRIES, 0, 1, 2)}
    assert [len(by_level[level]) for level in (ENTRIES, 0, 1, 2)] == [274, 274, 2, 1]
    partial = {tile.path for tile in tiles if tile.width < 256}
    assert partial == {"tile/entries/273.p/112", "tile/0/273.p/112", "tile/1/001.p/17", "tile/2/000.p/1"}


def test_an_empty_tree_has_no_tiles() -> None:
    assert tiles_of(0) == []


@given(st.integers(0, 200_000), st.integers(0, 200_000))
def test_tiles_since_an_older_size_are_those_that_were_not_full_then(a: int, b: int) -> None:
    old, new = sorted((a, b))
    full_before = {tile for tile in tiles_of(old) if tile.width == 256}
    assert set(tiles_of(new)) - full_before == set(tiles_of(new, since=old))


@given(st.integers(0, 200_000))
def test_partial_tiles_are_those_that_are_not_full(size: int) -> None:
    assert partial_tiles(size) == [tile for tile in tiles_of(size) if tile.width < 256]


def test_a_bundle_is_that_of_the_vector() -> None:
    assert encode_bundle([b"a", b"bc"]).hex() == "00016100026263"


@given(st.lists(st.binary(max_size=300), max_size=256))
def test_a_bundle_gives_its_entries_back(entries: list[bytes]) -> None:
    assert decode_bundle(encode_bundle(entries)) == entries


@pytest.mark.parametrize("data", [b"\x00", b"\x00\x05abc", encode_bundle([b""] * 257)])
def test_a_cut_or_overlong_bundle_is_refused(data: bytes) -> None:
    with pytest.raises(VerifyError):
        decode_bundle(data)


class Built:
    """A tree in memory, tile by tile."""

    def __init__(self, n: int) -> None:
        self.builder = TileBuilder()
        self.full: dict[TileId, bytes] = {}
        self.leaves = [leaf_hash(number.to_bytes(4, "big")) for number in range(n)]
        for leaf in self.leaves:
            self.full.update(self.builder.append(leaf))

    def hashes(self, tile: TileId) -> bytes:
        return self.full[tile] if tile in self.full else b"".join(self.builder.levels[tile.level])

    def bundle(self, tile: TileId) -> Sequence[bytes]:
        raise AssertionError("proofs read no entries")


SIZES = [0, 1, 2, 255, 256, 257, 511, 512, 65_535, 65_536, 65_537, 66_000]


@pytest.mark.parametrize("size", SIZES)
def test_a_builder_holds_exactly_the_tiles_of_its_size(size: int) -> None:
    built = Built(size)
    tiles = {tile for tile in tiles_of(size) if tile.level != ENTRIES}
    assert {tile for tile in tiles if tile.width == 256} == set(built.full)
    assert [len(row) for row in built.builder.levels if row] == [
        width for level in range(3) if 0 < (width := width_at(size, level, size >> (8 * level + 8))) < 256
    ]
    assert built.builder.root() == root_of(built.leaves)
    if size:
        assert subtree_root(node_source(built, size), 0, size) == root_of(built.leaves)


@pytest.mark.parametrize("size", SIZES)
def test_a_builder_that_is_loaded_goes_on_as_if_it_had_never_stopped(size: int) -> None:
    built = Built(size)
    loaded = TileBuilder.load(built, size)
    assert [row for row in loaded.levels if row] == [row for row in built.builder.levels if row]
    assert loaded.append(leaf_hash(b"next")) == built.builder.append(leaf_hash(b"next"))


@pytest.mark.parametrize("bundles", [1, 2, 255, 256, 258])
def test_bundles_added_by_their_roots_give_the_same_tree(bundles: int) -> None:
    whole, quick, full = Built(bundles * 256), TileBuilder(), {}
    for number in range(bundles):
        full.update(quick.append_bundle(root_of(whole.leaves[number * 256 : (number + 1) * 256])))
    assert quick.root() == whole.builder.root()
    assert full == {tile: hashes for tile, hashes in whole.full.items() if tile.level > 0}
    assert quick.append(leaf_hash(b"next")) == whole.builder.append(leaf_hash(b"next"))
    assert quick.root() == whole.builder.root()
    with pytest.raises(ValueError, match="where a bundle ends"):
        quick.append_bundle(bytes(32))


def test_proofs_from_tiles_hold() -> None:
    built = Built(66_000)
    root = root_of(built.leaves)
    for index in (0, 255, 256, 65_535, 65_536, 65_999):
        proof = inclusion_proof(node_source(built, 66_000), index, 66_000)
        assert verify_inclusion(built.leaves[index], index, 66_000, proof, root)
