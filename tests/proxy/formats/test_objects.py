"""Objects that a provider keeps: which requests create one, how it is told not to, and when they are bound."""

import asyncio
import itertools
import json
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.exchange import Cleared, Ending, Exchange, State
from proxy.formats.base import Endpoint
from proxy.formats.core import STORE
from proxy.formats.facts import MAX_OBJECTS
from proxy.formats.openai_chat import FORMAT as CHAT
from proxy.framing.coding import decoder
from proxy.messages import Headers, Origin, Outgoing
from proxy.running.adapters import ThreadedVault
from redaction.restore import Restorable, Restorer
from redaction.vault import open_vault

PATH = "/v1/chat/completions"


@pytest.mark.parametrize(
    ("body", "keeps", "unkept"),
    [
        ('{"messages": []}', False, None),
        ('{"store": false}', False, None),
        ('{"store": null}', False, None),
        ('{"store": true}', True, '{"store": false}'),
        ('{"store": false, "store": true}', True, '{"store": false, "store": false}'),
        ('{"store": true, "st\\u006fre" : true, "a":1}', True, '{"store": false, "st\\u006fre" : false, "a":1}'),
        ('{"store": "yes please"}', True, None),
        ('{"store": {"a": 1}}', True, None),
        ('{"metadata": {"store": true}}', False, None),
        ("[]", False, None),
    ],
)
def test_a_chat_is_kept_where_it_asks_for_it(read, body, keeps, unkept):
    one = read(PATH, body.encode())
    assert one.inspected.keeps is keeps
    assert (one.splice(one.inspected.unkept).decode() if one.inspected.unkept else None) == unkept
    assert one.splice({}).decode() == body


def test_telling_it_not_to_and_replacing_go_together(read):
    one = read(PATH, b'{"messages": [{"role": "user", "content": "Anna"}], "store": true, "user": "Anna"}')
    out = one.splice({"/messages/0/content": "X", "/user": "Y", STORE: "false"})
    assert out == b'{"messages": [{"role": "user", "content": "X"}], "store": false, "user": "Y"}'


def test_files_that_a_message_names_are_state(read):
    parts = [{"type": "file", "file": {"file_id": name}} for name in ("file-1", "file-2", "file-1")]
    one = read(PATH, {"messages": [{"role": "user", "content": parts}]})
    assert one.inspected.state == {"file": "file-1", "file.2": "file-2"}


def test_files_that_stand_in_one_list_are_state_each(read):
    one = read("/v1/vector_stores", {"name": "v", "file_ids": ["file-1", "file-2", "file-3"]})
    assert sorted(one.inspected.state.values()) == ["file-1", "file-2", "file-3"]


def test_what_tools_of_a_response_reach_is_state(read):
    tools = [
        {"type": "file_search", "vector_store_ids": ["vs_1", "vs_2"]},
        {"type": "code_interpreter", "container": {"type": "auto", "file_ids": ["file-1", "file-2"]}},
        {"type": "code_interpreter", "container": "cntr_1"},
        {"type": "shell", "environment": {"type": "container_reference", "container_id": "cntr_2"}},
        {"type": "image_generation", "input_image_mask": {"file_id": "file-3"}},
    ]
    one = read("/v1/responses", {"model": "m", "input": "Hello", "tools": tools})
    named = ["vs_1", "vs_2", "file-1", "file-2", "cntr_1", "cntr_2", "file-3"]
    assert sorted(one.inspected.state.values()) == sorted(named)


def exchange(on_objects, on_close=None) -> Exchange:
    made = Exchange("t", clock_ms=lambda: 0, decoder=decoder)
    made.advance(State.INSPECTED)
    outgoing = Outgoing(Origin("https", "h", 443), "POST", b"/", Headers(), b"")
    restorer = Restorer(Restorable({}))
    endpoint = Endpoint("openai_chat", "chat")
    made.clear(Cleared(outgoing, CHAT, endpoint, restorer, on_objects=on_objects, on_close=on_close))
    made.sent()
    return made


