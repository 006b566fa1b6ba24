"""Hostile and broken requests: either right, or a clear 4xx in the provider's format; nothing unread is sent."""

import gzip
import zlib
from typing import Any

import brotli
import orjson
import pytest
import zstandard

from proxy.config import Limits
from proxy.fakes.leaks import assert_no_leak

MAIL = "anna.schmidt@example.com"
JSON = {"content-type": "application/json"}
BODY = orjson.dumps({"model": "fake-echo", "messages": [{"role": "user", "content": MAIL}]})


@pytest.mark.parametrize(
    "body",
    [
        b'{"model": "fake-echo", "messages": [',
        b"{'model': 1}",
        b'{"messages": [{"role": "user", "content": "anna.schmidt@example.com" "x"}]}',
        b"\xff\xfe\x00",
        b"[" * 10_000 + b"]" * 10_000,
        b'{"a":' * 10_000 + b"1" + b"}" * 10_000,
        b'{"a": "\\ud800' + b'"',
    ],
)
async def test_a_body_that_cannot_be_read_is_refused(each_door: Any, body: bytes) -> None:
    async with each_door() as it, it.client("openai") as client:
        answer = await client.post("/v1/chat/completions", content=body, headers=JSON)
        assert 400 <= answer.status_code < 500
        assert answer.json()["error"]["code"]
        assert MAIL not in answer.text
        assert it.received() == []


@pytest.mark.parametrize(
    ("coding", "encode"),
    [
        ("gzip", gzip.compress),
        ("deflate", zlib.compress),
        ("br", brotli.compress),
        ("zstd", zstandard.ZstdCompressor().compress),
    ],
)
async def test_an_encoded_body_is_decoded_inspected_and_sent_plain(each_door: Any, coding: str, encode: Any) -> None:
    async with each_door() as it, it.client("openai") as client:
        headers = {**JSON, "content-encoding": coding}
        answer = await client.post("/v1/chat/completions", content=encode(BODY), headers=headers)
        assert answer.status_code == 200
        assert MAIL in answer.text
        assert_no_leak(it.received(), [MAIL])
        sent = {name.lower() for name, _ in it.received()[0].headers}
        assert b"content-encoding" not in sent


@pytest.mark.parametrize("coding", ["gzip", "br", "zstd", "made-up", "gzip, gzip, gzip, gzip, gzip, gzip"])
async def test_a_body_that_is_not_in_its_coding_is_refused(each_door: Any, coding: str) -> None:
    async with each_door() as it, it.client("openai") as client:
        answer = await client.post("/v1/chat/completions", content=BODY, headers={**JSON, "content-encoding": coding})
        assert 400 <= answer.status_code < 500
        assert it.received() == []


async def test_a_bomb_is_refused_before_it_unfolds(each_door: Any) -> None:
    bomb = gzip.compress(b" " * 200_000_000, 9)
    async with each_door() as it, it.client("openai") as client:
        answer = await client.post("/v1/chat/completions", content=bomb, headers={**JSON, "content-encoding": "gzip"})
        assert answer.status_code == 413
        assert it.received() == []


async def test_a_body_over_the_limit_is_refused_while_it_arrives(each_door: Any) -> None:
    async with each_door(settings={"limits": Limits(body_bytes=100_000)}) as it, it.client("openai") as client:
        answer = await client.post("/v1/chat/completions", content=b" " * 200_000, headers=JSON)
        assert (answer.status_code, answer.headers["dragoman-reason"]) == (413, "body_too_large")
        assert it.received() == []


async def test_duplicate_keys_are_all_inspected(each_door: Any) -> None:
    body = b'{"model": "fake-echo", "user": "' + MAIL.encode() + b'", "user": "x", "messages": []}'
    async with each_door() as it, it.client("openai") as client:
        await client.post("/v1/chat/completions", content=body, headers=JSON)
        assert_no_leak(it.received(), [MAIL])


async def test_escapes_hide_nothing(each_door: Any) -> None:
    hidden = "".join(f"\\u{ord(char):04x}" for char in MAIL)
    body = b'{"model": "fake-echo", "messages": [{"role": "user", "content": "' + hidden.encode() + b'"}]}'
    async with each_door() as it, it.client("openai") as client:
        answer = await client.post("/v1/chat/completions", content=body, headers=JSON)
        assert answer.status_code == 200
        assert_no_leak(it.received(), [MAIL])


async def test_a_lone_surrogate_passes_through_unchanged(each_door: Any) -> None:
    body = b'{"model": "fake-echo", "messages": [{"role": "user", "content": "x \\ud83d y"}]}'
    async with each_door() as it, it.client("openai") as client:
        answer = await client.post("/v1/chat/completions", content=body, headers=JSON)
        assert answer.status_code in {200, 400}
        if answer.status_code == 200:
            assert it.received()[0].body == body


async def test_utf16_is_read_or_refused_never_sent_unread(each_door: Any) -> None:
    async with each_door() as it, it.client("openai") as client:
        await client.post("/v1/chat/completions", content=BODY.decode().encode("utf-16"), headers=JSON)
        assert_no_leak(it.received(), [MAIL])
        assert all(MAIL.encode("utf-16-le") not in item.body for item in it.received())


async def test_a_content_type_that_says_otherwise_does_not_open_a_way_around(each_door: Any) -> None:
    async with each_door() as it, it.client("openai") as client:
        for content_type in ("text/plain", "application/octet-stream", "image/png", "application/x-made-up", ""):
            await client.post(
                "/v1/chat/completions", content=BODY, headers={"content-type": content_type} if content_type else {}
            )
        assert_no_leak(it.received(), [MAIL])


async def test_a_large_body_is_right(each_door: Any) -> None:
    text = "Nothing to see here. " * 100_000
    body = orjson.dumps({"model": "fake-echo", "messages": [{"role": "user", "content": f"{text}{MAIL}"}]})
    async with each_door() as it, it.client("openai") as client:
        answer = await client.post("/v1/chat/completions", content=body, headers=JSON, timeout=100)
        assert answer.status_code == 200
        assert MAIL.encode() not in it.received()[0].body
        assert len(it.received()[0].body) < len(body) + 100
