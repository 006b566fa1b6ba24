"""An MCP server of the official SDK whose tools repeat what they get: as JSON on one port, as server-sent events on another.

Run with the Python of `.venv-outside`: `mcp_server.py CERTIFICATE KEY`; prints both ports, ends with stdin.
"""

import asyncio
import socket
import sys

import uvicorn
from mcp.server import MCPServer
from mcp.server.transport_security import TransportSecuritySettings


def made() -> MCPServer:
    """A server with two tools and a resource."""
    server = MCPServer("crm")

    @server.tool()
    def look_up(who: str) -> str:
        """Find somebody."""
        return f"Found {who}."

    @server.tool()
    def send(to: dict[str, list[str]]) -> dict[str, list[str]]:
        """Repeat what is given."""
        return to

    @server.resource("crm://people/{name}")
    def person(name: str) -> str:
        """Somebody's card."""
        return f"Card of {name}"

    return server


async def main(certificate: str, key: str) -> None:
    """Both ports, until stdin ends."""
    open_to_all = TransportSecuritySettings(enable_dns_rebinding_protection=False)
    servers, running, ports = [], [], []
    for json_response in (True, False):
        listening = socket.socket()
        listening.bind(("127.0.0.1", 0))
        ports.append(listening.getsockname()[1])
        app = made().streamable_http_app(json_response=json_response, transport_security=open_to_all)
        config = uvicorn.Config(app, ssl_certfile=certificate, ssl_keyfile=key, log_level="error")
        servers.append(uvicorn.Server(config))
        running.append(asyncio.ensure_future(servers[-1].serve(sockets=[listening])))
        listening.listen()
    print(*ports, flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    for server in servers:
        server.should_exit = True
    await asyncio.gather(*running)


asyncio.run(main(*sys.argv[1:]))
