"""WebSocket sessions through both doors: nothing leaves unseen, everything comes back, and every failure ends them."""

import asyncio
import base64
import contextlib
import itertools
import ssl
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import orjson
import pytest

from proxy.fakes.hold import Hold
from proxy.fakes.leaks import assert_no_leak
from proxy.fakes.sessions import HEARD
from redaction.finding import Finding, SegmentFindings
from redaction.pool import DetectionResult
from redaction.segment import Segment

MAIL, IBAN = "anna.schmidt@example.com", "DE89 3704 0044 0532 0130 00"
TEXT = f'Grüße an {MAIL} 👋, IBAN {IBAN}\n\t"x" \\ ắ.'
PLANTED = [MAIL, IBAN, "anna.schmidt"]
REALTIME = "/v1/realtime?model=fake-echo"
LIVE = "/ws/google.ai.generativelanguage.v1beta.GenerativeService.BidiGenerateContent"
SOUND = base64.b64encode(bytes(range(256)) * 4).decode()
POLICY = """\
version: 1
name: sessions
unknown_applications: allow
destinations:
  openai: {extends: bundled:openai@2026-11-23}
  gemini: {extends: bundled:gemini@2026-11-23}
rules:
  - {id: secret, when: {entity: IBAN_CODE}, do: block}
  - {id: all, when: {entity: any}, do: tokenize}
  - {id: rest, when: {entity: none}, do: allow}
media: {image: refuse, document: refuse, audio: pass, video: refuse, sensor: refuse, other: refuse}
"""


@pytest.fixture
def policy(tmp_path: Path) -> Path:
    path = tmp_path / "policy.yaml"
    path.write_text(POLICY, encoding="utf-8")
    return path


@asynccontextmanager
async def session(it: Any, api: str = "openai", target: str = REALTIME, **options: Any) -> AsyncIterator[Any]:
    """An open WebSocket to a destination through the stand's door."""
    trust = ssl.create_default_context(cafile=it.ca) if it.ca else True
    async with aiohttp.ClientSession(proxy=it.proxy) as client:
        options = {"headers": {"authorization": "Bearer sk-app"}, "max_msg_size": 0, **options}
        async with client.ws_connect(it.base(api) + target, ssl=trust, **options) as socket:
            yield socket


async def until(socket: Any, kind: str) -> list[dict[str, Any]]:
    """Events of the provider up to one of that type."""
    events = []
    async with asyncio.timeout(60):
        while not events or events[-1]["type"] != kind:
            events.append(orjson.loads((await socket.receive()).data))
    return events


def item(text: str, **more: Any) -> dict[str, Any]:
    content = [{"type": "input_text", "text": text}]
    return {"type": "conversation.item.create", "item": {"type": "message", "role": "user", "content": content}, **more}


async def asked(socket: Any, text: str) -> list[dict[str, Any]]:
    """An echo of a text, with all its events."""
    await until(socket, "session.created")
    await socket.send_json(item(text))
    await until(socket, "conversation.item.added")
    await socket.send_json({"type": "response.create"})
    return await until(socket, "response.done")


def deltas(events: list[dict[str, Any]], kind: str = "response.output_text.delta") -> str:
    return "".join(event["delta"] for event in events if event["type"] == kind)


def texts_in(events: list[dict[str, Any]]) -> list[str]:
    """The whole answer in each of the events that repeat it."""
    found = [event["text"] for event in events if event["type"] == "response.output_text.done"]
    found += [event["part"]["text"] for event in events if event["type"] == "response.content_part.done"]
    return [*found, events[-1]["response"]["output"][0]["content"][0]["text"]]


@pytest.mark.parametrize("chunk", [1, 7, 0])
async def test_text_leaves_replaced_and_comes_back_in_every_event_that_holds_it(each_door: Any, chunk: int) -> None:
    async with each_door(openai={"chunk": chunk}) as it:
        async with session(it) as socket:
            events = await asked(socket, TEXT)
        await it.settled()
        assert_no_leak(it.received(), PLANTED)
        transfers, outcomes = it.records("transfer"), it.records("outcome")
    assert deltas(events) == TEXT
    assert texts_in(events) == [TEXT] * 3
    assert [one["id"] for one in transfers] == [transfers[0]["id"], transfers[1]["id"]]
    assert {one["id"]: one["state"] for one in outcomes} == {one["id"]: "complete" for one in transfers}
    assert {row["entity_type"] for row in transfers[1]["findings"]} == {"EMAIL_ADDRESS", "IBAN_CODE"}
    last = next(one for one in outcomes if one["id"] == transfers[0]["id"])
    assert (last["inspected"], last["tokens_in"], last["tokens_out"]) == ("afterwards", 10, 5)


