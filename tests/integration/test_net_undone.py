"""Rules that would cut a machine off are undone: by a probe at once, or when nobody confirms them."""

import contextlib
import re
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator

import pytest

from tests.namespaces import Inside, Machines, machines, within
from tests.transparent import DRAGOMAN

PROVIDER = "203.0.113.30"


@pytest.fixture(scope="module")
def net() -> Iterator[Machines]:
    """A router, and a machine behind it that takes connections on port 80."""
    import asyncio

    with machines([f"{PROVIDER}/24", "2001:db8:f::30/64"], "") as made:
        inside = Inside(made.provider)
        server = inside.call(asyncio.start_server(lambda _, writer: writer.close(), PROVIDER, 80))
        yield made
        server.close()
        inside.close()


def dragoman(net: Machines, *words: str) -> subprocess.CompletedProcess[str]:
    return net.run(net.router, *DRAGOMAN, "net", *words)


def table(net: Machines) -> str:
    return net.run(net.router, "nft", "--stateless", "list", "table", "inet", "dragoman").stdout


def until(holds: Callable[[], bool]) -> None:
    end = time.monotonic() + 150
    while not holds():
        assert time.monotonic() < end, "it did not happen"


def watch(net: Machines, mark: str) -> None:
    """The watcher of an apply with that mark, at the end of its time."""
    undoing = "table inet dragoman\ndelete table inet dragoman\n"
    assert net.run(net.router, *DRAGOMAN, "net", "watch", "0", mark, input=undoing).returncode == 0


CUTS = ("apply", "--proxy-user", "10001", "--tcp", "all")
"""No door stands behind these rules, so every connection of this machine's users goes nowhere."""


def test_what_is_lost_by_the_rules_brings_back_what_was_before(net: Machines) -> None:
    first = dragoman(net, "apply", "--interface", "lan0")
    assert first.returncode == 0, first.stderr
    before = table(net)
    lost = dragoman(net, *CUTS, "--probe", f"{PROVIDER}:80")
    assert (lost.returncode, lost.stderr.startswith(f"{PROVIDER}:80 could not be reached any more")) == (1, True)
    assert table(net) == before
    assert dragoman(net, "check", "--interface", "lan0", "--json").stdout.count('"ok": true') == 2  # no door here
    assert dragoman(net, "remove").returncode == 0
    lost = dragoman(net, *CUTS, "--probe", f"{PROVIDER}:80")
    assert (lost.returncode, table(net)) == (1, "")


def test_what_is_still_reached_stays(net: Machines) -> None:
    kept = dragoman(net, *CUTS, "--bypass", "203.0.113.0/24", "--probe", f"{PROVIDER}:80")
    assert kept.returncode == 0, kept.stderr
    assert "redirect to :9080" in table(net)
    again = table(net)
    assert dragoman(net, *CUTS, "--bypass", "203.0.113.0/24").returncode == 0
    assert table(net) == again
    assert dragoman(net, "remove").returncode == 0
    assert "no rules" in dragoman(net, "remove").stdout


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGKILL])
def test_who_is_ended_in_the_middle_leaves_nobody_cut_off(net: Machines, number: signal.Signals) -> None:
    """The probe finds nobody any more and waits: then the terminal goes, which the rules may have cut off themselves."""
    words = (*CUTS, "--probe", f"{PROVIDER}:80", "--confirm", "3")
    command = ("ip", "netns", "exec", net.router, *DRAGOMAN, "net", *words)
    # Whoever connects is neither refused nor taken, so that the probe is still at it.
    door = within(net.router, lambda: socket.create_server(("", 9080), backlog=0))
    with door, within(net.router, lambda: socket.create_connection(("127.0.0.1", 9080))):
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as applying:
            until(lambda: applying.poll() is not None or "redirect to :9080" in table(net))
            assert applying.poll() is None
            applying.send_signal(number)
            applying.communicate()
        if number is not signal.SIGKILL:
            assert (applying.returncode, table(net)) == (128 + number, "")
        until(lambda: table(net) == "")


def test_what_cannot_be_reached_before_changes_nothing(net: Machines) -> None:
    refused = dragoman(net, *CUTS, "--probe", f"{PROVIDER}:81")
    assert (refused.returncode, "even now" in refused.stderr) == (2, True)
    assert table(net) == ""


def test_rules_that_nobody_confirms_go_by_themselves(net: Machines) -> None:
    applied = dragoman(net, *CUTS, "--confirm", "3")
    assert applied.returncode == 0, applied.stderr
    assert "net confirm" in applied.stdout
    until(lambda: table(net) == "")


def test_rules_that_are_confirmed_stay(net: Machines) -> None:
    assert dragoman(net, *CUTS, "--confirm", "60").returncode == 0
    assert '"confirmed", "ok": false' in dragoman(net, "check", "--json").stdout
    waiting = table(net)
    again = dragoman(net, *CUTS, "--confirm", "60")
    assert (again.returncode, "wait to be confirmed" in again.stderr, table(net)) == (2, True, waiting)
    # The watcher of another apply, whose rules went before these came.
    watch(net, "0" * 12)
    assert table(net) == waiting
    (mark,) = re.findall("unconfirmed_([0-9a-f]{12})", waiting)
    assert dragoman(net, "confirm").returncode == 0
    rules = table(net)
    assert "unconfirmed" not in rules
    assert '"rules", "ok": true' in dragoman(net, "check", "--json").stdout
    # Its own watcher, now that its time has come: it finds nothing to undo.
    watch(net, mark)
    assert table(net) == rules
    assert dragoman(net, "confirm").returncode == 1
    assert dragoman(net, "remove").returncode == 0


TRACKED = (
    "table inet tests {\n chain out {\n type filter hook output priority 0;\n ct state established accept\n }\n}\n"
)
"""As with Docker or a firewall: the kernel knows connections before our rules come."""


@pytest.mark.parametrize("ports", [(), ("--tcp", "all")], ids=["web", "all"])
def test_a_connection_that_an_app_has_opened_before_the_rules_ends(net: Machines, ports: tuple[str, ...]) -> None:
    """Only a connection's first packet meets rules that lead it elsewhere: the later ones would go on unseen."""
    assert net.run(net.router, "nft", "-f", "-", input=TRACKED).returncode == 0
    with contextlib.ExitStack() as stack:
        listening = stack.enter_context(within(net.provider, lambda: socket.create_server((PROVIDER, 443))))
        app = stack.enter_context(within(net.router, lambda: socket.create_connection((PROVIDER, 443), timeout=60)))
        provider = stack.enter_context(listening.accept()[0])
        app.sendall(b"seen")
        assert provider.recv(4) == b"seen"
        assert dragoman(net, "apply", "--proxy-user", "10001", *ports).returncode == 0
        with pytest.raises(ConnectionResetError):
            app.sendall(b"unseen")
            app.recv(1)
        provider.setblocking(False)
        with pytest.raises(BlockingIOError):
            provider.recv(1)
    for table_name in ("dragoman", "tests"):
        assert net.run(net.router, "nft", "delete", "table", "inet", table_name).returncode == 0
