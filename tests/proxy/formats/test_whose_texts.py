"""For whom detection may remember a text: a request that is answered sooner tells that the text was sent before."""

import json
from typing import Any

import pytest

from proxy.identity import Identity

CHAT = {"model": "m", "messages": [{"role": "user", "content": "hi"}]}


def owner_of(gate: Any, credential: str, session: bool) -> bytes:
    fields = [(b"authorization", b"Bearer " + credential.encode())]
    if not session:
        went = gate.ask("openai", "/v1/chat/completions", json.dumps(CHAT).encode(), fields=fields)
    else:
        opened = gate.ask("openai", "/v1/realtime?model=m", b"", "", method="GET", fields=fields, upgrade=True)
        opened.exchange.sent()
        opened.exchange.answer(101, opened.left.headers)
        said = {"type": "conversation.item.create", "item": {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "hi"}]}}  # fmt: skip
        gate.detection.owner = b""
        went = gate.say(opened, json.dumps(said).encode())
    assert went.left is not None, went.code
    owner: bytes = gate.detection.owner
    return owner


@pytest.mark.parametrize("session", [False, True], ids=["request", "message"])
def test_texts_are_remembered_for_who_sent_them(gate: Any, session: bool) -> None:
    one, other = owner_of(gate, "sk-one", session), owner_of(gate, "sk-other", session)
    assert one
    assert one != other
    assert one == owner_of(gate, "sk-one", session)


def test_an_application_has_what_it_sent_with_whatever_credential() -> None:
    known = [Identity("shop", "credential", "", "", (), key) for key in (b"a", b"b")]
    unknown = [Identity("", "none", "", "", (), key) for key in (b"a", b"b")]
    assert known[0].owner == known[1].owner
    assert len({known[0].owner, unknown[0].owner, unknown[1].owner}) == 3
