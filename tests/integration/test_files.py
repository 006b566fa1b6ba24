"""Files in requests, through both doors: what is in them is replaced, refused or passed as the policy says."""

import base64
import io
import zipfile
from typing import Any

import docx
import orjson
import pypdf
import pytest
import typst
from PIL import Image, ImageDraw, ImageFont

from policies.register import bundled_file
from proxy.documents.base import DOCX
from proxy.fakes.leaks import assert_no_leak
from tests.integration.test_faults import behind, chunk

MAIL, PHONE = "anna.schmidt@example.com", "0171 2345678"
PLANTED = [MAIL, PHONE]


def word(text: str) -> bytes:
    made, out = docx.Document(), io.BytesIO()
    line = made.add_paragraph()
    for piece in (text[:5], text[5:]):
        line.add_run(piece)
    made.core_properties.author = MAIL
    made.save(out)
    return out.getvalue()


def photo(text: str, **options: Any) -> bytes:
    image, out = Image.new("RGB", (1100, 120), "white"), io.BytesIO()
    ImageDraw.Draw(image).text((20, 30), text, fill="black", font=ImageFont.load_default(44))
    image.save(out, "JPEG", quality=95, **options)
    return out.getvalue()


def data_url(kind: str, raw: bytes) -> str:
    return f"data:{kind};base64,{base64.b64encode(raw).decode()}"


def asked(*parts: dict[str, Any]) -> dict[str, Any]:
    return {"model": "fake-echo", "messages": [{"role": "user", "content": [{"type": "text", "text": "read"}, *parts]}]}


def file_part(name: str, kind: str, raw: bytes) -> dict[str, Any]:
    return {"type": "file", "file": {"filename": name, "file_data": data_url(kind, raw)}}


def image_part(raw: bytes) -> dict[str, Any]:
    return {"type": "image_url", "image_url": {"url": data_url("image/jpeg", raw)}}


def file_of(received: Any) -> bytes:
    part = received.json()["messages"][0]["content"][1]
    url = part["file"]["file_data"] if "file" in part else part["image_url"]["url"]
    return base64.b64decode(url.partition(",")[2])


async def test_a_word_file_leaves_with_placeholders_and_the_record_says_so(each_door: Any) -> None:
    async with each_door() as it, it.client("openai") as client:
        answer = await client.post(
            "/v1/chat/completions", json=asked(file_part("a.docx", DOCX, word(f"Mail {MAIL} please")))
        )
        assert answer.status_code == 200, answer.text
        (came,) = it.received()
        raw = file_of(came)
        assert docx.Document(io.BytesIO(raw)).paragraphs[0].text.startswith("Mail [EMAIL_ADDRESS_")
        with zipfile.ZipFile(io.BytesIO(raw)) as file:
            assert MAIL.encode() not in b"".join(file.read(name) for name in file.namelist())
        await it.settled()
        (sent,) = it.records("transfer")
    assert [(one["kind"], one["treated"]) for one in sent["media"]] == [
        ("document", "rewritten"),
        ("image", "inspected"),
    ]
    assert {one["entity_type"] for one in sent["findings"]} == {"EMAIL_ADDRESS"}
    assert "uninspected" not in sent or sent["uninspected"] == []


async def test_words_in_a_picture_are_painted_over_and_its_metadata_goes(each_door: Any) -> None:
    exif = Image.Exif()
    exif[0x010F] = MAIL
    async with each_door() as it, it.client("openai") as client:
        for text in (f"Call me at {PHONE} today", "A picture of a bridge"):
            answer = await client.post("/v1/chat/completions", json=asked(image_part(photo(text, exif=exif))))
            assert answer.status_code == 200, answer.text
        painted, bare = (file_of(one) for one in it.received())
        assert MAIL.encode() not in painted + bare
        await it.settled()
        records = it.records("transfer")
    assert [[one["treated"] for one in record["media"]] for record in records] == [["painted"], ["stripped"]]
    dark = sum(value < 40 for value in Image.open(io.BytesIO(painted)).convert("L").get_flattened_data())
    assert dark > 3000  # a bar where the number stood


async def test_a_pdf_with_personal_data_is_refused_and_one_without_passes(each_door: Any) -> None:
    async with each_door() as it, it.client("openai") as client:
        for text, status in ((f"Mail {MAIL}", 400), ("How a bridge is built", 200)):
            raw = typst.compile(f'#set document(date: none)\n#"{text}"'.encode())
            answer = await client.post("/v1/chat/completions", json=asked(file_part("a.pdf", "application/pdf", raw)))
            assert answer.status_code == status, answer.text
            assert MAIL not in answer.text
        assert len(it.received()) == 1
        await it.settled()
        (blocked,), (sent,) = it.records("blocked"), it.records("transfer")
    assert blocked["reason"] == "document_not_replaceable"
    assert [one["treated"] for one in sent["media"]] == ["inspected"]


async def test_an_upload_by_form_is_read_as_well(each_door: Any) -> None:
    async with each_door() as it, it.client("openai") as client:
        files = {"file": ("a.docx", word(f"Call {PHONE}"), DOCX)}
        answer = await client.post("/v1/files", data={"purpose": "user_data"}, files=files)
        assert answer.status_code < 500, answer.text
        (came,) = it.received()
        assert_no_leak([came], PLANTED)
        at = came.body.index(b"PK\3\4")
        raw = came.body[at : came.body.rindex(b"PK\5\6") + 22]
    assert "[PHONE_NUMBER_" in docx.Document(io.BytesIO(raw)).paragraphs[0].text


