"""What models do to placeholders, through the official SDKs: bent ones come back as the value, invented and stolen ones
never do."""

from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import pytest

from proxy.fakes.behaviour import Behaviour
from proxy.fakes.leaks import assert_no_leak

pytestmark = pytest.mark.outside

MAIL, PHONE = "anna.schmidt@example.com", "+49 171 2345678"


def text(bend: Callable[[str], str] = str) -> str:
    """The prompt, and what has to come back where a model bends each value's placeholder so."""
    return f"Hallo {bend(MAIL)}, ruf doch {bend(PHONE)} an. 👋 Chào!"


EXPECTED = {
    Behaviour.ECHO: text(),
    Behaviour.LOWER: text(),
    Behaviour.NO_BRACKETS: text(),
    Behaviour.DOUBLE: text(),
    Behaviour.MARKDOWN: text(),
    Behaviour.SPACES: text(),
    Behaviour.TRANSLATED: text(),
    Behaviour.HTML: text(),
    Behaviour.UNICODE: text(),
    Behaviour.PERCENT: text(quote),
    Behaviour.GENITIVE: text(lambda value: f"{value}s"),
    Behaviour.COMPOUND: text(lambda value: f"{value}-Akte"),
    Behaviour.HONORIFIC: text(lambda value: f"chị {value}"),
    Behaviour.MERGED: f"Hallo {MAIL}, {PHONE}, ruf doch  an. 👋 Chào!",
    Behaviour.DROPPED: text(lambda _: ""),
    Behaviour.GZIP: text(),
}

type Say = Callable[[Any, Any, Behaviour, bool], Any]


async def openai(sdk: Any, it: Any, behaviour: Behaviour, stream: bool, said: str = text()) -> str:
    call = {"model": f"fake-{behaviour}", "messages": [{"role": "user", "content": said}]}
    value = await sdk.call("openai", "chat.completions.create", **it.route("openai", "/v1"), stream=stream, **call)
    if stream:
        return "".join(chunk["choices"][0]["delta"].get("content") or "" for chunk in value if chunk["choices"])
    return value["choices"][0]["message"]["content"]


async def gemini(sdk: Any, it: Any, behaviour: Behaviour, stream: bool, said: str = text()) -> str:
    method = "models.generate_content_stream" if stream else "models.generate_content"
    call = {"model": f"fake-{behaviour}", "contents": said}
    value = await sdk.call("google-genai", method, **it.route("gemini"), stream=stream, **call)
    parts = [chunk["candidates"][0]["content"].get("parts") or [] for chunk in (value if stream else [value])]
    return "".join(part.get("text") or "" for some in parts for part in some)


async def anthropic(sdk: Any, it: Any, behaviour: Behaviour, stream: bool, said: str = text()) -> str:
    call = {"model": f"fake-{behaviour}", "max_tokens": 99, "messages": [{"role": "user", "content": said}]}
    value = await sdk.call("anthropic", "messages.create", **it.route("anthropic"), stream=stream, **call)
    if stream:
        return "".join((event.get("delta") or {}).get("text") or "" for event in value)
    return value["content"][0]["text"]


SDKS = pytest.mark.parametrize("say", [openai, gemini, anthropic])
STREAMED = pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])


@STREAMED
@SDKS
async def test_a_placeholder_that_the_model_bends_is_restored(each_door: Any, sdk: Any, say: Say, stream: bool) -> None:
    name = say.__name__
    async with each_door(**{name: {"chunk": 3, "wire": 4}}) as it:
        got = {behaviour: await say(sdk, it, behaviour, stream) for behaviour in EXPECTED}
        assert_no_leak(it.received(name), [MAIL, PHONE])
    assert got == EXPECTED


@STREAMED
@SDKS
async def test_a_placeholder_that_the_model_makes_up_or_carries_out_stays(
    each_door: Any, sdk: Any, say: Say, stream: bool
) -> None:
    name = say.__name__
    async with each_door(**{name: {"chunk": 3}}) as it:
        invented = await say(sdk, it, Behaviour.INVENTED, stream)
        urls = await say(sdk, it, Behaviour.URL_EXFIL, stream)
    assert "[EMAIL_ADDRESS_" in invented
    assert MAIL not in invented
    assert PHONE not in invented
    first, *carried = urls.splitlines()
    assert first == text()
    assert len(carried) == 12
    assert not any(part in line for line in carried for part in (MAIL, quote(MAIL, safe=""), PHONE, quote(PHONE)))
