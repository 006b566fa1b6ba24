"""Processes that the bench measures against: an upstream that answers at once, and a gateway without a gate.

Run as `python -m proxy.bench.bare upstream|gateway PORT [UPSTREAM]`; prints `ready` and serves until it is ended.
"""

import asyncio
import sys

from aiohttp import web

from proxy.messages import Headers, Origin, Outgoing
from proxy.transport import Transport

ANSWER = (
    b'{"id":"chatcmpl-bench","object":"chat.completion","created":1,"model":"bench","choices":[{"index":0,"message":'
    b'{"role":"assistant","content":"Fine, I read that."},"finish_reason":"stop"}],'
    b'"usage":{"prompt_tokens":10,"completion_tokens":5,"total_tokens":15}}'
)


async def upstream(request: web.BaseRequest) -> web.StreamResponse:
    """Reads the body, answers with a fixed completion."""
    await request.read()
    return web.Response(body=ANSWER, content_type="application/json")


class BareGateway:
    """Both ends as in the product, nothing in between."""

    def __init__(self, origin: Origin) -> None:
        self._origin = origin
        self._transport = Transport(connect_s=10, idle_s=60)

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """One request through."""
        body = await request.read()
        kept = Headers(tuple(request.raw_headers)).without(("host", "content-length"))
        headers = kept.with_field("Host", self._origin.authority).with_field("Content-Length", str(len(body)))
        target = "/" + request.raw_path.split("/", 2)[2]
        outgoing = Outgoing(self._origin, request.method, target.encode(), headers, body)
        async with self._transport.send(outgoing) as answer:
            data = b"".join([piece async for piece in answer.pieces()])
            response = web.Response(status=answer.status, body=data)
            for name, value in answer.headers.without(("content-length", "transfer-encoding", "connection")):
                response.headers[name.decode("latin-1")] = value.decode("latin-1")
            return response


async def serve(kind: str, port: int, target: str) -> None:
    """Serve until the process is ended."""
    if kind == "upstream":
        handler = upstream
    else:
        host, _, upstream_port = target.rpartition(":")
        handler = BareGateway(Origin("http", host, int(upstream_port))).handle
    runner = web.ServerRunner(web.Server(handler, access_log=None))
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(serve(sys.argv[1], int(sys.argv[2]), sys.argv[3] if len(sys.argv) > 3 else ""))
