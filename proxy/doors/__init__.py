"""The two ways in, both thin: `gateway` (base URL, on aiohttp) and `network` (HTTPS proxy, on mitmproxy).

Requests enter, what the gate cleared leaves; nothing is decided, changed or recorded here. `ways_in` opens both.
"""
