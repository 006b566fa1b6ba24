"""The HTTP server under the gateway and the operators' port, less what it would say.

aiohttp logs a request that it cannot read with the very bytes it stumbled over, and quotes them in its own error page.
Here the log gets the kind of the error, and the client an answer of ours.
"""

import logging
from typing import Any

import orjson
from aiohttp import web

logger = logging.getLogger("dragoman.http")


class Connection(web.RequestHandler):
    """One client's connection."""

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """The answer to what is no valid request, or that nobody else answered. Ends the connection."""
        self.log_exception(exc_info=exc)
        if request.writer.output_size > 0:
            raise ConnectionError("an answer has begun; another one would be taken for a part of it")
        code = "invalid_request" if 400 <= status < 500 else "internal"
        text = "this is not a valid HTTP request" if status < 500 else "dragoman failed on this request"
        error = {"message": f"dragoman: {text} [{code}]", "type": "dragoman_error", "param": None, "code": code}
        answer = web.Response(
            status=status,
            body=orjson.dumps({"error": error}),
            headers={"content-type": "application/json", "dragoman-reason": code},
        )
        answer.force_close()
        return answer

    def log_exception(self, *args: Any, **kw: Any) -> None:
        """The class of the error; its text quotes the request."""
        error = kw.get("exc_info")
        logger.warning("a request could not be read or answered (%s)", type(error).__name__)

    def log_debug(self, *args: Any, **kw: Any) -> None:
        """Nothing: these messages carry errors as well."""


class Server(web.Server):
    """Makes `Connection`s; takes the arguments of `aiohttp.web.Server`."""

    def __call__(self) -> Connection:
        return Connection(self, loop=self._loop, **self._kwargs)
