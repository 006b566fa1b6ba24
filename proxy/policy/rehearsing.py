"""Trying a policy out: a text or a request goes through the gate's own steps, and a fake model answers it.

Nothing is stored, recorded or sent. Placeholders are issued under keys that are forgotten with the rehearsal; detection
is a worker process of its own, started when somebody first tries something and ended when nobody does for a while.
"""

import asyncio
import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from types import MappingProxyType

import orjson

from audit.canonical import Record
from audit.errors import LedgerError
from audit.ledger.writer import Receipt
from audit.record import SubjectReference
from policies.cases import CaseResult, run_cases
from policies.declared import SubjectSource
from policies.load import Loaded
from policies.model import Consent, SubjectFacts
from policies.policy import Policy
from proxy.config import Settings
from proxy.errors import RefusedError
from proxy.fakes.apis import ALL as FAKES
from proxy.fakes.apis import respond
from proxy.fakes.behaviour import Play
from proxy.fakes.traffic import Received
from proxy.formats.base import RequestHead
from proxy.formats.selection import GENERIC, Formats
from proxy.gate import Gate, GateLimits, Services
from proxy.identity import CREDENTIAL_HEADER, CredentialBook, Subject, digest
from proxy.messages import Door, Egress, Headers, Origin, Outgoing
from proxy.policy.detecting import CurrentDetection, RunningDetection
from proxy.policy.own_entities import own_entities
from proxy.steps.policy_facts import engine_settings, facts_of_cases, no_refs
from proxy.steps.preview import Rehearsal
from proxy.steps.scopes import ScopeRefs
from proxy.steps.services import Active, Bound
from redaction.pool import DetectionPool
from redaction.settings import OwnEntity
from redaction.tokens import LENGTHS
from redaction.vault import ReplacedText, Scope
from redaction.vault.issuing import Candidate, issue

IDLE_S = 300.0
"""After how long without a rehearsal the detection is ended; starting it takes a few seconds."""
LIMITS = GateLimits(body_bytes=1024 * 1024, detect_s=20.0)
_PEER = "127.0.0.1"
_MODEL = "example-model"


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is tried. text: words of a person, or a whole body where `path` says to which endpoint.

    application: a name of the policy, or "" for one that nobody knows. consent: what the person said.
    """

    policy: Policy
    destination: str
    application: str
    text: str
    path: str = ""
    consent: Consent = Consent.UNKNOWN


@dataclass(frozen=True, slots=True)
class Tried:
    """What came of it. answered: what the fake model said; restored: what the app would get. Both None without one."""

    seen: Rehearsal
    answered: bytes | None = None
    restored: bytes | None = None


def _said(text: str) -> dict[str, object]:
    return {"model": _MODEL, "messages": [{"role": "user", "content": text}]}


def _parts(text: str) -> dict[str, object]:
    return {"contents": [{"role": "user", "parts": [{"text": text}]}]}


_SHAPES: Mapping[str, Callable[[str], dict[str, object]]] = MappingProxyType(
    {
        "/v1/messages": lambda text: {**_said(text), "max_tokens": 1024},
        "/v1/chat/completions": _said,
        "/openai/v1/chat/completions": _said,
        "/chat/completions": _said,
        f"/v1beta/models/{_MODEL}:generateContent": _parts,
        f"/v1/projects/example/locations/global/publishers/google/models/{_MODEL}:generateContent": _parts,
        "/v2/chat": _said,
        "/api/chat": lambda text: {**_said(text), "stream": False},
        f"/openai/deployments/{_MODEL}/chat/completions": _said,
        f"/model/{_MODEL}/converse": lambda text: {"messages": [{"role": "user", "content": [{"text": text}]}]},
    }
)
"""Where an API takes a message, and in which shape; the first that a destination's format knows is taken."""


