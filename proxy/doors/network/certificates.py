"""The certificates that the door shows to apps and those that it believes of upstreams.

Leaf certificates are made by the engine from our authority; upstreams are verified by name, always.
"""

# mypy: allow-untyped-calls

from mitmproxy.addons.tlsconfig import TlsConfig
from mitmproxy.connection import Server
from mitmproxy.tls import TlsData


class Certificates(TlsConfig):
    """The engine's TLS addon, less what answers requests."""

    name = "tlsconfig"
    # The engine's would answer a certain path by itself, before the gate.
    request = None  # type: ignore[assignment]

    def running(self) -> None:
        """Nothing: the folder is set through the options, and reading it twice helps nobody."""

    def tls_start_server(self, tls_start: TlsData) -> None:
        """The engine's, less a name's root dot: no certificate has one, and the engine stopped half-way at it."""
        server, client = tls_start.conn, tls_start.context.client
        if isinstance(server, Server) and (name := server.sni or client.sni):
            server.sni = name.rstrip(".")
        super().tls_start_server(tls_start)
