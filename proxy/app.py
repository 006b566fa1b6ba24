"""The composition root: the only room that says `new`. Starts everything in order, stops it in the opposite one.

Order at start: keys, policy, detection (models load meanwhile), ledger (which recovers), vault, the policy's cases,
doors. Nothing listens before everything that protects it works, so "ready" is never said too early.
"""

import asyncio
import logging
import secrets
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING

from proxy.claims import verified_claims
from proxy.config import Settings, parse_origin, secret
from proxy.documents.pool import DocumentPool
from proxy.doors.ways_in import Addresses, Given, WaysIn
from proxy.erasure.upkeep import keep_up
from proxy.fakes.server import FakeProvider
from proxy.formats.selection import Formats
from proxy.gate import Gate, GateLimits, Services
from proxy.messages import Origin
from proxy.next_proxy import next_proxy
from proxy.outbound.pods import KnownPods, cluster_of
from proxy.outbound.token_keys import TokenKeys
from proxy.outbound.witnesses import asked
from proxy.policy.detecting import CurrentDetection, RunningDetection
from proxy.policy.in_force import InForce
from proxy.policy.own_entities import own_entities
from proxy.policy.source import PolicySource
from proxy.policy.value_refs import ValueRefs
from proxy.processes.ledger_client import RemoteLedger
from proxy.running.adapters import LedgerReferences, ThreadedAnswers, ThreadedApprovals, ThreadedVault, ledger_entries
from proxy.running.databases import control_of, serve_log, vault_of
from proxy.running.flags import FlagSources
from proxy.running.keeping_open import keep_open
from proxy.running.keys import ensure_key, private_dir
from proxy.running.metrics import Metrics
from proxy.running.mirrors import Mirrors
from proxy.running.offloading import offloading
from proxy.running.operating import watch_expiry, watchers
from proxy.running.pieces import KEY_BYTES, PIECES, PieceFolder, forgetting, fresh
from proxy.running.watching import Watched
from proxy.steps.policy_facts import engine_settings
from proxy.steps.scopes import ScopeRefs
from proxy.steps.services import Active
from proxy.steps.spending import Budgets
from proxy.transport import Transport
from redaction.detectors.process import WorkerProcess
from redaction.pool import DetectionPool, DetectionWorker
from redaction.settings import EngineSettings, OwnEntity

if TYPE_CHECKING:
    from audit.log import Ledger

log = logging.getLogger("dragoman")


@dataclass(frozen=True, slots=True)
class Parts:
    """What other processes of this machine do for this one, and the sockets that it shares with others like it.

    ledger: the log as it is reached from here, open. make_worker: for the detection pool. pieces_key: seals what they
    hold together of uploads. leads: whether this process records the start, and changes of the policy.
    """

    ledger: RemoteLedger
    make_worker: Callable[[EngineSettings], DetectionWorker]
    sockets: Given
    pieces_key: bytes
    leads: bool = False


