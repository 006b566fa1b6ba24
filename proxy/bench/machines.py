"""Three machines in a row out of Linux network namespaces: an app, a router and a provider, for the transparent door.

    app 10.77.0.2, fd77::2 ── lan0 router wan0 ── 203.0.113.10…, 2001:db8:f::10… provider

Needs root, iproute2 and nftables. What is made ends with the stack, and nothing of this machine's own network is
touched. The router forwards, so what does not arrive was stopped and not without a way.
"""

import os
import shutil
import socket
import subprocess
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from threading import Thread

from proxy.capture import Capture, ruleset

PATH = f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/sbin"
PROVIDER = "203.0.113.10"
DOOR = 9080
CONNECT_S = 60.0
_SETUP = """
-n {app} link set lo up
-n {router} link set lo up
-n {provider} link set lo up
link add lan0 netns {router} type veth peer name eth0 netns {app}
link add wan0 netns {router} type veth peer name eth0 netns {provider}
-n {app} address add 10.77.0.2/24 dev eth0
-n {router} address add 10.77.0.1/24 dev lan0
-n {router} address add 203.0.113.1/24 dev wan0
-n {app} link set eth0 up
-n {router} link set lan0 up
-n {router} link set wan0 up
-n {provider} link set eth0 up
"""
_WAYS = """
-n {app} route add default via 10.77.0.1
-n {provider} route add default via 203.0.113.1
netns exec {router} sysctl -qw net.ipv4.ip_forward=1
"""
_WAYS_6 = """
-n {app} address add fd77::2/64 dev eth0 nodad
-n {router} address add fd77::1/64 dev lan0 nodad
-n {router} address add 2001:db8:f::1/64 dev wan0 nodad
-n {app} route add default via fd77::1
-n {provider} route add default via 2001:db8:f::1
netns exec {router} sysctl -qw net.ipv6.conf.all.forwarding=1
"""


class MachinesError(Exception):
    """There are no such machines here, and why. forbidden: nobody can make any, as things are here."""

    def __init__(self, message: str, *, forbidden: bool = False) -> None:
        super().__init__(message)
        self.forbidden = forbidden


@dataclass(frozen=True, slots=True)
class Machine:
    """A network namespace."""

    name: str

    @property
    def enter(self) -> tuple[str, ...]:
        """What a command begins with to run there."""
        return (_tool("ip"), "netns", "exec", self.name)

    def connected(self, host: str, port: int) -> socket.socket:
        """A connection from there; whoever holds it may stand elsewhere. Raises OSError."""
        made = self.within(lambda: socket.create_connection((host, port), timeout=CONNECT_S))
        made.settimeout(None)
        return made

    def within[T](self, work: Callable[[], T]) -> T:
        """What a function gives, or raises, when it runs there."""
        results: list[T] = []
        errors: list[BaseException] = []

        def stand() -> None:
            try:
                self.stand()
                results.append(work())
            except BaseException as error:
                errors.append(error)

        # A namespace belongs to a thread; this one ends right after.
        thread = Thread(target=stand, name=f"inside-{self.name}")
        thread.start()
        thread.join()
        if errors:
            raise errors[0]
        return results[0]

    def stand(self) -> None:
        """This thread, and no other, stands there from now on."""
        handle = os.open(f"/run/netns/{self.name}", os.O_RDONLY)
        try:
            os.setns(handle, os.CLONE_NEWNET)
        finally:
            os.close(handle)


@dataclass(frozen=True, slots=True)
class Row:
    """The three of them."""

    app: Machine
    router: Machine
    provider: Machine

    def capture(self) -> None:
        """What the app sends goes to the transparent door on the router. Raises MachinesError."""
        rules = ruleset(Capture(interfaces=("lan0",), port=DOOR))
        _done((*self.router.enter, _tool("nft"), "-f", "-"), rules)


def row(stack: ExitStack, name: str, addresses: Sequence[str] = (f"{PROVIDER}/24",)) -> Row:
    """Makes them. addresses: of the provider; with IPv6 where one of them is of it. Raises MachinesError."""
    if os.geteuid() != 0:
        raise MachinesError("it needs root", forbidden=True)
    for tool, package in (("ip", "iproute2"), ("nft", "nftables")):
        if shutil.which(tool, path=PATH) is None:
            raise MachinesError(f"it needs {tool} (package {package})", forbidden=True)
    made = {role: Machine(f"dragoman-bench-{os.getpid()}-{name}-{role}") for role in ("app", "router", "provider")}
    for role, machine in made.items():
        try:
            _done((_tool("ip"), "netns", "add", machine.name))
        except MachinesError as error:
            raise MachinesError(str(error), forbidden=role == "app") from None
        stack.callback(_done, (_tool("ip"), "netns", "delete", machine.name))
    with_6 = any(":" in address for address in addresses)
    given = [f"-n {{provider}} address add {one} dev eth0{' nodad' if ':' in one else ''}" for one in addresses]
    ways = _WAYS + _WAYS_6 if with_6 else _WAYS
    for line in [*_SETUP.strip().splitlines(), *given, *filter(None, ways.splitlines())]:
        _done((_tool("ip"), *line.format(**{role: machine.name for role, machine in made.items()}).split()))
    return Row(**made)


def _tool(name: str) -> str:
    return shutil.which(name, path=PATH) or name


def _done(command: tuple[str, ...], given: str = "") -> None:
    done = subprocess.run(  # noqa: S603 (our own words, no shell)
        command, input=given, capture_output=True, text=True, timeout=60, check=False
    )
    if done.returncode:
        raise MachinesError(f"{' '.join(command[:3])}: {(done.stderr or done.stdout).strip() or 'failed'}")