@pytest.mark.parametrize("kind", ["application/pdf", DOCX])
async def test_what_cannot_be_read_is_refused_and_says_why(each_door: Any, kind: str) -> None:
    raw = b"%PDF-1.7 broken" if kind == "application/pdf" else b"PK\3\4 word/document.xml broken"
    async with each_door() as it, it.client("openai") as client:
        answer = await client.post("/v1/chat/completions", json=asked(file_part("a", kind, raw)))
        assert (answer.status_code, answer.headers["dragoman-reason"]) == (403, "media_refused")
        assert "cannot be read" in answer.text
        assert it.received() == []


async def test_what_the_policy_passes_leaves_as_it_came_and_the_record_says_so(each_door: Any, tmp_path: Any) -> None:
    path = tmp_path / "policy.yaml"
    path.write_text(bundled_file("default").decode().replace("document: inspect", "document: pass"))
    raw = typst.compile(f'#"Mail {MAIL}"'.encode())
    async with each_door(settings={"policy": path}) as it, it.client("openai") as client:
        answer = await client.post("/v1/chat/completions", json=asked(file_part("a.pdf", "application/pdf", raw)))
        assert answer.status_code == 200, answer.text
        assert file_of(it.received()[0]) == raw
        await it.settled()
        (sent,) = it.records("transfer")
    assert [one["treated"] for one in sent["media"]] == ["passed"]
    assert [one["reason"] for one in sent["uninspected"]] == ["policy_pass"]


async def test_a_word_file_that_the_provider_sends_back_has_its_words_again(each_door: Any) -> None:
    raw = word(f"Mail an {MAIL}, Tel. {PHONE}")
    async with each_door() as it, it.client("openai") as client:
        files = {"file": (f"{MAIL}.docx", raw, DOCX)}
        kept = (await client.post("/v1/files", data={"purpose": "user_data"}, files=files)).json()
        assert kept["filename"] == f"{MAIL}.docx"
        assert_no_leak(it.received(), PLANTED)
        answer = await client.get(f"/v1/files/{kept['id']}/content")
        back = docx.Document(io.BytesIO(answer.content))
        assert back.paragraphs[0].text == f"Mail an {MAIL}, Tel. {PHONE}"
        assert back.core_properties.author == MAIL
        await it.settled()
        assert [one["restored"] >= 3 for one in it.records("outcome")] == [False, True]


def answered(kind: str, raw: bytes) -> tuple[bytes, bytes]:
    """Content type and body of an answer that holds a file."""
    if kind == "file":
        return b"application/octet-stream", raw
    said = {"id": "c1", "choices": [{"index": 0, "delta": {"file": data_url(DOCX, raw)}}]}
    if kind == "document":
        said = {"id": "c1", "choices": [{"index": 0, "message": {"role": "assistant", "file": data_url(DOCX, raw)}}]}
        return b"application/json", orjson.dumps(said)
    return b"text/event-stream", b"data: " + orjson.dumps(said) + b"\n\ndata: [DONE]\n\n"


async def test_a_word_file_in_an_answer_has_its_words_again(each_door: Any, throwaway_ca: Any) -> None:
    cases = [(kind, sized) for kind in ("document", "events", "file") for sized in (True, False)]
    answers = iter(cases)
    sent: list[bytes] = []

    async def quotes(_reader: Any, writer: Any, got: bytes) -> None:
        content = orjson.loads(got.partition(b"\r\n\r\n")[2])["messages"][0]["content"]
        sent.append(base64.b64decode(content[1]["file"]["file_data"].partition(",")[2]))
        kind, sized = next(answers)
        content_type, body = answered(kind, sent[-1])
        head = b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Type: " + content_type
        if sized:
            writer.write(head + b"\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
        else:
            writer.write(head + b"\r\nTransfer-Encoding: chunked\r\n\r\n")
            for at in range(0, len(body), 3001):
                writer.write(chunk(body[at : at + 3001]))
                await writer.drain()
            writer.write(b"0\r\n\r\n")
        await writer.drain()

    raw = word(f"Mail an {MAIL}, Tel. {PHONE}")
    async with behind(each_door, throwaway_ca, quotes) as (_, client, _):
        for kind, sized in cases:
            answer = await client.post("/v1/chat/completions", json=asked(file_part("a.docx", DOCX, raw)))
            assert answer.status_code == 200, answer.text
            came = answer.content
            if kind != "file":
                came = base64.b64decode(answer.text.partition(";base64,")[2].partition('"')[0])
            assert "[EMAIL_ADDRESS_" in docx.Document(io.BytesIO(sent[-1])).paragraphs[0].text
            back = docx.Document(io.BytesIO(came))
            got = back.paragraphs[0].text, back.core_properties.author
            assert got == (f"Mail an {MAIL}, Tel. {PHONE}", MAIL), (kind, sized)


async def test_a_pdf_leaves_as_its_words_where_the_policy_says_so(each_door: Any, tmp_path: Any) -> None:
    path = tmp_path / "policy.yaml"
    path.write_text(bundled_file("default").decode().replace("document: inspect", "document: retype"))
    async with each_door(settings={"policy": path}) as it, it.client("openai") as client:
        for text in (f"Mail {MAIL}", "How a bridge is built"):
            raw = typst.compile(f'#set document(date: none)\n#"{text}"'.encode())
            answer = await client.post("/v1/chat/completions", json=asked(file_part("a.pdf", "application/pdf", raw)))
            assert answer.status_code == 200, answer.text
        assert_no_leak(it.received(), PLANTED)
        written, bare = (file_of(one) for one in it.received())
        assert bare == raw
        assert "Mail [EMAIL_ADDRESS_" in pypdf.PdfReader(io.BytesIO(written)).pages[0].extract_text()
        await it.settled()
        treated = [one["media"][0]["treated"] for one in it.records("transfer")]
    assert treated == ["retyped", "inspected"]
