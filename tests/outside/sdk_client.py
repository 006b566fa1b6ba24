"""The official SDKs as a process: calls come as JSON lines on stdin, what the SDK made of them goes to stdout.

Run with the Python of `.venv-outside`, which has the SDKs and nothing of dragoman, as an app has in real life. One
client per call, no retries, nothing from the environment. Every chunk of a stream is a line at the moment it arrives.
"""

import asyncio
import contextlib
import inspect
import json
import ssl
import sys
import threading
from collections.abc import Callable
from typing import Any

_writing = threading.Lock()


def main() -> None:
    """Answer calls until stdin ends, each in a thread of its own."""
    for line in sys.stdin:
        call = json.loads(line)
        threading.Thread(target=answer, args=(call,), daemon=True).start()


def answer(call: dict[str, Any]) -> None:
    """One call: chunks as they come, then `done` with the result or `failed` with the exception."""

    def tell(event: str, **more: Any) -> None:
        line = json.dumps({"id": call["id"], "event": event, **more}, default=dumped)
        with _writing:
            sys.stdout.write(line + "\n")
            sys.stdout.flush()

    try:
        if call["sdk"] == "mcp":
            value = asyncio.run(in_mcp(call))
        elif call["mode"] == "session":
            value = asyncio.run(in_session(call, tell))
        else:
            value = asyncio.run(in_async(call, tell)) if call["mode"] == "async" else in_sync(call, tell)
        tell("done", value=value)
    except BaseException as error:  # whatever the SDK raises is what the test asks about
        tell("failed", **described(error))


def in_sync(call: dict[str, Any], tell: Callable[..., None]) -> Any:
    with contextlib.ExitStack() as stack:
        client = client_of(call)
        stack.callback(getattr(client, "close", lambda: None))
        result = method_of(client, call["call"])(**call["kwargs"])
        if not call["stream"]:
            return dumped(result)
        for index, chunk in enumerate(result):
            tell("chunk", index=index, value=dumped(chunk))
        return None


async def in_async(call: dict[str, Any], tell: Callable[..., None]) -> Any:
    client = client_of(call)
    try:
        result = method_of(client, call["call"])(**call["kwargs"])
        if inspect.isawaitable(result):
            result = await result
        if not call["stream"]:
            return dumped(result)
        index = 0
        async for chunk in result:
            tell("chunk", index=index, value=dumped(chunk))
            index += 1
        return None
    finally:
        close = getattr(client, "aclose", None) or getattr(client, "close", None)
        if close is not None and inspect.isawaitable(closing := close()):
            await closing


async def in_session(call: dict[str, Any], tell: Callable[..., None]) -> None:
    """A WebSocket session: everything of `send` goes out, events come in until one of the type `until`."""
    network: dict[str, Any] = {"proxy": call["proxy"]}
    if call["base_url"].startswith("https") and call["ca"]:
        network["ssl"] = ssl.create_default_context(cafile=call["ca"])
    given = call["kwargs"]
    if call["sdk"] == "openai":
        import openai

        client = openai.AsyncOpenAI(api_key=call["api_key"], base_url=call["base_url"])
        options = {"websocket_connection_options": network, "max_retries": 0}
        async with method_of(client, call["call"])(**given["connect"], **options) as connection:
            for event in given["send"]:
                await connection.send(event)
            index = 0
            async for event in connection:
                tell("chunk", index=index, value=dumped(event))
                index += 1
                if event.type == given["until"]:
                    return
    else:
        async with gemini(call, network, True).live.connect(**given["connect"]) as session:
            for method, arguments in given["send"]:
                await getattr(session, method)(**arguments)
            index = 0
            async for message in session.receive():  # ends with the turn
                tell("chunk", index=index, value=dumped(message))
                index += 1