class App:
    """A running dragoman. `start` returns when it is ready; `drain` and `close` end it."""

    def __init__(
        self, settings: Settings, *, detection: RunningDetection | None = None, parts: Parts | None = None
    ) -> None:
        """detection: instead of the pool of worker processes (tests). parts: where it is one process of several."""
        self.settings = settings
        self._parts = parts
        self._given_detection = detection
        self.metrics = Metrics()
        self.ready = False
        self._stack = AsyncExitStack()
        self._in_force: InForce | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self._ways_in: WaysIn | None = None

    @property
    def active(self) -> Active:
        """What is in force for new transfers."""
        assert self._in_force is not None, "the app was not started"
        return self._in_force.active

    async def start(self) -> Addresses:
        """Start everything. Raises ConfigError, AuditError, PolicyError, RedactionError when it cannot be done."""
        try:
            return await self._start()
        except BaseException:
            await self.close()
            raise

    async def _start(self) -> Addresses:
        settings, home = self.settings, private_dir(self.settings.home)
        threads = ThreadPoolExecutor(max_workers=4, thread_name_prefix="dragoman")
        self._stack.callback(threads.shutdown, wait=True, cancel_futures=False)
        self.control = await asyncio.to_thread(control_of, settings)
        self._stack.callback(self.control.close)
        source = PolicySource(settings, self.control)
        loaded = await asyncio.to_thread(source.read)
        detection = CurrentDetection(self._make_detection, own_entities(loaded.policy.entities))
        # Models take seconds to load, in processes of their own; everything else starts meanwhile.
        self._stack.push_async_callback(detection.close)
        loading = asyncio.create_task(detection.start())
        self._stack.push_async_callback(ended, loading)
        self.ledger = await self._open_ledger(threads)
        value_refs, budgets = ValueRefs.of_home(home), Budgets(ledger_entries(self.ledger))
        self._in_force = InForce(
            settings,
            source,
            loaded,
            self.control,
            self.ledger,
            self.ledger.references.actor,
            detection,
            value_refs,
            budgets,
            self.metrics.observe,
            leads=self._leads,
        )
        vault, answers = await self._open_vault(threads)
        through = next_proxy(settings)
        transport = Transport(
            connect_s=settings.limits.connect_s,
            idle_s=settings.limits.idle_s,
            extra_ca=settings.upstream_ca,
            next_proxy=through,
        )
        self._stack.push_async_callback(transport.close)
        self.mirrors = Mirrors(transport, self.metrics.observe)
        self._stack.push_async_callback(self.mirrors.close)
        flags = FlagSources(home, self.metrics.observe, settings.flag_databases, through)
        keys = TokenKeys(home, self.metrics.observe, through)
        self._stack.push_async_callback(flags.close)
        self._stack.push_async_callback(keys.close)
        pods = KnownPods(cluster_of(settings.kubernetes), self.metrics.observe)
        self._stack.push_async_callback(pods.close)
        documents = DocumentPool(settings.languages, size=min(settings.worker_count, 4))
        self._stack.push_async_callback(documents.close)
        upstreams = {**settings.upstreams, **await self._demo_upstream()}
        services = Services(
            detection=detection,
            vault=vault,
            recorder=Watched(self.ledger, watchers(settings, self.metrics, self._stack), self.metrics.observe),
            references=LedgerReferences(self.ledger, threads),
            offload=offloading(threads),
            formats=Formats(),
            scopes=ScopeRefs(ensure_key(home / "keys" / "scope.key")),
            active=lambda: self.active,
            upstreams=upstreams,
            provider_key=self._provider_key,
            value_refs=value_refs,
            flags=flags.look_up,
            claims=lambda tokens, headers: verified_claims(tokens, headers, keys),
            pods=pods,
            budgets=budgets,
            documents=documents,
            waiting=ThreadedApprovals(self.control.approvals, threads),
            mirror=self.mirrors.offer,
            answers=answers,
            pieces=self._open_pieces(),
            observe=self.metrics.observe,
        )
        limits = GateLimits(
            body_bytes=settings.limits.body_bytes,
            detect_s=settings.limits.detect_s,
            open_transfers=settings.limits.open_transfers,
        )
        self.gate = Gate(services, limits)
        self.mirrors.start(self.gate.admit_copy)
        await loading
        await self._in_force.check_first()
        if self._leads:
            await self._in_force.record_start(detection.version)
        given = self._parts.sockets if self._parts is not None else None
        self._ways_in = WaysIn(self.gate, settings, self.metrics, self.takes_transfers, self.lost, given)
        self._stack.push_async_callback(self._ways_in.close)
        addresses = await self._ways_in.open(transport)
        # The doors' libraries take seconds to load: what others have set meanwhile is in force for the first request.
        await self._in_force.look_at_control()
        self._tasks.append(asyncio.create_task(self._in_force.watch()))
        if self._leads:
            self._tasks.append(asyncio.create_task(watch_expiry(settings, self.control, self.metrics)))
        if not isinstance(self.ledger, RemoteLedger):
            self._tasks.append(asyncio.create_task(keep_open(self.ledger, self.metrics.observe)))
            asking = asked(self.ledger, threads, self.metrics.observe, settings)
            await self._stack.enter_async_context(asking)
        self.ready = True
        return addresses

    async def refresh(self) -> None:
        """Look at policy file, credentials and stops now instead of within a second."""
        assert self._in_force is not None, "the app was not started"
        await self._in_force.refresh()

    @property
    def ways_in(self) -> WaysIn:
        """The doors."""
        assert self._ways_in is not None, "the app was not started"
        return self._ways_in

    async def drain(self) -> None:
        """No new transfers; wait until open ones have ended, at most as long as configured."""
        self.ready = False
        await self.ways_in.drain()
        await self.mirrors.drain(self.settings.limits.drain_s)

    async def retire(self) -> None:
        """Another process takes over: finish what is open and what comes on connections that are there."""
        if self._in_force is not None:
            self._in_force.retire()
        await self.ways_in.retire()
        await self.mirrors.drain(self.settings.limits.drain_s)
        self.ready = False

    async def close(self) -> None:
        """Stop everything, the doors first. May be called twice."""
        self.ready = False
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks.clear()
        await self._stack.aclose()

    # --- parts ---------------------------------------------------------------------------------------------------

    def _make_detection(self, own: tuple[OwnEntity, ...]) -> RunningDetection:
        if self._given_detection is not None:
            return self._given_detection
        make = self._parts.make_worker if self._parts is not None else WorkerProcess
        return DetectionPool(engine_settings(self.settings, own), workers=self.settings.worker_count, make_worker=make)

    async def _open_ledger(self, threads: ThreadPoolExecutor) -> "Ledger | RemoteLedger":
        if self._parts is not None:
            self._stack.push_async_callback(self._parts.ledger.close)
            return self._parts.ledger
        ledger = await asyncio.get_running_loop().run_in_executor(threads, serve_log, self.settings)
        self._stack.callback(ledger.close)
        return ledger

    async def _open_vault(self, threads: ThreadPoolExecutor) -> tuple[ThreadedVault, ThreadedAnswers]:
        vault = await asyncio.get_running_loop().run_in_executor(threads, vault_of, self.settings)
        self._stack.callback(vault.close)
        # Before anything is served: a restored backup must not bring back who was erased.
        first = self._parts is None
        self._tasks.append(await keep_up(self.ledger, vault, threads, self.metrics.observe, first=first))
        return ThreadedVault(vault, threads), ThreadedAnswers(vault.answers, threads)

    def _open_pieces(self) -> PieceFolder:
        folder, limit = self.settings.home / PIECES, self.settings.limits.body_bytes
        if self._parts is not None:
            pieces = PieceFolder(folder, self._parts.pieces_key, limit)
        else:
            pieces = PieceFolder(fresh(folder), secrets.token_bytes(KEY_BYTES), limit)
        if self._leads:
            self._tasks.append(asyncio.create_task(forgetting(pieces)))
        return pieces

    @property
    def _leads(self) -> bool:
        return self._parts is None or self._parts.leads

    def takes_transfers(self) -> bool:
        return self.ready and self.ledger.refusal is None and not self.active.stale

    def lost(self) -> bool:
        """Whether the log stays closed until a start: a commit failed, or what is there is not continued."""
        return self.ledger.lost

    def _provider_key(self, destination: str) -> str | None:
        reference = self.settings.provider_keys.get(destination)
        return secret(reference) if reference else None

    async def _demo_upstream(self) -> dict[str, Origin]:
        """A fake provider on loopback, so that the first curl needs no key."""
        fake = FakeProvider("openai", keep=False, chunk=12, opening="You said: ")
        await self._stack.enter_async_context(fake)
        return {"demo": parse_origin(fake.url, what="demo")}


async def ended(task: "asyncio.Task[None]") -> None:
    """Ends a task that nobody waits for any more, whatever came of it."""
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
