"""The base-URL door: `http://HOST:PORT/<destination>/…`, translated to the gate and back.

Everything that decides, changes, records or refuses is behind the gate; this room only speaks HTTP. Requests from web
pages and from unknown Host names are turned away, so that no page and no neighbour can use the relay.
"""

import asyncio
import contextlib
import ipaddress
import logging
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import replace
from typing import Protocol

from aiohttp import web

from proxy.config import SLOWEST
from proxy.doors.addresses import leads_on, through_us
from proxy.doors.restored import Restored
from proxy.doors.serving import ClientGoneError, taken
from proxy.doors.sessions import SessionGate, Sessions
from proxy.doors.translate import egress_of, head_of, plain, response_of, split_target
from proxy.errors import ProxyError, place_of
from proxy.exchange import Ending, Exchange, State
from proxy.messages import Egress, Outgoing, Refusal, Reply
from proxy.running.admin import health, readiness
from proxy.steps.held import WITHHELD
from proxy.transport import Transport, UpstreamAnswer, UpstreamError

logger = logging.getLogger("dragoman.gateway")

BODILESS = (204, 304)
IN_BUFFERS = 64 * 1024
"""Bytes of an answer that the event loop takes from us at once, whether or not the app takes any."""
WHOLE_BYTES = 16 * 1024 * 1024
"""Of an answer whose length is known, what goes on in one piece and with a length; more is streamed."""
FAILED_CLOSED = Refusal(503, "failed_closed", "dragoman failed on this request; nothing was sent", 1)
DRAINING = Refusal(503, "draining", "dragoman is shutting down; try again", 1)
UPGRADE = Refusal(501, "upgrade_unsupported", "the only upgrade that is understood here is a WebSocket's (RFC 6455)")


class Admitting(SessionGate, Protocol):
    """The gate, as this door sees it."""

    async def admit(self, egress: Egress) -> Exchange: ...

    async def preview(self, egress: Egress) -> Reply: ...

    async def refuse(self, egress: Egress, refusal: Refusal) -> Exchange: ...


