"""Serves the console on a socket until it is told to stop."""

import socket
from collections.abc import Callable

import uvicorn
from starlette.applications import Starlette

from proxy.errors import ConfigError

BACKLOG = 128
END_S = 3
"""How long open answers may take when the process ends."""


def listen(host: str, port: int) -> socket.socket:
    """A listening socket. Raises ConfigError."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    found = socket.socket(family, socket.SOCK_STREAM)
    try:
        found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        found.bind((host, port))
        found.listen(BACKLOG)
    except OSError as error:
        found.close()
        text = f"the console cannot listen on {host}:{port} ({error.strerror}); choose another with --console HOST:PORT"
        raise ConfigError(text) from None
    return found


class Serving(uvicorn.Server):
    """A server that says when it answers. ready: called once. `app.state.end`: called before it stops, to end what
    would go on for long."""

    def __init__(self, app: Starlette, ready: Callable[[], None]) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                log_config=None,
                access_log=False,  # paths hold ids of transfers; who looked stands in the audit log
                server_header=False,
                proxy_headers=False,
                lifespan="on",
                timeout_graceful_shutdown=END_S,
                limit_concurrency=200,
            )
        )
        self._ready, self._app = ready, app

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """As uvicorn has it, and then the word."""
        await super().startup(sockets)
        if self.started:
            self._ready()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """As uvicorn has it, after open streams were told."""
        self._app.state.end()
        await super().shutdown(sockets)
