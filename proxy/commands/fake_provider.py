"""`dragoman fake-provider`: the providers of the tests as a server, for app developers and CI.

It shows what would have reached a provider. What it is sent stays on this machine; credentials are never written.
"""

import asyncio
import json
import os
import signal
import ssl
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TextIO

import typer

from proxy.config import address_text, parse_address
from proxy.errors import ConfigError

if TYPE_CHECKING:
    from proxy.fakes.behaviour import Behaviour
    from proxy.fakes.traffic import Received

CREDENTIALS = {"authorization", "proxy-authorization", "x-api-key", "api-key", "x-goog-api-key", "cookie"}


def fake_provider(
    listen: Annotated[str, typer.Option(help="HOST:PORT to listen on; port 0 takes a free one.")] = "127.0.0.1:9001",
    tls_cert: Annotated[Path | None, typer.Option(help="PEM certificate chain; with it, HTTPS is spoken.")] = None,
    tls_key: Annotated[Path | None, typer.Option(help="PEM key of that certificate.")] = None,
    chunk: Annotated[int, typer.Option(help="Characters per streamed delta; 0 for the whole text at once.", min=0)] = 8,
    behaviour: Annotated[
        str, typer.Option(help="What the model does; a model `fake-NAME` asks for it as well.")
    ] = "echo",
    log: Annotated[
        Path | None, typer.Option(help="Write every request as a JSON line to this file; - for here.")
    ] = None,
) -> None:
    """Echoing providers: OpenAI, Gemini, Anthropic, Llama API, and an echo of anything, under one address.

    Example: dragoman fake-provider --log - & dragoman run --upstream openai=http://127.0.0.1:9001/openai
    """
    from proxy.fakes.behaviour import Behaviour

    if behaviour not in Behaviour:
        raise ConfigError(f"--behaviour: there is no such one; there are {', '.join(Behaviour)}")
    host, port = parse_address(listen, what="--listen")
    asyncio.run(_serve(host, port, _tls(tls_cert, tls_key), chunk, Behaviour(behaviour), log))


async def _serve(
    host: str, port: int, tls: ssl.SSLContext | None, chunk: int, behaviour: "Behaviour", log: Path | None
) -> None:
    from proxy.fakes.apis import ALL
    from proxy.fakes.server import FakeProvider

    ended = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, ended.set)
    with _opened(log) as out:

        def write(call: "Received") -> None:
            if out is not None:
                out.write(json.dumps(described(call)) + "\n")  # ASCII: lone surrogates are written too
                out.flush()

        fake = FakeProvider(
            "all", behaviour=behaviour, chunk=chunk, tls=tls, host=host, port=port, keep=False, on_received=write
        )
        try:
            await fake.__aenter__()
        except OSError as error:
            raise ConfigError(f"cannot listen on {address_text(host, port)} ({error.strerror})") from None
        try:
            for name in ALL:
                typer.echo(f"{name:<10} {fake.url}/{name}", err=True)
            typer.echo("a model named fake-<behaviour> answers so; GET /openai/v1/models lists them", err=True)
            await ended.wait()
        finally:
            await fake.__aexit__(*sys.exc_info())


def described(call: "Received") -> dict[str, object]:
    """A request as a JSON value; bodies that are JSON as such, credentials as a remark that there was one."""
    headers = [
        (
            name.decode("latin-1"),
            "(not shown)" if name.decode("latin-1").lower() in CREDENTIALS else value.decode("latin-1"),
        )
        for name, value in call.headers
    ]
    target = call.target.decode("utf-8", "replace")
    try:
        body: object = call.json()
    except ValueError:
        body = call.body.decode("utf-8", "replace")
    return {"method": call.method, "target": _without_key(target), "headers": headers, "body": body}


def _without_key(target: str) -> str:
    path, mark, query = target.partition("?")
    parts = ["key=(not shown)" if part.startswith("key=") else part for part in query.split("&")]
    return path + mark + "&".join(parts)


@contextmanager
def _opened(log: Path | None) -> "Iterator[TextIO | None]":
    if log is None:
        yield None
    elif str(log) == "-":
        yield sys.stdout
    else:
        # What an app sent may be personal: nobody else on this machine may read it.
        with os.fdopen(os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "a", encoding="utf-8") as out:
            yield out


def _tls(cert: Path | None, key: Path | None) -> ssl.SSLContext | None:
    if cert is None and key is None:
        return None
    if cert is None:
        raise ConfigError("--tls-key needs --tls-cert")
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    try:
        context.load_cert_chain(cert, key)
    except (OSError, ssl.SSLError) as error:
        raise ConfigError(f"--tls-cert, --tls-key: the certificate cannot be used ({error})") from None
    return context
