"""`dragoman vault match`: the bytes that a record speaks of are told from all others, until the scope is shredded."""

import asyncio
import base64
import sqlite3
from pathlib import Path
from typing import Any

import orjson
from typer.testing import CliRunner

from proxy.cli import build

PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg=="
)
PICTURE = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{base64.b64encode(PNG).decode()}"}}


def body(text: str, *parts: dict[str, Any]) -> bytes:
    content = [{"type": "text", "text": text}, *parts]
    return orjson.dumps({"model": "fake-echo", "messages": [{"role": "user", "content": content}]})


async def test_a_file_is_told_by_the_commitments_of_a_record(each_door: Any, tmp_path: Path) -> None:
    sent, other = body("I am anna.schmidt@example.com", PICTURE), body("I am ben@example.com")
    json = {"content-type": "application/json"}
    async with each_door() as it, it.client("openai") as client:
        for content in (other, sent, other):
            assert (await client.post("/v1/chat/completions", content=content, headers=json)).status_code == 200
        left = it.received()[1].body
        await it.settled()
        ids = [record["id"] for record in it.records("transfer")]

        async def matched(transfer: str, data: bytes) -> tuple[int, str]:
            (tmp_path / "file").write_bytes(data)
            command = ["vault", "match", transfer, str(tmp_path / "file"), "--json", "--home", str(it.home)]
            done = await asyncio.to_thread(CliRunner().invoke, build(command), command)
            return done.exit_code, done.stdout and orjson.loads(done.stdout)["is"]

        assert left != sent
        assert await matched(ids[1], sent) == (0, "came")
        assert await matched(ids[1], left + b"\n") == (0, "left")
        assert await matched(ids[1], PNG) == (0, "file")
        assert await matched(ids[0], other) == (0, "came")
        for transfer, data in ((ids[1], other), (ids[0], sent), (ids[0], PNG), (ids[1], sent[:-1]), (ids[1], b"")):
            assert await matched(transfer, data) == (1, "nothing")
        assert await matched(ids[1][:-1] + "!", sent) == (2, "")
        asked = it.records("query")
        with sqlite3.connect(it.home / "vault.db") as vault:
            scopes = [scope for (scope,) in vault.execute("SELECT id FROM vault_scope")]
        for scope in scopes:
            command = ["vault", "shred", scope, "--home", str(it.home)]
            assert (await asyncio.to_thread(CliRunner().invoke, build(command), command)).exit_code == 0
        assert await matched(ids[1], sent) == (1, "nothing")
    assert {(one["question"], one["transfer"]) for one in asked} == {("prove", ids[0]), ("prove", ids[1])}