async def test_arguments_of_a_call_are_json_again_and_tools_are_inspected(each_door: Any) -> None:
    tool = {"type": "function", "name": "send_mail", "description": f"as {MAIL} does"}
    async with each_door(openai={"chunk": 3}) as it, session(it) as socket:
        await socket.send_json({"type": "session.update", "session": {"type": "realtime", "tools": [tool]}})
        await until(socket, "session.updated")
        await socket.send_json(item(TEXT))
        await socket.send_json({"type": "response.create"})
        events = await until(socket, "response.done")
        assert_no_leak(it.received(), PLANTED)
    arguments = deltas(events, "response.function_call_arguments.delta")
    assert orjson.loads(arguments) == {"text": TEXT}
    assert orjson.loads(events[-1]["response"]["output"][0]["arguments"]) == {"text": TEXT}


async def test_each_session_has_placeholders_of_its_own_and_keeps_them(stand: Any) -> None:
    async with stand(openai={}) as it:
        async with session(it) as one, session(it) as other:
            await asked(one, MAIL)
            await asked(other, MAIL)
            await one.send_json(item(f"again {MAIL}"))
            await until(one, "conversation.item.added")
        bodies = [call.json() for call in it.received() if call.method == "MESSAGE"]
    first, second, again = [body["item"]["content"][0]["text"] for body in bodies if "item" in body]
    assert first != second
    assert again == f"again {first}"


async def test_what_was_said_in_sound_is_inspected_as_an_answer(each_door: Any, policy: Path) -> None:
    async with each_door(settings={"policy": policy}, openai={"chunk": 5}) as it:
        async with session(it) as socket:
            await socket.send_json({"type": "input_audio_buffer.append", "audio": SOUND})
            await socket.send_json({"type": "input_audio_buffer.commit"})
            kind = "conversation.item.input_audio_transcription"
            events = await until(socket, f"{kind}.completed")
        await it.settled()
        opened = it.records("transfer")[0]["id"]
        (outcome,) = [one for one in it.records("outcome") if one["id"] == opened]
    assert deltas(events, f"{kind}.delta") == events[-1]["transcript"] == HEARD
    assert [row["entity_type"] for row in outcome["findings"]] == ["PHONE_NUMBER"]


async def test_sound_passes_by_the_policys_words_under_one_record_before_its_first_frame(
    each_door: Any, policy: Path
) -> None:
    async with each_door(settings={"policy": policy}) as it:
        async with session(it) as socket:
            for _ in range(20):
                await socket.send_json({"type": "input_audio_buffer.append", "audio": SOUND})
            await socket.send_json({"type": "input_audio_buffer.commit"})
            await until(socket, "input_audio_buffer.committed")
            sent = [call.body for call in it.received() if b"append" in call.body]
        await it.settled()
        leases = [one for one in it.records("transfer") if one.get("uninspected")]
        outcomes = {one["id"]: one for one in it.records("outcome")}
    assert len(sent) == 20
    assert 1 <= len(leases) < 20
    assert {one["uninspected"][0]["reason"] for one in leases} == {"policy_pass"}
    assert all(one["media"][0]["media_type"] == "audio/pcm" for one in leases)
    assert sum(outcomes[one["id"]]["bytes_sent"] for one in leases) == sum(map(len, sent))


async def test_sound_that_nobody_can_inspect_is_refused_and_the_session_goes_on(each_door: Any) -> None:
    async with each_door(openai={}) as it:
        async with session(it) as socket:
            await until(socket, "session.created")
            for number in range(3):
                frame = {"type": "input_audio_buffer.append", "audio": SOUND, "event_id": f"mine_{number}"}
                await socket.send_json(frame)
                (error,) = await until(socket, "error")
                assert error["error"]["code"] == "media_refused"
                assert error["error"]["event_id"] == f"mine_{number}"
            await socket.send_json(item("hello"))
            await until(socket, "conversation.item.added")
        await it.settled()
        assert not any(b"audio" in call.body for call in it.received())
        assert [one["reason"] for one in it.records("blocked")] == ["media_refused"]


