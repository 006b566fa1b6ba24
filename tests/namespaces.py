"""Three machines on one: an app, the router on which dragoman runs, and the providers, as Linux network namespaces.

    app 10.77.0.2, fd77::2 ── lan0 router wan0 ── 203.0.113.10…, 2001:db8:f::10… providers

Needs root and iproute2. The router forwards, so what does not arrive was stopped by dragoman and not by a missing route.
"""

import asyncio
import os
import shutil
import subprocess
import threading
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

PATH = f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/sbin"
ETC = Path("/etc/netns")
SETUP = """
ip -n {app} link set lo up
ip -n {router} link set lo up
ip -n {provider} link set lo up
ip link add lan0 netns {router} type veth peer name eth0 netns {app}
ip link add wan0 netns {router} type veth peer name eth0 netns {provider}
ip -n {app} address add 10.77.0.2/24 dev eth0
ip -n {app} address add fd77::2/64 dev eth0 nodad
ip -n {router} address add 10.77.0.1/24 dev lan0
ip -n {router} address add fd77::1/64 dev lan0 nodad
ip -n {router} address add 203.0.113.1/24 dev wan0
ip -n {router} address add 2001:db8:f::1/64 dev wan0 nodad
ip -n {app} link set eth0 up
ip -n {router} link set lan0 up
ip -n {router} link set wan0 up
ip -n {provider} link set eth0 up
ip -n {app} route add default via 10.77.0.1
ip -n {app} route add default via fd77::1
ip netns exec {router} sysctl -qw net.ipv4.ip_forward=1
ip netns exec {router} sysctl -qw net.ipv6.conf.all.forwarding=1
"""


@dataclass(frozen=True, slots=True)
class Machines:
    """Names of the namespaces."""

    app: str
    router: str
    provider: str

    def run(self, machine: str, *command: str, **options: Any) -> subprocess.CompletedProcess[str]:
        """A command on one of the machines."""
        command = ("ip", "netns", "exec", machine, *command)
        return subprocess.run(command, capture_output=True, text=True, timeout=150, check=False, **options)


class Inside:
    """An event loop in a thread that stands on one of the machines."""

    def __init__(self, machine: str) -> None:
        self._machine = machine
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._stand, name=f"inside-{machine}", daemon=True)
        self._thread.start()

    def call[T](self, work: Coroutine[Any, Any, T]) -> T:
        """Runs it there, and waits."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(60)

    def close(self) -> None:
        """The loop ends, and the thread with it."""
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(60)
        self._loop.close()

    def _stand(self) -> None:
        enter(self._machine)
        self._loop.run_forever()


def enter(machine: str) -> None:
    """This thread, and no other, stands on that machine from now on."""
    handle = os.open(f"/run/netns/{machine}", os.O_RDONLY)
    try:
        os.setns(handle, os.CLONE_NEWNET)
    finally:
        os.close(handle)


def within[T](machine: str, work: Callable[[], T]) -> T:
    """What a function gives when it runs on that machine."""
    results: list[T] = []
    errors: list[BaseException] = []

    def stand() -> None:
        try:
            enter(machine)
            results.append(work())
        except BaseException as error:
            errors.append(error)

    thread = threading.Thread(target=stand)
    thread.start()
    thread.join(60)
    if errors:
        raise errors[0]
    return results[0]


@contextmanager
def machines(addresses: list[str], hosts: str) -> Iterator[Machines]:
    """Makes them, and takes everything away again. addresses: of the providers; hosts: who knows them by which name."""
    if os.geteuid() != 0 or shutil.which("ip", path=PATH) is None or shutil.which("nft", path=PATH) is None:
        pytest.skip("needs root, ip (iproute2) and nft (nftables) to make machines out of network namespaces")
    made = Machines(*(f"drg{os.getpid()}{name}" for name in ("app", "router", "provider")))
    names = (made.app, made.router, made.provider)
    if _run(f"ip netns add {made.app}").returncode:
        pytest.skip("this machine lets nobody make network namespaces")
    try:
        for name in names[1:]:
            _must(f"ip netns add {name}")
        for line in SETUP.format(app=made.app, router=made.router, provider=made.provider).strip().splitlines():
            _must(line)
        for address in addresses:
            _must(f"ip -n {made.provider} address add {address} dev eth0 {'nodad' if ':' in address else ''}")
        for gateway in ("203.0.113.1", "2001:db8:f::1"):
            _must(f"ip -n {made.provider} route add default via {gateway}")
        for name in names:
            folder = ETC / name
            folder.mkdir(parents=True)
            (folder / "hosts").write_text(f"127.0.0.1 localhost\n::1 localhost\n{hosts}")
            (folder / "resolv.conf").write_text("")
        yield made
    finally:
        for name in names:
            _run(f"ip netns delete {name}")
            shutil.rmtree(ETC / name, ignore_errors=True)


def _run(command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command.split(), capture_output=True, text=True, timeout=150, check=False)


def _must(command: str) -> None:
    done = _run(command)
    assert done.returncode == 0, f"{command}: {done.stderr}"
