"""Refusals as the official SDKs see them, through both doors: their own error class, our reason code, nothing sent."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from proxy.config import Limits
from redaction.errors import DetectionError

pytestmark = pytest.mark.outside

MAIL = "anna.schmidt@example.com"
SAID = f"I am {MAIL}"


@dataclass(frozen=True)
class App:
    """One SDK. code: where our reason code stands in the error that it raises. classes: its errors by status."""

    sdk: str
    api: str
    path: str
    method: str
    kwargs: dict[str, Any]
    code: Callable[[Any], str]
    classes: dict[int, str]
    streaming: str = ""

    async def raised(self, sdk: Any, route: dict[str, Any], *, stream: bool = False, **more: Any) -> Any:
        method = self.streaming if stream and self.streaming else self.method
        return await sdk.call(self.sdk, method, **route, stream=stream, **{**self.kwargs, **more})


USER = [{"role": "user", "content": SAID}]
OPENAI = App(
    "openai", "openai", "/v1", "chat.completions.create", {"model": "fake-echo", "messages": USER},
    lambda error: error.code,
    {403: "PermissionDeniedError", 413: "APIStatusError", 502: "InternalServerError", 503: "InternalServerError"},
)  # fmt: skip
GEMINI = App(
    "google-genai", "gemini", "", "models.generate_content", {"model": "fake-echo", "contents": SAID},
    lambda error: error.body["error"]["details"][0]["metadata"]["code"],
    {403: "ClientError", 413: "ClientError", 502: "ServerError", 503: "ServerError"},
    "models.generate_content_stream",
)  # fmt: skip
ANTHROPIC = App(
    "anthropic", "anthropic", "", "messages.create", {"model": "fake-echo", "max_tokens": 9, "messages": USER},
    lambda error: error.body["error"]["code"],
    {403: "PermissionDeniedError", 413: "ContentTooLargeError", 502: "InternalServerError",
     503: "ServiceUnavailableError"},
)  # fmt: skip
APPS = pytest.mark.parametrize("app", [OPENAI, GEMINI, ANTHROPIC], ids=lambda app: app.api)
STREAMED = pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])


async def _busy(*_: Any, **__: Any) -> Any:
    raise DetectionError("the queue is full", code="busy")


def _is(error: Any, app: App, status: int, code: str) -> None:
    assert (error.name, error.status) == (app.classes[status], status), error
    assert (app.code(error), error.headers.get("dragoman-reason")) == (code, code)
    assert error.headers["dragoman-transfer"]
    assert MAIL not in str(error)


@STREAMED
@APPS
async def test_a_destination_that_was_stopped(each_door: Any, sdk: Any, app: App, stream: bool) -> None:
    async with each_door(**{app.api: {}}) as it:
        it.app.control.set_stop("destination", app.api, stopped=True)
        await it.app.refresh()
        _is(await app.raised(sdk, it.route(app.api, app.path), stream=stream), app, 403, "destination_stopped")
        assert it.received(app.api) == []
        (blocked,) = it.records("blocked")
        assert blocked["reason"] == "destination_stopped"


@STREAMED
@APPS
async def test_detection_that_is_busy(
    each_door: Any, sdk: Any, monkeypatch: pytest.MonkeyPatch, app: App, stream: bool
) -> None:
    async with each_door(**{app.api: {}}) as it:
        monkeypatch.setattr(type(it.app.gate._services.detection), "detect", _busy)
        error = await app.raised(sdk, it.route(app.api, app.path), stream=stream)
        _is(error, app, 503, "detection_busy")
        assert int(error.headers["retry-after"]) >= 1
        assert it.received(app.api) == []


@APPS
async def test_a_body_that_is_too_large(each_door: Any, sdk: Any, app: App) -> None:
    long = f"{SAID} " * 10_000
    more = {"contents": long} if app is GEMINI else {"messages": [{"role": "user", "content": long}]}
    async with each_door(settings={"limits": Limits(body_bytes=100_000)}, **{app.api: {}}) as it:
        _is(await app.raised(sdk, it.route(app.api, app.path), **more), app, 413, "body_too_large")
        assert it.received(app.api) == []


@APPS
async def test_a_provider_that_cannot_be_reached(each_door: Any, sdk: Any, app: App) -> None:
    async with each_door(**{app.api: {}}) as it:
        await it.fakes[app.api].__aexit__(None, None, None)  # its port is free, and nobody answers there
        _is(await app.raised(sdk, it.route(app.api, app.path)), app, 502, "upstream_unreachable")
        await it.settled()
        (outcome,) = it.records("outcome")
        assert outcome["state"] == "not_sent"


@APPS
async def test_a_stranger_is_closed_at_connect(stand: Any, sdk: Any, app: App) -> None:
    async with stand(door="network", **{app.api: {}}) as it:
        route = {**it.route(app.api), "base_url": f"https://stranger.example:{it.fakes[app.api].port}{app.path}"}
        error = await app.raised(sdk, route)
        assert error.name in {"APIConnectionError", "ProxyError", "ConnectError"}
        assert it.received(app.api) == []
        (blocked,) = it.records("blocked")
        assert blocked["reason"] == "unregistered_host"
