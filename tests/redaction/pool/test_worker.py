"""What a worker answers over its pipes: findings, or a code and a place in our source; never a text."""

import io
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from redaction.detect import Engine
from redaction.detectors import frames, worker
from redaction.errors import DetectionError
from redaction.finding import Finding, SegmentFindings
from redaction.segment import Segment, SegmentKind
from redaction.settings import EngineSettings

SETTINGS = EngineSettings(languages=("en",), detectors=("patterns",))
MAIL = "write to jane.doe@example.com"


def talk(*messages: dict[str, Any], tail: bytes = b"") -> tuple[int, list[dict[str, Any]]]:
    """The exit status and the answers of a worker that reads these messages."""
    sink = io.BytesIO()
    status = worker.serve(io.BytesIO(b"".join(map(frames.pack, messages)) + tail), sink)
    data, answers = sink.getvalue(), []
    while data:
        (size,) = frames.HEADER.unpack(data[:4])
        answers.append(frames.unpack(data[4 : 4 + size]))
        data = data[4 + size :]
    return status, answers


def ask(*segments: Segment) -> dict[str, Any]:
    return {"segments": frames.segments_to_json(list(segments))}


def test_a_worker_answers_batch_after_batch(segment: Callable[..., Segment]) -> None:
    status, [hello, first, second] = talk({"settings": SETTINGS.to_dict()}, ask(segment(MAIL)), ask(segment("x"), segment(MAIL)))  # fmt: skip
    assert status == 0
    assert hello["version"]
    [found] = frames.findings_from_json(first["found"])
    assert [(one.start, one.end, one.entity_type) for one in found.findings] == [(9, 29, "EMAIL_ADDRESS")]
    assert [bool(one.findings) for one in frames.findings_from_json(second["found"])] == [False, True]


def test_settings_that_cannot_be_met_end_a_worker_with_the_reason() -> None:
    for wrong, code in (({"detectors": ["patters"]}, "settings"), ({"no": 1}, "settings"), ({"languages": ["tlh"]}, "no_detector")):  # fmt: skip
        status, [answer] = talk({"settings": {**SETTINGS.to_dict(), "detectors": ["names"], **wrong}})
        assert (status, answer["error"]) == (1, code)


def test_an_engine_that_breaks_while_it_is_built_tells_where_and_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_: EngineSettings) -> Engine:
        raise RuntimeError(MAIL)

    monkeypatch.setattr(worker, "build_engine", broken)
    status, [answer] = talk({"settings": SETTINGS.to_dict()})
    assert (status, answer["error"]) == (1, "failed")
    assert answer["message"].startswith("RuntimeError at test_worker.py:")
    assert "jane" not in str(answer)


def test_a_detector_that_raises_refuses_its_batch_and_tells_where_and_no_more(
    monkeypatch: pytest.MonkeyPatch, segment: Callable[..., Segment]
) -> None:
    class Broken:
        name, version, languages, expressions = "broken", "1", frozenset({"en"}), ()

        def detect(self, looks: Any) -> list[list[Finding]]:
            if any("jane" in look.view.text for look in looks):
                raise KeyError(looks[0].view.text)
            return [[] for _ in looks]

    monkeypatch.setattr(worker, "build_engine", lambda settings: Engine([Broken()], ["en"]))
    status, [_, first, second] = talk({"settings": SETTINGS.to_dict()}, ask(segment(MAIL)), ask(segment("fine")))
    assert status == 0
    assert first["error"] == "failed"
    assert first["message"].startswith("KeyError at test_worker.py:")
    assert "jane" not in str(first)
    assert frames.findings_from_json(second["found"])[0].findings == ()


@pytest.mark.parametrize("tail", [b"", b"\0", b"\0\0\0\x09{}"])
def test_a_worker_ends_when_its_input_ends(tail: bytes) -> None:
    assert talk({"settings": SETTINGS.to_dict()}, tail=tail)[0] == 0
    assert talk(tail=tail) == (0, [])


def test_a_frame_has_a_greatest_length(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(frames, "MAX_FRAME", 20)
    with pytest.raises(DetectionError) as refused:
        frames.pack(ask(Segment("", MAIL)))
    assert refused.value.code == "too_large"
    assert "jane" not in str(refused.value)


texts = st.text(alphabet=st.characters(), max_size=20)


@given(st.lists(st.tuples(texts, st.sampled_from(SegmentKind), texts), max_size=4))
def test_segments_travel_with_offsets_that_still_fit(rows: list[tuple[str, SegmentKind, str]]) -> None:
    sent = [Segment("/secret", text, kind, "/secret", hint) for text, kind, hint in rows]
    (size,) = frames.HEADER.unpack(frames.pack({"segments": frames.segments_to_json(sent)})[:4])
    body = frames.pack({"segments": frames.segments_to_json(sent)})[4:]
    assert len(body) == size
    assert b"/secret" not in body
    got = frames.segments_from_json(frames.unpack(body)["segments"])
    assert [(len(one.text), one.kind, len(one.hint)) for one in got] == [(len(t), k, len(h)) for t, k, h in rows]
    for one, (text, _, _) in zip(got, rows, strict=True):
        assert all(a == b or "\ud800" <= b <= "\udfff" for a, b in zip(one.text, text, strict=True))


@given(st.lists(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9), st.floats(0, 1)), max_size=3), max_size=3))
def test_findings_travel_unchanged(rows: list[list[tuple[int, int, float]]]) -> None:
    sent = [SegmentFindings(tuple(Finding(a, b, "X", score, "test") for a, b, score in row), "en") for row in rows]
    assert frames.findings_from_json(frames.unpack(frames.pack({"found": frames.findings_to_json(sent)})[4:])["found"]) == sent  # fmt: skip


@pytest.mark.parametrize("body", [b"[]", b"1", b"", b"\xff"])
def test_a_frame_that_is_no_object_is_refused(body: bytes) -> None:
    with pytest.raises(ValueError):
        frames.unpack(body)
