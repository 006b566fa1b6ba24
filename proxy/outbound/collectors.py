"""The HTTP session of OpenTelemetry's exporters; `clients` says what holds of whatever is asked."""

from typing import Any

import requests

from proxy.next_proxy import NextProxy
from proxy.outbound.clients import requests_proxies


class CollectorSession(requests.Session):
    """For one endpoint. It asks nothing of the environment and follows no redirect."""

    def __init__(self, through: NextProxy | None, endpoint: str) -> None:
        super().__init__()
        self.trust_env = False
        self.max_redirects = 0
        self.proxies = requests_proxies(through, endpoint)

    def resolve_redirects(self, *_: Any, **__: Any) -> Any:
        """None."""
        return iter(())
