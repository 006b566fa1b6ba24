"""A process's way through the gate for rows instead of requests, and the way back; one detection engine in it.

The rows of a batch are a body of JSON lines to the destination that will get them: the gate identifies, inspects,
decides, replaces and records as for every transfer, and its answer is the batch that may leave. Whoever runs the
command holds the keys of the home, so what it says of application, purpose and scope is believed.
"""

import asyncio
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import replace
from types import MappingProxyType

from audit.ids import now_ms
from policies.declared import Identify
from policies.policy import Policy
from proxy.bulk.job import BulkError, Job
from proxy.config import Settings
from proxy.exchange import Ending
from proxy.formats.selection import Formats
from proxy.gate import Gate, GateLimits, Services
from proxy.identity import CredentialBook, identify
from proxy.messages import Door, Egress, Headers
from proxy.policy.own_entities import own_entities
from proxy.policy.source import PolicySource, accept
from proxy.policy.value_refs import ValueRefs
from proxy.running.adapters import LedgerReferences, ThreadedVault, ledger_entries
from proxy.running.databases import control_of, join_log, vault_of
from proxy.running.flags import FlagSources
from proxy.running.keys import ensure_key
from proxy.steps.offload import at_once
from proxy.steps.policy_facts import engine_settings
from proxy.steps.scopes import ScopeRefs
from proxy.steps.services import Active
from proxy.steps.spending import Budgets
from redaction.detect import Engine
from redaction.detectors import build_engine
from redaction.pool import DetectionResult
from redaction.restore import Encoding, Restorable, Restorer
from redaction.segment import Segment
from redaction.vault.base import SESSION

PEER = "0.0.0.0"  # noqa: S104 (an address that no client can have, not one to listen on)
_TRUST = MappingProxyType(dict.fromkeys(("dragoman-app", "dragoman-session", "dragoman-purpose"), (PEER,)))


class Redacting:
    """Open for one process; `close` it."""

    def __init__(self, settings: Settings, job: Job) -> None:
        """Loads models. Raises the errors of policy, log, vault and detection."""
        self._job, self._stack = job, ExitStack()
        try:
            self._open(settings)
        except BaseException:
            self.close()
            raise

    def _open(self, settings: Settings) -> None:
        job, push = self._job, self._stack.callback
        threads = ThreadPoolExecutor(max_workers=2)
        push(threads.shutdown)
        self._control = control_of(settings)
        push(self._control.close)
        policy = policy_for(settings, job)
        self.policy_digest = policy.digest
        ledger = join_log(settings)
        push(ledger.close)
        vault = vault_of(settings)
        push(vault.close)
        self._runner = asyncio.Runner()
        push(self._runner.close)
        budgets, flags = Budgets(ledger_entries(ledger)), FlagSources(settings.home, _unseen, settings.flag_databases)
        budgets.use(self._runner.run(budgets.prepare(policy, now_ms())))
        push(lambda: self._runner.run(flags.close()))
        self._active = Active(_believing(policy), CredentialBook({}))
        self._gate = Gate(
            Services(
                detection=_Engine(build_engine(engine_settings(settings, own_entities(policy.entities)))),
                vault=ThreadedVault(vault, threads),
                recorder=ledger,
                references=LedgerReferences(ledger, threads),
                offload=at_once,
                formats=Formats(),
                scopes=ScopeRefs(ensure_key(settings.home / "keys" / "scope.key")),
                active=lambda: self._active,
                upstreams=settings.upstreams,
                value_refs=ValueRefs.of_home(settings.home),
                flags=flags.look_up,
                budgets=budgets,
            ),
            GateLimits(body_bytes=settings.limits.body_bytes, detect_s=settings.limits.detect_s),
        )

    def close(self) -> None:
        """May be called twice."""
        self._stack.close()

    def look(self) -> None:
        """Reads what officers stopped, as it is now. Raises UnavailableError."""
        stops = self._control.stops()
        self._active = replace(
            self._active, stopped_destinations=stops["destination"], stopped_applications=stops["application"]
        )

    def batch(self, lines: bytes) -> bytes:
        """A batch as it may leave; its record is durable. Raises BulkError where it may not."""
        return self._runner.run(self._batch(lines))

    async def _batch(self, lines: bytes) -> bytes:
        exchange = await self._gate.admit(egress_of(self._job, lines))
        if exchange.reply is not None or exchange.outgoing is None:
            raise BulkError(f"refused ({exchange.error}); the log says more: dragoman audit show {exchange.transfer}")
        exchange.sent()
        # Nobody answers: written down is all there is to know of how it ended.
        await exchange.close(Ending.COMPLETE)
        return exchange.outgoing.body


