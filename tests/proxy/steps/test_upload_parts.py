"""An upload in parts is answered here until it is complete; nothing of it leaves before, and nobody adds to another's."""

import asyncio
import hashlib
import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.errors import FormatError
from proxy.formats.base import RequestHead
from proxy.formats.selection import Formats
from proxy.messages import Door, Egress, Headers, Reply
from proxy.running.pieces import MAX_UPLOADS
from proxy.steps.upload_parts import MAX_AGE_S, Complete, InUpload, UploadParts
from redaction.restore import Restorable, Restorer

PEOPLE = {"[PERSON_4KJE2E42]": 'Jürgen "der Große"'}
ASKED = {"filename": 'a "b".txt', "purpose": "batch", "mime_type": "text/plain", "bytes": 6}


def asked(
    path: str, body: bytes = b"", content_type: str = "application/json", *, key: str = "k", **more: Any
) -> Egress:
    fields = ((b"content-type", content_type.encode()), (b"authorization", f"Bearer {key}".encode()))
    target = f"/v1/uploads{path}".encode()
    return Egress(Door.GATEWAY, "gateway", more.pop("method", "POST"), target, Headers(fields), body, "openai", **more)


def form(value: bytes) -> tuple[bytes, str]:
    head = b'--x\r\nContent-Disposition: form-data; name="data"; filename="upload"\r\n\r\n'
    return head + value + b"\r\n--x--\r\n", "multipart/form-data; boundary=x"


class Uploads:
    """The uploads of one worker, asked one after the other. pieces: what holds them, which others may share."""

    def __init__(self, runner: asyncio.Runner, pieces: Any, limit: int, **more: Any) -> None:
        self._runner, self._parts = runner, UploadParts(pieces, limit, **more)

    def take(self, egress: Egress) -> Any:
        return self._runner.run(self._parts.take(egress, "openai", lambda: egress.body))


@pytest.fixture(scope="module")
def making(runner: asyncio.Runner, pieces: Callable[..., Any]) -> Callable[..., Uploads]:
    return lambda limit, **more: Uploads(runner, pieces(limit, **more), limit, **more)


def take(uploads: Uploads, egress: Egress) -> Any:
    found = uploads.take(egress)
    return json.loads(found.body) if isinstance(found, Reply) else found


def begin(uploads: Uploads, size: int = 6, **more: Any) -> str:
    told = take(uploads, asked("", json.dumps({**ASKED, "bytes": size, **more}).encode()))
    assert (told["object"], told["status"], told["bytes"]) == ("upload", "pending", size)
    return str(told["id"])


def add(uploads: Uploads, upload: str, value: bytes, **more: Any) -> str:
    body, content_type = form(value)
    return str(take(uploads, asked(f"/{upload}/parts", body, content_type, **more))["id"])


@given(st.lists(st.text("aä -[\r\n", max_size=20).map(str.encode), min_size=1, max_size=5), st.randoms())
def test_however_it_is_cut_it_leaves_once_in_the_order_that_is_asked_for(
    making: Callable[..., Uploads], cut: list[bytes], random: Any
) -> None:
    uploads, whole = making(1000), b"".join(cut)
    upload = begin(uploads, len(whole), expires_after={"anchor": "created_at", "seconds": 3600})
    order = list(enumerate(cut))
    random.shuffle(order)
    ids = {at: add(uploads, upload, one) for at, one in order}
    md5 = hashlib.md5(whole, usedforsecurity=False).hexdigest()
    body = json.dumps({"part_ids": [ids[at] for at in range(len(cut))], "md5": md5}).encode()
    done = take(uploads, asked(f"/{upload}/complete", body))
    assert isinstance(done, Complete)
    assert done.egress.target == b"/v1/files"
    assert done.upload["status"] == "completed"
    # What reads it is what reads every file that an app sends.
    head = RequestHead("POST", "api.openai.com", "/v1/files", "", done.egress.headers)
    chosen, endpoint = Formats().select(head, "openai_other")
    inspected = chosen.read(endpoint, head, done.egress.body)
    assert inspected.keeps
    assert any(one.text == ASKED["filename"] for one in inspected.segments)
    assert b"\r\n\r\n" + whole + b"\r\n--" in done.egress.body
    assert b'name="expires_after[seconds]"\r\n\r\n3600\r\n' in done.egress.body
    with pytest.raises(FormatError, match="no upload of yours"):
        take(uploads, asked(f"/{upload}/complete", body))


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"part_ids": ["part_1"]}, "does not have"),
        ({"part_ids": "p"}, "does not have"),
        ({"part_ids": []}, "not as many bytes"),
        ({"part_ids": ["*"], "md5": "0" * 32}, "md5"),
        ([], "no JSON object"),
    ],
)
def test_a_completion_that_does_not_fit_is_refused(making: Callable[..., Uploads], body: Any, message: str) -> None:
    uploads = making(1000)
    upload = begin(uploads)
    part = add(uploads, upload, b"123456")
    with pytest.raises(FormatError, match=message) as caught:
        take(uploads, asked(f"/{upload}/complete", json.dumps(body).replace("*", part).encode()))
    assert caught.value.code == "upload_invalid"


