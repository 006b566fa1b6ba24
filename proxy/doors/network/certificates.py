"""The certificates that the door shows to apps and those that it believes of upstreams.

Leaf certificates are made by the engine from our authority; upstreams are verified by name, always.
"""

from mitmproxy.addons.tlsconfig import TlsConfig


class Certificates(TlsConfig):
    """The engine's TLS addon, less what answers requests."""

    name = "tlsconfig"
    # The engine's would answer a certain path by itself, before the gate.
    request = None  # type: ignore[assignment]

    def running(self) -> None:
        """Nothing: the folder is set through the options, and reading it twice helps nobody."""
