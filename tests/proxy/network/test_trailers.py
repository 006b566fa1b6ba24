"""What stands around an answer: fields after its body and interim answers before it are dropped, all of it is restored."""

import pytest

from proxy.exchange import Ending

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\nTrailer: X-Took\r\n\r\n"


@pytest.mark.parametrize("http2", [False, True], ids=["http1", "http2"])
async def test_an_answer_with_trailers_comes_whole(running, gate, upstream, http2):
    async def respond(call):
        call.writer.write(HEAD)
        await call.event(b"[PERSON_1] one")
        await call.event(b"[DONE]")
        call.writer.write(b"0\r\nX-Took: 12\r\nX-For: [PERSON_1]\r\n\r\n")
        await call.writer.drain()

    upstream.respond = respond
    async with running.client(http2=http2) as client:
        for _ in range(2):  # the connection is used again
            answer = await client.post(f"https://api.example:{upstream.port}/", content=b"for Anna")
            assert answer.content == b"data: Anna one\n\ndata: [DONE]\n\n"
            assert "x-took" not in answer.headers
            assert await gate.outcome() is Ending.COMPLETE
    assert upstream.connections == (2 if http2 else 1)  # from HTTP/2 to HTTP/1 the engine shares none
    assert running.door.counts["engine:error"] == 0


EARLY = b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\n\r\n"


@pytest.mark.parametrize("before", [b"HTTP/1.1 100 Continue\r\n\r\n", EARLY, b"HTTP/1.1 102 P\r\n\r\n" + EARLY * 3])
@pytest.mark.parametrize("cut", [False, True], ids=["at once", "byte by byte"])
async def test_an_answer_behind_interim_ones_comes_whole(running, gate, upstream, before, cut):
    async def respond(call):
        for piece in [bytes([byte]) for byte in before] if cut else [before]:
            call.writer.write(piece)
            await call.writer.drain()
        call.writer.write(HEAD)
        await call.event(b"[PERSON_1] one")
        await call.event(b"[DONE]")
        call.writer.write(b"0\r\n\r\n")

    upstream.respond = respond
    async with running.client() as client:
        for _ in range(2):  # the connection is used again
            answer = await client.post(f"https://api.example:{upstream.port}/", content=b"for Anna")
            assert (answer.status_code, answer.content) == (200, b"data: Anna one\n\ndata: [DONE]\n\n")
            assert await gate.outcome() is Ending.COMPLETE
    assert upstream.connections == 1


@pytest.mark.parametrize("status", [b"101 Switching Protocols", b"103 Early Hints"])
async def test_interim_answers_without_end_and_a_switch_are_no_answer(running, gate, upstream, status):
    async def respond(call):
        call.writer.write((b"HTTP/1.1 %b\r\n\r\n" % status) * 40)
        await call.writer.drain()

    upstream.respond = respond
    async with running.client() as client:
        answer = await client.post(f"https://api.example:{upstream.port}/", content=b"for Anna")
        assert (answer.status_code, answer.headers["dragoman-reason"]) == (502, "upstream_broken")
        assert await gate.outcome() is Ending.CUT
