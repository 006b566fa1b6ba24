"""The REST API: one way through for every operation of the table.

Token, rate, right, input, answer, in this order. Work that waits for a database or computes runs in a thread; every
error leaves as problem details.
"""

import asyncio
import hmac
import json
import re
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from functools import cache
from typing import TYPE_CHECKING

import orjson
from pydantic import BaseModel
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from proxy.console import openapi
from proxy.console.access import SignInError, Visitor
from proxy.console.limits import RateLimit
from proxy.console.oidc_persons import OidcPersons
from proxy.console.operations import ALL
from proxy.console.operations.base import JSON, Call, Desk, Made, Operation, Streamed
from proxy.console.problems import TooManyError, checked, problem
from proxy.console.questions import NotFoundError
from proxy.console.sessions import Session
from proxy.control.store import ControlStore
from proxy.control.tokens import SHAPE, Token, digest
from proxy.errors import FormatError

if TYPE_CHECKING:
    from proxy.outbound.identity_provider import IdentityProvider

MAX_BODY = 3 * 1024 * 1024
"""A pasted policy of the largest size, each character escaped, and a little more."""

type Endpoint = Callable[[Request], Awaitable[Response]]


class Gatekeeper:
    """Who may come in. per_minute: requests of one token. attempts: wrong tokens from one address in a minute.

    provider: whose tokens open something as well, None for ours alone. persons: where it is kept who that is.
    """

    def __init__(
        self,
        control: ControlStore,
        per_minute: int,
        attempts: int,
        provider: "IdentityProvider | None" = None,
        persons: OidcPersons | None = None,
    ) -> None:
        self._control, self._provider, self._persons = control, provider, persons
        self._requests, self._attempts = RateLimit(per_minute), RateLimit(attempts)

    async def admit(self, given: str, address: str) -> Visitor:
        """The visitor of a token. Raises SignInError, TooManyError."""
        found = None
        if SHAPE.fullmatch(given):
            found = await run_in_threadpool(self._control.tokens.find, digest(given))
        elif self._provider is not None and given.count(".") == 2:
            found = await run_in_threadpool(self._named_by, self._provider, given)
            if found is not None:
                await run_in_threadpool(self.keep, found)
        if found is None:
            self.attempt(address)
            raise SignInError("send a valid token as `Authorization: Bearer TOKEN`; `dragoman token create` makes one")
        return self.count(Visitor(found))

    async def again(self, session: Session) -> Visitor | None:
        """The visitor of a session; None where its token has ended since. Raises TooManyError."""
        found = await self.still(session)
        return None if found is None else self.count(found)

    async def still(self, session: Session) -> Visitor | None:
        """The same, not counted as a request."""
        if session.visitor is not None:
            valid = session.visitor.token.valid(time.time_ns() // 1_000_000)
            return session.visitor if valid else None
        found = await run_in_threadpool(self._control.tokens.find, session.token)
        return None if found is None else Visitor(found)

    def attempt(self, address: str) -> None:
        """Counts what opened nothing. Raises TooManyError."""
        if wait := self._attempts.wait_s(address):
            raise TooManyError(wait)

    def keep(self, token: Token) -> None:
        """Keeps who it is that the provider names. Raises UnavailableError, AuditError: then nobody comes in."""
        if self._persons is not None:
            self._persons.keep(token)

    @staticmethod
    def _named_by(provider: "IdentityProvider", given: str) -> Token | None:
        from proxy.outbound.identity_provider import NotSignedInError

        try:
            return provider.visitor(given)
        except NotSignedInError:
            return None

    def count(self, visitor: Visitor) -> Visitor:
        """The same visitor where another request may pass. Raises TooManyError."""
        if wait := self._requests.wait_s(visitor.token.id):
            raise TooManyError(wait)
        return visitor


def routes(desk: Desk, gate: Gatekeeper) -> list[Route]:
    """Every route below `/api`."""

    async def description(_: Request) -> Response:
        return Response(await run_in_threadpool(_description), media_type=JSON)

    by_path: dict[str, dict[str, Operation]] = {}
    for operation in ALL:
        by_path.setdefault(openapi.BASE + operation.path, {})[operation.method] = operation
    found = [Route("/api/openapi.json", description, methods=["GET"])]
    # Starlette takes the first that fits; a path without variables comes before one with them.
    for path in sorted(by_path, key=lambda one: ("{" in one, one)):
        found.append(Route(path, _endpoint(desk, gate, by_path[path]), methods=list(by_path[path])))
    return found


@cache
def _description() -> str:
    return json.dumps(openapi.document(), indent=2)


def _endpoint(desk: Desk, gate: Gatekeeper, operations: dict[str, Operation]) -> Endpoint:
    async def endpoint(request: Request) -> Response:
        method = "GET" if request.method == "HEAD" else request.method
        try:
            visitor = await gate.admit(bearer(request), address_of(request))
            operation = operations[method]
            if operation.right is not None:
                visitor.require(operation.right)
            call = Call(visitor, _query(request, operation), await _body(request, operation), _path(request, operation))
            return await run_in_threadpool(_run, desk, operation, call)
        except asyncio.CancelledError:
            raise
        except Exception as error:
            return problem(error)

    return endpoint


def bearer(request: Request) -> str:
    """The token that a request carries, or ""."""
    scheme, _, given = request.headers.get("authorization", "").partition(" ")
    return given.strip() if hmac.compare_digest(scheme.lower().encode(), b"bearer") else ""


def address_of(request: Request) -> str:
    """Where a request comes from, for counting attempts."""
    return request.client.host if request.client else ""


def _run(desk: Desk, operation: Operation, call: Call) -> Response:
    answer = operation.run(desk, call)
    if isinstance(answer, bytes):
        return Response(answer, operation.status, media_type=operation.media[0])
    if isinstance(answer, Made):
        return made_response(answer, operation.status)
    if isinstance(answer, Streamed):
        return export_response(answer)
    if isinstance(answer, AsyncIterator):
        return StreamingResponse(answer, headers={"x-accel-buffering": "no"}, media_type=operation.media[0])
    return Response(orjson.dumps(answer), operation.status, media_type=JSON)


def made_response(made: Made, status: int = 200) -> Response:
    """A file that was made for this answer."""
    # Pages carry their own style, which this site's own pages may not have: they are for saving.
    headers = {"content-disposition": f'attachment; filename="{made.name}"'}
    return Response(made.data, status, headers, made.media)


def export_response(stream: Streamed) -> StreamingResponse:
    """An export as a download."""
    media, ending = {
        "csv": ("text/csv; charset=utf-8", "csv"),
        "jsonl": ("application/jsonl", "jsonl"),
        "tiles": ("application/x-tar", "tar"),
        "parquet": ("application/vnd.apache.parquet", "parquet"),
    }[stream.form]
    headers = {"content-disposition": f'attachment; filename="{stream.name}.{ending}"'}
    return StreamingResponse(stream.parts, headers=headers, media_type=media)


def _query(request: Request, operation: Operation) -> BaseModel:
    pairs = request.query_params.multi_items()
    if len({name for name, _ in pairs}) < len(pairs):
        raise FormatError("a parameter is given twice", code="input")
    return checked(operation.query, dict(pairs))


async def read_body(request: Request, what: str) -> bytes:
    """All that a request brings. what: its name in the error. Raises FormatError above `MAX_BODY`."""
    parts, size = [], 0
    async for part in request.stream():
        size += len(part)
        if size > MAX_BODY:
            raise FormatError(f"{what} has more than {MAX_BODY} bytes", code="too_large", status=413)
        parts.append(part)
    return b"".join(parts)


async def _body(request: Request, operation: Operation) -> BaseModel | None:
    if operation.body is None:
        return None
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != JSON:
        raise FormatError(f"the body has to be {JSON}", code="media_type", status=415)
    whole = await read_body(request, "the body")
    try:
        data = orjson.loads(whole)
    except orjson.JSONDecodeError:
        raise FormatError("the body is not JSON", code="input") from None
    return checked(operation.body, data)


def _path(request: Request, operation: Operation) -> dict[str, str]:
    found = {name: str(value) for name, value in request.path_params.items()}
    for name, value in found.items():
        schema = operation.path_schemas[name]
        fits = value in schema["enum"] if "enum" in schema else re.search(schema["pattern"], value, re.ASCII)
        if not fits or "\n" in value:
            raise NotFoundError("there is nothing at this path")
    return found