@given(st.lists(st.integers(0, 300), max_size=5))
def test_an_object_is_bound_once_and_before_the_answer_ends(cuts):
    told: list[str] = []

    async def run() -> None:
        async def write(ids):
            for one in ids:
                told.append(f"written {one}")

        def begin(ids):
            told.extend(f"begun {one}" for one in ids)
            return write(ids)

        async def on_close(_exchange, _ending):
            told.append("closed")

        made = exchange(begin, on_close)
        made.answer(200, Headers(((b"content-type", b"text/event-stream"),)))
        event = {"id": "chatcmpl-1", "choices": [{"index": 0, "delta": {"content": "x"}}]}
        raw = b"".join(b"data: " + json.dumps(event).encode() + b"\n\n" for _ in range(3)) + b"data: [DONE]\n\n"
        places = [0, *sorted(min(cut, len(raw)) for cut in cuts), len(raw)]
        for start, end in itertools.pairwise(places):
            made.feed(raw[start:end])
        assert told == ["begun chatcmpl-1"]
        made.finish()
        await made.bound()
        told.append("ended")
        await made.close(Ending.COMPLETE)

    asyncio.run(run())
    assert told == ["begun chatcmpl-1", "written chatcmpl-1", "ended", "closed"]


@pytest.mark.parametrize(
    ("raw", "ids"),
    [
        (b'{"id": "a", "id": "b", "id": "a"}', ["a", "b"]),  # of two with one name either may be taken
        (json.dumps([{"id": f"c-{n}"} for n in range(3)]).encode(), []),  # no completion: nobody knows what they are
        (b'{"id": "a", "id": null, "id": ""}', ["a"]),
    ],
)
async def test_of_objects_of_one_kind_every_one_is_bound(raw, ids):
    begun: list[str] = []

    async def write():
        pass

    def begin(named):
        begun.extend(named)
        return write()

    made = exchange(begin)
    made.answer(200, Headers(((b"content-type", b"application/json"),)))
    made.feed(raw)
    made.finish()
    await made.bound()
    assert begun == ids


def test_an_answer_that_names_objects_without_end_is_remembered_to_a_bound(answer):
    raw = b"{" + b",".join(b'"id": "chatcmpl-%d"' % n for n in range(MAX_OBJECTS + 500)) + b"}"
    objects = answer(PATH, raw).facts.objects
    assert list(objects.values()) == [f"chatcmpl-{n}" for n in range(MAX_OBJECTS)]


async def test_a_door_that_cannot_wait_still_binds_at_the_close():
    told: list[str] = []

    async def write():
        told.append("written")

    async def on_close(_exchange, _ending):
        told.append("closed")

    made = exchange(lambda _ids: write(), on_close)
    made.answer(200, Headers(((b"content-type", b"application/json"),)))
    made.feed(b'{"id": "chatcmpl-1"}')
    made.finish()
    await made.close(Ending.COMPLETE)
    assert told == ["written", "closed"]


class SlowVault:
    """Binds only when it is let."""

    def __init__(self) -> None:
        self.let = threading.Event()
        self.told: list[str] = []

    def bind(self, destination, object_id, scopes, owner):
        assert self.let.wait(60)
        self.told.append(f"bound {object_id}")

    def binding(self, destination, object_id, owners):
        self.told.append(f"asked {object_id}")
        return ()

    def expired(self, destination, object_id, owners):
        return 0


async def test_a_request_that_names_an_object_waits_for_its_binding():
    slow = SlowVault()
    with ThreadPoolExecutor(4) as threads:
        vault = ThreadedVault(slow, threads)  # type: ignore[arg-type]
        begun = vault.bind("openai", "resp_1", (), "")
        asking = asyncio.ensure_future(vault.bound("openai", ["resp_1"], ("",)))
        other = await vault.bound("openai", ["resp_2"], ("",))
        assert (other, asking.done()) == (None, False)
        slow.let.set()
        await begun
        assert await asking is None
    assert slow.told == ["asked resp_2", "bound resp_1", "asked resp_1"]


async def test_every_object_that_a_request_names_brings_its_own_scope(tmp_path):
    kept = open_vault(tmp_path)
    for number, mail in enumerate(("anna@example.com", "ben@example.com", "chi@example.com"), 1):
        scope = kept.open_scope(f"scope {number}", destination="openai")
        kept.issue(scope, [("EMAIL_ADDRESS", mail)])
        kept.bind("openai", f"file-{number}", [scope], "feed")
    with ThreadPoolExecutor(1) as threads:
        bound = await ThreadedVault(kept, threads).bound("openai", ["file-1", "file-2"], ("feed",))
    kept.close()
    assert bound is not None
    assert len(bound.scopes) == 2
    assert set(bound.restorable.values()) == {"anna@example.com", "ben@example.com"}
