"""Streams out of the log against receivers on real sockets: nothing is lost, whatever the receiver does meanwhile."""

import base64
import gzip
import hashlib
import hmac
import json
import os
import socket
import stat
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest

from audit import query
from audit.formats import ocsf
from audit.formats.base import Place
from audit.log import Ledger
from audit.merkle import leaf_hash
from audit.record import OutcomeRecord
from audit.store import Store
from proxy.config import Settings
from proxy.configured import load
from proxy.control.store import ControlStore
from proxy.errors import ConfigError
from proxy.outbound import streams
from proxy.outbound.settings import OutboundSettings
from proxy.outbound.streams import NAMES
from proxy.outbound.streams.file import _cut_torn_line
from proxy.outbound.streams.settings import read_streams
from proxy.outbound.streams.shipping import LEASE_MS, Shipping
from tests.audit.conftest import blocked_record, exchange_record
from tests.ports import free_port

KEY = b"k" * 32
SECRET = "whsec_" + base64.b64encode(KEY).decode()
type Told = tuple[str, dict[str, str], bytes]


class Receiver:
    """A receiver that answers what `answers` says, 200 once that is empty, and keeps what it took."""

    def __init__(self, port: int = 0) -> None:
        self.told: list[Told] = []
        self._open: set[socket.socket] = set()
        self.answers: list[Callable[[BaseHTTPRequestHandler], int | None]] = []
        owner = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def setup(self) -> None:
                super().setup()
                owner._open.add(self.connection)

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                status = owner.answers.pop(0)(self) if owner.answers else 200
                if status is None:
                    self.close_connection = True
                    return
                headers = {name.lower(): value for name, value in self.headers.items()}
                if status == 200:
                    owner.told.append((self.path, headers, body))
                self.send_response(status)
                if status == 429:
                    self.send_header("retry-after", "7")
                if status == 302:
                    self.send_header("location", f"http://127.0.0.1:{owner.port}/elsewhere")
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self.port = int(self._server.server_address[1])
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._server.shutdown()
        for connection in self._open:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        self._server.server_close()
        self._thread.join(60)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    made = Receiver()
    yield made
    made.stop()


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


@pytest.fixture
def ledger(home: Path) -> Iterator[Ledger]:
    opened = Ledger.open(home)
    yield opened
    opened.close()


@pytest.fixture
def control(home: Path, ledger: Ledger) -> Iterator[ControlStore]:
    opened = ControlStore.at(home)
    yield opened
    opened.close()


def fill(ledger: Ledger, n: int = 6) -> None:
    for number in range(n):
        made = exchange_record()
        ledger.append_blocking(made)
        if number % 2:
            state = "complete" if number % 4 == 1 else "cut"
            ledger.append_blocking(
                OutcomeRecord(id=made.id, at=made.at + 1500, state=state, status=200, tokens_in=100, tokens_out=20)  # type: ignore[arg-type]
            )
    ledger.append_blocking(blocked_record())


def entries(ledger: Ledger) -> list[tuple[int, bytes]]:
    with ledger.store.read() as connection:
        return list(query.entries(connection))


type Begin = Callable[..., Shipping]


@pytest.fixture
def begin(home: Path, ledger: Ledger, control: ControlStore, monkeypatch: pytest.MonkeyPatch) -> Iterator[Begin]:
    """`begin(to="file", …)` opens a stream; its secret is in the environment."""
    monkeypatch.setenv("HOOK", SECRET)
    opened: list[Shipping] = []
    store = Store.open(ledger.home.database_url, read_only=True)

    def make(name: str = "one", clock: Callable[[], float] = time.monotonic, **table: Any) -> Shipping:
        (stream,) = read_streams({name: table}, home)
        opened.append(Shipping(Settings(home=home), stream, store, control.cursors, clock=clock))
        return opened[-1]

    yield make
    for one in opened:
        one.close()
    store.close()


def drain(shipping: Shipping, most: int = 200) -> None:
    """Steps until nothing is due at once."""
    for _ in range(most):
        if shipping.step():
            return
    raise AssertionError("the stream never comes to an end")


