"""What an operator sees: traces at a collector, lines of a log, warnings before something ends."""

import asyncio
import io
import json
import logging
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from proxy.errors import ConfigError
from proxy.running import expiry, logs
from tests.ports import free_port

MAIL = "anna.schmidt@example.com"


@asynccontextmanager
async def collector() -> AsyncIterator[tuple[str, list[bytes]]]:
    """Takes OTLP over HTTP: its URL, and the bodies that it got."""
    got: list[bytes] = []

    async def take(request: web.BaseRequest) -> web.Response:
        assert request.path == "/v1/traces"
        got.append(await request.read())
        return web.Response()

    runner = web.ServerRunner(web.Server(take))
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield "http://{}:{}/v1/traces".format(*runner.addresses[0][:2]), got
    finally:
        await runner.cleanup()


async def test_each_transfer_is_a_span_with_its_stages_beneath_and_nobody_in_it(stand: Any, chat: Any) -> None:
    async with collector() as (url, got), stand(settings={"traces": url}) as it, it.client("openai") as client:
        headers = {"dragoman-session": "s-1", "dragoman-subject": MAIL}
        sent = await client.post("/v1/chat/completions", json=chat(MAIL, stream=True), headers=headers)
        refused = await client.post("/v1/chat/completions", content=b"{", headers={"content-type": "application/json"})
        await it.settled()
        entry, outcome = it.records("transfer")[0], it.records("outcome")[0]
        # the door is closed, so what waited was sent
    read = [ExportTraceServiceRequest.FromString(body) for body in got]
    scopes = [scope for one in read for resource in one.resource_spans for scope in resource.scope_spans]
    spans = [span for scope in scopes for span in scope.spans]
    roots = [span for span in spans if not span.parent_span_id]
    facts = {
        item.value.string_value: {one.key: one.value for one in span.attributes}
        for span in roots
        for item in span.attributes
        if item.key == "dragoman.transfer"
    }
    assert set(facts) == {sent.headers["dragoman-transfer"], refused.headers["dragoman-transfer"]}
    found = facts[entry["id"]]
    assert found["gen_ai.provider.name"].string_value == "openai"
    assert found["dragoman.state"].string_value == "complete"
    (root,) = [
        span for span in roots if span.name == "transfer openai" and span.end_time_unix_nano == outcome["at"] * 10**6
    ]
    beneath = [span for span in spans if span.parent_span_id == root.span_id]
    assert [span.name for span in beneath][: len(entry["stages"])] == [stage["stage"] for stage in entry["stages"]]
    assert {span.trace_id for span in beneath} == {root.trace_id}
    assert all(root.start_time_unix_nano <= span.start_time_unix_nano for span in beneath)
    wire = b"".join(got)
    references = [one["ref"] for one in entry.get("subjects", ())] + [entry.get("session", MAIL)]
    assert not any(text.encode() in wire for text in (MAIL, "s-1", *references))


async def test_a_collector_that_is_away_costs_nothing_but_its_spans(stand: Any, chat: Any) -> None:
    async with (
        stand(settings={"traces": f"http://127.0.0.1:{free_port()}/v1/traces"}) as it,
        it.client("openai") as client,
    ):
        assert (await client.post("/v1/chat/completions", json=chat(MAIL))).status_code == 200
        await it.settled()
        assert [entry["state"] for entry in it.records("outcome")] == ["complete"]


@pytest.fixture
def logged() -> Any:
    """Everything that is logged, in a form, while a function runs."""
    root = logging.getLogger()
    handlers, level, ours = root.handlers[:], root.level, logging.getLogger(logs.OURS).level

    def during(form: str, work: Any) -> str:
        stream = io.StringIO()
        try:
            logs.install(form, stream)
            work()
        finally:
            root.handlers[:] = handlers
            root.setLevel(level)
            logging.getLogger(logs.OURS).setLevel(ours)
        return stream.getvalue()

    return during


def fail() -> None:
    """One line of ours, one of a library's, each with an error whose text quotes a person."""
    try:
        raise ValueError(f"cannot read {MAIL}")
    except ValueError:
        logging.getLogger("dragoman.gateway").exception("a transfer failed")
        logging.getLogger("aiohttp.server").exception("Error handling request from %s", MAIL)
    logging.getLogger("dragoman").info("two\nlines")


def test_the_log_is_one_object_a_line_and_quotes_nobody(logged: Any) -> None:
    text = logged("json", fail)
    own, library, last = [json.loads(line) for line in text.splitlines()]
    assert (own["level"], own["logger"], own["message"]) == ("error", "dragoman.gateway", "a transfer failed")
    assert own["error"].startswith("ValueError at test_operating.py:")
    assert library["message"].startswith("a library reported error at test_operating:")
    assert last["message"] == "two\nlines"
    assert MAIL not in text


def test_as_text_it_quotes_nobody_either_and_a_record_is_one_line(logged: Any) -> None:
    text = logged("text", fail)
    assert MAIL not in text
    assert [line.partition(":")[0] for line in text.splitlines()] == ["error", "error", "info"]


def test_another_form_is_refused() -> None:
    with pytest.raises(ConfigError, match="text or json"):
        logs.install("xml")


async def test_what_ends_soon_is_in_metrics_log_and_doctor(stand: Any, logged: Any, tmp_path: Path) -> None:
    from proxy.commands.doctor import examine
    from proxy.control.tokens import Role

    async with stand(door="network") as it:
        it.app.control.add_credential("messenger")
        it.app.control.add_credential("messenger", overlap_s=600)
        _, token = it.app.control.tokens.create(Role.AUDITOR, "Anna Schmidt", (), 3)
        from proxy.running.operating import ending, watch_expiry

        now = time.time()
        found = {one.what: one for one in ending(it.app.settings, it.app.control, now)}
        assert set(found) == {"authority", "credential messenger", f"token {token.id}"}
        assert [found["authority"].ends_soon(now), found["credential messenger"].ends_soon(now)] == [False, True]
        assert found["authority"].ends_soon(now + found["authority"].days_left(now) * 86_400 - 29 * 86_400)
        looking = asyncio.create_task(watch_expiry(it.app.settings, it.app.control, it.app.metrics))
        while b'what="authority"' not in it.app.metrics.render():
            await asyncio.sleep(0)
        looking.cancel()
        said = logged("json", lambda: expiry.warn(list(found.values()), now))
        assert {json.loads(line)["message"].partition(" ends")[0] for line in said.splitlines()} == {
            "credential messenger",
            f"token {token.id}",
        }
        settings = replace(it.app.settings, listen="127.0.0.1:1", admin="127.0.0.1:1", modes=("regular@127.0.0.1:1",), console="off")  # fmt: skip
        mend = {check.name for check in examine(settings) if not check.ok}
    assert {"credential messenger", f"token {token.id}"} <= mend
    assert "Anna" not in said
