"""The network door: HTTPS proxy, transparent and other modes of mitmproxy, all of them leading to the one gate.

Bytes of apps come in and cleared requests go out; nothing is decided here. mitmproxy is at home in this folder only,
and because half-public parts of it are used, its version is pinned. Importing it takes time: import it where it starts.
"""

import warnings

with warnings.catch_warnings():
    # mitmproxy 12.2.3 calls pyparsing by names that are deprecated there; a process that runs with warnings as errors
    # could not start.
    warnings.simplefilter("ignore", DeprecationWarning)
    import mitmproxy.addons  # noqa: F401

from proxy.doors.network.door import NetworkDoor
from proxy.doors.network.settings import NetworkSettings

__all__ = ["NetworkDoor", "NetworkSettings"]
