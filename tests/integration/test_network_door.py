"""The network door with the real gate behind it: HTTP/2, SOCKS5, upgrades, credentials, hosts that pass, apps that leave."""

import asyncio
import base64
import ssl
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest

from proxy.doors.network.settings import UNSUPPORTED
from proxy.errors import ConfigError
from proxy.fakes.hold import Hold
from proxy.fakes.leaks import assert_no_leak

MAIL = "anna.schmidt@example.com"
WAIT_S = 60.0
PASSING = """\
version: 1
name: passing
unknown_applications: allow
unknown_hosts: pass
destinations:
  openai: {extends: bundled:openai@2026-11-23}
rules:
  - {id: all, when: {entity: any}, do: tokenize}
  - {id: rest, when: {entity: none}, do: allow}
"""


class Http2First(ssl.SSLContext):
    """Prefers HTTP/2, whatever the library asks for; the door takes what the client prefers."""

    def set_alpn_protocols(self, alpn_protocols: Any) -> None:
        super().set_alpn_protocols(["h2", "http/1.1"])


async def test_http2_streams_side_by_side_without_mixing(stand: Any, chat: Any) -> None:
    async with stand(door="network", openai={"chunk": 2}) as it:
        context = Http2First(ssl.PROTOCOL_TLS_CLIENT)
        context.load_verify_locations(it.ca)
        async with it.client("openai", verify=context, http2=True) as client:

            async def ask(number: int) -> str:
                said = f"{number}: {number}{MAIL}"
                answer = await client.post("/v1/chat/completions", json=chat(said, stream=True))
                assert answer.http_version == "HTTP/2"
                events = [orjson.loads(line[6:]) for line in answer.text.splitlines() if line.startswith("data: {")]
                return "".join(c["delta"].get("content") or "" for event in events for c in event["choices"])

            assert await asyncio.gather(*map(ask, range(8))) == [f"{number}: {number}{MAIL}" for number in range(8)]
        assert_no_leak(it.received(), [MAIL])
        await it.settled()
        assert [entry["state"] for entry in it.records("outcome")] == ["complete"] * 8


@pytest.mark.parametrize("upgrade", ["websocket", "WebSocket", "h2c, websocket"])
async def test_an_upgrade_that_is_no_handshake_is_refused_and_recorded(each_door: Any, upgrade: str) -> None:
    fields = {"connection": "Upgrade", "upgrade": upgrade, "sec-websocket-version": "13", "sec-websocket-key": "eA=="}
    async with each_door() as it, it.client("openai") as client:
        answer = await client.get(f"/v1/realtime?model=gpt-realtime&user={MAIL}", headers=fields)
        assert (answer.status_code, answer.json()["error"]["code"]) == (501, "upgrade_unsupported")
        assert it.received() == []
        (blocked,) = it.records("blocked")
        assert (blocked["reason"], blocked["destination"]["name"]) == ("upgrade_unsupported", "openai")
        assert blocked["id"] == answer.headers["dragoman-transfer"]


async def test_the_answer_names_its_record(each_door: Any, chat: Any) -> None:
    async with each_door() as it, it.client("openai") as client:
        answer = await client.post("/v1/chat/completions", json=chat(MAIL))
        (entry,) = it.records("transfer")
    assert answer.headers["dragoman-transfer"] == entry["id"]
    assert entry["door"] == it.door


async def test_a_credential_shown_to_the_proxy_tells_who_it_is_and_goes_no_further(stand: Any, chat: Any) -> None:
    async with stand(door="network") as it:
        credential = it.app.control.add_credential("messenger")
        await it.app.refresh()
        for url in (it.proxy.replace("//", f"//messenger:{credential}@"), it.proxy.replace("//", "//x:drg_wrong@")):
            async with it.client("openai", proxy=url) as client:
                answer = await client.post("/v1/chat/completions", json=chat(MAIL))
            if "wrong" in url:
                assert (answer.status_code, answer.json()["error"]["code"]) == (401, "credential_unknown")
        (entry,) = it.records("transfer")
        (received,) = it.received()
    assert (entry["application"], entry["identified_by"]) == ("messenger", "credential")
    wire = received.target + b"".join(name + value for name, value in received.headers) + received.body
    assert credential.encode() not in wire
    assert base64.b64encode(credential.encode()).rstrip(b"=") not in wire


