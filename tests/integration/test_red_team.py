"""What an attack on the running product found: each test is one defect that was there, seen from the provider's side."""

import base64
import textwrap
from collections.abc import Callable
from typing import Any

import httpx
import orjson
import pytest

from proxy.fakes.leaks import assert_no_leak

MAIL = "harriet.b@example.com"
IBAN = "DE89370400440532013000"
CHAT = "/openai/v1/chat/completions"


async def send(it: Any, path: str = CHAT, headers: dict[str, str] | None = None, **request: Any) -> httpx.Response:
    async with httpx.AsyncClient(trust_env=False, timeout=60) as client:
        return await client.post(it.gateway + path, headers=headers, **request)


async def test_a_property_of_a_schema_has_one_placeholder_as_key_and_as_required(
    stand: Callable[..., Any], chat: Callable[..., Any]
) -> None:
    schema = {"type": "object", "properties": {MAIL: {"type": "string"}}, "required": [MAIL]}
    wanted = {"type": "json_schema", "json_schema": {"name": "x", "schema": schema}}
    async with stand() as it:
        answer = await send(it, json=chat("hi", response_format=wanted))
        assert answer.is_success
        (received,) = it.received()
    assert_no_leak([received], [MAIL])
    sent = received.json()["response_format"]["json_schema"]["schema"]
    assert list(sent["properties"]) == sent["required"]


@pytest.mark.parametrize("defined", ["LineItem", "DE89370400440532013000", MAIL])
async def test_a_reference_in_a_schema_still_finds_what_it_names(
    stand: Callable[..., Any], chat: Callable[..., Any], defined: str
) -> None:
    schema = {"$defs": {defined: {"type": "object"}}, "properties": {"a": {"$ref": f"#/$defs/{defined}"}}}
    tool = {"type": "function", "function": {"name": "f", "parameters": schema}}
    async with stand() as it:
        assert (await send(it, json=chat("hi", tools=[tool]))).is_success
        (received,) = it.received()
    sent = received.json()["tools"][0]["function"]["parameters"]
    assert [f"#/$defs/{name}" for name in sent["$defs"]] == [sent["properties"]["a"]["$ref"]]
    assert (MAIL in received.body.decode()) is False


@pytest.mark.parametrize(
    ("headers", "query", "planted"),
    [
        ({"user-agent": "App/1.0 (call +1 415 555 0133)"}, "", "415 555 0133"),
        ({"user-agent": f"App/1.0 ({IBAN})"}, "", IBAN),
        ({"x-request-id": "call +49 341 9876543 now"}, "", "341 9876543"),
        ({"x-request-id": "+493419876543"}, "", "3419876543"),
        ({}, "?after=call+0341+9876543", "0341 9876543"),
    ],
)
async def test_a_known_header_or_parameter_is_no_hiding_place(
    stand: Callable[..., Any], chat: Callable[..., Any], headers: dict[str, str], query: str, planted: str
) -> None:
    async with stand() as it:
        answer = await send(it, CHAT + query, headers, json=chat("hi"))
        assert answer.is_success
        assert_no_leak(it.received(), [planted])


@pytest.mark.parametrize(
    "fields",
    [
        {"user-agent": "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 Chrome/120.0.0.0"},
        {"x-request-id": "0190163d-8694-739b-aea5-966c26f8ad91", "idempotency-key": "stainless-python-retry-41234567"},
        {"traceparent": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", "b3": "80f198ee56343ba8-1"},
        {"x-goog-api-client": "gl-python/3.12.1 grpc/1.60.0 gax/2.15.0", "accept": "application/json, */*;q=0.8"},
    ],
)
async def test_fields_that_machines_write_arrive_as_they_were(
    stand: Callable[..., Any], chat: Callable[..., Any], fields: dict[str, str]
) -> None:
    async with stand() as it:
        assert (await send(it, headers=fields, json=chat("hi"))).is_success
        (received,) = it.received()
    assert {name: received.headers.get(name) for name in fields} == fields


async def test_base64_with_blanks_in_it_is_opened_as_a_forgiving_decoder_would(stand: Callable[..., Any]) -> None:
    coded = base64.b64encode(f"Please mail {MAIL} today".encode()).decode()
    part = {"inlineData": {"mimeType": "text/plain", "data": " ".join(textwrap.wrap(coded, 10))}}
    words = {"inlineData": {"mimeType": "text/plain", "data": f"call {IBAN} now"}}
    async with stand(gemini={}) as it:
        path = "/gemini/v1beta/models/fake-echo:generateContent"
        answer = await send(it, path, json={"contents": [{"role": "user", "parts": [part, words]}]})
        assert answer.is_success
        assert_no_leak(it.received("gemini"), [MAIL, IBAN])


async def test_names_that_a_client_makes_up_stand_in_no_record(
    stand: Callable[..., Any], chat: Callable[..., Any]
) -> None:
    picture = {"type": "image_url", "image_url": {"url": "data:image/anna-schmidt;base64,AAEC"}}
    sound = {"file": ("a", b"\0\1\xff", "audio/anna-schmidt")}
    async with stand() as it:
        assert (await send(it, headers={"anna-schmidt": MAIL}, json=chat("hi"))).is_success
        await send(it, json=chat([picture]))
        await send(it, "/openai/v1/files", data={"purpose": "assistants"}, files=sound)
        await it.settled()
        records = it.records()
    assert b"anna" not in orjson.dumps(records).lower()
    assert {one["where"] for entry in records for one in entry.get("findings", ())} == {"header/*"}
    media = {one["media_type"] for entry in records for one in entry.get("media", ())}
    assert media == {"image/x-unlisted", "audio/x-unlisted"}


@pytest.mark.parametrize("charset", ["cp037", "utf-7", "hex", "utf-16-le"])
async def test_a_charset_is_no_way_around(stand: Callable[..., Any], charset: str) -> None:
    kind = {"content-type": f"text/plain; charset={charset}"}
    words = f"write to {MAIL}".replace("@", "+AEA-") if charset == "utf-7" else f"write to {MAIL} "
    async with stand() as it:
        answer = await send(it, "/openai/v1/new-thing", kind, content=words.encode())
        assert (answer.status_code, answer.headers["dragoman-reason"]) == (400, "invalid_encoding")
        assert answer.headers["server"] == "dragoman"  # and not which Python and which library
        assert it.received() == []
