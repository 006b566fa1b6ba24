"""A console on a real socket over a log that is served beside it, as in life; tokens of every role."""

import asyncio
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest

from audit import query
from audit.ids import now_ms
from audit.log import Ledger
from audit.record import DestinationFacts, FindingCount, OutcomeRecord, SubjectReference, TransferRecord, Uninspected
from audit.values import Environment
from proxy.console.app import application
from proxy.console.limits import RateLimit
from proxy.console.server import Serving, listen
from proxy.console.settings import ConsoleSettings
from proxy.control.store import ControlStore
from proxy.control.tokens import Role
from proxy.messages import Origin
from tests.audit.conftest import blocked_record, exchange_record
from tests.ports import free_port

ANNA = "anna.schmidt@example.com"
HOUR = 3_600_000


@dataclass
class Console:
    """A running console. times: of the records in `filled`."""

    url: str
    home: Path
    ledger: Ledger
    control: ControlStore
    tokens: dict[Role, str] = field(default_factory=dict)

    def token(self, role: Role = Role.OFFICER, *applications: str) -> str:
        """A token of a role; for a team of these applications."""
        if applications:
            return self.control.tokens.create(role, "test", applications, 1)[0]
        if role not in self.tokens:
            self.tokens[role] = self.control.tokens.create(role, "test", (), 1)[0]
        return self.tokens[role]

    def client(self, role: Role = Role.OFFICER, *applications: str, **options: Any) -> httpx.Client:
        """A client that sends the token of a role."""
        headers = {"authorization": f"Bearer {self.token(role, *applications)}"}
        return httpx.Client(base_url=self.url, headers=headers, trust_env=False, timeout=60, **options)

    def entries(self, *kinds: str) -> list[dict[str, Any]]:
        """The log's entries, oldest first."""
        with self.ledger.store.read() as connection:
            return [orjson.loads(body) for _, body in query.entries(connection, kinds=kinds)]


type Start = Callable[..., Console]


@pytest.fixture(scope="session", autouse=True)
def patient() -> Iterator[None]:
    """Whoever is asked on this machine may take its time."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("proxy.outbound.identity_provider.TIMEOUT_S", 60.0)
        patched.setattr("proxy.console.health.PATIENCE_S", 60.0)
        yield


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """`start(per_minute=..)` serves a console over a new log; everything ends with the test."""
    ends: list[Callable[[], None]] = []

    def begin(**changes: Any) -> Console:
        home = tmp_path / "home"
        ledger = Ledger.open(home)
        ends.append(ledger.close)
        control = ControlStore.at(home)
        ends.append(control.close)
        settings = replace(
            ConsoleSettings(
                home,
                address="127.0.0.1:0",
                admin=f"127.0.0.1:{free_port()}",  # the default's may be that of somebody's dragoman
                per_minute=100_000,
                sign_ins_per_minute=100_000,
                detectors=("patterns",),
            ),
            **changes,
        )
        listening = listen(*settings.host_and_port)
        ready = threading.Event()
        server = Serving(application(settings), ready.set)
        # A loop of its own: uvicorn's `run` would take the signals of the test process.
        thread = threading.Thread(target=lambda: asyncio.run(server.serve([listening])), daemon=True)
        thread.start()

        def end() -> None:
            server.should_exit = True
            thread.join(60)
            listening.close()

        ends.append(end)
        assert ready.wait(60), "the console did not start"
        host, port = listening.getsockname()
        return Console(f"http://{host}:{port}", home, ledger, control)

    yield begin
    for end in reversed(ends):
        end()


@pytest.fixture
def console(start: Start) -> Console:
    """A console over an empty log."""
    return start()


@pytest.fixture
def no_time_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    """For what is limited by the minute: a bucket that the machine's slowness does not fill again."""
    monkeypatch.setattr("proxy.console.api.RateLimit", lambda per_minute: RateLimit(per_minute, lambda: 0.0))


def fill(console: Console, n: int = 6) -> list[str]:
    """Transfers of two applications to two destinations, one refusal; returns the ids, oldest first."""
    anna = console.ledger.references.subject(ANNA)
    gemini = DestinationFacts(
        name="gemini", contracting_entity="Google Ireland Ltd", role="processor", storage=("FI",), retention="30d"
    )
    ids, at = [], now_ms() - n * HOUR
    for number in range(n):
        changes: dict[str, Any] = {"at": at + number * HOUR, "environment": Environment.TEST}
        if number % 2:
            changes |= {
                "application": "feed",
                "destination": gemini,
                "provider": "google",
                "purpose": None,
                "findings": (FindingCount(entity_type="LOCATION", operator="keep", n=2, where="/contents/*/text"),),
                "uninspected": (Uninspected(media_type="image/png", bytes=9, reason="policy_pass"),),
            }
        else:
            changes["subjects"] = (SubjectReference(ref=anna, role="requester"),)
        made = exchange_record(**changes)
        console.ledger.append_blocking(made)
        console.ledger.append_blocking(_outcome(made, changes["at"] + 1200))
        ids.append(made.id)
    refused = blocked_record(at=now_ms())
    console.ledger.append_blocking(refused)
    return [*ids, refused.id]


def _outcome(of: TransferRecord, at: int) -> OutcomeRecord:
    return OutcomeRecord(id=of.id, attempt=of.attempt, at=at, state="complete", status=200, restored=3)


@pytest.fixture
def filled(console: Console) -> Console:
    """A console over a log with `fill`."""
    fill(console)
    return console


SAME: dict[str, str] = {"sec-fetch-site": "same-origin"}


@contextmanager
def browser(console: Console, role: Role | None = Role.OFFICER, *applications: str) -> Iterator[httpx.Client]:
    """A client that has signed in, with its cookies."""
    language = {"accept-language": "en"}
    with httpx.Client(base_url=console.url, trust_env=False, timeout=60, headers=language) as client:
        if role is not None:
            data = {"token": console.token(role, *applications), "to": "/"}
            assert client.post("/sign-in", data=data, headers=SAME).status_code == 303
        yield client


def form_of(client: httpx.Client, path: str) -> str:
    found = re.search(r'name="form" value="([^"]+)"', client.get(path).text)
    assert found is not None
    return found[1]


@dataclass
class Answering:
    """A provider that is asked to delete. asked: what; statuses: of its next answers, then 200."""

    origin: Origin
    asked: list[str]
    statuses: list[int]


@pytest.fixture
def provider() -> Iterator[Answering]:
    """A provider that deletes what it is asked to, unless a test says otherwise."""
    asked: list[str] = []
    statuses: list[int] = []

    class Handler(BaseHTTPRequestHandler):
        def do_DELETE(self) -> None:
            asked.append(f"{self.path} {self.headers['authorization']}")
            body = b'{"deleted": true}'
            self.send_response(statuses.pop(0) if statuses else 200)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    yield Answering(Origin("http", "127.0.0.1", server.server_address[1]), asked, statuses)
    server.shutdown()
    server.server_close()