async def test_a_blocked_message_gets_the_providers_own_error_and_the_next_one_passes(
    each_door: Any, policy: Path
) -> None:
    async with each_door(settings={"policy": policy}) as it:
        async with session(it) as socket:
            await until(socket, "session.created")
            await socket.send_json(item(IBAN, event_id="event_1"))
            (event,) = await until(socket, "error")
            assert event["error"] | {"message": ""} == {
                "type": "permission_error", "code": "policy_rule", "param": None, "message": "", "event_id": "event_1",
            }  # fmt: skip
            await socket.send_json(item(MAIL))
            await until(socket, "conversation.item.added")
            assert_no_leak(it.received(), [IBAN, MAIL])
        await it.settled()
        assert [one["reason"] for one in it.records("blocked")] == ["policy_rule"]


async def test_what_is_no_json_is_not_sent(each_door: Any) -> None:
    async with each_door(openai={}) as it, session(it) as socket:
        await until(socket, "session.created")
        await socket.send_str(f"hello {MAIL}")
        (event,) = await until(socket, "error")
        assert event["error"]["code"] == "invalid_json"
        await socket.send_bytes(b"\xff\xfe\xfd")
        (event,) = await until(socket, "error")
        assert event["error"]["code"] in {"invalid_encoding", "invalid_json"}
        assert [call.method for call in it.received()] == ["GET"]


async def test_a_stop_ends_an_open_session(each_door: Any) -> None:
    async with each_door(openai={}) as it:
        async with session(it) as socket:
            await until(socket, "session.created")
            it.app.control.set_stop("destination", "openai", stopped=True)
            await it.app.refresh()
            (event,) = await until(socket, "error")
            assert event["error"]["code"] == "destination_stopped"
            assert (await socket.receive()).data == 1008
        await it.settled()
        (outcome,) = it.records("outcome")
    assert (outcome["state"], outcome["error"]) == ("cut", "destination_stopped")


