"""What a client sends over HTTP/2 is cut into its units however it arrives; hyperframe says what the frames are."""

import itertools

from hyperframe.frame import ContinuationFrame, DataFrame, Frame, HeadersFrame, PingFrame, SettingsFrame
from hypothesis import given
from hypothesis import strategies as st

from proxy.framing.http2 import Units

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"


def frame(kind: type[Frame], stream: int, data: bytes, *flags: str) -> bytes:
    made = kind(stream)
    made.data = data  # type: ignore[attr-defined]
    for flag in flags:
        made.flags.add(flag)
    return made.serialize()


def block(pieces: list[bytes]) -> bytes:
    """A header block, in one frame or in several."""
    ends = [("END_HEADERS",) if at == len(pieces) - 1 else () for at in range(len(pieces))]
    kinds = [HeadersFrame, *[ContinuationFrame] * (len(pieces) - 1)]
    return b"".join(frame(kind, 1, data, *end) for kind, data, end in zip(kinds, pieces, ends, strict=True))


UNIT = st.one_of(
    st.lists(st.binary(max_size=40), min_size=1, max_size=4).map(block),
    st.binary(max_size=300).map(lambda data: frame(DataFrame, 1, data)),
    st.binary(max_size=40).map(lambda data: frame(DataFrame, 3, data, "END_STREAM")),
    st.just(SettingsFrame(0).serialize()),
    st.just(PingFrame(0, opaque_data=bytes(8)).serialize()),
)


@given(st.lists(UNIT, max_size=5), st.data())
def test_units_end_where_they_end_however_they_arrive(units: list[bytes], data: st.DataObject) -> None:
    units = [PREFACE, *units]
    whole = b"".join(units)
    ends = set(itertools.accumulate(map(len, units)))
    cuts = sorted(data.draw(st.sets(st.integers(0, len(whole)))) | {0, len(whole)})
    reader, bytewise = Units(), Units()
    for start, end in itertools.pairwise(cuts):
        reader.feed(whole[start:end])
        for at in range(start, end):
            bytewise.feed(whole[at : at + 1])
        assert reader.ended == bytewise.ended == sum(one <= end for one in ends)
        assert reader.begun == bytewise.begun == (end not in ends)


def test_nothing_has_begun_before_the_first_byte() -> None:
    reader = Units()
    reader.feed(b"")
    assert (reader.ended, reader.begun) == (0, False)
    reader.feed(PREFACE[:1])
    assert (reader.ended, reader.begun) == (0, True)
