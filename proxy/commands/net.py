"""`dragoman net`: leads the packets of apps that are not changed at all to the transparent door, with nftables.

Plans are made in `proxy.capture`; here they are shown, loaded, removed and looked at. Needs `nft`, and for all but
`plan` the right to use it (root, or CAP_NET_ADMIN).
"""

import json
import pwd
import secrets
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from proxy import capture
from proxy.capture import Capture
from proxy.commands.nft import listing, nft
from proxy.config import parse_address
from proxy.errors import ConfigError
from proxy.installation.base import Check

app = typer.Typer(no_args_is_help=True, help="Lead apps' packets to the transparent door (nftables).")

PROBE_S = 5.0

Interfaces = Annotated[list[str] | None, typer.Option("--interface", help="Where apps come in; may repeat.")]
ProxyUser = Annotated[
    str | None, typer.Option("--proxy-user", help="On the apps' own machine: the user that dragoman runs as.")
]
Users = Annotated[list[str] | None, typer.Option("--user", help="Only these users' processes; may repeat.")]
Cgroups = Annotated[
    list[str] | None,
    typer.Option("--cgroup", help="Only these control groups' processes, as system.slice/app.service."),
]
Port = Annotated[int, typer.Option("--port", help="Port of the transparent door.")]
Tcp = Annotated[str, typer.Option("--tcp", help="Captured TCP ports, with commas, or `all`; default: all, or 80,443.")]
Bypass = Annotated[list[str] | None, typer.Option("--bypass", help="Network that is reached directly; may repeat.")]
Allow = Annotated[list[str] | None, typer.Option("--allow", help="Forwarded besides, as udp/53; may repeat.")]


@app.command()
def plan(
    interface: Interfaces = None,
    proxy_user: ProxyUser = None,
    user: Users = None,
    cgroup: Cgroups = None,
    port: Port = capture.DEFAULT_PORT,
    tcp: Tcp = "",
    bypass: Bypass = None,
    allow: Allow = None,
) -> None:
    """Print the nftables rules; changes nothing.

    Example: dragoman net plan --interface lan0 --allow udp/53
    """
    typer.echo(capture.ruleset(_capture(interface, proxy_user, user, cgroup, port, tcp, bypass, allow)), nl=False)


@app.command()
def apply(
    interface: Interfaces = None,
    proxy_user: ProxyUser = None,
    user: Users = None,
    cgroup: Cgroups = None,
    port: Port = capture.DEFAULT_PORT,
    tcp: Tcp = "",
    bypass: Bypass = None,
    allow: Allow = None,
    probe: Annotated[
        list[str] | None, typer.Option("--probe", help="HOST:PORT that must still be reached, else all is undone.")
    ] = None,
    confirm: Annotated[
        int, typer.Option("--confirm", help="Undo after so many seconds unless `net confirm` is run.", min=0, max=3600)
    ] = 0,
) -> None:
    """Load the rules, in place of ours that are there; other tables are not touched.

    Example: dragoman net apply --interface lan0; dragoman run --mode transparent
    """
    wanted = _capture(interface, proxy_user, user, cgroup, port, tcp, bypass, allow)
    places = [parse_address(place, what="--probe") for place in probe or ()]
    if missing := [f"{host}:{port}" for host, port in places if not reached(host, port)]:
        raise ConfigError(f"{', '.join(missing)} cannot be reached even now, so nothing was changed")
    before, mark = listing(), secrets.token_hex(6)
    if _waiting(before):
        raise ConfigError(
            "rules of an earlier apply wait to be confirmed: keep them (dragoman net confirm), take them away "
            "(dragoman net remove), or let their time run out"
        )
    unconfirmed = capture.unconfirmed(mark) if confirm else ""
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _ended)
    if confirm:
        # Before the rules: whatever becomes of this command, they go.
        watch_in_background(confirm, mark, capture.restoring(before))
    try:
        nft("-f", "-", given=capture.ruleset(wanted) + unconfirmed)
        # The kernel's own spelling of the rules is known only now; with its digest, `check` sees any later change.
        digest = capture.rules_digest(listing() or "")
        nft("-f", "-", given=capture.ruleset(wanted, rules=digest) + unconfirmed)
        lost = [f"{host}:{port}" for host, port in places if not reached(host, port)]
    except BaseException:
        nft("-f", "-", given=capture.restoring(before))
        raise
    if lost:
        nft("-f", "-", given=capture.restoring(before))
        typer.echo(f"{', '.join(lost)} could not be reached any more: everything is as it was before", err=True)
        raise typer.Exit(1)
    if confirm:
        typer.echo(f"these rules go in {confirm} s, unless you run: dragoman net confirm")
    typer.echo(f"apps are captured; start the door with: dragoman run --mode transparent@:{wanted.port}")


@app.command()
def confirm() -> None:
    """Keep the rules that `apply --confirm` loaded: you can still reach this machine.

    Example: dragoman net confirm
    """
    mark = _waiting(listing())
    if not mark:
        typer.echo("nothing waits to be confirmed")
        raise typer.Exit(1)
    nft("-f", "-", given=capture.confirmed(mark))
    typer.echo("the rules stay")


@app.command(hidden=True)
def watch(seconds: int, mark: str) -> None:
    """In the background: read what to load on standard input, and load it when nobody has confirmed that mark in time.

    Example: dragoman net watch 60 0123456789ab
    """
    before = sys.stdin.read()
    signal.signal(signal.SIGHUP, signal.SIG_IGN)  # the terminal may be the very thing that was cut off
    threading.Event().wait(seconds)
    if _waiting(listing()) == mark:
        nft("-f", "-", given=before)