async def test_a_step_that_raises_ends_the_session_and_nothing_passes(
    each_door: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async with each_door(openai={}) as it:

        async def broken(*_: Any) -> Any:
            raise RuntimeError(TEXT)

        async with session(it) as socket:
            await until(socket, "session.created")
            monkeypatch.setattr(it.app.gate, "admit_message", broken)
            await socket.send_json(item(MAIL))
            assert (await socket.receive()).data == 1011
        await it.settled()
        assert [call.method for call in it.received()] == ["GET"]
        (outcome,) = it.records("outcome")
    assert outcome["state"] == "cut"
    assert "RuntimeError at test_sessions.py" in caplog.text
    assert TEXT not in caplog.text


@pytest.mark.parametrize("step", ["read_message", "decide", "outgoing_message"])
async def test_a_defect_in_any_step_is_a_refusal_that_ends_the_session(
    each_door: Any, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    async with each_door(openai={}) as it:

        def broken(*_: Any) -> Any:
            raise RuntimeError(TEXT)

        async with session(it) as socket:
            await until(socket, "session.created")
            monkeypatch.setattr(f"proxy.steps.turns.{step}", broken)
            await socket.send_json(item(MAIL))
            (event,) = await until(socket, "error")
            assert event["error"]["code"] == "internal"
            assert (await socket.receive()).data == 1008
            assert MAIL not in str(event)
        await it.settled()
        assert [call.method for call in it.received()] == ["GET"]


async def test_a_log_that_takes_nothing_lets_nothing_pass(each_door: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    async with each_door(openai={}) as it, session(it) as socket:
        await until(socket, "session.created")

        def full(*_: Any) -> Any:
            raise OSError("no space left")

        monkeypatch.setattr(it.app.ledger, "append", full)
        await socket.send_json(item(MAIL))
        (event,) = await until(socket, "error")
        assert event["error"]["type"] == "api_error"
        assert [call.method for call in it.received()] == ["GET"]


async def test_a_path_that_no_format_knows_is_no_way_around(each_door: Any) -> None:
    async with each_door(openai={}) as it:
        with pytest.raises(aiohttp.WSServerHandshakeError) as raised:
            async with session(it, target="/v1/something/else"):
                pass
        assert raised.value.status == 501
        assert it.received() == []
        assert [one["reason"] for one in it.records("blocked")] == ["websocket_unsupported"]


async def test_a_provider_that_refuses_the_session_is_heard(each_door: Any) -> None:
    async with each_door(openai={}) as it:
        with pytest.raises(aiohttp.WSServerHandshakeError) as raised:
            async with session(it, target="/v1/realtime?model=fake-error-429"):
                pass
        await it.settled()
        (outcome,) = it.records("outcome")
    assert raised.value.status == 404
    assert outcome["state"] == ("complete" if it.door == "network" else "upstream_error")


# --- the protocol itself ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("compress", [0, 15])
async def test_messages_of_a_megabyte_both_ways_compressed_and_not(each_door: Any, policy: Path, compress: int) -> None:
    words, sound = "word " * 220_000, base64.b64encode(bytes(range(256)) * 4096).decode()
    fake = {"chunk": 0, "opening": words}
    quick = Quick()
    async with each_door(settings={"policy": policy}, detection=quick, openai=fake) as it:
        async with session(it, compress=compress) as socket:
            assert bool(socket.compress) is bool(compress)
            await socket.send_json({"type": "input_audio_buffer.append", "audio": sound})
            events = await asked(socket, MAIL)
        assert_no_leak([call for call in it.received() if b"append" not in call.body], [MAIL])
        (heard,) = [call.json()["audio"] for call in it.received() if b"append" in call.body]
    assert deltas(events) == words + MAIL
    assert heard == sound


class Quick:
    """Finds one address and nothing else: what is asked here is how bytes travel, not how fast rules read them."""

    version = "quick"

    async def start(self) -> None: ...

    async def close(self) -> None: ...

    async def detect(
        self, segments: Sequence[Segment], *, deadline_s: float = 10.0, owner: bytes = b""
    ) -> DetectionResult:
        return DetectionResult(tuple(self._one(segment.text) for segment in segments), self.version, 0, 0)

    @staticmethod
    def _one(text: str) -> SegmentFindings:
        at = text.find(MAIL)
        found = (Finding(at, at + len(MAIL), "EMAIL_ADDRESS", 1.0, "quick"),) if at >= 0 else ()
        return SegmentFindings(found, "en")


async def test_fragments_are_one_message(each_door: Any) -> None:
    async with each_door(openai={}) as it, session(it) as socket:
        await until(socket, "session.created")
        data = orjson.dumps(item(TEXT))
        cuts = [0, 1, 2, data.index("ü".encode()) + 1, data.index(b"anna") + 2, len(data)]
        for number, (start, end) in enumerate(itertools.pairwise(cuts)):
            opcode = 1 if number == 0 else 0
            _frame(socket, opcode, data[start:end], last=end == len(data))
        (event,) = await until(socket, "conversation.item.added")
        assert event["item"]["content"][0]["text"] == TEXT
        assert_no_leak(it.received(), PLANTED)


def _frame(socket: Any, opcode: int, payload: bytes, *, last: bool) -> None:
    """A frame of RFC 6455 section 5.2, masked with zeros."""
    size = bytes([0x80 | len(payload)]) if len(payload) < 126 else b"\xfe" + len(payload).to_bytes(2, "big")
    socket._writer.transport.write(bytes([(0x80 if last else 0) | opcode]) + size + b"\0\0\0\0" + payload)


async def test_the_gateways_consent_to_a_session_does_not_say_what_it_is_made_of(stand: Any) -> None:
    async with stand(openai={}) as it, session(it) as socket:
        assert socket._response.headers["server"] == "dragoman"


async def test_a_ping_is_answered_here_and_what_it_carries_goes_no_further(each_door: Any) -> None:
    async with each_door(openai={}) as it, session(it, autoping=False) as socket:
        await until(socket, "session.created")
        await socket.ping(MAIL.encode())
        pong = await socket.receive()
        assert (pong.type, bytes(pong.data)) == (aiohttp.WSMsgType.PONG, MAIL.encode())
        await socket.send_json(item("hello"))
        await until(socket, "conversation.item.added")
        assert_no_leak(it.received(), [MAIL])


@pytest.mark.parametrize(("code", "there"), [(1000, 1000), (4321, 4321)])
async def test_the_clients_close_code_reaches_the_provider_without_its_words(
    each_door: Any, code: int, there: int
) -> None:
    async with each_door(openai={}) as it:
        async with session(it) as socket:
            await until(socket, "session.created")
            await socket.close(code=code, message=MAIL.encode())
        await it.settled()
        await _eventually(lambda: it.fakes["openai"].close_codes)
        (outcome,) = it.records("outcome")
        assert it.fakes["openai"].close_codes == [there]
    assert outcome["state"] == "complete"


async def test_the_providers_close_code_and_words_reach_the_client_restored(each_door: Any) -> None:
    async with each_door(openai={}) as it:
        async with session(it) as socket:
            await asked(socket, MAIL)
            placeholder = it.received()[1].json()["item"]["content"][0]["text"]
            closing = asyncio.ensure_future(
                it.fakes["openai"].sockets[0].close(code=4000, message=placeholder.encode())
            )
            end = await socket.receive()
            assert (end.data, end.extra) == (4000, MAIL)
            await closing
        await it.settled()
        assert {one["state"] for one in it.records("outcome")} == {"complete"}


@pytest.mark.parametrize("side", ["client", "provider"])
async def test_a_side_that_is_gone_without_a_word_ends_the_session_for_the_other(each_door: Any, side: str) -> None:
    async with each_door(openai={}) as it:
        async with session(it) as socket:
            await asked(socket, MAIL)
            if side == "client":
                socket._writer.transport.abort()
            else:
                it.fakes["openai"].sockets[0]._writer.transport.abort()
                assert (await socket.receive()).data == 1001
        await it.settled()
        opened = it.records("transfer")[0]["id"]
        (outcome,) = [one for one in it.records("outcome") if one["id"] == opened]
    assert outcome["state"] == ("client_gone" if side == "client" else "upstream_error")


async def test_a_client_that_closes_its_half_has_ended_the_session(each_door: Any) -> None:
    async with each_door(openai={}) as it:
        if it.door == "network":
            pytest.skip("TLS has no half-closed side that asyncio could make")
        async with session(it) as socket:
            await until(socket, "session.created")
            socket._writer.transport.write_eof()
            await _eventually(lambda: it.fakes["openai"].close_codes)
        await it.settled()
        (outcome,) = it.records("outcome")
    assert outcome["state"] == "client_gone"


async def test_a_message_that_is_too_large_ends_the_session_and_is_not_sent(
    each_door: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with each_door(openai={}) as it:
        limits = it.app.gate._limits
        monkeypatch.setattr(it.app.gate, "_limits", _with(limits, message_bytes=10_000))
        async with session(it) as socket:
            await until(socket, "session.created")
            await socket.send_json(item("x" * 20_000))
            told = [await socket.receive()]
            while told[-1].type is aiohttp.WSMsgType.TEXT:
                told.append(await socket.receive())
            assert told[-1].data == 1009
        await it.settled()
        (outcome,) = it.records("outcome")
        assert [call.method for call in it.received()] == ["GET"]
    assert (outcome["state"], outcome["error"]) == ("cut", "message_too_large")


async def test_more_messages_than_may_be_sent_end_the_session(each_door: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    async with each_door(openai={}) as it:
        limits = it.app.gate._limits
        monkeypatch.setattr(it.app.gate, "_limits", _with(limits, burst=3, per_second=0.0))
        async with session(it) as socket:
            await until(socket, "session.created")
            for _ in range(4):
                await socket.send_json({"type": "input_audio_buffer.clear"})
            (event,) = await until(socket, "error")
            assert event["error"]["code"] == "rate_exceeded"
            assert (await socket.receive()).data == 1008
        assert sum(call.method == "MESSAGE" for call in it.received()) == 3


def _with(limits: Any, **changes: Any) -> Any:
    from dataclasses import replace

    return replace(limits, session=replace(limits.session, **changes))


async def test_a_slow_reader_holds_the_provider_up_and_gets_everything(each_door: Any) -> None:
    # Far more than all buffers on the way hold; whoever writes to them has to wait until the client reads.
    words, times = "word " * 200_000, 8
    fake = {"chunk": 50_000, "opening": words}
    async with each_door(detection=Quick(), openai=fake) as it, session(it) as socket:
        await until(socket, "session.created")
        await socket.send_json(item(MAIL))
        for _ in range(times):
            await socket.send_json({"type": "response.create"})
        begun = await _still(lambda: len(it.received()))
        answers = [await until(socket, "response.done") for _ in range(times)]
    assert begun < times, "the provider was not held up"
    assert all(deltas(events) == words + MAIL for events in answers)


async def _still(count: Any) -> int:
    """A number once it has not changed for a while."""
    seen, same = count(), 0
    while same < 30:
        await asyncio.sleep(0.02)
        now = count()
        seen, same = now, same + 1 if now == seen else 0
    return int(seen)


async def test_a_delta_is_there_before_the_provider_says_the_next(each_door: Any) -> None:
    hold = Hold()
    async with each_door(openai={"chunk": 5, "hold": hold}) as it, session(it) as socket:
        hold.release(1)
        await until(socket, "session.created")
        await socket.send_json(item("hello world"))
        hold.release(1)
        await until(socket, "conversation.item.added")
        await socket.send_json({"type": "response.create"})
        hold.release(4)
        assert (await until(socket, "response.output_text.delta"))[-1]["delta"] == "hello"


async def test_shutting_down_ends_sessions_and_says_so(each_door: Any) -> None:
    async with each_door(openai={}) as it, session(it) as socket:
        await until(socket, "session.created")
        draining = asyncio.ensure_future(it.app.drain())
        assert (await socket.receive()).data == 1001
        await socket.close()
        await draining
        assert it.records("outcome")[-1]["state"] == "cut"


async def _eventually(what: Any) -> None:
    async with asyncio.timeout(60):
        while not what():
            await asyncio.sleep(0.01)


# --- Gemini Live -----------------------------------------------------------------------------------------------------


@asynccontextmanager
async def live(it: Any, **setup: Any) -> AsyncIterator[Any]:
    async with session(it, "gemini", LIVE, headers={"x-goog-api-key": "key"}) as socket:
        await socket.send_json({"setup": {"model": "models/fake-echo", **setup}})
        assert "setupComplete" in await said(socket)
        yield socket


async def said(socket: Any) -> dict[str, Any]:
    async with asyncio.timeout(60):
        came = await socket.receive()
    assert came.type is aiohttp.WSMsgType.BINARY, came
    event: dict[str, Any] = orjson.loads(came.data)
    return event


async def turn(socket: Any) -> list[dict[str, Any]]:
    events: list[dict[str, Any]] = []
    while not events or "turnComplete" not in events[-1].get("serverContent", {}):
        events.append(await said(socket))
    return events


def content(text: str) -> dict[str, Any]:
    return {"clientContent": {"turns": [{"role": "user", "parts": [{"text": text}]}], "turnComplete": True}}


def spoken(events: list[dict[str, Any]]) -> str:
    contents = [event["serverContent"] for event in events]
    return "".join(part["text"] for one in contents for part in one.get("modelTurn", {}).get("parts", ()))


@pytest.mark.parametrize("chunk", [1, 0])
async def test_a_turn_of_gemini_live_in_binary_frames(each_door: Any, chunk: int) -> None:
    async with each_door(gemini={"chunk": chunk}) as it:
        async with live(it, systemInstruction={"parts": [{"text": f"You help {MAIL}."}]}) as socket:
            await socket.send_json(content(TEXT))
            events = await turn(socket)
            await socket.send_json({"realtimeInput": {"text": f"and {IBAN}"}})
            more = await turn(socket)
        await it.settled()
        assert_no_leak(it.received("gemini"), PLANTED)
        opened = it.records("transfer")[0]
        (outcome,) = [one for one in it.records("outcome") if one["id"] == opened["id"]]
    assert (spoken(events), spoken(more)) == (TEXT, f"and {IBAN}")
    assert (outcome["state"], outcome["tokens_in"], opened["format"]) == ("complete", 20, "gemini_live")


async def test_calls_and_results_of_functions_in_gemini_live(each_door: Any) -> None:
    function = {"name": "send_mail", "description": f"as {MAIL} does"}
    async with each_door(gemini={"chunk": 4}) as it, live(it, tools=[{"functionDeclarations": [function]}]) as socket:
        await socket.send_json(content(TEXT))
        (call,) = (await said(socket))["toolCall"]["functionCalls"]
        assert call["args"] == {"text": TEXT}
        response = {"id": call["id"], "name": "send_mail", "response": {"sent to": MAIL, MAIL: 1}}
        await socket.send_json({"toolResponse": {"functionResponses": [response]}})
        assert orjson.loads(spoken(await turn(socket))) == {"sent to": MAIL, MAIL: 1}
        assert_no_leak(it.received("gemini"), PLANTED)


async def test_a_resumed_session_of_gemini_live_restores_what_the_first_one_sent(each_door: Any) -> None:
    async with each_door(gemini={}) as it:
        async with live(it, sessionResumption={}) as socket:
            handle = (await said(socket))["sessionResumptionUpdate"]["newHandle"]
            await socket.send_json(content(TEXT))
            await turn(socket)
        resumed = {"sessionResumption": {"handle": handle}, "model": "models/fake-echo-all"}
        async with live(it, **resumed) as socket:
            await said(socket)
            await socket.send_json(content("and now?"))
            assert spoken(await turn(socket)) == f"{TEXT}\nand now?"
        assert_no_leak(it.received("gemini"), PLANTED)


async def test_a_blocked_message_ends_a_session_of_gemini_live(each_door: Any, policy: Path) -> None:
    async with each_door(settings={"policy": policy}, gemini={}) as it:
        async with live(it) as socket:
            await socket.send_json(content(IBAN))
            end = await socket.receive()
            assert (end.type, end.data) == (aiohttp.WSMsgType.CLOSE, 1008)
            assert "policy_rule" in end.extra
        await it.settled()
        assert_no_leak(it.received("gemini"), [IBAN])


async def test_sound_for_gemini_live_passes_under_a_lease_and_what_was_heard_comes_whole(
    each_door: Any, policy: Path
) -> None:
    async with each_door(settings={"policy": policy}, gemini={"chunk": 3}) as it:
        async with live(it) as socket:
            for _ in range(5):
                sound = {"data": SOUND, "mimeType": "audio/pcm;rate=16000"}
                await socket.send_json({"realtimeInput": {"audio": sound}})
            await socket.send_json({"realtimeInput": {"audioStreamEnd": True}})
            events = await turn(socket)
        await it.settled()
        leases = [one for one in it.records("transfer") if one.get("uninspected")]
    heard = "".join(event["serverContent"].get("inputTranscription", {}).get("text", "") for event in events)
    assert heard == HEARD
    assert 1 <= len(leases) < 5


async def test_setting_up_a_call_or_a_key_that_leads_around_us_is_refused_in_words(each_door: Any) -> None:
    async with each_door(openai={}) as it, it.client("openai") as client:
        answer = await client.post("/v1/realtime/client_secrets", json={"session": {"type": "realtime"}})
        call = await client.post(
            "/v1/realtime/calls",
            content=b"v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\n",
            headers={"content-type": "application/sdp"},
        )
        assert it.received() == []
    assert [one.status_code for one in (answer, call)] == [403, 403]
    assert "would open sessions that do not pass dragoman" in answer.json()["error"]["message"]
    assert "would flow beside dragoman" in call.json()["error"]["message"]
    with contextlib.suppress(RuntimeError):
        await it.settled()


async def test_where_a_call_may_go_beside_us_its_offer_arrives_as_it_is(each_door: Any, tmp_path: Path) -> None:
    path = tmp_path / "calls.yaml"
    path.write_text(POLICY.replace("other: refuse", "application/sdp: pass, other: refuse"), encoding="utf-8")
    offer = "v=0\r\no=- 46117 2 IN IP4 203.0.113.7\r\ns=-\r\nc=IN IP4 203.0.113.7\r\n"
    body = {"session": {"instructions": f"Ask {MAIL}"}, "transport": {"type": "webrtc", "sdp": offer}}
    async with each_door(settings={"policy": path}, openai={}) as it, it.client("openai") as client:
        await client.post("/v1/live/sessions", json=body)
        await it.settled()
        (sent,) = it.received("openai")
        (record,) = it.records("transfer")
    assert orjson.loads(sent.body)["transport"]["sdp"] == offer
    assert_no_leak([sent], [MAIL])
    assert [one["reason"] for one in record["uninspected"]] == ["policy_pass"]