class Gateway:
    """Translates HTTP requests to the gate.

    ready, lost: what `/-/readyz` and `/-/healthz` say. allowed_hosts: Host names (without port) besides loopback and
    the address that is listened on. body_bytes: largest request body. request_s: seconds for a body, and one more per
    KiB of it.
    """

    def __init__(
        self,
        gate: Admitting,
        transport: Transport,
        *,
        ready: Callable[[], bool],
        lost: Callable[[], bool],
        body_bytes: int,
        request_s: float,
        allowed_hosts: Iterable[str] = (),
    ) -> None:
        self._gate = gate
        self._transport = transport
        self._ready, self._lost = ready, lost
        self._body_bytes = body_bytes
        self._request_s = request_s
        self._allowed_hosts = frozenset(host.lower() for host in allowed_hosts)
        self._closing: set[asyncio.Task[None]] = set()
        self._sessions = Sessions(gate, transport, self._later)
        self._draining = self._cutting = False
        self._retiring = False

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """One request, any path. A failure of ours is an answer, never a traceback: its text could quote a body."""
        try:
            answer = await self._handle(request)
            if self._retiring and not answer.prepared:
                answer.force_close()
            return answer
        except ClientGoneError:
            return web.Response(status=499)
        except Exception as error:
            logger.error("gateway: an unexpected %s; please report it", place_of(error))
            return plain(500, "internal", "dragoman failed on this request")

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        path = request.raw_path
        if refused := self._refuse_stranger(request):
            return refused
        if path.startswith("/-/"):
            return await self._own(request, path)
        destination, target = split_target(path)
        if not destination:
            return plain(404, "no_destination", "use /<destination>/…, such as /openai/v1/chat/completions")
        exchange = await self._admit(request, destination, target)
        if exchange.reply is not None:
            return response_of(exchange.reply)
        assert exchange.outgoing is not None
        return await self._relay(request, exchange, exchange.outgoing)

    async def _admit(self, request: web.BaseRequest, destination: str, target: str) -> Exchange:
        if request.headers.get("upgrade"):
            head = egress_of(request, destination, target)
            if not head.upgrade:
                return await self._gate.refuse(head, UPGRADE)
        try:
            egress = egress_of(request, destination, target, await self._body(request))
        except ProxyError as error:
            head = egress_of(request, destination, target)
            return await self._gate.refuse(head, Refusal(error.status, error.code, error.message))
        if self._draining:
            return await self._gate.refuse(egress, DRAINING)
        return await self._gate.admit(egress)

    def refuse_new(self) -> None:
        """Take no more transfers, on connections that are kept as well; sessions are told to go."""
        self._draining = True
        self._sessions.go_away()

    def retire(self) -> None:
        """Go on, and end each connection with its next answer: another process takes the new ones."""
        self._retiring = True

    def cut(self) -> None:
        """From now on it is we who end what is open."""
        self._cutting = True

    async def drain(self) -> None:
        """Wait until every outcome is written."""
        while self._closing:
            ended, _ = await asyncio.wait(self._closing)
            self._closing -= ended  # one that was cancelled before it began does not leave by itself

    def _refuse_stranger(self, request: web.BaseRequest) -> web.Response | None:
        if "origin" in request.headers:
            return plain(403, "web_page_refused", "requests from web pages (Origin header) are not relayed")
        host = request.headers.get("host", "").rsplit(":", 1)[0].strip("[]").lower()
        if host in {"localhost", ""} or host in self._allowed_hosts or _is_address(host):
            return None
        return plain(421, "unknown_host", "this Host name is not served here; add it to `allowed_hosts` in config.toml")

    async def _own(self, request: web.BaseRequest, path: str) -> web.StreamResponse:
        if path == "/-/healthz":
            return health(self._lost())
        if path == "/-/readyz":
            return readiness(self._ready())
        if path.startswith("/-/preview/") and request.method == "POST":
            destination, target = split_target(path.removeprefix("/-/preview"))
            try:
                egress = egress_of(request, destination, target, await self._body(request))
            except ProxyError as error:
                return plain(error.status, error.code, error.message)
            return response_of(await self._gate.preview(egress))
        return plain(404, "not_found", "there is nothing here; see /-/healthz, /-/readyz, /-/preview/<destination>/…")

    async def _body(self, request: web.BaseRequest) -> bytes:
        if (request.content_length or 0) > self._body_bytes:
            raise ProxyError("the request body is too large", code="body_too_large", status=413)
        if request.content.is_eof() and request.content_length is not None:
            return request.content.read_nowait()  # it came with its head, as most do
        pieces, size = [], 0
        began = asyncio.get_running_loop().time()
        try:
            async with asyncio.timeout_at(began + self._request_s) as limit:
                async for piece in request.content.iter_any():
                    size += len(piece)
                    if size > self._body_bytes:
                        raise ProxyError("the request body is too large", code="body_too_large", status=413)
                    pieces.append(piece)
                    limit.reschedule(began + self._request_s + size / SLOWEST)
        except TimeoutError:
            raise ProxyError("the request body comes too slowly", code="body_too_slow", status=408) from None
        return b"".join(pieces)

    async def _relay(self, request: web.BaseRequest, exchange: Exchange, outgoing: Outgoing) -> web.StreamResponse:
        ending = Ending.NOT_SENT
        try:
            try:
                exchange.sent()
            except Exception as error:
                # Whatever it is, what the ledger could not be told is not sent.
                logger.error("gateway: the log could not be told that a transfer goes out (%s)", place_of(error))
                return response_of(exchange.refusal_reply(replace(FAILED_CLOSED, transfer=exchange.transfer)))
            ending = Ending.CUT
            if exchange.session is not None:
                return await self._sessions.serve(request, exchange, outgoing, exchange.session)
            async with self._transport.send(outgoing) as answer:
                response = await self._answer(request, exchange, answer)
            # An answer that the policy withheld came properly; its error says why the app did not get it.
            ending = Ending.UPSTREAM_ERROR if exchange.error and exchange.error not in WITHHELD else Ending.COMPLETE
            return response
        except UpstreamError as error:
            ending = Ending.UPSTREAM_ERROR if error.reached else Ending.NOT_SENT
            return response_of(exchange.refusal_reply(_refusal(error, exchange)))
        except (ClientGoneError, asyncio.CancelledError):
            ending = Ending.CUT if self._cutting else Ending.CLIENT_GONE
            raise
        except Exception as error:
            ending = Ending.COMPLETE if getattr(error, "code", "") in WITHHELD else Ending.UPSTREAM_ERROR
            return response_of(exchange.refusal_reply(_refusal(error, exchange)))
        finally:
            if exchange.session is None or exchange.state is State.SENT:
                # A session that the provider took ends when it ends.
                self._later(exchange.close(ending))

    async def _answer(self, request: web.BaseRequest, exchange: Exchange, answer: UpstreamAnswer) -> web.StreamResponse:
        head = exchange.answer(answer.status, answer.headers)
        if exchange.outgoing is not None and leads_on(head):
            base = f"{request.scheme}://{request.host}/{split_target(request.raw_path)[0]}"
            head = through_us(head, request.method, answer.status, exchange.outgoing.origin, base)
        if answer.status in BODILESS or request.method == "HEAD":
            exchange.finish()
            await exchange.bound()
            return head_of(answer.status, head, web.Response)
        body, begun = Restored(exchange, answer), list[bytes]()
        if answer.length is not None or exchange.held_whole:
            begun, ended = await body.as_far_as(WHOLE_BYTES)
            if ended:
                return await self._in_one(request, Reply(answer.status, head, b"".join(begun)))
        response = head_of(answer.status, head, web.StreamResponse)
        return await self._stream(request, exchange, begun, body, response)

    async def _in_one(self, request: web.BaseRequest, reply: Reply) -> web.Response:
        """A large answer is written here, before its outcome: the app may leave, or take nothing of it."""
        whole = response_of(reply)
        if len(reply.body) > IN_BUFFERS:
            if self._retiring:
                whole.force_close()
            await taken(whole.prepare(request))
            await taken(whole.write_eof())
        return whole

    async def _stream(
        self,
        request: web.BaseRequest,
        exchange: Exchange,
        begun: list[bytes],
        body: Restored,
        response: web.StreamResponse,
    ) -> web.StreamResponse:
        if self._retiring:
            response.force_close()
        # From here on the client has our head, so a failure can only be told in the stream's own words.
        await taken(response.prepare(request))
        rest = b""
        try:
            for piece in begun:
                await taken(response.write(piece))
            while piece := await body.more():
                await taken(response.write(piece))
        except ClientGoneError:
            raise
        except Exception as error:
            rest = exchange.stream_error(_refusal(error, exchange))
        if rest:
            await taken(response.write(rest))
        await taken(response.write_eof())
        return response

    def _later(self, closing: Awaitable[None]) -> None:
        async def close() -> None:
            try:
                await closing
            except Exception as error:
                # Its text may quote what was inspected, and the event loop would log it.
                logger.error("gateway: an outcome could not be written (%s)", type(error).__name__)
            finally:
                self._closing.discard(task)  # a callback would cost the loop a turn of its own

        task = asyncio.get_running_loop().create_task(close())
        self._closing.add(task)


def _is_address(host: str) -> bool:
    with contextlib.suppress(ValueError):
        ipaddress.ip_address(host)
        return True
    return False


def _refusal(error: Exception, exchange: Exchange) -> Refusal:
    if isinstance(error, ProxyError):
        return Refusal(error.status, error.code, error.message, transfer=exchange.transfer)
    logger.error("gateway: an answer could not be restored (%s)", place_of(error))
    return Refusal(502, "answer_failed", "the answer could not be restored", transfer=exchange.transfer)
