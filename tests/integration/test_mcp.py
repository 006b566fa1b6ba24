"""MCP over streamable HTTP with the official client and server: results as JSON and as events, through both doors."""

import subprocess
from collections.abc import Iterator
from types import MappingProxyType
from typing import Any

import pytest

from proxy.config import parse_origin
from tests.conftest import OUTSIDE, ROOT
from tests.integration.conftest import HOSTS

pytestmark = pytest.mark.outside

MAIL, IBAN = "anna.schmidt@example.com", "DE89 3704 0044 0532 0130 00"
DESTINATION = "together"
"""A registered destination; that it has an MCP server is told by the path."""
CALLS = [
    ["list_tools", {}],
    ["call_tool", {"name": "look_up", "arguments": {"who": f"Anna <{MAIL}>, IBAN {IBAN}"}}],
    ["call_tool", {"name": "send", "arguments": {"to": {MAIL: [IBAN, f'"{MAIL}"']}}}],
    ["read_resource", {"uri": "crm://people/anna.schmidt@example.com"}],
]


@pytest.fixture(scope="module")
def servers(throwaway_ca: Any) -> Iterator[dict[str, int]]:
    """Ports of servers that answer with JSON and with events."""
    if not OUTSIDE.exists():
        pytest.skip("the official SDKs are not installed; `make outside` does it")
    files = throwaway_ca.issue(HOSTS[DESTINATION], "127.0.0.1")
    command = [str(OUTSIDE), str(ROOT / "tests" / "outside" / "mcp_server.py"), *map(str, files)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        ports = process.stdout.readline().split()
        yield dict(zip(("json", "events"), map(int, ports), strict=True))
        process.stdin.close()
        process.wait(60)


@pytest.mark.parametrize("kind", ["json", "events"])
async def test_tools_get_placeholders_and_the_app_what_it_would_have_got(
    each_door: Any, sdk: Any, servers: dict[str, int], throwaway_ca: Any, kind: str
) -> None:
    port, name = servers[kind], HOSTS[DESTINATION]
    upstream = parse_origin(f"https://{name}:{port}", what=DESTINATION)
    settings = {"upstream_ca": throwaway_ca.path}
    async with each_door(settings=settings, upstreams=MappingProxyType({DESTINATION: upstream})) as it:
        through = {"base_url": f"{it.gateway}/{DESTINATION}/mcp", "proxy": None, "ca": None}
        if it.door == "network":
            through = {"base_url": f"https://{name}:{port}/mcp", "proxy": it.proxy, "ca": it.ca}
        wanted = await sdk.call(
            "mcp", "session", base_url=f"https://127.0.0.1:{port}/mcp", ca=throwaway_ca.path, calls=CALLS
        )
        got = await sdk.call("mcp", "session", **through, calls=CALLS)
        await it.settled()
        records, outcomes = it.records("transfer"), it.records("outcome")
    assert got == wanted, got
    assert MAIL in str(got[1])
    assert {one["format"] for one in records} == {"mcp"}
    assert sum(one["restored"] for one in outcomes) >= 4