async def test_socks5_leads_to_the_same_gate(stand: Any, chat: Any) -> None:
    async with stand(door="network", settings={"modes": ("socks5@127.0.0.1:0",)}) as it:
        reader, writer = await asyncio.open_connection(*it.addresses.network[0])
        name, port = b"api.openai.com", it.fakes["openai"].port
        writer.write(b"\x05\x01\x00")
        assert await reader.readexactly(2) == b"\x05\x00"
        writer.write(b"\x05\x01\x00\x03" + bytes([len(name)]) + name + port.to_bytes(2))
        assert (await reader.readexactly(10))[:2] == b"\x05\x00"
        await writer.start_tls(ssl.create_default_context(cafile=it.ca), server_hostname=name.decode())
        body = orjson.dumps(chat(MAIL))
        head = b"POST /v1/chat/completions HTTP/1.1\r\nHost: %b:%d\r\nContent-Type: application/json\r\n" % (name, port)
        writer.write(head + b"Connection: close\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body))
        answer = await asyncio.wait_for(reader.read(), WAIT_S)
        writer.transport.abort()
        assert answer.startswith(b"HTTP/1.1 200 ")
        assert MAIL.encode() in answer
        assert_no_leak(it.received(), [MAIL])
        (entry,) = it.records("transfer")
    assert entry["mode"] == "socks5"


async def test_a_host_that_may_pass_goes_unread_and_never_without_a_record(
    stand: Any, chat: Any, tmp_path: Path, throwaway_ca: Any
) -> None:
    (tmp_path / "policy.yaml").write_text(PASSING)
    async with stand(door="network", settings={"policy": tmp_path / "policy.yaml"}, openai={}, anthropic={}) as it:
        body = {"model": "fake-echo", "max_tokens": 9, "messages": [{"role": "user", "content": MAIL}]}
        async with it.client("anthropic", verify=throwaway_ca.client()) as client:
            answer = await client.post("/v1/messages", json=body)
        assert answer.json()["content"][0]["text"] == MAIL
        (entry,) = it.records("transfer")
        assert entry["host"] == f"api.anthropic.com:{it.fakes['anthropic'].port}"
        assert entry["uninspected"]
        async with it.client("openai") as client:
            assert (await client.post("/v1/chat/completions", json=chat(MAIL))).status_code == 200
        assert_no_leak(it.received(), [MAIL])


async def test_an_app_that_leaves_in_the_middle_frees_the_provider_and_is_recorded(stand: Any, chat: Any) -> None:
    hold = Hold()
    async with stand(door="network", openai={"hold": hold, "chunk": 2}) as it:
        async with it.client("openai") as client:
            request = client.stream("POST", "/v1/chat/completions", json=chat(f"Hello {MAIL} " * 50, stream=True))
            async with request as answer:
                hold.release(3)
                await anext(answer.aiter_bytes())
        hold.release(3)
        await asyncio.wait_for(it.settled(), WAIT_S)
        (outcome,) = it.records("outcome")
    assert outcome["state"] == "client_gone"


@pytest.mark.parametrize("mode", [*UNSUPPORTED, "reverse:tcp://api.openai.com:443", "reverse:quic://api.openai.com"])
async def test_a_mode_without_a_gate_keeps_dragoman_from_starting(stand: Any, mode: str) -> None:
    with pytest.raises(ConfigError, match=f"mode {mode.partition(':')[0]}"):
        async with stand(door="network", settings={"modes": (mode,)}):
            pytest.fail("it started")


async def test_a_stranger_is_refused_before_anything_of_it_is_read(stand: Any) -> None:
    async with stand(door="network") as it:
        async with it.client("openai") as client:
            with pytest.raises(httpx.ProxyError, match="403"):
                await client.post("https://stranger.example/", content=MAIL)
        (blocked,) = it.records("blocked")
    assert (blocked["reason"], blocked["mode"]) == ("unregistered_host", "regular")
    assert "stranger" not in str(blocked)  # a name that nobody registered may be a person's
