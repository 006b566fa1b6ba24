"""The supervisor: starts the processes of one machine, watches them, replaces what ends, restarts the doors in turn.

It holds the listening sockets and serves the operators' port; no text, no record and no key of a provider ever enters.
A door worker that is replaced gets the key of the one before, for the pieces of uploads that it had taken.
Order at start: sockets, ledger writer and detection, then the door workers; at the end the other way round.
"""

import asyncio
import contextlib
import logging
import secrets
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead

from proxy.config import Settings, parse_address
from proxy.doors.serving import Server
from proxy.doors.ways_in import BACKLOG, Addresses, bound
from proxy.errors import ConfigError
from proxy.processes.child import Child
from proxy.processes.roles import metrics_folder
from proxy.processes.sockets import Sockets, address_of
from proxy.processes.telling import settings_to_json
from proxy.running.admin import health, readiness
from proxy.running.keys import private_dir
from proxy.running.metrics import Metrics
from proxy.running.pieces import KEY_BYTES, PIECES, fresh

log = logging.getLogger("dragoman")

FIRST_WAIT_S = 0.1
LONGEST_WAIT_S = 5.0
STEADY_S = 10.0
"""Whoever lived so long is started again at once."""
LEDGER, DETECTION = "ledger", "detection"


class Slot:
    """A place that one door worker fills. leads: see `proxy.app.Parts`. takes: whether it takes transfers."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.leads = number == 0
        self.child: Child | None = None
        self.takes = False
        self.replacing = asyncio.Lock()


class Supervisor:
    """All processes behind one home. `start` returns when every one is ready; `drain` and `close` end them."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._line = {"settings": settings_to_json(settings)}
        self._pieces_key = secrets.token_hex(KEY_BYTES)
        self._slots = [Slot(number) for number in range(settings.workers)]
        self._beside: dict[str, Child] = {}
        self._sockets: Sockets | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._runner: web.ServerRunner | None = None
        self._stopping = False

    async def start(self) -> Addresses:
        """Start everything. Raises ConfigError with the words of whichever process cannot work."""
        try:
            return await self._start()
        except BaseException:
            await self.close()
            raise

    async def _start(self) -> Addresses:
        run = private_dir(private_dir(self.settings.home) / "run")
        self._metrics = metrics_folder(run / "metrics")
        self._sockets = Sockets.open(self.settings)
        await asyncio.gather(self._start_beside(LEDGER, expected=None), self._start_beside(DETECTION))
        # The writer has the home for itself now, so what is there of uploads is nobody's any more.
        await asyncio.to_thread(fresh, self.settings.home / PIECES)
        await asyncio.gather(*(self._fill(slot) for slot in self._slots))
        admin = await self._start_admin()
        return Addresses(address_of(self._sockets.gateway[0]), admin, self._sockets.addresses)

    @property
    def ready(self) -> bool:
        """Every door takes transfers."""
        return not self._stopping and all(slot.takes for slot in self._slots)

    def pids(self) -> dict[str, list[int]]:
        """Process ids by role."""
        doors = [slot.child.pid for slot in self._slots if slot.child is not None]
        return {"door": doors, **{role: [child.pid] for role, child in self._beside.items()}}

    async def restart(self) -> None:
        """New door workers for all, one after the other: each takes connections before the one before it ends."""
        for slot in self._slots:
            async with slot.replacing:
                if self._stopping:
                    return
                before = slot.child
                await self._fill(slot)
                if before is not None:
                    await self._retired(before, "retire")

    async def drain(self) -> None:
        """No new transfers; wait until open ones have ended, at most as long as configured."""
        self._stopping = True
        if self._sockets is not None:
            self._sockets.close()
        doors = [slot.child for slot in self._slots if slot.child is not None]
        await asyncio.gather(*(self._retired(door, "drain") for door in doors))

    async def close(self) -> None:
        """End everything now, the doors first. May be called twice."""
        self._stopping = True
        doors = [slot.child for slot in self._slots if slot.child is not None]
        await asyncio.gather(*(door.end() for door in doors))
        await asyncio.gather(*(child.end() for child in self._beside.values()))
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None
        if self._sockets is not None:
            self._sockets.close()

    # --- door workers ----------------------------------------------------------------------------------------------

    async def _fill(self, slot: Slot) -> None:
        """A new worker in this place; the one before is left to its fate. Raises ConfigError."""
        assert self._sockets is not None
        if self._stopping:
            raise ConfigError("dragoman is stopping")
        child = Child("door", lambda message: self._heard(slot, child, message))
        line = {**self._line, "sockets": self._sockets.to_json(), "leads": slot.leads, "pieces": self._pieces_key}
        await child.start(line, self._sockets.descriptors, self._metrics)
        slot.child, slot.takes = child, True
        self._spawn(self._watch(slot, child))

    def _heard(self, slot: Slot, child: Child, message: dict[str, Any]) -> None:
        if "takes" in message and slot.child is child:
            slot.takes = bool(message["takes"])
        if message.get("drained"):
            child.drained.set()

    async def _retired(self, child: Child, word: str) -> None:
        """Tell a worker to come to its end and see it through. It keeps its own limit, `drain_s`, twice at most."""
        child.tell(word)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(2 * self.settings.limits.drain_s + 5):
                await child.drained.wait()
        await child.end()

    async def _watch(self, slot: Slot, child: Child) -> None:
        began = asyncio.get_running_loop().time()
        code = await child.wait()
        mark_process_dead(child.pid, str(self._metrics))  # type: ignore[no-untyped-call]
        if self._stopping or slot.child is not child:
            return
        slot.takes = False
        log.warning("a door worker ended (exit code %s) and is replaced; the others go on", code)

        async def again() -> None:
            async with slot.replacing:
                if slot.child is child:
                    await self._fill(slot)

        await self._until_started("door", again, began)

    # --- ledger writer and detection -------------------------------------------------------------------------------

    async def _start_beside(self, role: str, **told: Any) -> None:
        child = Child(role)
        await child.start({**self._line, **told}, (), self._metrics)
        self._beside[role] = child
        self._spawn(self._watch_beside(role, child))

    async def _watch_beside(self, role: str, child: Child) -> None:
        began = asyncio.get_running_loop().time()
        code = await child.wait()
        mark_process_dead(child.pid, str(self._metrics))  # type: ignore[no-untyped-call]
        if self._stopping:
            return
        log.warning("the %s process ended (exit code %s) and is started again; nothing is sent meanwhile", role, code)

        async def again() -> None:
            # Whoever has open transfers comes back to the new writer and says so; the others' are closed by it.
            told = {"expected": self.pids()["door"]} if role == LEDGER else {}
            await self._start_beside(role, **told)

        await self._until_started(role, again, began)

    async def _until_started(self, role: str, start: Callable[[], Awaitable[None]], began: float) -> None:
        """Try until it works, ever more slowly: what keeps it from working may be a database that is away."""
        steady = asyncio.get_running_loop().time() - began > STEADY_S
        wait_s = 0.0 if steady else FIRST_WAIT_S
        while not self._stopping:
            await asyncio.sleep(wait_s)
            try:
                await start()
                return
            except ConfigError as error:
                log.error("the %s process cannot be started: %s", role, error.message)
            wait_s = min(max(wait_s * 2, FIRST_WAIT_S), LONGEST_WAIT_S)

    def _spawn(self, work: Any) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    # --- the operators' port ---------------------------------------------------------------------------------------

    async def _start_admin(self) -> tuple[str, int]:
        host, port = parse_address(self.settings.admin, what="admin")
        self._runner = web.ServerRunner(Server(self._admin, access_log=None), handle_signals=False)
        await self._runner.setup()
        try:
            await web.TCPSite(self._runner, host, port, backlog=BACKLOG).start()
        except OSError as error:
            raise ConfigError(f"cannot listen on {host}:{port} ({error.strerror})") from None
        return bound(self._runner)

    async def _admin(self, request: web.BaseRequest) -> web.StreamResponse:
        if request.path == "/-/metrics":
            registry = CollectorRegistry()
            MultiProcessCollector(registry, str(self._metrics))  # type: ignore[no-untyped-call]
            return web.Response(body=generate_latest(registry), headers={"content-type": Metrics.content_type})
        if request.path == "/-/healthz":
            return health(lost=False)  # a writer whose log failed is started again from here
        if request.path == "/-/readyz":
            return readiness(self.ready)
        return web.Response(status=404, text="see /-/metrics, /-/healthz, /-/readyz\n")