@app.command()
def remove() -> None:
    """Take the rules away; from then on apps' packets leave as if dragoman were not there.

    Example: dragoman net remove
    """
    if listing() is None:
        typer.echo("there are no rules of dragoman here")
        return
    nft("delete", "table", capture.FAMILY, capture.TABLE)
    typer.echo("the rules are removed: apps' packets pass by dragoman")


@app.command()
def check(
    interface: Interfaces = None,
    proxy_user: ProxyUser = None,
    user: Users = None,
    cgroup: Cgroups = None,
    port: Port = capture.DEFAULT_PORT,
    tcp: Tcp = "",
    bypass: Bypass = None,
    allow: Allow = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Are the rules there, unaltered, and does a door stand behind them? With options: are they those of that plan?

    Example: dragoman net check
    """
    wanted = (
        _capture(interface, proxy_user, user, cgroup, port, tcp, bypass, allow) if interface or proxy_user else None
    )
    checks = examine(listing(), wanted, listening_ports())
    if as_json:
        typer.echo(json.dumps([asdict(item) for item in checks]))
    else:
        for item in checks:
            typer.echo(f"{'ok  ' if item.ok else 'MEND'} {item.name}: {item.found}")
            if not item.ok:
                typer.echo(f"     {item.advice}")
    raise typer.Exit(0 if all(item.ok for item in checks) else 1)


def examine(table: str | None, wanted: Capture | None, listening: frozenset[int]) -> list[Check]:
    """What a table's listing and the listening ports say. table: None where there is no table of ours."""
    apply_again = "load them again: dragoman net apply …"
    if table is None:
        return [Check("rules", False, "there are none: apps' packets pass by dragoman", apply_again)]
    loaded = capture.read_listing(table)
    if loaded is None or not loaded.unaltered:
        return [Check("rules", False, "they were altered since they were loaded", apply_again)]
    checks = [Check("rules", True, f"loaded and unaltered (plan {loaded.plan})")]
    if loaded.mark:
        checks.append(Check("confirmed", False, "they go by themselves in a moment", "run: dragoman net confirm"))
    if wanted is not None:
        same = loaded.plan == capture.plan_digest(wanted)
        checks.append(Check("plan", same, "as asked for" if same else f"another one ({loaded.plan})", apply_again))
    stands = loaded.port in listening
    found = f"listens on port {loaded.port}" if stands else f"nothing listens on port {loaded.port}: apps reach nobody"
    advice = f"start it: dragoman run --mode transparent@:{loaded.port}"
    return [*checks, Check("door", stands, found, advice)]


def listening_ports(proc: Path = Path("/proc/net")) -> frozenset[int]:
    """TCP ports on which somebody listens in this network namespace (proc(5), /proc/net/tcp)."""
    ports = set()
    for name in ("tcp", "tcp6"):
        path = proc / name
        for line in path.read_text(encoding="ascii").splitlines()[1:] if path.exists() else ():
            _, local, _, state, *_ = line.split()
            if state == "0A":
                ports.add(int(local.rpartition(":")[2], 16))
    return frozenset(ports)


def reached(host: str, port: int) -> bool:
    """Whether a TCP connection from here can be opened."""
    try:
        with socket.create_connection((host, port), timeout=PROBE_S):
            return True
    except OSError:
        return False


def watch_in_background(seconds: int, mark: str, before: str) -> None:
    """Start `net watch` in a session of its own: it outlives this command and the terminal."""
    program = (sys.executable, "-P", "-c", "from proxy.cli import main; main()")
    command = (*program, "net", "watch", str(seconds), mark)
    with tempfile.TemporaryFile("w+") as given:
        given.write(before)
        given.seek(0)
        subprocess.Popen(  # noqa: S603 (this very program, with arguments of ours)
            command, stdin=given, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True, cwd="/"
        )


def _waiting(table: str | None) -> str:
    """The mark of rules that nobody confirmed yet, "" where there are none."""
    loaded = capture.read_listing(table or "")
    return loaded.mark if loaded is not None else ""


def _ended(number: int, _: object) -> NoReturn:
    """A terminal that is cut off or a service that is stopped in the middle: all is undone, as where it fails."""
    raise SystemExit(128 + number)


def _capture(
    interface: list[str] | None,
    proxy_user: str | None,
    user: list[str] | None,
    cgroup: list[str] | None,
    port: int,
    tcp: str,
    bypass: list[str] | None,
    allow: list[str] | None,
) -> Capture:
    wanted = Capture(
        interfaces=tuple(interface or ()),
        proxy_user=_user(proxy_user) if proxy_user is not None else None,
        users=tuple(_user(name) for name in user or ()),
        port=port,
        tcp=_ports(tcp) if tcp else (() if interface else capture.WEB),
        bypass=tuple(bypass or ()),
        allow=tuple(allow or ()),
        cgroups=tuple(cgroup or ()),
    )
    capture.check(wanted)
    return wanted


def _ports(text: str) -> tuple[int, ...]:
    if text == "all":
        return ()
    if not all(part.isascii() and part.isdigit() for part in text.split(",")):
        raise ConfigError("--tcp: write port numbers with commas between them, such as 80,443, or `all`")
    return tuple(int(part) for part in text.split(","))


def _user(name: str) -> int:
    if name.isascii() and name.isdigit():
        return int(name)
    try:
        return pwd.getpwnam(name).pw_uid
    except KeyError:
        raise ConfigError(f"there is no user {name!r} on this machine; name one that is, or a user id") from None
