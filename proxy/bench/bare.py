"""Processes that the bench measures against: an upstream that answers at once, and a gateway without a gate.

Run as `python -m proxy.bench.bare upstream [HOST:]PORT` or `… gateway PORT UPSTREAM`; prints `ready` and serves until
it is ended. Several upstreams may share a port.
"""

import asyncio
import sys
from collections.abc import Awaitable, Callable

from aiohttp import WSMsgType, web

from proxy.bench import wire
from proxy.messages import Headers, Origin, Outgoing
from proxy.transport import Transport

HELD = "bench-held-s"
"""The header that lets the upstream wait so many seconds after the first event of a stream."""
LONGEST_S = 60.0

ANSWER = (
    b'{"id":"chatcmpl-bench","object":"chat.completion","created":1,"model":"bench","choices":[{"index":0,"message":'
    b'{"role":"assistant","content":"Fine, I read that."},"finish_reason":"stop"}],'
    b'"usage":{"prompt_tokens":10,"completion_tokens":5,"total_tokens":15}}'
)


async def upstream(request: web.BaseRequest) -> web.StreamResponse:
    """Reads the body, answers with a fixed completion, or with what the bench of formats asks for."""
    asked = request.headers.get(wire.ASKED)
    if asked is None:
        await request.read()
        return web.Response(body=ANSWER, content_type="application/json")
    case, events = wire.asked_for(asked)
    if case.session:
        return await _speaking(request, case, events)
    await request.read()
    if not case.content_type:
        return web.Response(body=case.answer(events), content_type="application/json")
    response = web.StreamResponse(headers={"Content-Type": case.content_type})
    await response.prepare(request)
    if held := min(float(request.headers.get(HELD, "0")), LONGEST_S):
        await response.write(case.answer(1))
        await asyncio.sleep(held)
    # All at once: how many events a read finds would be chance, and differ from run to run.
    await response.write(case.answer(events))
    await response.write_eof()
    return response


async def _speaking(request: web.BaseRequest, case: wire.Case, events: int) -> web.StreamResponse:
    socket = web.WebSocketResponse(compress=False)
    await socket.prepare(request)
    said = [case.said(number) for number in range(events)]
    async for _ in socket:
        for text in said:
            await socket.send_str(text)
    return socket


class BareGateway:
    """Both ends as in the product, nothing in between."""

    def __init__(self, origin: Origin) -> None:
        self._origin = origin
        self._transport = Transport(connect_s=10, idle_s=60)

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """One request through, or one session."""
        if request.headers.get("upgrade"):
            return await self._session(request)
        body = await request.read()
        kept = Headers(tuple(request.raw_headers)).without(("host", "content-length"))
        headers = kept.with_field("Host", self._origin.authority).with_field("Content-Length", str(len(body)))
        target = "/" + request.raw_path.split("/", 2)[2]
        outgoing = Outgoing(self._origin, request.method, target.encode(), headers, body)
        async with self._transport.send(outgoing) as answer:
            whole = answer.length is not None
            response = web.Response(status=answer.status) if whole else web.StreamResponse(status=answer.status)
            for name, value in answer.headers.without(("content-length", "transfer-encoding", "connection")):
                response.headers[name.decode("latin-1")] = value.decode("latin-1")
            if isinstance(response, web.Response):
                response.body = b"".join([piece async for piece in answer.pieces()])
                return response
            await response.prepare(request)
            async for piece in answer.pieces():
                await response.write(piece)
            await response.write_eof()
            return response

    async def _session(self, request: web.BaseRequest) -> web.StreamResponse:
        target = "/" + request.raw_path.split("/", 2)[2]
        kept = Headers(tuple(request.raw_headers)).without(("host", "connection", "upgrade"))
        client = web.WebSocketResponse(compress=False)
        await client.prepare(request)
        outgoing = Outgoing(self._origin, "GET", target.encode(), kept, b"")
        provider = await self._transport.open_session(outgoing, message_bytes=2**24)

        async def back() -> None:
            async for message in provider:
                # The transport leaves text as bytes.
                await client.send_frame(message.data, WSMsgType.TEXT)

        async with asyncio.TaskGroup() as tasks:
            answers = tasks.create_task(back())
            async for message in client:
                await provider.send_str(message.data)
            answers.cancel()
        await provider.close()
        return client


async def serve(kind: str, address: str, target: str) -> None:
    """Serve until the process is ended."""
    if kind == "upstream":
        handler: Callable[[web.BaseRequest], Awaitable[web.StreamResponse]] = upstream
    else:
        host, _, upstream_port = target.rpartition(":")
        handler = BareGateway(Origin("http", host, int(upstream_port))).handle
    host, _, port = address.rpartition(":")
    await listen(handler, int(port), host or "127.0.0.1", shared=kind == "upstream")


async def listen(
    handler: Callable[[web.BaseRequest], Awaitable[web.StreamResponse]],
    port: int,
    host: str = "127.0.0.1",
    *,
    shared: bool = False,
) -> None:
    """Serve until the process is ended. shared: other processes may listen there as well; the kernel shares out."""
    runner = web.ServerRunner(web.Server(handler, access_log=None))
    await runner.setup()
    await web.TCPSite(runner, host, port, reuse_port=shared).start()
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(serve(sys.argv[1], sys.argv[2], sys.argv[3] if len(sys.argv) > 3 else ""))
