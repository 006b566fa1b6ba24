"""The real gate in this process: pattern recognizers, a vault that forgets, the bundled policy; no socket and no log."""

import asyncio
import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from audit.canonical import Record
from audit.ledger.writer import Receipt
from audit.record import SubjectReference
from policies.load import load_bundled
from proxy.exchange import Exchange
from proxy.fakes.traffic import Received
from proxy.formats.selection import Formats
from proxy.framing.websocket import Message
from proxy.gate import Gate, GateLimits, Services
from proxy.identity import CredentialBook, Subject
from proxy.messages import Door, Egress, Header, Headers, Origin
from proxy.policy.rehearsing import ForgettingVault
from proxy.steps.offload import at_once
from proxy.steps.scopes import ScopeRefs
from proxy.steps.services import Active
from redaction.detect import Engine
from redaction.pool import DetectionResult
from redaction.segment import Segment

JSON = "application/json"


class Detection:
    """The engine itself, without processes around it. owner: of the newest request."""

    def __init__(self, engine: Engine) -> None:
        self._engine, self.version = engine, engine.version
        self.owner = b""

    async def detect(
        self, segments: Sequence[Segment], *, deadline_s: float = 10.0, owner: bytes = b""
    ) -> DetectionResult:
        self.owner = owner
        return DetectionResult(tuple(self._engine.detect(segments)), self.version, 0, 0)


class Log:
    """Takes every record."""

    def __init__(self) -> None:
        self.records: list[Record] = []

    async def append(self, record: Record, *, proof: bool = False) -> Receipt:
        self.records.append(record)
        return Receipt(len(self.records) - 1, len(self.records), b"", b"")

    def sending(self, receipt: Receipt) -> None: ...


class Nobody:
    """No references."""

    async def subjects(self, subjects: Sequence[Subject]) -> tuple[SubjectReference, ...]:
        return ()

    async def session(self, session: str) -> str | None:
        return None

    def marked(self, text: str) -> str | None:
        return None


@dataclass(frozen=True)
class Went:
    """What became of a request or message. left: as it went upstream, None where it was refused, and then `code`."""

    gate: "InProcess"
    exchange: Exchange
    left: Received | None
    code: str = ""

    def answer(self, body: bytes, content_type: str = JSON, status: int = 200, cuts: Sequence[int] = ()) -> bytes:
        """What the app gets of an answer."""
        self.exchange.sent()
        self.exchange.answer(status, Headers(((b"content-type", content_type.encode()),)))
        places = [0, *sorted(min(cut, len(body)) for cut in cuts), len(body)]
        out = [self.exchange.feed(body[a:b]) for a, b in itertools.pairwise(places)]
        out.append(self.exchange.finish())
        self.gate.run(self.exchange.bound())
        return b"".join(out)


class InProcess:
    """A gate; `ask` sends a request to it, `say` a message of a session."""

    def __init__(self, engine: Engine, key: Callable[[str], str | None] = lambda _: "AKIA:secret") -> None:
        policy = load_bundled("default")
        active = Active(policy, CredentialBook({}))
        self.log = Log()
        self.detection = Detection(engine)
        self._runner = asyncio.Runner()
        self.run = self._runner.run
        self._gate = Gate(
            Services(
                detection=self.detection, vault=ForgettingVault(), recorder=self.log, references=Nobody(),
                offload=at_once, formats=Formats(), scopes=ScopeRefs(bytes(32)), active=lambda: active,
                upstreams={name: Origin("https", f"{name}.example", 443) for name in policy.destinations},
                provider_key=key,
            ),
            GateLimits(open_transfers=1_000_000, open_sessions=1_000_000),
        )  # fmt: skip

    def close(self) -> None:
        """No loop is left."""
        self._runner.close()

    def ask(
        self, destination: str, target: str, body: bytes, content_type: str = JSON, *, method: str = "POST",
        fields: Sequence[Header] = (), upgrade: bool = False,
    ) -> Went:  # fmt: skip
        """One request through every step."""
        headers = Headers(((b"content-type", content_type.encode()), *fields) if content_type else tuple(fields))
        egress = Egress(
            Door.GATEWAY, "gateway", method, target.encode(), headers, body, destination, peer="127.0.0.1",
            upgrade=upgrade,
        )  # fmt: skip
        exchange = self._runner.run(self._gate.admit(egress))
        out = exchange.outgoing
        left = out and Received(out.method, out.target, out.headers, out.body)
        return Went(self, exchange, left, exchange.error or "")

    def open(self, destination: str, target: str) -> Went:
        """A session, accepted by the provider."""
        went = self.ask(destination, target, b"", "", method="GET", upgrade=True)
        went.exchange.sent()
        went.exchange.answer(101, Headers())
        return went

    def say(self, opened: Went, body: bytes) -> Went:
        """One message of the app's in an open session."""
        session = opened.exchange.session
        assert session is not None
        turn = self._runner.run(self._gate.admit_message(session, Message(body)))
        left = turn.send and Received("MESSAGE", b"/", Headers(), turn.send.data)
        code = "" if left else (turn.told.data.decode() if turn.told else "closed")
        return Went(self, opened.exchange, left, code)

    def hear(self, opened: Went, body: bytes) -> list[bytes]:
        """One message of the provider's, as the app gets it."""
        session = opened.exchange.session
        assert session is not None
        return [one.data for one in self._runner.run(self._gate.answer(session, Message(body)))]
