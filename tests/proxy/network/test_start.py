"""What the door accepts before it listens, and what it refuses with the reason."""

import asyncio
import contextlib
import logging
import socket

import pytest
from mitmproxy.proxy.mode_specs import ProxyMode

from proxy.doors.network import NetworkDoor, NetworkSettings
from proxy.doors.network.settings import ENGINE, KEY_LOGS, MAY_BE_SET, UNSUPPORTED, check_start, listening
from proxy.errors import ConfigError
from tests.ports import free_port


@pytest.mark.parametrize(
    ("given", "listens"),
    [
        ("regular", "regular@127.0.0.1:8789"),
        ("regular@9000", "regular@127.0.0.1:9000"),
        ("regular@0.0.0.0:9000", "regular@0.0.0.0:9000"),
        ("regular@127.0.0.1:0", "regular@127.0.0.1:0"),
        ("regular@[::1]:9000", "regular@::1:9000"),
        ("Regular", "Regular@127.0.0.1:8789"),
        ("transparent", "transparent@:9080"),
        ("transparent@9081", "transparent@:9081"),
        ("socks5", "socks5@127.0.0.1:1080"),
        ("reverse:https://api.example", "reverse:https://api.example@127.0.0.1:8789"),
        ("upstream:http://next.example:3128@9000", "upstream:http://next.example:3128@127.0.0.1:9000"),
    ],
)
def test_a_mode_listens_on_this_machine_unless_it_says_otherwise(given, listens):
    assert listening((given,)) == [listens]
    assert ProxyMode.parse(listens).custom_listen_port is not None


@pytest.mark.parametrize(
    "spec",
    [
        *UNSUPPORTED,
        "local:curl",
        "wireguard:keys.conf",
        "osproxy",
        "",
        "nonsense",
        "reverse:tcp://api.example:443",
        "reverse:udp://api.example:443",
        "reverse:quic://api.example:443",
        "reverse:dns://8.8.8.8",
        "reverse:api.example",
        "upstream:socks5://next.example",
        "regular@127.0.0.1:99999",
        "regular@127.0.0.1:x",
    ],
)
def test_a_mode_that_would_not_lead_to_the_gate_is_refused(spec):
    with pytest.raises(ConfigError, match="mode"):
        listening((spec,))


@pytest.mark.parametrize("mode", UNSUPPORTED)
def test_the_reason_for_a_refused_mode_is_told(mode):
    with pytest.raises(ConfigError, match=UNSUPPORTED[mode].split(",")[0]):
        listening((mode,))


@pytest.mark.parametrize("option", ENGINE)
async def test_an_option_that_opens_the_door_is_refused(authority, gate, option):
    other: object = "1k" if ENGINE[option] is None else not ENGINE[option] if isinstance(ENGINE[option], bool) else "x"
    settings = NetworkSettings(authority.directory, ("regular@127.0.0.1:0",), engine={option: other})
    with pytest.raises(ConfigError, match=option):
        await NetworkDoor(gate, settings).start()


@pytest.mark.parametrize("name", KEY_LOGS)
def test_a_key_log_is_refused(authority, name):
    with pytest.raises(ConfigError, match=name):
        check_start(NetworkSettings(authority.directory), {name: "keys.txt"})


async def test_options_that_promise_nothing_may_be_set(start_door):
    running = await start_door(engine={"http2": False})
    assert running.door._master.options.http2 is False


async def test_whatever_else_the_engine_offers_is_refused_by_name(start_door, gate, authority):
    running = await start_door()
    offered = set(running.door._master.options.keys())
    assert offered > ENGINE.keys() | MAY_BE_SET
    for option in (*(offered - ENGINE.keys() - MAY_BE_SET), "no_such_option"):
        with pytest.raises(ConfigError, match=f"options {option} are not supported"):
            check_start(NetworkSettings(authority.directory, engine={option: 1}), {})


async def test_an_address_that_is_taken_is_an_error_and_leaves_nothing_behind(start_door, gate):
    with contextlib.closing(socket.create_server(("127.0.0.1", free_port()))) as taken:
        address = "{}:{}".format(*taken.getsockname())
        with pytest.raises(ConfigError, match=address):
            await start_door(modes=("regular@127.0.0.1:0", f"regular@{address}"))
    running = await start_door(modes=(f"regular@{address}",))
    assert running.door.addresses == (taken_address(address),)


def taken_address(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    return host, int(port)


async def test_several_modes_listen_side_by_side(start_door):
    running = await start_door(modes=("regular@127.0.0.1:0", "socks5@[::1]:0"))
    assert [host for host, _ in running.door.addresses] == ["127.0.0.1", "::1"]


@pytest.mark.parametrize("content", [b"", b"no certificate"])
async def test_an_upstream_ca_that_is_none_is_refused(start_door, tmp_path, content):
    path = tmp_path / "ca.pem"
    path.write_bytes(content)
    with pytest.raises(ConfigError, match="upstream_ca"):
        await start_door(upstream_ca=path)
    with pytest.raises(ConfigError, match="upstream_ca"):
        await start_door(upstream_ca=tmp_path / "missing.pem")


async def test_the_loggers_are_left_as_they_were(start_door):
    engine, root = logging.getLogger("mitmproxy"), logging.getLogger()
    before = (engine.level, engine.propagate, list(engine.handlers), list(root.handlers))
    running = await start_door()
    assert not engine.propagate
    await running.door.stop()
    assert (engine.level, engine.propagate, list(engine.handlers), list(root.handlers)) == before


async def test_the_engine_is_the_one_that_was_measured():
    """Half-public parts of it are used: read what changed before this number is."""
    from mitmproxy import version

    assert version.VERSION == "12.2.3"


async def test_the_event_loops_task_factory_is_nobodys_but_the_process(start_door):
    before = asyncio.get_running_loop().get_task_factory()
    await start_door()
    assert asyncio.get_running_loop().get_task_factory() is before
