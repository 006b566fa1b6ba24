"""Answers that end with fields after their body: the body is restored to its end, the fields are dropped."""

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