def test_every_exporter_file_is_in_the_registry() -> None:
    folder = Path(streams.__file__).parent
    shared = {"__init__", "base", "settings", "shipping"}
    assert {path.stem for path in folder.glob("*.py")} - shared == set(NAMES)


# --- the file ----------------------------------------------------------------------------------------------------------


def test_a_file_holds_every_entry_as_it_was_signed_and_goes_on(home: Path, ledger: Ledger, begin: Begin) -> None:
    fill(ledger)
    shipping = begin(to="file", path="out/log.jsonl", batch=3)
    drain(shipping)
    fill(ledger, 2)
    drain(shipping)
    path = home / "out" / "log.jsonl"
    lines = path.read_bytes().splitlines()
    assert lines == [body for _, body in entries(ledger)][: len(lines)]
    assert len(lines) == len(entries(ledger)), "the record of the export itself included"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    exports = [json.loads(body) for _, body in entries(ledger) if json.loads(body)["kind"] == "export"]
    assert [one["format"] for one in exports] == ["jsonl"]


def test_a_file_is_rotated_and_nothing_is_lost_between_files(home: Path, ledger: Ledger, begin: Begin) -> None:
    fill(ledger, 20)
    drain(begin(to="file", path="log.jsonl", max_bytes=8192, keep=100))
    files = sorted(home.glob("log.jsonl.*"), key=lambda path: -int(path.suffix[1:]))
    assert len(files) > 2
    assert all(path.stat().st_size <= 8192 for path in files)
    lines = b"".join(path.read_bytes() for path in [*files, home / "log.jsonl"]).splitlines()
    assert lines == [body for _, body in entries(ledger)]


def test_only_so_many_rotated_files_stay(home: Path, ledger: Ledger, begin: Begin) -> None:
    fill(ledger, 30)
    drain(begin(to="file", path="log.jsonl", max_bytes=4096, keep=2))
    assert {path.name for path in home.glob("log.jsonl*")} == {"log.jsonl", "log.jsonl.1", "log.jsonl.2"}
    assert (home / "log.jsonl").read_bytes().splitlines()[-1] == entries(ledger)[-1][1]


def test_a_file_that_was_moved_away_is_noticed(home: Path, ledger: Ledger, begin: Begin) -> None:
    fill(ledger)
    shipping = begin(to="file", path="log.jsonl")
    drain(shipping)
    (home / "log.jsonl").rename(home / "taken")
    fill(ledger, 2)
    drain(shipping)
    both = (home / "taken").read_bytes() + (home / "log.jsonl").read_bytes()
    assert both.splitlines() == [body for _, body in entries(ledger)]


def test_a_torn_line_is_cut_and_its_batch_comes_again(
    home: Path, ledger: Ledger, control: ControlStore, begin: Begin
) -> None:
    fill(ledger)
    first = begin(to="file", path="log.jsonl")
    drain(first)
    first.close()
    path = home / "log.jsonl"
    whole = path.read_bytes()
    kept = len(whole.splitlines()) - 2
    path.write_bytes(b"".join(line + b"\n" for line in whole.splitlines()[:kept]) + b'{"torn')
    control.cursors.place("one", kept)
    drain(begin(to="file", path="log.jsonl"))
    assert path.read_bytes().splitlines() == [body for _, body in entries(ledger)]


