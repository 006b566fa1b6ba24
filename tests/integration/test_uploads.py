"""Google's resumable uploads through both doors: the official SDK, and pieces with a name across their border."""

import hashlib
from typing import Any

from proxy.fakes.leaks import assert_no_leak

MAIL = "anna.schmidt@example.com"
TEXT = f"Please write to {MAIL} today."
BLOCKS = """
version: 1
name: blocks
unknown_applications: allow
destinations: {openai: {extends: bundled:openai@2026-11-23}}
rules:
  - {id: mail, when: {entity: EMAIL_ADDRESS}, do: block}
  - {id: rest, do: allow}
media: {image: refuse, document: refuse, audio: refuse, video: refuse, sensor: refuse, other: refuse}
"""


async def test_the_sdk_uploads_a_file_that_leaves_with_placeholders(each_door: Any, sdk: Any, tmp_path: Any) -> None:
    path = tmp_path / "note.txt"
    path.write_text(TEXT)
    async with each_door(gemini={}) as it:
        file = await sdk.call("google-genai", "files.upload", **it.route("gemini"), file=str(path))
        assert file["name"] == "files/fake-file"
        start, sent = it.received("gemini")
        assert_no_leak([start, sent], [MAIL])
        assert sent.body.startswith(b"Please write to [EMAIL_ADDRESS_")
        assert start.headers.get("x-goog-upload-header-content-length") is None
        await it.settled()
        assert {one["endpoint"] for one in it.records("transfer")} == {"files"}


async def test_pieces_are_held_and_leave_as_one(each_door: Any) -> None:
    async with each_door(gemini={}) as it, it.client("gemini") as client:
        begun = await client.post(
            "/upload/v1beta/files",
            headers={"x-goog-upload-protocol": "resumable", "x-goog-upload-command": "start",
                     "x-goog-upload-header-content-type": "text/plain"},
            json={"file": {"display_name": "note"}},
        )  # fmt: skip
        address = begun.headers["x-goog-upload-url"]
        assert address.startswith(it.base("gemini"))
        cut = TEXT.index("schmidt")
        for at, end, command in ((0, cut, "upload"), (cut, len(TEXT), "upload, finalize")):
            answer = await client.post(
                address,
                headers={
                    "x-goog-upload-command": command,
                    "x-goog-upload-offset": str(at),
                    "content-type": "text/plain",
                },
                content=TEXT[at:end].encode(),
            )
            assert answer.status_code == 200, answer.text
        assert answer.json()["file"]["name"] == "files/fake-file"
        assert len(it.received("gemini")) == 2
        sent = it.received("gemini")[1]
        assert_no_leak([sent], [MAIL, "schmidt@example.com"])
        assert (sent.headers.get("x-goog-upload-offset"), sent.body[:16]) == ("0", b"Please write to ")


async def test_openais_parts_leave_as_one_file(each_door: Any, sdk: Any, tmp_path: Any) -> None:
    path = tmp_path / "note of anna.schmidt@example.com.txt"
    path.write_text(TEXT)
    # Parts of 20 bytes: every cut of the address but one is inside of it.
    options = {"file": str(path), "mime_type": "text/plain", "purpose": "user_data", "part_size": 20}
    async with each_door() as it:
        told = await sdk.call(
            "openai",
            "uploads.upload_file_chunked",
            **it.route("openai", "/v1"),
            **options,
            md5=hashlib.md5(TEXT.encode(), usedforsecurity=False).hexdigest(),
        )
        (sent,) = it.received()
        assert (sent.method, sent.path) == ("POST", "/v1/files")
        assert_no_leak([sent], [MAIL, "schmidt@example.com"])
        assert b"Please write to [EMAIL_ADDRESS_" in sent.body
        assert (told["status"], told["bytes"], told["purpose"]) == ("completed", len(TEXT), "user_data")
        assert told["filename"] == told["file"]["filename"] == path.name
        assert told["file"]["id"].startswith("file-")
        await it.settled()
        (record,) = it.records("transfer")
        assert (record["format"], record["endpoint"]) == ("openai_other", "files")
        # The file is bound: what it holds is restored when it is asked for.
        content = await sdk.call(
            "openai", "files.retrieve_content", **it.route("openai", "/v1"), file_id=told["file"]["id"]
        )
        assert content == TEXT


async def test_an_upload_in_parts_that_the_policy_blocks_is_refused_at_its_end(each_door: Any, tmp_path: Any) -> None:
    policy = tmp_path / "policy.yaml"
    policy.write_text(BLOCKS)
    async with each_door(settings={"policy": policy}) as it, it.client("openai") as client:
        asked = {"filename": "a.txt", "purpose": "user_data", "mime_type": "text/plain", "bytes": len(TEXT)}
        upload = (await client.post("/v1/uploads", json=asked)).json()["id"]
        part = await client.post(f"/v1/uploads/{upload}/parts", files={"data": TEXT.encode()})
        answer = await client.post(f"/v1/uploads/{upload}/complete", json={"part_ids": [part.json()["id"]]})
        assert (answer.status_code, answer.headers["dragoman-reason"]) == (403, "policy_rule")
        assert "error" in answer.json()
        assert it.received() == []
        gone = await client.post(f"/v1/uploads/{upload}/cancel")
        assert (gone.status_code, gone.headers["dragoman-reason"]) == (404, "upload_unknown")
