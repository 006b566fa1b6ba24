"""Three machines on one: an app, the router on which dragoman runs, and the providers, as Linux network namespaces.

They are those of the bench (`proxy.bench.machines`), with IPv6 and names.
"""

import asyncio
import shutil
import subprocess
import threading
from collections.abc import Callable, Coroutine, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from proxy.bench.machines import Machine, MachinesError, row

ETC = Path("/etc/netns")


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
        Machine(self._machine).stand()
        self._loop.run_forever()


def within[T](machine: str, work: Callable[[], T]) -> T:
    """What a function gives when it runs on that machine."""
    return Machine(machine).within(work)


@contextmanager
def machines(addresses: list[str], hosts: str) -> Iterator[Machines]:
    """Makes them, and takes everything away again. addresses: of the providers; hosts: who knows them by which name."""
    with ExitStack() as stack:
        try:
            made = row(stack, "tests", addresses)
        except MachinesError as error:
            if not error.forbidden:
                raise
            pytest.skip(f"no machines out of network namespaces: {error}")
        named = Machines(made.app.name, made.router.name, made.provider.name)
        for name in (named.app, named.router, named.provider):
            folder = ETC / name
            folder.mkdir(parents=True)
            stack.callback(shutil.rmtree, folder, ignore_errors=True)
            (folder / "hosts").write_text(f"127.0.0.1 localhost\n::1 localhost\n{hosts}")
            (folder / "resolv.conf").write_text("")
        yield named
