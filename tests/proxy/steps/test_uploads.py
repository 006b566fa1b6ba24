"""An upload in pieces is held until it is whole; nothing of it leaves before, and nobody adds to another's."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.errors import FormatError
from proxy.messages import Door, Egress, Headers, Reply
from proxy.running.pieces import MAX_UPLOADS
from proxy.steps.uploads import MAX_AGE_S, Uploads

type Take = Callable[[Uploads, Egress], Any]


def piece(
    body: bytes, command: str, offset: int, *, key: str = "k", target: bytes = b"/upload/v1beta/files?upload_id=1"
) -> Egress:
    fields = ((b"X-Goog-Upload-Command", command.encode()), (b"X-Goog-Upload-Offset", str(offset).encode()),
              (b"x-goog-api-key", key.encode()))  # fmt: skip
    return Egress(Door.GATEWAY, "gateway", "POST", target, Headers(fields), body, "gemini")


@pytest.fixture(scope="module")
def take(runner: asyncio.Runner) -> Take:
    return lambda uploads, egress: runner.run(uploads.take(egress))


@pytest.fixture(scope="module")
def held(pieces: Callable[..., Any]) -> Callable[..., Uploads]:
    """Uploads of one worker, that hold what they hold in a folder of their own."""
    return lambda limit, **more: Uploads(pieces(limit, **more), limit)


@given(st.lists(st.binary(max_size=20), min_size=1, max_size=6))
def test_however_it_is_cut_it_leaves_once_and_whole(held, take, cut):
    uploads, at = held(1000), 0
    for one in cut[:-1]:
        answer = take(uploads, piece(one, "upload", at))
        at += len(one)
        assert isinstance(answer, Reply)
        assert (answer.status, answer.headers.get("x-goog-upload-status")) == (200, "active")
    last = take(uploads, piece(cut[-1], "upload, finalize", at))
    assert isinstance(last, Egress)
    assert last.body == b"".join(cut)
    assert last.headers.get("x-goog-upload-offset") == "0"
    assert take(uploads, piece(b"x", "upload", 0)).status == 200  # nothing is left of it


def test_a_piece_out_of_order_and_a_piece_too_many_are_refused(held, take):
    uploads = held(10)
    take(uploads, piece(b"12345", "upload", 0))
    for one, code in (
        (piece(b"1", "upload", 3), "upload_out_of_order"),
        (piece(b"123456", "upload", 5), "upload_too_large"),
    ):
        with pytest.raises(FormatError) as caught:
            take(uploads, one)
        assert caught.value.code == code


def test_nobody_adds_to_the_upload_of_another(held, take):
    uploads = held(100)
    take(uploads, piece(b"mine", "upload", 0))
    with pytest.raises(FormatError, match="not the next one"):
        take(uploads, piece(b" and yours", "upload, finalize", 4, key="other"))


def test_what_is_held_is_bounded_and_forgotten(held, take):
    now = [0.0]
    uploads = held(100, now=lambda: now[0])
    for number in range(MAX_UPLOADS):
        take(uploads, piece(b"x", "upload", 0, key=str(number)))
    with pytest.raises(FormatError) as caught:
        take(uploads, piece(b"x", "upload", 0, key="one more"))
    assert caught.value.code == "too_many_uploads"
    now[0] = MAX_AGE_S + 1
    assert isinstance(take(uploads, piece(b"x", "upload", 0, key="one more")), Reply)


def test_a_question_is_answered_by_who_holds_it(held, take):
    uploads = held(100)
    assert isinstance(take(uploads, piece(b"", "query", 0)), Egress)
    take(uploads, piece(b"1234", "upload", 0))
    assert take(uploads, piece(b"", "query", 0)).headers.get("x-goog-upload-size-received") == "4"
    assert isinstance(take(uploads, piece(b"", "cancel", 0)), Egress)
    assert isinstance(take(uploads, piece(b"", "query", 0)), Egress)


def test_other_requests_pass(held, take):
    for command in ("", "start"):
        egress = piece(b"x", command, 0)
        assert take(held(1), egress) is egress
