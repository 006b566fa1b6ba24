"""A lean engine of the network door without a gate: one mode, answers of streams go on piece by piece.

Run as `python -m proxy.bench.bare_network MODE`, such as `reverse:http://HOST:PORT@127.0.0.1:PORT`; prints `ready` and
serves until it is ended.
"""

# mypy: allow-untyped-calls

import asyncio
import logging
import sys

from mitmproxy import http
from mitmproxy.addons.next_layer import NextLayer
from mitmproxy.addons.proxyserver import Proxyserver
from mitmproxy.master import Master
from mitmproxy.options import Options


class Streams:
    """Lets events pass as they come, which the engine by itself would collect."""

    def responseheaders(self, flow: http.HTTPFlow) -> None:
        """The head of an answer came."""
        if flow.response is not None and "event-stream" in flow.response.headers.get("content-type", ""):
            flow.response.stream = True


async def serve(mode: str) -> None:
    """Serve until the process is ended."""
    options = Options()
    master = Master(options, asyncio.get_running_loop())
    logging.getLogger().removeHandler(master._legacy_log_events)
    server = Proxyserver()
    master.addons.add(server, NextLayer(), Streams())
    options.update(mode=[mode], connection_strategy="lazy")
    await server.setup_servers()
    await master.running()
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(serve(sys.argv[1]))
