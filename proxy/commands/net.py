"""`dragoman net`: leads the packets of apps that are not changed at all to the transparent door, with nftables.

Plans are made in `proxy.capture`; here they are shown, loaded, removed and looked at. Needs `nft`, and for all but
`plan` the right to use it (root, or CAP_NET_ADMIN).
"""

import json
import os
import pwd
import shutil
import subprocess
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from proxy import capture
from proxy.capture import Capture
from proxy.commands.doctor import Check
from proxy.errors import ConfigError

app = typer.Typer(no_args_is_help=True, help="Lead apps' packets to the transparent door (nftables).")

WAIT_S = 30.0

Interfaces = Annotated[list[str] | None, typer.Option("--interface", help="Where apps come in; may repeat.")]
ProxyUser = Annotated[
    str | None, typer.Option("--proxy-user", help="On the apps' own machine: the user that dragoman runs as.")
]
Users = Annotated[list[str] | None, typer.Option("--user", help="Only these users' processes; may repeat.")]
Port = Annotated[int, typer.Option("--port", help="Port of the transparent door.")]
Tcp = Annotated[str, typer.Option("--tcp", help="Captured TCP ports, with commas, or `all`; default: all, or 80,443.")]
Bypass = Annotated[list[str] | None, typer.Option("--bypass", help="Network that is reached directly; may repeat.")]
Allow = Annotated[list[str] | None, typer.Option("--allow", help="Forwarded besides, as udp/53; may repeat.")]


@app.command()
def plan(
    interface: Interfaces = None,
    proxy_user: ProxyUser = None,
    user: Users = None,
    port: Port = capture.DEFAULT_PORT,
    tcp: Tcp = "",
    bypass: Bypass = None,
    allow: Allow = None,
) -> None:
    """Print the nftables rules; changes nothing.

    Example: dragoman net plan --interface lan0 --allow udp/53
    """
    typer.echo(capture.ruleset(_capture(interface, proxy_user, user, port, tcp, bypass, allow)), nl=False)


@app.command()
def apply(
    interface: Interfaces = None,
    proxy_user: ProxyUser = None,
    user: Users = None,
    port: Port = capture.DEFAULT_PORT,
    tcp: Tcp = "",
    bypass: Bypass = None,
    allow: Allow = None,
) -> None:
    """Load the rules, in place of ours that are there; other tables are not touched.

    Example: dragoman net apply --interface lan0; dragoman run --mode transparent
    """
    wanted = _capture(interface, proxy_user, user, port, tcp, bypass, allow)
    _nft("-f", "-", given=capture.ruleset(wanted))
    # The kernel's own spelling of the rules is known only now; with its digest, `check` sees any later change.
    _nft("-f", "-", given=capture.ruleset(wanted, rules=capture.rules_digest(_listing() or "")))
    typer.echo(f"apps are captured; start the door with: dragoman run --mode transparent@:{wanted.port}")


@app.command()
def remove() -> None:
    """Take the rules away; from then on apps' packets leave as if dragoman were not there.

    Example: dragoman net remove
    """
    if _listing() is None:
        typer.echo("there are no rules of dragoman here")
        return
    _nft("delete", "table", capture.FAMILY, capture.TABLE)
    typer.echo("the rules are removed: apps' packets pass by dragoman")


@app.command()
def check(
    interface: Interfaces = None,
    proxy_user: ProxyUser = None,
    user: Users = None,
    port: Port = capture.DEFAULT_PORT,
    tcp: Tcp = "",
    bypass: Bypass = None,
    allow: Allow = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Are the rules there, unaltered, and does a door stand behind them? With options: are they those of that plan?

    Example: dragoman net check
    """
    wanted = _capture(interface, proxy_user, user, port, tcp, bypass, allow) if interface or proxy_user else None
    checks = examine(_listing(), wanted, listening_ports())
    if as_json:
        typer.echo(json.dumps([asdict(item) for item in checks]))
    else:
        for item in checks:
            typer.echo(f"{'ok  ' if item.ok else 'MEND'} {item.name}: {item.found}")
            if not item.ok:
                typer.echo(f"     {item.advice}")
    raise typer.Exit(0 if all(item.ok for item in checks) else 1)


def examine(listing: str | None, wanted: Capture | None, listening: frozenset[int]) -> list[Check]:
    """What a table's listing and the listening ports say. listing: None where there is no table of ours."""
    apply_again = "load them again: dragoman net apply …"
    if listing is None:
        return [Check("rules", False, "there are none: apps' packets pass by dragoman", apply_again)]
    loaded = capture.read_listing(listing)
    if loaded is None or not loaded.unaltered:
        return [Check("rules", False, "they were altered since they were loaded", apply_again)]
    checks = [Check("rules", True, f"loaded and unaltered (plan {loaded.plan})")]
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


def _capture(
    interface: list[str] | None,
    proxy_user: str | None,
    user: list[str] | None,
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


def _listing() -> str | None:
    """Our table as the kernel has it; None where there is none."""
    done = _run("--stateless", "list", "table", capture.FAMILY, capture.TABLE)
    if done.returncode and "No such file" in done.stderr:
        return None
    if done.returncode:
        raise _failed(done.stderr)
    return done.stdout


def _nft(*arguments: str, given: str | None = None) -> None:
    done = _run(*arguments, given=given)
    if done.returncode:
        raise _failed(done.stderr)


def _run(*arguments: str, given: str | None = None) -> subprocess.CompletedProcess[str]:
    nft = shutil.which("nft", path=f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/sbin")
    if nft is None:
        raise ConfigError("there is no `nft` here; install the package nftables")
    return subprocess.run(  # noqa: S603 (the program that was found, with arguments of ours)
        [nft, *arguments], input=given, capture_output=True, text=True, timeout=WAIT_S, check=False
    )


def _failed(told: str) -> ConfigError:
    if "Operation not permitted" in told:
        return ConfigError("nft may not be used by this user; run it as root, or with CAP_NET_ADMIN")
    return ConfigError(f"nft does not take the rules: {told.strip().splitlines()[0] if told.strip() else 'no reason'}")
