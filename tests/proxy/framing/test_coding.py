"""Content codings: the same whatever the cuts, in steps of bounded size, and no bomb unfolds."""

import gzip
import itertools
import zlib
from collections.abc import Callable

import brotli
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from proxy.errors import FormatError
from proxy.framing.coding import RATIO_FROM, STEP, decode_body, decoder


def raw_deflate(data: bytes) -> bytes:
    made = zlib.compressobj(wbits=-15)
    return made.compress(data) + made.flush()


CODERS: dict[str, tuple[str, Callable[[bytes], bytes]]] = {
    "gzip": ("gzip", gzip.compress),
    "deflate": ("deflate", zlib.compress),
    "deflate without a header": ("deflate", raw_deflate),
    "br": ("br", brotli.compress),
    "zstd": ("zstd", zstandard.ZstdCompressor().compress),
    "two": ("gzip, br", lambda data: brotli.compress(gzip.compress(data))),
}
EACH = pytest.mark.parametrize("name", CODERS)


def pieces(coding: str, coded: bytes, cuts: list[int]) -> list[bytes]:
    made = decoder(coding)
    places = [0, *sorted(min(cut, len(coded)) for cut in cuts), len(coded)]
    out = [piece for a, b in itertools.pairwise(places) for piece in made.steps(coded[a:b])]
    made.finish()
    return out


@EACH
@given(data=st.binary(max_size=3_000), cuts=st.lists(st.integers(0, 3_000), max_size=6))
def test_any_cut_gives_the_same(name: str, data: bytes, cuts: list[int]) -> None:
    coding, encode = CODERS[name]
    coded = encode(data)
    assert b"".join(pieces(coding, coded, cuts)) == data
    assert decode_body(coded, coding, limit=10_000) == data


@EACH
def test_byte_by_byte(name: str) -> None:
    coding, encode = CODERS[name]
    coded = encode(b"Anna Schmidt " * 30)
    assert b"".join(pieces(coding, coded, list(range(len(coded))))) == b"Anna Schmidt " * 30


@pytest.mark.parametrize("size", [STEP - 1, STEP, STEP + 1, 2 * STEP, 3 * STEP + 7])
@EACH
def test_what_comes_out_of_one_piece_comes_in_steps(name: str, size: int) -> None:
    coding, encode = CODERS[name]
    data = (b"0123456789abcdef" * (size // 16 + 1))[:size]
    out = pieces(coding, encode(data), [])
    assert b"".join(out) == data
    assert max(map(len, out)) <= STEP


@EACH
def test_a_body_that_is_cut_off_is_none(name: str) -> None:
    coding, encode = CODERS[name]
    with pytest.raises(FormatError):
        pieces(coding, encode(b"Anna Schmidt")[:-1], [])


def test_several_members_are_one_body() -> None:
    assert b"".join(pieces("gzip", gzip.compress(b"one ") + gzip.compress(b"two"), [])) == b"one two"
    make = zstandard.ZstdCompressor().compress
    assert b"".join(pieces("zstd", make(b"one ") + make(b"two") + make(b"") + make(b"three"), [])) == b"one twothree"


@pytest.mark.parametrize("name", ["gzip", "deflate", "br", "zstd"])
def test_an_answer_that_gives_far_more_than_it_is_is_given_up_early(name: str) -> None:
    coding, encode = CODERS[name]
    bomb, came = encode(bytes(RATIO_FROM * 3)), 0
    with pytest.raises(FormatError) as caught:
        for piece in decoder(coding).steps(bomb):
            came += len(piece)
    assert caught.value.code == "body_too_large"
    assert came <= RATIO_FROM + STEP


def test_what_repeats_itself_as_answers_do_is_no_bomb() -> None:
    event = b'data: {"id":"chatcmpl-%06d","choices":[{"index":0,"delta":{"content":"word"}}]}\n\n'
    data = b"".join(event % n for n in range(250_000))
    assert len(data) > RATIO_FROM
    assert sum(map(len, pieces("gzip", gzip.compress(data), []))) == len(data)


def test_a_request_is_unpacked_to_its_limit_and_no_further() -> None:
    for name in CODERS:
        coding, encode = CODERS[name]
        with pytest.raises(FormatError) as caught:
            decode_body(encode(bytes(2_000_000)), coding, limit=1_000_000)
        assert (caught.value.code, caught.value.status) == ("body_too_large", 413)


@pytest.mark.parametrize("coding", ["made-up", "gzip, gzip, gzip, gzip"])
def test_a_coding_that_nobody_knows_is_said(coding: str) -> None:
    with pytest.raises(FormatError) as caught:
        decoder(coding)
    assert (caught.value.code, caught.value.status) == ("unknown_coding", 415)