class ForgettingVault:
    """`services.AsyncVault` that lives as long as one rehearsal."""

    def __init__(self) -> None:
        self._scopes: dict[str, Scope] = {}
        self._stored: dict[str, dict[str, bytes]] = {}

    async def open_scope(self, ref: str, *, kind: str, destination: str) -> Scope:
        if ref not in self._scopes:
            keys = secrets.token_bytes(32), secrets.token_bytes(32)
            length = min(LENGTHS) if kind == "session" else max(LENGTHS)
            self._scopes[ref] = Scope(secrets.token_hex(16), kind, destination, length, *keys)
        return self._scopes[ref]

    async def issue(self, scope: Scope, items: Sequence[tuple[str, str]], persons: Sequence[str] = ()) -> list[str]:
        stored = self._stored.setdefault(scope.id, {})

        def store(drawn: Sequence[Candidate]) -> Mapping[str, bytes]:
            return {one.token: stored.setdefault(one.token, one.surface_ref) for one in drawn}

        issued = issue(scope, items, store)
        return [issued[item] for item in items]

    def known_texts(self, scope: Scope) -> Mapping[bytes, ReplacedText]:
        return {}

    def remember_texts(self, scope: Scope, texts: Mapping[bytes, ReplacedText]) -> None: ...

    async def bound(self, destination: str, object_ids: Sequence[str], owners: Sequence[str]) -> Bound | None:
        return None

    async def held(self, scope: Scope) -> Bound:
        return Bound((scope,), {})

    async def bind(self, destination: str, object_id: str, scopes: Sequence[Scope], owner: str) -> None: ...


class _NoLog:
    """`services.Recorder` of what is never sent; and so the gate cannot send it."""

    async def append(self, record: Record, *, proof: bool = False) -> Receipt:
        raise LedgerError("a rehearsal is not recorded, so nothing of it can be sent", code="rehearsal")

    def sending(self, receipt: Receipt) -> None:
        raise LedgerError("a rehearsal is not sent", code="rehearsal")


class _Nobody:
    """`services.PersonReferences` without references."""

    async def subjects(self, subjects: Sequence[Subject]) -> tuple[SubjectReference, ...]:
        return ()

    async def session(self, session: str) -> str | None:
        return None

    def marked(self, text: str) -> str | None:
        return None


async def _at_once[T](size: int, work: Callable[[], T]) -> T:
    return await asyncio.to_thread(work)


