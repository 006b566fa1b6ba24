"""`dragoman run`: start, say where it listens and what to do next, stop in order.

Only settings come in here and only lines for a person go out; what the process does is in `proxy.app`.
"""

import asyncio
import contextlib
import shlex
import shutil
import signal
import sys
from collections.abc import Callable
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Protocol

import typer
from rich.console import Console

from audit.interpreter import settle
from proxy.config import Settings, address_text, named_origins, parse_address
from proxy.configured import load
from proxy.errors import ConfigError
from proxy.running import logs
from proxy.running.terminal import tell, terminal

if TYPE_CHECKING:
    from proxy.doors.ways_in import Addresses
    from proxy.outbound.settings import OutboundSettings


def run(
    config: Annotated[Path | None, typer.Option(help="TOML file with settings (default: HOME/config.toml).")] = None,
    mode: Annotated[
        list[str] | None, typer.Option(help="Mode of the network door, mitmproxy's spelling; `none` for no such door.")
    ] = None,
    listen: Annotated[str | None, typer.Option(help="HOST:PORT of the gateway.")] = None,
    upstream: Annotated[
        list[str] | None, typer.Option(help="NAME=URL: replaces the origin of a destination; may be repeated.")
    ] = None,
    policy: Annotated[Path | None, typer.Option(help="Policy file (default: HOME/policy.yaml, else bundled).")] = None,
    home: Annotated[Path | None, typer.Option(help="Folder for keys, databases and the log.")] = None,
    workers: Annotated[int | None, typer.Option(help="Processes that serve the doors.", min=1, max=64)] = None,
    detection_workers: Annotated[
        int | None, typer.Option(help="Processes that look for personal data.", min=1, max=64)
    ] = None,
    console: Annotated[str | None, typer.Option(help="HOST:PORT of the web console, or off.")] = None,
    admin: Annotated[str | None, typer.Option(help="HOST:PORT of metrics and administration.")] = None,
    upstream_ca: Annotated[
        Path | None, typer.Option(help="PEM file trusted for upstreams beside the system's.")
    ] = None,
    bundled: Annotated[str | None, typer.Option(help="Bundled policy to use: default, strict or observe.")] = None,
    detectors: Annotated[
        str | None, typer.Option(help="Detectors, with commas; `patterns` alone works without models.")
    ] = None,
    languages: Annotated[str | None, typer.Option(help="Languages of the texts, with commas: en,de,vi.")] = None,
) -> None:
    """Start dragoman: the gateway, the network door and everything behind them.

    Example: dragoman run --listen 127.0.0.1:8788 --upstream openai=http://127.0.0.1:9001
    """
    settings = load(
        config,
        home=home,
        listen=listen,
        admin=admin,
        console=console,
        modes=_modes(mode),
        upstreams=named_origins(upstream),
        policy=policy,
        workers=workers,
        detection_workers=detection_workers,
        upstream_ca=upstream_ca,
        bundled=bundled,
        detectors=tuple(detectors.split(",")) if detectors else None,
        languages=tuple(languages.split(",")) if languages else None,
    )
    logs.install_here(settings.log)
    look_for_ports(settings)
    # Loading the code takes seconds, in which Ctrl-C should end this at once and not when a loop comes to it.
    raise typer.Exit(asyncio.run(_serve(settings, _serving(settings))))


def _modes(given: list[str] | None) -> tuple[str, ...] | None:
    if not given:
        return None
    return () if given == ["none"] else tuple(given)


class Serving(Protocol):
    """One process, or the supervisor of several."""

    async def start(self) -> "Addresses": ...

    async def drain(self) -> None: ...

    async def close(self) -> None: ...


def look_for_ports(settings: Settings) -> None:
    """Raises ConfigError where somebody has a port of ours: in a moment, and not after the models were loaded."""
    from proxy.processes.sockets import opened

    for what in ("listen", "admin"):
        host, port = parse_address(getattr(settings, what), what=what)
        for one in opened(host, port):
            one.close()