async def in_mcp(call: dict[str, Any]) -> list[Any]:
    """A session with an MCP server over streamable HTTP: every method of `calls` in turn, and what each gave."""
    import httpx2
    from mcp.client import Client
    from mcp.client.streamable_http import streamable_http_client

    network: dict[str, Any] = {"trust_env": False, "proxy": call["proxy"], "timeout": 120}
    if call["ca"]:
        network["verify"] = ssl.create_default_context(cafile=call["ca"])
    async with (
        httpx2.AsyncClient(**network) as http,
        Client(streamable_http_client(call["base_url"], http_client=http)) as client,
    ):
        return [dumped(await getattr(client, method)(**given)) for method, given in call["kwargs"]["calls"]]


def client_of(call: dict[str, Any]) -> Any:
    """The SDK's client for a call, sync or async, through a proxy or not."""
    network: dict[str, Any] = {"trust_env": False}
    if call["proxy"]:
        network["proxy"] = call["proxy"]
    if call["ca"]:
        network["verify"] = ssl.create_default_context(cafile=call["ca"])
    is_async = call["mode"] == "async"
    if call["sdk"] == "google-genai":
        return gemini(call, network, is_async)
    if call["sdk"] in OTHERS:
        return OTHERS[call["sdk"]](call, network, is_async)
    if call["sdk"] == "openai":
        import openai as sdk

        made = sdk.AsyncOpenAI if is_async else sdk.OpenAI
    elif call["sdk"] == "anthropic":
        import anthropic as sdk

        made = sdk.AsyncAnthropic if is_async else sdk.Anthropic
    elif call["sdk"] == "groq":
        import groq as sdk

        made = sdk.AsyncGroq if is_async else sdk.Groq
    elif call["sdk"] == "together":
        import together as sdk

        made = sdk.AsyncTogether if is_async else sdk.Together
    elif call["sdk"] == "llama-api-client":
        import llama_api_client as sdk

        made = sdk.AsyncLlamaAPIClient if is_async else sdk.LlamaAPIClient
    else:
        raise ValueError(f"no such SDK: {call['sdk']}")
    http = sdk.DefaultAsyncHttpxClient if is_async else sdk.DefaultHttpxClient
    return made(
        api_key=call["api_key"],
        base_url=call["base_url"],
        max_retries=0,
        timeout=120,
        default_headers=call["headers"],
        http_client=http(**network),
    )


def gemini(call: dict[str, Any], network: dict[str, Any], is_async: bool) -> Any:
    from google import genai
    from google.genai import types

    options = types.HttpOptions(
        base_url=call["base_url"],
        headers=call["headers"],
        timeout=120_000,
        client_args=network,
        async_client_args=network,
        retry_options=types.HttpRetryOptions(attempts=1),
    )
    client = genai.Client(api_key=call["api_key"], http_options=options)
    return client.aio if is_async else client


def azure(call: dict[str, Any], network: dict[str, Any], is_async: bool) -> Any:
    """An API key, or a token of Entra where the key begins with `entra:`."""
    import openai

    made = openai.AsyncAzureOpenAI if is_async else openai.AzureOpenAI
    http = openai.DefaultAsyncHttpxClient if is_async else openai.DefaultHttpxClient
    entra = call["api_key"].startswith("entra:")
    shown = {"azure_ad_token": call["api_key"][6:]} if entra else {"api_key": call["api_key"]}
    return made(
        azure_endpoint=call["base_url"], api_version="2026-01-01", max_retries=0, timeout=120,
        default_headers=call["headers"], http_client=http(**network), **shown,
    )  # fmt: skip


def mistral(call: dict[str, Any], network: dict[str, Any], is_async: bool) -> Any:
    import httpx
    from mistralai.client import Mistral

    http = {"async_client": httpx.AsyncClient(**network)} if is_async else {"client": httpx.Client(**network)}
    return Mistral(api_key=call["api_key"], server_url=call["base_url"], timeout_ms=120_000, **http)


def cohere(call: dict[str, Any], network: dict[str, Any], is_async: bool) -> Any:
    import cohere as sdk
    import httpx

    made = sdk.AsyncClientV2 if is_async else sdk.ClientV2
    http = (httpx.AsyncClient if is_async else httpx.Client)(**network)
    return made(api_key=call["api_key"], base_url=call["base_url"], max_retries=0, httpx_client=http)