class Rehearsals:
    """Rehearses requests; belongs to one event loop once the first was made. make: detection with own entity types."""

    def __init__(
        self, settings: Settings, make: Callable[[tuple[OwnEntity, ...]], RunningDetection] | None = None
    ) -> None:
        self._settings = settings
        self._make = make or (lambda own: DetectionPool(engine_settings(settings, own), workers=1))
        self._detection: CurrentDetection | None = None
        self._busy = asyncio.Lock()
        self._used = 0.0
        self._watch: asyncio.Task[None] | None = None
        self._formats = Formats()

    async def rehearse(self, wanted: Wanted) -> Tried:
        """One request, and the answer of a model that repeats it. Raises RefusedError, RedactionError."""
        detection = await self._ready(own_entities(wanted.policy.entities))
        credential = f"drg_{secrets.token_urlsafe(32)}"
        gate = Gate(self._services(wanted, detection, credential), LIMITS)
        seen = await gate.rehearse(self._egress(wanted, credential))
        if seen.request is None or seen.restorer is None:
            return Tried(seen)
        answered = _answered(seen.work.format.name, seen.request)
        return Tried(seen) if answered is None else Tried(seen, answered, _restored(seen, answered))

    async def cases(self, loaded: Loaded, today: date) -> list[CaseResult]:
        """A policy's own cases, with the detection that would inspect transfers under it."""
        detection = await self._ready(own_entities(loaded.policy.entities))
        find = await facts_of_cases(loaded, detection, no_refs, deadline_s=LIMITS.detect_s)
        return run_cases(loaded, find, today)

    async def warm(self, policy: Policy) -> None:
        """Starts the detection under a policy, for whoever is about to try something; it takes seconds to load."""
        await self._ready(own_entities(policy.entities))

    async def close(self) -> None:
        """Ends the detection; a later rehearsal starts another."""
        async with self._busy:
            if self._watch is not None:
                self._watch.cancel()
                self._watch = None
            await self._end()

    async def _end(self) -> None:
        detection, self._detection = self._detection, None
        if detection is not None:
            await detection.close()

    async def _ready(self, own: tuple[OwnEntity, ...]) -> CurrentDetection:
        async with self._busy:
            self._used = time.monotonic()
            if self._detection is None:
                made = CurrentDetection(self._make, own)
                try:
                    await made.start()
                except BaseException:
                    await made.close()
                    raise
                self._detection = made
                self._watch = asyncio.create_task(self._end_when_idle())
            else:
                self._detection.use(await self._detection.prepare(own), own)
            return self._detection

    async def _end_when_idle(self) -> None:
        while True:
            await asyncio.sleep(IDLE_S / 10)
            async with self._busy:
                if time.monotonic() - self._used >= IDLE_S:
                    self._watch = None
                    await self._end()
                    return

    def _services(self, wanted: Wanted, detection: CurrentDetection, credential: str) -> Services:
        names = {digest(credential): wanted.application} if wanted.application else {}
        active = Active(wanted.policy, CredentialBook(MappingProxyType(names)))
        upstream = Origin("https", "model.example", 443)

        async def flags(_: SubjectSource, subjects: Sequence[Subject], __: str) -> tuple[SubjectFacts, ...]:
            return (SubjectFacts(consent=wanted.consent),)

        return Services(
            detection=detection,
            vault=ForgettingVault(),
            recorder=_NoLog(),
            references=_Nobody(),
            offload=_at_once,
            formats=self._formats,
            scopes=ScopeRefs(secrets.token_bytes(32)),
            active=lambda: active,
            upstreams={wanted.destination: upstream},
            provider_key=lambda _: "example",
            flags=flags,
        )

    def _egress(self, wanted: Wanted, credential: str) -> Egress:
        path, body = self._request(wanted)
        fields = [(b"Content-Type", b"application/json")]
        if wanted.application:
            fields.append((CREDENTIAL_HEADER.encode(), credential.encode()))
        return Egress(
            Door.GATEWAY, "gateway", "POST", path.encode("utf-8", "replace"), Headers(tuple(fields)), body,
            wanted.destination, peer=_PEER,
        )  # fmt: skip

    def _request(self, wanted: Wanted) -> tuple[str, bytes]:
        if wanted.path:
            return wanted.path, wanted.text.encode("utf-8", "surrogatepass")
        destination = wanted.policy.destinations.get(wanted.destination)
        if destination is None:
            raise RefusedError("the policy names no destination of that name", code="destination_unknown", status=404)
        headers = Headers(((b"Content-Type", b"application/json"),))
        for path, shape in _SHAPES.items():
            hint = destination.format_for(path)
            head = RequestHead("POST", "model.example", path, "", headers)
            found, _ = self._formats.select(head, hint)
            if hint != GENERIC and found.name == hint:
                return path, orjson.dumps(shape(wanted.text))
        return "/", orjson.dumps({"text": wanted.text})


def _answered(format_name: str, request: Outgoing) -> bytes | None:
    """What a model that repeats its input would answer; None for APIs that nobody wrote a fake of."""
    family = format_name.partition("_")[0]
    name = {"mistral": "openai", "generic": "echo"}.get(family, family)
    if name not in FAKES:
        return None
    answer = respond(name, Received(request.method, request.target, request.headers, request.body), Play(chunk=0))
    return b"".join(answer.events) if answer.status == 200 else None


def _restored(seen: Rehearsal, answered: bytes) -> bytes:
    endpoint, restorer = seen.work.endpoint, seen.restorer
    assert endpoint is not None, "a request that would leave was read"
    assert restorer is not None, "and has what its answer may hold"
    headers = Headers(((b"content-type", b"application/json"),))
    reader = seen.work.format.reader(endpoint, 200, headers, restorer)
    return reader.feed(answered) + reader.finish()