def _serving(settings: Settings) -> Callable[[Settings], Serving]:
    if settings.workers == 1:
        from proxy.app import App

        return App
    from proxy.processes.supervisor import Supervisor

    return Supervisor


async def _serve(settings: Settings, make: Callable[[Settings], Serving]) -> int:
    from proxy.outbound.settings import OutboundSettings

    outbound = OutboundSettings.of(settings)
    if settings.oidc:
        from proxy.outbound.identity_provider import read_oidc

        read_oidc(settings.oidc)
    app = make(settings)
    ended = asyncio.Event()
    hurry = asyncio.Event()
    # Whoever said `nohup` wants it to go on without the terminal.
    ends_with_terminal = signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN and terminal()

    def stop() -> None:
        if ended.is_set():
            hurry.set()
            return
        ended.set()
        tell(
            "stopping: open transfers may finish; a second signal ends them"
            if starting.done()
            else "stopping: it had not started yet; this takes a moment"
        )

    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop)
    # Without a handler it would end this process in the middle of a start, and leave its children alone.
    loop.add_signal_handler(signal.SIGHUP, lambda: stop() if ends_with_terminal and not terminal() else None)
    starting = asyncio.create_task(app.start())
    waiting = asyncio.create_task(ended.wait())
    await asyncio.wait({starting, waiting}, return_when=asyncio.FIRST_COMPLETED)
    if not starting.done():
        starting.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await starting
        return 0
    addresses = starting.result()
    settle()
    welcome(Console(), settings, addresses)
    beside = [asyncio.create_task(_console(settings)), asyncio.create_task(_streams(outbound))]
    restart = restarting(app)
    loop.add_signal_handler(signal.SIGHUP, lambda: stop() if ends_with_terminal and not terminal() else restart())
    await waiting
    draining = asyncio.create_task(app.drain())
    hurrying = asyncio.create_task(hurry.wait())
    await asyncio.wait({draining, hurrying}, return_when=asyncio.FIRST_COMPLETED)
    for task in (draining, hurrying):
        task.cancel()
    for task in beside:
        task.cancel()
    await asyncio.gather(*beside, return_exceptions=True)
    await app.close()
    return 0


def restarting(app: Serving) -> Callable[[], None]:
    """What SIGHUP does: new door workers in turn, where there are several."""
    from proxy.processes.supervisor import Supervisor

    running: set[asyncio.Task[None]] = set()

    async def restart(supervisor: Supervisor) -> None:
        try:
            await supervisor.restart()
            tell("the door workers were restarted")
        except ConfigError as error:
            tell(f"the door workers are not restarted: {error.message}")

    def signalled() -> None:
        if not isinstance(app, Supervisor):
            tell("one process serves the doors and goes on; a rolling restart needs workers = 2 or more")
        elif not running:
            task = asyncio.create_task(restart(app))
            running.add(task)
            task.add_done_callback(running.discard)

    return signalled


async def _console(settings: Settings) -> None:
    """A process of its own until cancelled; that it does not start, or ends, keeps nothing else from working."""
    if settings.console == "off":
        return
    from proxy.console.process import ConsoleProcess
    from proxy.console.settings import ConsoleSettings

    process = ConsoleProcess(ConsoleSettings.of(settings))
    try:
        found = await process.start()
        if isinstance(found, str):
            Console(file=sys.stderr).print(f"no console: {found}", highlight=False, soft_wrap=True)
            return
        print(  # noqa: T201 (rich would wrap the line)
            f"\nThe console is ready: http://{address_text(*found)}\n"
            f"  sign in with a token: {typed()} token create --role officer {homed(settings.home)}",
            flush=True,
        )
        if not ip_address(found[0]).is_loopback:
            warning = "the console is open to other machines without TLS; put a proxy with TLS in front of it"
            Console(file=sys.stderr).print(warning, highlight=False, soft_wrap=True)
        await asyncio.Event().wait()
    finally:
        await process.stop()


