"""A request through the HTTPS proxy: what the gate sees, what the provider sees, what comes back."""

import asyncio
import gzip

import httpx
import pytest

from proxy.exchange import Ending
from proxy.messages import Door, Headers, Origin, Refusal


async def test_what_the_gate_cleared_is_sent_and_what_came_back_is_restored(running, gate, upstream):
    async with running.client() as client:
        answer = await client.post(f"https://api.example:{upstream.port}/v1/chat?q=1", content=b"for Anna")
    assert answer.content == b"for Anna"
    assert answer.headers["dragoman-transfer"] == "01TRANSFER"
    assert upstream.calls[0].body == b"for [PERSON_1]"
    assert upstream.calls[0].target == b"/v1/chat?q=1"
    assert b"Anna" not in upstream.received
    assert await gate.outcome() is Ending.COMPLETE
    egress = gate.admitted[0]
    assert (egress.door, egress.mode, egress.method) == (Door.NETWORK, "regular", "POST")
    assert egress.origin == Origin("https", "api.example", upstream.port)
    assert (egress.target, egress.body, egress.peer) == (b"/v1/chat?q=1", b"for Anna", "127.0.0.1")


async def test_http2_from_the_client_works_and_the_gate_reads_a_host(running, gate, upstream):
    async with running.client(http2=True) as client:
        answer = await client.post(f"https://api.example:{upstream.port}/v1/chat", content=b"for Anna")
    assert (answer.http_version, answer.content) == ("HTTP/2", b"for Anna")
    assert upstream.calls[0].body == b"for [PERSON_1]"
    assert gate.admitted[0].headers.get("host") == f"api.example:{upstream.port}"
    assert upstream.calls[0].field(b"host") == f"api.example:{upstream.port}".encode()


async def test_many_requests_on_one_http2_connection_do_not_mix(running, upstream):
    async with running.client(http2=True) as client:
        url = f"https://api.example:{upstream.port}/"
        bodies = [f"Anna {number}".encode() for number in range(20)]
        answers = await asyncio.gather(*(client.post(url, content=body) for body in bodies))
    assert [answer.content for answer in answers] == bodies


async def test_a_connection_is_kept_and_used_again(running, upstream):
    async with running.client() as client:
        for number in range(3):
            answer = await client.post(f"https://api.example:{upstream.port}/", content=b"Anna %d" % number)
            assert answer.content == b"Anna %d" % number
    assert upstream.connections == 1


async def test_plain_http_in_absolute_form_goes_the_same_way(running, gate, plain_upstream):
    async with running.client() as client:
        answer = await client.post(f"http://api.example:{plain_upstream.port}/v1", content=b"for Anna")
    assert answer.content == b"for Anna"
    assert plain_upstream.calls[0].body == b"for [PERSON_1]"
    assert plain_upstream.calls[0].target == b"/v1"
    assert gate.admitted[0].origin == Origin("http", "api.example", plain_upstream.port)


