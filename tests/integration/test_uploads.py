"""Google's resumable uploads through both doors: the official SDK, and pieces with a name across their border."""

import json
from typing import Any

from proxy.fakes.leaks import assert_no_leak

MAIL = "anna.schmidt@example.com"
TEXT = f"Please write to {MAIL} today."


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


async def test_openai_uploads_in_parts_are_refused_with_a_way_out(each_door: Any) -> None:
    async with each_door() as it, it.client("openai") as client:
        answer = await client.post("/v1/uploads", json={"filename": "a.jsonl", "purpose": "batch", "bytes": 9})
        assert (answer.status_code, answer.headers["dragoman-reason"]) == (501, "operation_refused")
        assert "/v1/files" in json.loads(answer.content)["error"]["message"]
        assert it.received() == []