class Restoring:
    """The way back: what the vault has in the scope, for batches of JSON lines."""

    def __init__(self, settings: Settings, job: Job) -> None:
        """Raises the errors of policy and vault."""
        policy = policy_for(settings, job)
        self.policy_digest = policy.digest
        identity = identify(egress_of(job, b""), _believing(policy), CredentialBook({}), ())
        refs = ScopeRefs(ensure_key(settings.home / "keys" / "scope.key"))
        with ExitStack() as stack:
            vault = vault_of(settings)
            stack.callback(vault.close)
            scope = vault.open_scope(refs.session(identity, job.to, ()), kind=SESSION, destination=job.to)
            self._restorable = Restorable(vault.restorable([scope]))

    def close(self) -> None:
        """Nothing is open."""

    def batch(self, lines: bytes, *, own: bool) -> bytes:
        """With originals. own: as they came out of a redaction, so that each of their URLs is one that was sent.

        In what a model wrote a URL that nobody sent keeps its placeholders: it may be there to carry them away.
        """
        restored = []
        for line in lines.decode("utf-8", "surrogateescape").splitlines(keepends=True):
            known = self._restorable.with_sent([line]) if own else self._restorable
            restored.append(Restorer(known).whole(line, Encoding.JSON))
        return "".join(restored).encode("utf-8", "surrogateescape")


def policy_for(settings: Settings, job: Job) -> Policy:
    """The policy in force, which knows destination and application. Raises PolicyError, ConfigError, BulkError."""
    control = control_of(settings)
    try:
        loaded = PolicySource(settings, control).read()
    finally:
        control.close()
    accept(loaded)
    policy = loaded.policy
    if job.to not in policy.destinations:
        raise BulkError(f"--to {job.to}: the policy names no destination of that name")
    if job.application and job.application not in policy.applications:
        raise BulkError(f"--app {job.application}: the policy names no application of that name")
    return policy


def egress_of(job: Job, lines: bytes) -> Egress:
    """A batch as a request to its destination."""
    fields = [(b"Content-Type", b"application/x-ndjson"), (b"dragoman-session", f"bulk {job.scope}".encode())]
    fields += [
        (name, value.encode())
        for name, value in ((b"dragoman-app", job.application), (b"dragoman-purpose", job.purpose))
        if value
    ]
    return Egress(Door.COMMAND, "bulk", "POST", b"/", Headers(tuple(fields)), lines, job.to, peer=PEER)


def _believing(policy: Policy) -> Policy:
    """The policy as it is, but for who is believed: here the command alone, and no network or key of an app's."""
    applications = {name: replace(one, identify=Identify()) for name, one in policy.applications.items()}
    return replace(policy, trust=_TRUST, tokens=None, applications=MappingProxyType(applications))


class _Engine:
    """`services.Detection` in the process that asks: it has nothing else to do."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def detect(self, segments: Sequence[Segment], *, deadline_s: float, owner: bytes = b"") -> DetectionResult:
        return DetectionResult(tuple(self._engine.detect(segments)), self._engine.version, 0, 0)


def _unseen(_kind: str, _label: str) -> None:
    return None