async def _streams(settings: "OutboundSettings") -> None:
    """A process of its own until cancelled, where streams are configured."""
    if not settings.streams:
        return
    from proxy.running.child import ChildProcess

    process = ChildProcess("proxy.outbound", settings.line(), "the process of the streams")
    try:
        found = await process.start()
        if isinstance(found, str):
            Console(file=sys.stderr).print(f"no streams: {found}", highlight=False)
            return
        names = ", ".join(found["streams"])
        print(f"Streams out of the log: {names}  ({typed()} stream list {homed(settings.home)})", flush=True)  # noqa: T201
        await asyncio.Event().wait()
    finally:
        await process.stop()


def typed() -> str:
    """The command as this user can type it: its name where the shell finds it, else its path from here."""
    here = Path(sys.argv[0])
    if here.name != "dragoman" or ((found := shutil.which("dragoman")) is not None and Path(found).samefile(here)):
        return "dragoman"
    absolute = here.absolute()
    return str(absolute.relative_to(Path.cwd())) if absolute.is_relative_to(Path.cwd()) else str(absolute)


def homed(home: Path) -> str:
    """The option by which another command finds this home, as a shell takes it."""
    return f"--home {shlex.quote(str(home))}"


WAYS = {
    "regular": "HTTPS proxy  http://",
    "upstream": "HTTPS proxy  http://",
    "socks5": "SOCKS5 proxy socks5h://",
    "reverse": "reverse      https://",
    "transparent": "transparent  ",
}


def ways_of(settings: Settings, addresses: "Addresses") -> list[str]:
    """What each of the network door's addresses is."""
    modes = [mode.strip().partition("@")[0].partition(":")[0].lower() for mode in settings.modes]
    if len(modes) != len(addresses.network):  # a mode that listens on both families has two
        modes = (modes if len(set(modes)) == 1 else [""])[:1] * len(addresses.network)
    pairs = zip(modes, addresses.network, strict=True)
    return [WAYS.get(mode, "network door ") + address_text(*address) for mode, address in pairs]


def welcome(out: Console, settings: Settings, addresses: "Addresses") -> None:
    """Where it listens and what to do next."""
    base = f"http://{address_text(*addresses.gateway)}"
    out.print(f"[bold]dragoman is ready[/bold]  (state in {settings.home})", highlight=False)
    out.print(f"  gateway      {base}", highlight=False)
    for name, path in (
        ("OpenAI", "/openai/v1"),
        ("Gemini", "/gemini"),
        ("Llama API", "/llama/v1"),
        ("Anthropic", "/anthropic"),
    ):
        out.print(f"    {name:<10} base URL {base}{path}", highlight=False)
    for way in ways_of(settings, addresses):
        out.print(f"  {way}", highlight=False)
    if addresses.network:
        authority = settings.home / "ca" / "mitmproxy-ca-cert.pem"
        out.print(
            f"  CA           {authority}  ({typed()} ca env {homed(settings.home)})", highlight=False, soft_wrap=True
        )
    out.print(f"  metrics      http://{address_text(*addresses.admin)}/-/metrics", highlight=False)
    out.print("\nTry it, no key needed:", highlight=False)
    print(  # noqa: T201 (rich would wrap the line, and then it could not be copied)
        f"  curl -s {base}/demo/v1/chat/completions -H 'content-type: application/json' \\\n"
        '    -d \'{"model": "echo", "messages": [{"role": "user", "content": '
        '"I am Anna Schmidt, anna.schmidt@example.com, +49 171 2345678"}]}\'\n'
        f"\nWhat left, and the proof:\n"
        f"  {typed()} audit query {homed(settings.home)}\n"
        f"  {typed()} audit verify {homed(settings.home)}",
        flush=True,
    )