def test_nobody_adds_to_the_upload_of_another_nor_ends_it(making: Callable[..., Uploads]) -> None:
    uploads = making(1000)
    upload = begin(uploads)
    for path in ("parts", "complete", "cancel"):
        for other in ({"key": "other"}, {"peer": "10.0.0.1"}, {"credential": "c"}):
            body, content_type = form(b"x")
            with pytest.raises(FormatError, match="no upload of yours"):
                take(uploads, asked(f"/{upload}/{path}", body, content_type, **other))
    assert take(uploads, asked(f"/{upload}/cancel"))["status"] == "cancelled"


def test_what_is_held_is_bounded_and_forgotten(making: Callable[..., Uploads]) -> None:
    now = [0.0]
    uploads = making(10, now=lambda: now[0])
    with pytest.raises(FormatError, match="more than 10 bytes"):
        begin(uploads, 11)
    upload = begin(uploads)
    add(uploads, upload, b"123456")
    with pytest.raises(FormatError, match="more than 10 bytes"):  # whatever it was said to be
        add(uploads, upload, b"12345")
    for _ in range(MAX_UPLOADS):
        upload = begin(uploads)
    with pytest.raises(FormatError) as caught:
        begin(uploads)
    assert (caught.value.code, caught.value.status) == ("too_many_uploads", 429)
    now[0] = MAX_AGE_S + 1
    with pytest.raises(FormatError, match="no upload of yours"):
        add(uploads, upload, b"1")
    begin(uploads)


@pytest.mark.parametrize(
    "body",
    [b"", b"[]", b"{", json.dumps({**ASKED, "bytes": -1}).encode(), json.dumps({**ASKED, "purpose": 1}).encode()],
)
def test_what_describes_no_upload_is_refused(making: Callable[..., Uploads], body: bytes) -> None:
    with pytest.raises(FormatError) as caught:
        take(making(10), asked("", body))
    assert caught.value.code == "upload_invalid"


def test_other_requests_are_none_of_its_business(making: Callable[..., Uploads]) -> None:
    for one in (asked("", method="GET"), asked("/upload_1"), asked("/upload_1/parts/2")):
        assert making(10).take(one) is None


def test_the_file_goes_back_in_its_upload_and_an_error_as_it_came() -> None:
    head = RequestHead("POST", "h", "/v1/files", "", Headers())
    inner, endpoint = Formats().select(head, "openai_other")
    token, name = next(iter(PEOPLE.items()))
    wrapped = InUpload(inner, {"id": "upload_1", "status": "completed"})
    for status, body in ((200, {"id": "file-1", "filename": token}), (400, {"error": {"message": token}})):
        headers = Headers(((b"content-type", b"application/json"),))
        reader = wrapped.reader(endpoint, status, headers, Restorer(Restorable(PEOPLE)))
        raw = json.dumps(body).encode()
        value = json.loads(b"".join([*(reader.feed(raw[at : at + 1]) for at in range(len(raw))), reader.finish()]))
        if status == 200:
            assert value == {"id": "upload_1", "status": "completed", "file": {"id": "file-1", "filename": name}}
            assert reader.facts.objects == {"file": "file-1"}
        else:
            assert value == {"error": {"message": name}}
