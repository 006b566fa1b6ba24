"""`dragoman demo`: the whole story offline, through the same code as `dragoman run`, in a temporary home.

Fake providers on loopback, made-up people; nothing of it stays on the disk.
"""

import asyncio
import contextlib
import tempfile
from importlib.resources import as_file, files
from pathlib import Path
from types import MappingProxyType
from typing import Annotated

import typer
from rich.console import Console

from proxy.app import App
from proxy.config import Settings, parse_origin
from proxy.demo import story
from proxy.fakes.hold import Hold
from proxy.fakes.server import FakeProvider


def demo(
    text: Annotated[str | None, typer.Option(help="A sentence of your own.")] = None,
) -> None:
    """What the app sends, what the provider gets, what comes back, the record and its proof. No network, no key.

    Example: dragoman demo --text "I am Anna Schmidt, anna@example.com"
    """
    raise typer.Exit(asyncio.run(told(Console(highlight=False), text)))


async def told(out: Console, text: str | None) -> int:
    """The story on `out`; gives the exit code."""
    hold = Hold()
    with (
        tempfile.TemporaryDirectory(prefix="dragoman-demo-") as folder,
        as_file(files("proxy.demo") / "policy.yaml") as policy,
    ):
        async with FakeProvider("openai", chunk=9, hold=hold) as fake:
            settings = Settings(
                home=Path(folder) / "home",
                listen="127.0.0.1:0",
                admin="127.0.0.1:0",
                modes=(),
                detection_workers=1,
                policy=policy,
                upstreams=MappingProxyType({"openai": parse_origin(fake.url, what="openai")}),
            )
            app = App(settings)
            out.print("starting dragoman on a temporary home; models are loaded …")
            addresses = await app.start()
            base = f"http://{addresses.gateway[0]}:{addresses.gateway[1]}"
            if not out.is_terminal:
                hold.open()
            pacing = asyncio.create_task(story.pace(hold))
            try:
                transfer = await story.explained(out, app, fake, base, text)
                await story.recorded(out, app, transfer)
                await story.refused(out, app, fake, base)
            finally:
                pacing.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await pacing
                await app.close()
        return 0 if story.tampered(out, Path(folder)) else 1
