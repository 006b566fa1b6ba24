"""The fakes on sockets: what was received is what was on the wire, and every write happens when it should."""

import asyncio
import gzip
import io
import json

import aiohttp
import pytest
from yarl import URL

from proxy.fakes.behaviour import Behaviour
from proxy.fakes.hold import Hold
from proxy.fakes.server import FakeProvider

TEXT = "Grüße 👋 an [PERSON_7K3QX2MA]"
CHAT = {"model": "m", "messages": [{"role": "user", "content": TEXT}]}
STREAM = {**CHAT, "stream": True}


async def test_what_was_received_is_kept_as_it_came(http):
    body = gzip.compress(json.dumps(CHAT).encode())
    async with FakeProvider() as fake:
        url = URL(f"{fake.url}/v1/chat/completions?q=a%20b&Q=%C3%BC", encoded=True)
        headers = {"Content-Encoding": "gzip", "X-Own": "1"}
        async with http.post(url, data=body, headers=headers) as response:
            assert (await response.json())["choices"][0]["message"]["content"] == TEXT
    (call,) = fake.received
    assert call.method == "POST"
    assert call.target == b"/v1/chat/completions?q=a%20b&Q=%C3%BC"
    assert (b"X-Own", b"1") in tuple(call.headers)
    assert call.body == body
    assert call.json() == CHAT


async def test_tls_with_a_certificate_that_was_handed_over(throwaway_ca):
    connector = aiohttp.TCPConnector(ssl=throwaway_ca.client())
    async with (
        FakeProvider(tls=throwaway_ca.server("127.0.0.1")) as fake,
        aiohttp.ClientSession(connector=connector) as session,
        session.post(f"{fake.url}/v1/chat/completions", json=CHAT) as response,
    ):
        assert fake.url.startswith("https://")
        assert (await response.json())["choices"][0]["message"]["content"] == TEXT


async def test_events_leave_one_by_one_as_the_test_releases_them(http):
    hold = Hold()
    async with (
        asyncio.timeout(60),
        FakeProvider(hold=hold, chunk=4) as fake,
        http.post(f"{fake.url}/v1/chat/completions", json=STREAM) as response,
    ):
        await hold.reached(0)
        hold.release(2)
        assert b'"role":"assistant"' in await response.content.readuntil(b"\n\n")
        assert '"content":"Grüß"'.encode() in await response.content.readuntil(b"\n\n")
        await hold.reached(2)
        assert hold.passed == 2
        hold.open()
        assert (await response.read()).endswith(b"data: [DONE]\n\n")


@pytest.mark.parametrize("wire", [1, 2, 7])
async def test_writes_may_be_cut_anywhere(http, wire):
    async with FakeProvider(wire=wire) as fake, http.post(f"{fake.url}/v1/chat/completions", json=STREAM) as response:
        cut = [piece async for piece, _ in response.content.iter_chunks()]
        assert max(map(len, cut)) <= wire
        whole = b"".join(cut)
    async with FakeProvider() as fake, http.post(f"{fake.url}/v1/chat/completions", json=STREAM) as response:
        assert await response.read() == whole


@pytest.mark.parametrize("body", [CHAT, STREAM])
async def test_gzip_comes_although_nobody_asked(http, body):
    async with (
        FakeProvider(behaviour=Behaviour.GZIP, chunk=0) as fake,
        http.post(f"{fake.url}/v1/chat/completions", json=body) as response,
    ):
        assert response.headers["content-encoding"] == "gzip"
        assert TEXT.encode() in gzip.decompress(await response.read())


@pytest.mark.parametrize("body", [CHAT, STREAM])
async def test_a_reset_connection_is_a_broken_answer(http, body):
    async with FakeProvider(behaviour=Behaviour.RESET) as fake:
        with pytest.raises((aiohttp.ClientError, ConnectionError)):
            async with http.post(f"{fake.url}/v1/chat/completions", json=body) as response:
                await response.read()


async def test_a_cut_body_is_shorter_than_it_said(http):
    async with FakeProvider(behaviour=Behaviour.CUT) as fake:
        with pytest.raises(aiohttp.ClientError):
            async with http.post(f"{fake.url}/v1/chat/completions", json=CHAT) as response:
                await response.read()


async def test_the_model_name_decides_per_request(http):
    async with FakeProvider() as fake:
        body = {**CHAT, "model": "fake-mangle-nobrackets"}
        async with http.post(f"{fake.url}/v1/chat/completions", json=body) as response:
            content = (await response.json())["choices"][0]["message"]["content"]
    assert content == "Grüße 👋 an PERSON_7K3QX2MA"


async def test_a_large_body_is_taken(http):
    body = json.dumps({"model": "m", "messages": [{"role": "user", "content": "x" * 5_000_000}]}).encode()
    async with (
        FakeProvider(keep=False) as fake,
        http.post(f"{fake.url}/v1/chat/completions", data=io.BytesIO(body)) as response,
    ):
        assert response.status == 200
    assert fake.received == []


async def test_a_fake_that_fails_itself_does_not_go_unnoticed(http):
    def fail(call: object) -> None:
        raise RuntimeError("in the test's own hook")

    with pytest.raises(ExceptionGroup, match="the fake provider itself failed"):
        async with FakeProvider(on_received=fail) as fake, http.get(f"{fake.url}/v1/models") as response:
            assert response.status == 500


async def test_an_unknown_api_is_named_at_once():
    with pytest.raises(ValueError, match="openai, gemini"):
        FakeProvider("opneai")


def test_the_fixtures_work_without_an_event_loop(fake_provider, assert_no_leak):
    import httpx

    upstream = fake_provider("openai", behaviour="mangle-lower")
    with httpx.Client(timeout=60) as client:
        said = client.post(f"{upstream.url}/v1/chat/completions", json=CHAT).json()
    assert said["choices"][0]["message"]["content"] == TEXT.replace("PERSON_7K3QX2MA", "person_7k3qx2ma")
    assert_no_leak(upstream.received, ["Anna Schmidt"])
    upstream.assert_no_leak(["Anna Schmidt"])
    with pytest.raises(AssertionError):
        assert_no_leak(upstream.received, ["Grüße"])


def test_a_check_without_any_request_proves_nothing(fake_provider):
    with pytest.raises(AssertionError, match="received nothing"):
        fake_provider().assert_no_leak(["Anna Schmidt"])