@given(
    st.lists(st.binary(max_size=200_000 // 8).map(lambda data: data.replace(b"\n", b"")), max_size=4),
    st.binary(max_size=70_000),
)
@settings(max_examples=40, deadline=None)
def test_whatever_follows_the_last_whole_line_is_cut(lines: list[bytes], rest: bytes) -> None:
    rest = rest.replace(b"\n", b"")
    whole = b"".join(line + b"\n" for line in lines)
    handle = os.memfd_create("lines")
    try:
        os.write(handle, whole + rest)
        _cut_torn_line(handle)
        assert os.pread(handle, len(whole) + len(rest) + 1, 0) == whole
    finally:
        os.close(handle)


def test_a_file_that_cannot_be_written_holds_up_and_then_goes_on(
    home: Path, ledger: Ledger, control: ControlStore, begin: Begin
) -> None:
    fill(ledger)
    (home / "log.jsonl").mkdir()
    shipping = begin(to="file", path="log.jsonl")
    waits = [shipping.step() for _ in range(3)]
    assert waits[0] < waits[1] < waits[2]
    (cursor,) = control.cursors.all()
    assert (cursor.position, cursor.failures) == (0, 3)
    assert "cannot be written" in cursor.error
    (home / "log.jsonl").rmdir()
    drain(shipping)
    assert (home / "log.jsonl").read_bytes().splitlines() == [body for _, body in entries(ledger)]
    assert control.cursors.all()[0].failures == 0


def test_ocsf_events_go_into_a_file(home: Path, ledger: Ledger, begin: Begin) -> None:
    fill(ledger)
    drain(begin(to="file", path="events.jsonl", format="ocsf"))
    found = [json.loads(line) for line in (home / "events.jsonl").read_bytes().splitlines()]
    mine = [
        line
        for index, body in entries(ledger)
        if (line := ocsf.FORMAT.line(body, Place(ledger.home.read_vkey().name, index, leaf_hash(body).hex())))
    ]
    assert found == [json.loads(line) for line in mine]
    assert {one["class_uid"] for one in found} == {6003}


def test_a_stream_may_begin_now_and_take_some_kinds(home: Path, ledger: Ledger, begin: Begin) -> None:
    fill(ledger)
    shipping = begin(to="file", path="log.jsonl", start="now", kinds=["blocked"])
    drain(shipping)
    assert not (home / "log.jsonl").exists()
    fill(ledger, 2)
    drain(shipping)
    (line,) = (home / "log.jsonl").read_bytes().splitlines()
    assert json.loads(line)["kind"] == "blocked"


# --- the webhook -------------------------------------------------------------------------------------------------------


def verified(told: Told) -> list[dict[str, Any]]:
    """What a receiver does: check the signature by the specification, then read."""
    _, headers, body = told
    content = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    version, _, signature = headers["webhook-signature"].partition(",")
    assert version == "v1"
    assert base64.b64decode(signature) == hmac.new(KEY, content, hashlib.sha256).digest()
    assert abs(int(headers["webhook-timestamp"]) - time.time()) < 3600
    found: list[dict[str, Any]] = json.loads(body)["entries"]
    return found


def test_a_webhook_is_signed_and_takes_every_entry(ledger: Ledger, begin: Begin, receiver: Receiver) -> None:
    fill(ledger)
    drain(begin(to="webhook", url=f"http://127.0.0.1:{receiver.port}/hook", secret="env:HOOK", batch=4))
    found = [one for told in receiver.told for one in verified(told)]
    assert [one["index"] for one in found] == [index for index, _ in entries(ledger)]
    for one, (_, body) in zip(found, entries(ledger), strict=True):
        assert one["leaf"] == leaf_hash(body).hex()
        assert one["entry"] == json.loads(body)
    assert body in receiver.told[-1][2], "the entry's bytes are in it as they were signed"


def _hang_up(handler: BaseHTTPRequestHandler) -> None:
    handler.connection.close()


@pytest.mark.parametrize("trouble", [lambda _: 503, lambda _: 400, lambda _: 302, _hang_up])
def test_a_batch_that_was_not_taken_comes_again(
    ledger: Ledger, begin: Begin, receiver: Receiver, trouble: Callable[[BaseHTTPRequestHandler], int | None]
) -> None:
    fill(ledger)
    shipping = begin(to="webhook", url=f"http://127.0.0.1:{receiver.port}/hook", secret="env:HOOK", batch=4)
    receiver.answers = [lambda _: 200, trouble, trouble]
    drain(shipping)
    assert [path for path, _, _ in receiver.told] == ["/hook"]
    drain(shipping)
    drain(shipping)
    found = [one["index"] for told in receiver.told for one in verified(told)]
    assert found == [index for index, _ in entries(ledger)]


def test_a_receiver_may_say_when_to_come_again(ledger: Ledger, begin: Begin, receiver: Receiver) -> None:
    fill(ledger)
    receiver.answers = [lambda _: 429]
    assert begin(to="webhook", url=f"http://127.0.0.1:{receiver.port}", secret="env:HOOK").step() == 7.0


def test_a_slow_receiver_is_given_up_and_asked_again(
    ledger: Ledger, control: ControlStore, begin: Begin, receiver: Receiver
) -> None:
    fill(ledger)
    released = threading.Event()

    def slow(_: BaseHTTPRequestHandler) -> None:
        released.wait(60)

    receiver.answers = [slow]
    shipping = begin(to="webhook", url=f"http://127.0.0.1:{receiver.port}", secret="env:HOOK", timeout_s=1)
    shipping.step()
    assert "ReadTimeout" in control.cursors.all()[0].error
    released.set()
    # A second is all it has, also on a busy machine: what it took and could not say in time comes again.
    wanted = {index for index, _ in entries(ledger)}
    while {one["index"] for told in receiver.told for one in verified(told)} != wanted:
        drain(shipping)


def test_a_receiver_that_is_down_gets_everything_after_its_restart(ledger: Ledger, begin: Begin) -> None:
    fill(ledger)
    first = Receiver(free_port())
    shipping = begin(to="webhook", url=f"http://127.0.0.1:{first.port}", secret="env:HOOK", batch=4)
    shipping.step()
    first.stop()
    assert shipping.step() > 0.5
    fill(ledger, 2)
    second = Receiver(first.port)
    drain(shipping)
    second.stop()
    found = [one["index"] for told in [*first.told, *second.told] for one in verified(told)]
    assert found == [index for index, _ in entries(ledger)]


def test_a_receiver_that_was_never_there_is_waited_for_longer_than_a_lease(ledger: Ledger, begin: Begin) -> None:
    fill(ledger)
    port, now = free_port(), [0.0]
    shipping = begin(to="webhook", url=f"http://127.0.0.1:{port}", secret="env:HOOK", clock=lambda: now[0])
    for _ in range(3):
        assert shipping.step() > 0.5
        now[0] += LEASE_MS / 1000
    receiver = Receiver(port)
    drain(shipping)
    receiver.stop()
    found = [one["index"] for told in receiver.told for one in verified(told)]
    assert found == [index for index, _ in entries(ledger)]


def test_a_stream_that_begins_now_sends_what_came_while_its_receiver_was_away(ledger: Ledger, begin: Begin) -> None:
    fill(ledger)
    port = free_port()
    where = {"to": "webhook", "url": f"http://127.0.0.1:{port}", "secret": "env:HOOK", "start": "now"}
    before = len(entries(ledger))
    first = begin(**where)
    assert first.step() > 0.5
    first.close()
    fill(ledger, 2)
    receiver = Receiver(port)
    drain(begin(**where))
    receiver.stop()
    found = [one["index"] for told in receiver.told for one in verified(told)]
    assert found == [index for index, _ in entries(ledger) if index >= before]


# --- OpenTelemetry -----------------------------------------------------------------------------------------------------


def payload(told: Told) -> bytes:
    return gzip.decompress(told[2]) if told[1].get("content-encoding") == "gzip" else told[2]


def plain(attributes: Any) -> dict[str, Any]:
    return {one.key: getattr(one.value, one.value.WhichOneof("value")) for one in attributes}


def records(receiver: Receiver) -> list[Any]:
    found = []
    for told in receiver.told:
        if told[0] == "/v1/logs":
            request = ExportLogsServiceRequest.FromString(payload(told))
            found += [one for part in request.resource_logs for scope in part.scope_logs for one in scope.log_records]
    return found


def taken(receiver: Receiver) -> set[int]:
    """Indices of the entries that it has got."""
    return {plain(one.attributes)["dragoman.audit.index"] for one in records(receiver)}


def test_a_collector_takes_a_log_record_for_each_entry_with_genai_names(
    ledger: Ledger, begin: Begin, receiver: Receiver
) -> None:
    fill(ledger)
    drain(begin(to="otlp", endpoint=f"http://127.0.0.1:{receiver.port}", batch=5))
    found = [
        (one.event_name, one.severity_text, one.time_unix_nano, plain(one.attributes)) for one in records(receiver)
    ]
    mine = entries(ledger)
    assert [one[3]["dragoman.audit.index"] for one in found] == [index for index, _ in mine]
    assert [one[3]["dragoman.audit.leaf"] for one in found] == [leaf_hash(body).hex() for _, body in mine]
    by_kind: dict[str, Any] = {one[0]: one for one in found}
    facts = json.loads(next(body for _, body in reversed(mine) if json.loads(body)["kind"] == "transfer"))
    _, severity, at, sent = by_kind["dragoman.audit.transfer"]
    assert (severity, at) == ("INFO", facts["at"] * 1_000_000)
    assert {key: value for key, value in sent.items() if key.startswith(("gen_ai", "server"))} == {
        "gen_ai.operation.name": "chat", "gen_ai.provider.name": "openai", "gen_ai.request.model": "gpt-5",
        "server.address": "api.openai.com", "server.port": 443,
    }  # fmt: skip
    assert sent["dragoman.entity.person.tokenize"] == 3
    ended = [one[3] for one in found if one[0] == "dragoman.audit.outcome"]
    assert {one["gen_ai.usage.input_tokens"] for one in ended} == {100}
    assert {one["gen_ai.request.model"] for one in ended} == {"gpt-5"}
    assert {one.get("error.type") for one in ended} == {None, "cut"}
    assert by_kind["dragoman.audit.blocked"][1] == "WARN"
    assert not [key for one in found for key in one[3] if "messages" in key or "instructions" in key]


def test_a_collector_takes_the_two_metrics_of_genai_clients(ledger: Ledger, begin: Begin, receiver: Receiver) -> None:
    fill(ledger)
    drain(begin(to="otlp", endpoint=f"http://127.0.0.1:{receiver.port}", signals="metrics"))
    (told,) = [told for told in receiver.told if told[0] == "/v1/metrics"]
    assert not [told for told in receiver.told if told[0] == "/v1/logs"]
    request = ExportMetricsServiceRequest.FromString(payload(told))
    found = {
        one.name: one for part in request.resource_metrics for scope in part.scope_metrics for one in scope.metrics
    }
    duration = found["gen_ai.client.operation.duration"]
    assert duration.unit == "s"
    assert sum(point.count for point in duration.histogram.data_points) == 3
    assert {round(point.sum / point.count, 3) for point in duration.histogram.data_points} == {1.5}
    tokens = {
        plain(point.attributes)["gen_ai.token.type"]: (point.count, point.sum)
        for point in found["gen_ai.client.token.usage"].histogram.data_points
    }
    assert tokens == {"input": (3, 300), "output": (3, 60)}
    assert duration.histogram.aggregation_temporality == 1, "delta"


def test_a_collector_that_is_away_gets_everything_later(
    ledger: Ledger, control: ControlStore, begin: Begin, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AUTH", "Bearer of-the-collector")
    fill(ledger)
    first = Receiver(free_port())
    options = {
        "endpoint": f"http://127.0.0.1:{first.port}",
        "signals": "logs",
        "authorization": "env:AUTH",
        "timeout_s": 1,
    }
    shipping = begin(to="otlp", batch=4, **options)
    shipping.step()
    first.stop()
    shipping.step()
    assert control.cursors.all()[0].error == "the collector did not take the logs"
    second = Receiver(first.port)
    second.answers = [lambda _: 401]
    shipping.step()
    wanted = {index for index, _ in entries(ledger)}
    while not wanted <= taken(first) | taken(second):
        drain(shipping)
    second.stop()
    assert {told[1]["authorization"] for told in [*first.told, *second.told]} == {"Bearer of-the-collector"}
    assert taken(first) | taken(second) == wanted, "what a collector took and could not say in time comes again"


# --- cursors and settings ----------------------------------------------------------------------------------------------


def test_of_two_machines_one_sends_and_the_other_takes_over(home: Path, ledger: Ledger, begin: Begin) -> None:
    fill(ledger)
    one, other = begin(to="file", path="log.jsonl"), begin(to="file", path="log.jsonl")
    one.step()
    other.step()
    assert (home / "log.jsonl").read_bytes().count(b'"kind":"blocked"') == 1
    one.close()
    fill(ledger, 2)
    drain(other)
    assert (home / "log.jsonl").read_bytes().splitlines() == [body for _, body in entries(ledger)]


def test_whoever_lost_the_lease_moves_no_cursor(control: ControlStore) -> None:
    cursors = control.cursors
    assert cursors.claim("s", "a", 60_000) is not None
    assert cursors.claim("s", "b", 60_000) is None
    cursors.release("s", "a")
    assert cursors.claim("s", "b", 60_000) is not None
    assert not cursors.moved("s", "a", 99, sent=True)
    assert cursors.moved("s", "b", 5, sent=True)
    assert cursors.all()[0].position == 5


def test_a_stream_can_be_set_back(home: Path, ledger: Ledger, control: ControlStore, begin: Begin) -> None:
    fill(ledger)
    shipping = begin(to="file", path="log.jsonl")
    drain(shipping)
    n = len(entries(ledger))
    assert control.cursors.place("one", n - 2)
    fill(ledger, 2)
    shipping.step()  # finds that the cursor is no longer its own
    drain(shipping)
    lines = (home / "log.jsonl").read_bytes().splitlines()
    assert set(lines) == {body for _, body in entries(ledger)}
    assert not control.cursors.place("nothing", 0)


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ({"to": "kafka"}, "one of file, otlp, webhook"),
        ({"to": "file"}, "streams.s.path is missing"),
        ({"to": "file", "path": 7}, "a text"),
        ({"to": "file", "path": "x", "keap": 7}, "did you mean keep?"),
        ({"to": "file", "path": "x", "keep": 0}, "from 1 to"),
        ({"to": "file", "path": "x", "format": "cef"}, "one of jsonl, ocsf"),
        ({"to": "file", "path": "x", "kinds": ["gossip"]}, "kinds is a list"),
        ({"to": "file", "path": "x", "batch": 0}, "batch"),
        ({"to": "file", "path": "x", "start": "yesterday"}, "start"),
        ({"to": "webhook", "url": "https://x.example", "secret": "whsec_itself"}, "there is no such file"),
    ],
)
def test_a_stream_that_cannot_be_one_is_refused_by_name(table: dict[str, Any], said: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=said) as raised:
        read_streams({"s": table}, tmp_path)
    assert "whsec_itself" not in str(raised.value)


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ({"to": "webhook", "url": "http://siem.example/x", "secret": "env:HOOK"}, "this machine only"),
        ({"to": "webhook", "url": "https://user:pw@siem.example", "secret": "env:HOOK"}, "without user or password"),
        ({"to": "webhook", "url": "https://siem.example", "secret": "env:SHORT"}, "at least 24 bytes"),
        ({"to": "webhook", "url": "https://siem.example", "secret": "env:NONE"}, "not set"),
        ({"to": "otlp", "endpoint": "http://127.0.0.1:1", "signals": "traces"}, "signals"),
    ],
)
def test_an_exporter_that_cannot_work_says_so_at_the_start(
    table: dict[str, Any], said: str, begin: Begin, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SHORT", "too-short")
    with pytest.raises(ConfigError, match=said) as raised:
        begin(**table)
    assert "too-short" not in str(raised.value)
    assert "pw" not in str(raised.value)


def test_settings_travel_to_the_process_as_references(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text(
        '[streams.siem]\nto = "webhook"\nurl = "https://siem.example"\nsecret = "hook.key"\nkinds = ["transfer"]\n'
    )
    (tmp_path / "hook.key").write_text(SECRET)
    found = OutboundSettings.of(load(home=tmp_path))
    line = found.line()
    assert SECRET.encode() not in line
    assert OutboundSettings.from_line(line) == found
    assert found.streams[0].options["secret"] == str(tmp_path / "hook.key")
    assert replace(found, streams=()).streams == ()