def ollama(call: dict[str, Any], network: dict[str, Any], is_async: bool) -> Any:
    import ollama as sdk

    return (sdk.AsyncClient if is_async else sdk.Client)(host=call["base_url"], **network)


def bedrock(call: dict[str, Any], network: dict[str, Any], _is_async: bool) -> Any:
    """boto3, which signs; `api_key` is the id of its access key. Its streams and bodies are opened here."""
    import boto3
    from botocore.config import Config

    proxies = {"proxies": {"https": call["proxy"]}} if call["proxy"] else {}
    client = boto3.client(
        "bedrock-runtime", endpoint_url=call["base_url"], region_name="eu-central-1",
        aws_access_key_id=call["api_key"], aws_secret_access_key="the app's own secret",
        verify=call["ca"] or None, config=Config(retries={"total_max_attempts": 1}, **proxies),
    )  # fmt: skip

    class Opened:
        def close(self) -> None:
            client.close()

        def __getattr__(self, name: str) -> Callable[..., Any]:
            def method(**kwargs: Any) -> Any:
                answer = getattr(client, name)(**kwargs)
                answer.pop("ResponseMetadata", None)
                if "stream" in answer:
                    return iter(answer["stream"])
                if hasattr(answer.get("body"), "read"):
                    return json.loads(answer["body"].read())
                return iter(answer["body"]) if "body" in answer else answer

            return method

    return Opened()


def vertex(call: dict[str, Any], network: dict[str, Any], is_async: bool) -> Any:
    """Google's SDK on Vertex AI with an API key."""
    from google import genai
    from google.genai import types

    options = types.HttpOptions(base_url=call["base_url"], client_args=network, async_client_args=network)
    client = genai.Client(vertexai=True, api_key=call["api_key"], http_options=options)
    return client.aio if is_async else client


OTHERS = {
    "vertex": vertex,
    "azure": azure,
    "mistralai": mistral,
    "cohere": cohere,
    "ollama": ollama,
    "bedrock": bedrock,
}


def method_of(client: Any, path: str) -> Callable[..., Any]:
    """`chat.completions.create` of a client."""
    for name in path.split("."):
        client = getattr(client, name)
    return client  # type: ignore[no-any-return]


def dumped(value: Any) -> Any:
    """An SDK object as JSON; a raw response as its headers and what it parses to."""
    if hasattr(value, "model_dump"):
        return value.model_dump(mode="json", exclude_unset=True)
    if hasattr(value, "parse") and hasattr(value, "headers"):
        return {"headers": dict(value.headers), "value": dumped(value.parse())}
    if isinstance(value, dict):
        return {str(key): dumped(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [dumped(item) for item in value]
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    return value if isinstance(value, str | int | float | bool | None) else str(value)


def described(error: BaseException) -> dict[str, Any]:
    """What an app can know of an exception. status: HTTP. code: the provider's, or Google's status word."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    response = getattr(error, "response", None)
    if isinstance(response, dict):  # botocore's
        said, meta = response.get("Error", {}), response.get("ResponseMetadata", {})
        return {
            "module": type(error).__module__, "name": type(error).__name__,
            "parents": [parent.__name__ for parent in type(error).__mro__],
            "status": meta.get("HTTPStatusCode"), "code": said.get("Code"), "body": said,
            "headers": meta.get("HTTPHeaders", {}), "message": str(error),
        }  # fmt: skip
    code = getattr(error, "code", None)
    is_google = isinstance(code, int)
    return {
        "module": type(error).__module__,
        "name": type(error).__name__,
        "parents": [parent.__name__ for parent in type(error).__mro__],
        "status": code if is_google else getattr(error, "status_code", None),
        "code": getattr(error, "status", None) if is_google else code,
        "body": dumped(getattr(error, "details", None) if is_google else getattr(error, "body", None)),
        "headers": dict(getattr(response, "headers", None) or {}),
        "message": str(error),
    }


if __name__ == "__main__":
    main()