async def test_header_fields_keep_their_order_and_spelling(running, gate, upstream):
    reader, writer = await running.tls_tunnel("api.example", upstream.port)
    host = b"api.example:%d" % upstream.port
    writer.write(b"GET /x HTTP/1.1\r\nhOsT: %s\r\nX-ZULU: 1\r\nx-Alpha: 2\r\nX-ZULU: 3\r\n\r\n" % host)
    head = await reader.readuntil(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200")
    kept = [name for name, _ in upstream.calls[0].fields() if name.lower().startswith(b"x-")]
    assert kept == [b"X-ZULU", b"x-Alpha", b"X-ZULU"]
    assert gate.admitted[0].headers.all("x-zulu") == ("1", "3")
    writer.close()


async def test_a_chunked_request_arrives_whole_and_leaves_with_a_length(running, upstream):
    async def pieces():
        yield b"for "
        yield b"Anna"

    async with running.client() as client:
        answer = await client.post(f"https://api.example:{upstream.port}/", content=pieces())
    assert answer.content == b"for Anna"
    assert upstream.calls[0].body == b"for [PERSON_1]"
    assert upstream.calls[0].field(b"content-length") == b"14"
    assert upstream.calls[0].field(b"transfer-encoding") is None


async def test_expect_100_continue_is_answered_by_the_door(running, upstream):
    reader, writer = await running.tls_tunnel("api.example", upstream.port)
    host = b"api.example:%d" % upstream.port
    writer.write(b"POST / HTTP/1.1\r\nHost: %s\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n" % host)
    assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 100")
    writer.write(b"Anna")
    assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200")
    assert upstream.calls[0].field(b"expect") is None
    writer.close()


async def test_an_answer_that_is_compressed_although_nobody_asked_is_restored(running, upstream):
    async def compressed(call):
        await call.answer(gzip.compress(call.body), b"Content-Encoding: gzip")

    upstream.respond = compressed
    async with running.client() as client:
        answer = await client.post(f"https://api.example:{upstream.port}/", content=b"for Anna")
    assert answer.content == b"for Anna"
    assert "content-encoding" not in answer.headers
    assert upstream.calls[0].field(b"accept-encoding") == b"identity"


async def test_a_restored_answer_has_the_length_of_what_is_sent(running, upstream):
    async with running.client() as client:
        answer = await client.post(f"https://api.example:{upstream.port}/", content=b"for Anna")
    assert answer.headers["content-length"] == "8"


@pytest.mark.parametrize("status", [b"204 No Content", b"304 Not Modified"])
async def test_answers_without_a_body_stay_so(running, gate, upstream, status):
    async def empty(call):
        call.writer.write(b"HTTP/1.1 " + status + b"\r\nX-Kept: 1\r\n\r\n")

    upstream.respond = empty
    async with running.client() as client:
        answer = await client.get(f"https://api.example:{upstream.port}/")
        assert answer.status_code == int(status[:3])
        assert answer.headers["x-kept"] == "1"
        assert (await client.get(f"https://api.example:{upstream.port}/")).status_code == int(status[:3])
    assert await gate.outcome() is Ending.COMPLETE


async def test_an_answer_to_head_has_no_body_and_the_connection_goes_on(running, upstream):
    async def head(call):
        call.writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1234\r\n\r\n")

    upstream.respond = head
    async with running.client() as client:
        for _ in range(2):
            assert (await client.head(f"https://api.example:{upstream.port}/")).content == b""
    assert upstream.connections == 1


async def test_an_error_of_the_provider_is_restored_like_any_answer(running, upstream):
    async def error(call):
        await call.answer(b'{"error": "bad [PERSON_1]"}', status=b"400 Bad Request")

    upstream.respond = error
    async with running.client() as client:
        answer = await client.post(f"https://api.example:{upstream.port}/", content=b"Anna")
    assert (answer.status_code, answer.content) == (400, b'{"error": "bad Anna"}')


async def test_an_upstream_that_is_replaced_gets_the_request_under_its_own_name(running, gate, upstream, start_door):
    gate.reroute = Origin("https", "other.example", upstream.port, "/prefix")
    async with running.client() as client:
        answer = await client.post("https://api.example/v1?x=1", content=b"for Anna")
    assert answer.content == b"for Anna"
    assert upstream.calls[0].target == b"/prefix/v1?x=1"
    assert upstream.calls[0].field(b"host") == f"other.example:{upstream.port}".encode()


async def test_an_upstream_that_is_replaced_may_be_plain_http(running, gate, plain_upstream):
    gate.reroute = Origin("http", "127.0.0.1", plain_upstream.port)
    async with running.client(http2=True) as client:
        answer = await client.post("https://api.example/v1", content=b"for Anna")
    assert answer.content == b"for Anna"
    assert plain_upstream.calls[0].body == b"for [PERSON_1]"


async def test_a_refusal_of_the_gate_is_the_answer(running, gate, upstream):
    gate.refuse_all = Refusal(403, "blocked_by_policy", "no")
    async with running.client() as client:
        answer = await client.post(f"https://api.example:{upstream.port}/", content=b"Anna")
        assert answer.json() == {"provider_error": "blocked_by_policy"}
        again = await client.post(f"https://api.example:{upstream.port}/", content=b"Anna")
    assert (answer.status_code, again.status_code) == (403, 403)
    assert upstream.connections == 0


async def test_the_client_is_told_nothing_of_the_engine(running, upstream):
    reader, writer = await running.connect()
    writer.write(b"NONSENSE\r\n\r\n")
    answer = await asyncio.wait_for(reader.read(), 60)
    assert answer.startswith(b"HTTP/1.1 400")
    assert b"dragoman-reason: invalid_request" in answer
    assert b"mitm" not in answer.lower()
    writer.close()


async def test_a_head_that_never_ends_is_refused(start_door):
    running = await start_door(head_bytes=4096)
    reader, writer = await running.connect()
    writer.write(b"GET http://api.example/ HTTP/1.1\r\nX-Long: " + b"a" * 10_000)
    assert (await reader.readuntil(b"\r\n")).startswith(b"HTTP/1.1 431")
    writer.close()


@pytest.mark.parametrize("chunked", [True, False])
@pytest.mark.parametrize("http2", [True, False])
async def test_a_body_above_the_limit_is_refused_in_the_providers_format(start_door, gate, upstream, chunked, http2):
    running = await start_door(body_bytes=100_000)

    async def pieces():
        for _ in range(40):
            yield b"Anna" * 2500

    content = pieces() if chunked else b"Anna" * 100_000
    async with running.client(http2=http2) as client:
        answer = await client.post(f"https://api.example:{upstream.port}/", content=content)
    assert (answer.status_code, answer.json()) == (413, {"provider_error": "body_too_large"})
    assert upstream.connections == 0
    assert gate.refused[0][1].code == "body_too_large"


@pytest.mark.parametrize("line", [b"POST / HTTP/1.1\r\nConnection: close", b"POST / HTTP/1.0"])
@pytest.mark.parametrize("streamed", [False, True], ids=["whole", "streamed"])
async def test_a_client_that_reads_to_the_end_of_the_connection_gets_there(running, upstream, line, streamed):
    async def respond(call):
        if streamed:
            await call.begin_stream()
            await call.event(b"[PERSON_1]")
            await call.end_stream()
        else:
            await call.answer(call.body)

    upstream.respond = respond
    reader, writer = await running.tls_tunnel("api.example", upstream.port)
    writer.write(b"%b\r\nHost: api.example:%d\r\nContent-Length: 4\r\n\r\nAnna" % (line, upstream.port))
    answer = await asyncio.wait_for(reader.read(), 60)
    assert b"connection: close" in answer.lower()
    assert b"Anna" in answer
    writer.close()


async def test_fields_after_the_body_are_refused(running, gate, upstream):
    reader, writer = await running.tls_tunnel("api.example", upstream.port)
    host = b"api.example:%d" % upstream.port
    writer.write(b"POST / HTTP/1.1\r\nHost: %s\r\nTransfer-Encoding: chunked\r\n\r\n" % host)
    writer.write(b"4\r\nAnna\r\n0\r\nX-Late: Anna\r\n\r\n")
    answer = await asyncio.wait_for(reader.readuntil(b"}"), 60)
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert upstream.connections == 0
    assert not gate.admitted
    ((egress, refusal),) = gate.refused
    assert (refusal.code, egress.body) == ("trailers_unsupported", b"Anna")
    writer.close()


async def test_credentials_for_the_proxy_reach_the_gate_and_nobody_else(running, gate, upstream, plain_upstream):
    async with running.client(credential="drg_secret") as client:
        await client.get(f"https://api.example:{upstream.port}/")
        await client.get(f"http://api.example:{plain_upstream.port}/")
    assert [egress.credential for egress in gate.admitted] == ["drg_secret", "drg_secret"]
    assert b"drg_secret" not in upstream.received + plain_upstream.received
    for egress in gate.admitted:
        assert egress.headers.get("proxy-authorization") is None


async def test_a_credential_in_the_proxys_url_is_its_password(running, gate, upstream):
    proxy = running.url.replace("http://", "http://app:drg_secret@")
    async with httpx.AsyncClient(proxy=proxy, verify=running.trust(), trust_env=False, timeout=60) as client:
        await client.get(f"https://api.example:{upstream.port}/")
    assert gate.admitted[0].credential == "drg_secret"


async def test_an_app_without_a_credential_is_asked_for_one_where_it_is_required(start_door, gate, upstream):
    running = await start_door(require_credential=True)
    async with running.client() as client:
        with pytest.raises(httpx.ProxyError, match="407"):
            await client.get(f"https://api.example:{upstream.port}/")
        plain = await client.get("http://api.example/")
    assert plain.status_code == 407
    assert plain.headers["proxy-authenticate"] == 'Basic realm="dragoman"'
    async with running.client(credential="drg_secret") as client:
        assert (await client.get(f"https://api.example:{upstream.port}/")).status_code == 200
    assert [refusal.code for _, refusal in gate.refused] == ["credential_required"] * 2


async def test_forged_framing_in_what_the_gate_returns_is_put_right(running, gate, upstream):
    """The length of the body is the door's business, whatever the header fields say."""
    before = gate.admit

    async def admit(egress):
        from dataclasses import replace

        exchange = await before(egress)
        headers = Headers((*exchange.outgoing.headers.without(["content-length"]).fields, (b"Content-Length", b"3")))
        exchange.outgoing = replace(exchange.outgoing, headers=headers)
        return exchange

    gate.admit = admit
    async with running.client() as client:
        answer = await client.post(f"https://api.example:{upstream.port}/", content=b"for Anna")
    assert answer.content == b"for Anna"
    assert upstream.calls[0].field(b"content-length") == b"14"
