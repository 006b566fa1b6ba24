"""Whoever stops in the middle: upstreams that go silent, apps that take nothing more, close their half, or leave.

What the app sees, what the log says, and that nothing leaked or stays open; through both doors.
"""

import asyncio
import contextlib
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest

from proxy.config import Limits, parse_origin
from proxy.fakes.hold import Hold
from tests.integration.test_faults import EVENT, HEAD, MAIL, WAIT_S, behind, chunk, ended, rest_of


@asynccontextmanager
async def mute() -> AsyncIterator[int]:
    """The port of somebody who accepts connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


async def test_an_upstream_that_never_shakes_hands_gets_nothing(each_door: Any, chat: Any) -> None:
    async with mute() as port:
        network = each_door.keywords["door"] == "network"
        origin = {} if network else {"openai": parse_origin(f"https://127.0.0.1:{port}", what="openai")}
        limits = Limits(drain_s=5, connect_s=0.5)
        async with each_door(settings={"limits": limits}, upstreams=origin) as it, it.client("openai") as client:
            if network:
                client.base_url = f"https://api.openai.com:{port}"
            answer = await client.post("/v1/chat/completions", json=chat(MAIL))
            assert (answer.status_code, answer.headers["dragoman-reason"]) == (504, "upstream_timeout")
            assert MAIL not in answer.text
            outcome = await ended(it)
            assert (outcome["state"], outcome.get("error")) == ("not_sent", "upstream_timeout")
            assert it.verified().kinds["transfer"] == 1


async def test_an_upstream_that_goes_silent_in_mid_stream_is_given_up(
    each_door: Any, throwaway_ca: Any, chat: Any
) -> None:
    async def falls_silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, _body: bytes) -> None:
        writer.write(HEAD + chunk(EVENT % b"Hello"))
        await reader.read()

    async with behind(each_door, throwaway_ca, falls_silent, idle_s=2.0) as (it, client, got):
        text = ""
        with contextlib.suppress(httpx.RemoteProtocolError):
            async with client.stream("POST", "/v1/chat/completions", json=chat(MAIL, stream=True)) as answer:
                async for piece in answer.aiter_text():
                    text += piece
        assert "Hello" in text
        assert "[DONE]" not in text
        assert ('"error"' in text) == (it.door == "gateway")  # there the engine's own watch ends the connection
        assert (await ended(it))["state"] in {"upstream_error", "client_gone", "cut"}
        assert MAIL.encode() not in got[0]


async def test_an_app_that_takes_nothing_more_is_given_up(each_door: Any, throwaway_ca: Any, chat: Any) -> None:
    event = chunk(EVENT % (b"a" * 60_000))

    async def never_ends(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter, _body: bytes) -> None:
        writer.write(HEAD)
        while True:
            writer.write(event)
            await writer.drain()

    async with behind(each_door, throwaway_ca, never_ends, idle_s=2.0) as (it, client, got):
        request = client.build_request("POST", "/v1/chat/completions", json=chat(MAIL, stream=True))
        answer = await client.send(request, stream=True)
        assert answer.status_code == 200
        assert (await ended(it))["state"] in {"client_gone", "cut"}  # of which the app has read nothing
        assert it.app.gate.open_transfers == 0
        assert MAIL.encode() not in got[0]
        with contextlib.suppress(httpx.HTTPError):
            await answer.aclose()


async def test_an_app_that_takes_nothing_of_a_whole_answer_is_given_up(
    each_door: Any, throwaway_ca: Any, chat: Any
) -> None:
    words = b"a" * 24_000_000  # more than the buffers between the two take of their own accord
    body = b'{"id": "c1", "choices": [{"index": 0, "message": {"role": "assistant", "content": "%b"}}]}' % words

    async def answers(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, _body: bytes) -> None:
        head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
        writer.write(head % len(body) + body)
        await reader.read()

    async with behind(each_door, throwaway_ca, answers, idle_s=2.0) as (it, client, got):
        request = client.build_request("POST", "/v1/chat/completions", json=chat(MAIL))
        answer = await client.send(request, stream=True)
        assert answer.status_code == 200
        states = {"client_gone"} if it.door == "gateway" else {"complete", "client_gone", "cut"}
        assert (await ended(it))["state"] in states  # the engine takes all of it from us, whoever reads it
        assert it.app.gate.open_transfers == 0
        assert MAIL.encode() not in got[0]
        if it.door == "network":
            async with asyncio.timeout(WAIT_S):
                while it.app.ways_in.network._clients():
                    await asyncio.sleep(0.02)
                here = it.addresses.network[0][1]
                while f":{here:04X} " in established():
                    await asyncio.sleep(0.02)
        with pytest.raises(httpx.HTTPError):
            await answer.aread()


def established() -> str:
    """Local addresses of TCP connections over IPv4 that somebody here has open (proc_net_tcp(5))."""
    lines = Path("/proc/net/tcp").read_text().splitlines()[1:]
    return "".join(f"{line.split()[1]} " for line in lines if line.split()[3] == "01")


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
async def test_an_app_that_closes_its_half_after_its_request(each_door: Any, chat: Any, stream: bool) -> None:
    """It is taken for one that has left, as both servers do; what was recorded has its outcome."""
    async with each_door() as it:
        body = orjson.dumps(chat(MAIL, stream=stream))
        gateway = it.door == "gateway"
        port = it.fakes["openai"].port
        address = it.addresses.gateway if gateway else it.addresses.network[0]
        target = "/openai/v1/chat/completions" if gateway else "/v1/chat/completions"
        reader, writer = await asyncio.open_connection(*address)
        if not gateway:
            writer.write(f"CONNECT api.openai.com:{port} HTTP/1.1\r\nHost: api.openai.com\r\n\r\n".encode())
            assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200")
            await writer.start_tls(ssl.create_default_context(cafile=it.ca), server_hostname="api.openai.com")
        host = "127.0.0.1" if gateway else f"api.openai.com:{port}"
        head = f"POST {target} HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\n"
        writer.write(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
        await writer.drain()
        if gateway:
            writer.write_eof()
        else:
            writer.get_extra_info("socket").shutdown(socket.SHUT_WR)  # within TLS there is no other way
        got = await asyncio.wait_for(rest_of(reader), WAIT_S)
        writer.close()
        assert got == b"" or MAIL.encode() in got
        await asyncio.wait_for(it.settled(), WAIT_S)
        assert not any(MAIL.encode() in call.body for call in it.received())
        assert {one["state"] for one in it.records("outcome")} <= {"client_gone", "not_sent", "complete"}
        assert {one["id"] for one in it.records("outcome")} == {one["id"] for one in it.records("transfer")}
        assert len(it.received()) <= len(it.records("transfer")) <= 1


async def test_an_app_that_leaves_in_mid_stream_frees_the_provider(stand: Any, chat: Any) -> None:
    """At the gateway; at the HTTPS proxy it is in `test_network_door`."""
    hold = Hold()
    async with stand(openai={"hold": hold, "chunk": 2}) as it:
        async with it.client("openai") as client:
            request = client.stream("POST", "/v1/chat/completions", json=chat(f"Hello {MAIL} " * 50, stream=True))
            async with request as answer:
                hold.release(3)
                await anext(answer.aiter_bytes())
        hold.release(3)
        assert (await ended(it))["state"] == "client_gone"
