"""Three machines in a row out of Linux network namespaces: an app, a router and a provider, for the transparent door.

    app 10.77.0.2 ── lan0 router wan0 ── 203.0.113.10 provider

Needs root and iproute2, for capturing nftables as well. What is made ends with the stack, and nothing of this machine's
own network is touched.
"""

import os
import shutil
import socket
import subprocess
from contextlib import ExitStack
from dataclasses import dataclass
from threading import Thread

from proxy.capture import Capture, ruleset

PATH = f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/sbin"
PROVIDER = "203.0.113.10"
DOOR = 9080
CONNECT_S = 60.0
_SETUP = f"""
-n {{app}} link set lo up
-n {{router}} link set lo up
-n {{provider}} link set lo up
link add lan0 netns {{router}} type veth peer name eth0 netns {{app}}
link add wan0 netns {{router}} type veth peer name eth0 netns {{provider}}
-n {{app}} address add 10.77.0.2/24 dev eth0
-n {{router}} address add 10.77.0.1/24 dev lan0
-n {{router}} address add 203.0.113.1/24 dev wan0
-n {{provider}} address add {PROVIDER}/24 dev eth0
-n {{app}} link set eth0 up
-n {{router}} link set lan0 up
-n {{router}} link set wan0 up
-n {{provider}} link set eth0 up
-n {{app}} route add default via 10.77.0.1
-n {{provider}} route add default via 203.0.113.1
netns exec {{router}} sysctl -qw net.ipv4.ip_forward=1
"""


class MachinesError(Exception):
    """There are no such machines here, and why."""


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
        made: list[socket.socket] = []
        failed: list[OSError] = []

        def connect() -> None:
            try:
                # A namespace belongs to a thread; this one ends right after.
                handle = os.open(f"/run/netns/{self.name}", os.O_RDONLY)
                try:
                    os.setns(handle, os.CLONE_NEWNET)
                finally:
                    os.close(handle)
                made.append(socket.create_connection((host, port), timeout=CONNECT_S))
            except OSError as error:
                failed.append(error)

        thread = Thread(target=connect, name=f"inside-{self.name}")
        thread.start()
        thread.join()
        if failed:
            raise failed[0]
        made[0].settimeout(None)
        return made[0]


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


def row(stack: ExitStack, name: str) -> Row:
    """Makes them. Raises MachinesError."""
    if os.geteuid() != 0:
        raise MachinesError("it needs root")
    for tool, package in (("ip", "iproute2"), ("nft", "nftables")):
        if shutil.which(tool, path=PATH) is None:
            raise MachinesError(f"it needs {tool} (package {package})")
    made = {role: Machine(f"dragoman-bench-{os.getpid()}-{name}-{role}") for role in ("app", "router", "provider")}
    for machine in made.values():
        _done((_tool("ip"), "netns", "add", machine.name))
        stack.callback(_done, (_tool("ip"), "netns", "delete", machine.name))
    for line in _SETUP.format(**{role: machine.name for role, machine in made.items()}).strip().splitlines():
        _done((_tool("ip"), *line.split()))
    return Row(**made)


def _tool(name: str) -> str:
    return shutil.which(name, path=PATH) or name


def _done(command: tuple[str, ...], given: str = "") -> None:
    done = subprocess.run(  # noqa: S603 (our own words, no shell)
        command, input=given, capture_output=True, text=True, timeout=60, check=False
    )
    if done.returncode:
        raise MachinesError(f"{' '.join(command[:3])}: {(done.stderr or done.stdout).strip() or 'failed'}")
