"""`dragoman doctor`: looks at the installation as it is and says, for each fault, what to do.

Reads files, certificates and ports of this machine only; changes nothing and sends nothing.
"""

import contextlib
import json
import os
import shutil
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import asdict, dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from proxy.config import DEFAULT_NODE, Settings, load, parse_address
from proxy.errors import ProxyError

LOW_SPACE = 512 * 1024 * 1024
"""Below this the log could soon refuse; a busy proxy writes some 10 MB an hour."""


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at. advice: what to do where it is not as it should be."""

    name: str
    ok: bool
    found: str
    advice: str = ""


def doctor(
    home: Annotated[Path | None, typer.Option(help="Folder of the installation.")] = None,
    config: Annotated[Path | None, typer.Option(help="TOML file with settings.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Check certificate trust, keys, databases, models, ports and clock; say what to do.

    Example: dragoman doctor --home .dragoman
    """
    checks = list(examine(load(config, home=home)))
    if as_json:
        typer.echo(json.dumps([asdict(check) for check in checks]))
    else:
        out = Console(highlight=False, soft_wrap=True)
        for check in checks:
            mark = "[green]ok  [/green]" if check.ok else "[red]MEND[/red]"
            out.print(f"{mark} {check.name}: {check.found}")
            if not check.ok:
                out.print(f"     {check.advice}")
    raise typer.Exit(0 if all(check.ok for check in checks) else 1)


def examine(settings: Settings) -> Iterator[Check]:
    """Every check, in the order in which a fault should be mended. A check that itself fails is a fault."""
    parts: tuple[Callable[[Settings], Iterator[Check]], ...] = (
        _home,
        _keys,
        _authority,
        _ends,
        _databases,
        _servers,
        _policy,
        _models,
        _ports,
        _space,
        _clock,
    )
    for part in parts:
        try:
            yield from part(settings)
        except Exception as error:
            yield Check(part.__name__.strip("_"), False, f"could not be checked ({type(error).__name__})", "see above")


def _home(settings: Settings) -> Iterator[Check]:
    home = settings.home
    if not home.exists():
        above = next(one for one in home.absolute().parents if one.exists())
        possible = above.is_dir() and os.access(above, os.W_OK | os.X_OK)
        yield Check(
            "home",
            possible,
            f"{home} is not there yet; {'the first start makes it' if possible else f'{above} may not be written'}",
            "name another folder (`--home`), or let this user write there",
        )
        return
    private = not home.stat().st_mode & 0o077
    writable = os.access(home, os.W_OK)
    yield Check(
        "home",
        private and writable,
        f"{home} is {'private' if private else 'open to others'}, {'' if writable else 'not '}writable",
        f"run `chmod 700 {home}` as its owner",
    )


def _keys(settings: Settings) -> Iterator[Check]:
    folder = settings.home / "keys"
    if not folder.exists():
        return
    open_keys = [key.name for key in sorted(folder.glob("*.key")) if key.stat().st_mode & 0o077]
    yield Check(
        "keys",
        not open_keys,
        f"open to others: {', '.join(open_keys)}" if open_keys else "readable by their owner alone",
        f"run `chmod 600 {folder}/*.key`, and think of them as known to whoever could read them",
    )


def _authority(settings: Settings) -> Iterator[Check]:
    from cryptography.hazmat.primitives.serialization import Encoding

    from proxy.errors import ConfigError
    from proxy.running.ca import KEY_FILE, checked

    path = settings.home / "ca" / KEY_FILE
    if not settings.modes or not settings.home.exists():
        return
    name, again = "certificate authority", "restore HOME/ca from a backup, or move it away, start again, and distribute"
    if not path.exists():
        rest = path.parent.is_dir() and any(path.parent.iterdir())
        found = f"{path} is not there: the next start makes an authority that no app trusts yet"
        yield Check(name, not rest, found, f"{again} the new certificate")
        return
    try:
        certificate = checked(path)
    except (ConfigError, OSError) as error:
        yield Check(name, False, str(error), f"do as it says; else {again} the new certificate")
        return
    days = (certificate.not_valid_after_utc.timestamp() - time.time()) / 86400
    yield Check(
        name,
        days > 30,
        f"{path}, {days:.0f} days left",
        "make a new one: stop dragoman, move the ca folder away, start again, and distribute the new certificate",
    )
    yield Check("trust of this shell", True, _trust(certificate.public_bytes(Encoding.PEM).decode()))


def _trust(certificate: str) -> str:
    """Which of this shell's variables lead to the certificate, and which to others."""
    named = {name: os.environ.get(name) for name in ("REQUESTS_CA_BUNDLE", "SSL_CERT_FILE", "NODE_EXTRA_CA_CERTS")}
    leads = {name: _holds(Path(file), certificate.strip()) for name, file in named.items() if file}
    if leads and all(leads.values()):
        return f"set: {', '.join(leads)}"
    others = ", ".join(name for name, holds in leads.items() if not holds)
    found = f"without this certificate: {others}" if others else "no variable set"
    return f"{found}; `dragoman ca env` prints what apps need"


def _holds(file: Path, certificate: str) -> bool:
    try:
        return certificate in file.read_text(errors="replace")
    except OSError:
        return False


def _ends(settings: Settings) -> Iterator[Check]:
    from proxy.running.databases import control_of
    from proxy.running.operating import ending

    if not (settings.home / "control.db").exists() and not settings.control_database:
        return
    now = time.time()
    try:
        opened = control_of(settings)
    except ProxyError:
        return  # the check of the databases says so
    with closing(opened) as control:
        for one in ending(settings, control, now):
            if one.what != "authority":
                yield Check(
                    one.what,
                    not one.ends_soon(now),
                    f"{one.days_left(now):.1f} days left",
                    "make the next one, and give it to whoever uses this one (deploy/UPGRADE.md)",
                )


def _databases(settings: Settings) -> Iterator[Check]:
    import sqlite3

    elsewhere = {
        "audit.db": settings.audit_database,
        "vault.db": settings.vault_database,
        "control.db": settings.control_database,
    }
    for name in ("audit.db", "vault.db", "control.db"):
        path = settings.home / name
        if elsewhere.get(name) or not path.exists():
            continue
        try:
            with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=2)) as connection:
                answer = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
        except sqlite3.DatabaseError:
            answer = "unreadable"
        yield Check(name, answer == "ok", "sound" if answer == "ok" else "damaged", "restore it from a backup")


def _servers(settings: Settings) -> Iterator[Check]:
    from proxy.running.databases import AUDIT, CONTROL, VAULT, trouble

    for setting in (AUDIT, VAULT, CONTROL):
        if reference := str(getattr(settings, setting)):
            found = trouble(settings, setting)
            yield Check(
                setting.replace("_", " "),
                not found,
                found or f"answers ({reference})",
                f"look at {reference} and at the server; while it is away every request is refused",
            )
    if settings.audit_database:
        yield Check(
            "node",
            settings.node != DEFAULT_NODE,
            f"this machine is {settings.node!r} in the log",
            "give every machine a name of its own: `node` in config.toml, or DRAGOMAN_NODE",
        )


def _policy(settings: Settings) -> Iterator[Check]:
    from policies.errors import PolicyError
    from proxy.errors import ConfigError
    from proxy.policy.source import load_policy

    try:
        policy = load_policy(settings.home, settings.policy, settings.bundled)
    except (PolicyError, ConfigError) as error:
        yield Check("policy", False, str(error), "run `dragoman policy lint`")
        return
    yield Check("policy", True, f"{policy.name}, {len(policy.rules)} rules, {len(policy.destinations)} destinations")
    yield Check("unknown applications", True, _unknown(settings, refused=policy.unknown_applications == "refuse"))


def _unknown(settings: Settings, *, refused: bool) -> str:
    """What becomes of those that show nothing, in the operator's words: two settings look as if they kept them out."""
    if refused:
        return "refused at every door"
    asks = [name for name in ("client_ca", "require_credential") if getattr(settings, name)]
    but = {
        "client_ca": "client_ca verifies certificates and asks for none",
        "require_credential": "require_credential asks at the HTTPS proxy, not at the gateway or in transparent mode",
    }
    more = "; ".join([*(but[name] for name in asks), "`unknown_applications: refuse` in the policy refuses them"])
    return f"let in under the policy's rules{'; ' + more if asks else ''}"


def _models(settings: Settings) -> Iterator[Check]:
    from redaction.detectors import check_languages
    from redaction.errors import RedactionError
    from redaction.settings import EngineSettings

    models = {language: model for language, model in settings.spacy_models.items() if language in settings.languages}
    try:
        check_languages(EngineSettings(settings.languages, settings.detectors, models))
    except RedactionError as error:
        yield Check(
            "detection", False, str(error), 'run `make setup`, or say `detectors = ["patterns"]` in config.toml'
        )
        return
    absent = [name for name in models.values() if find_spec(name) is None and not Path(name).exists()]
    if absent and "presidio" in settings.detectors:
        found = f"the spaCy model {', '.join(absent)} is not installed"
        yield Check("detection", False, found, "run `make setup`, install it, or change spacy_models in config.toml")
        return
    yield Check("detection", True, f"{', '.join(settings.detectors)} for {', '.join(settings.languages)}")


def _ports(settings: Settings) -> Iterator[Check]:
    addresses = [("gateway", settings.listen), ("metrics", settings.admin)]
    if settings.console != "off":
        addresses.append(("console", settings.console))
    addresses += [("HTTPS proxy", mode.partition("@")[2]) for mode in settings.modes if "@" in mode]
    ours = False
    for name, address in addresses:
        host, port = parse_address(address, what=name)
        # What the HTTPS proxy is asked stands in the log as a refusal, so it is only seen that somebody listens.
        who = _listener(host, port, asked=name != "HTTPS proxy")
        who = "dragoman" if who == "somebody else" and name == "HTTPS proxy" and ours else who
        ours = ours or who == "dragoman"
        # A gateway with TLS does not answer a plain question.
        stranger = who == "somebody else" and settings.tls_certificate is None
        yield Check(
            f"port of the {name}",
            not stranger,
            f"{address} {f'is {who}' if who == 'free' else f'is taken by {who}'}",
            f"give the {name} another address in config.toml, or stop the program that has this one",
        )


def _listener(host: str, port: int, *, asked: bool) -> str:
    """Who has this port: `free`, `dragoman`, `somebody else`. asked: a question is sent, else nothing is."""
    with closing(socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)) as probe:
        probe.settimeout(1)
        if probe.connect_ex((host, port)):
            return "free"
        if not asked:
            return "somebody else"
        answer = b""
        with contextlib.suppress(OSError):
            probe.sendall(b"GET /-/healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            while len(answer) < 4096 and (piece := probe.recv(4096)):
                answer += piece
    # Refusals of the doors bear our name, and so does every page of the console.
    ours = b"dragoman" in answer or answer.endswith(b"\r\n\r\nok\n")
    return "dragoman" if ours else "somebody else"


def _space(settings: Settings) -> Iterator[Check]:
    home = settings.home.absolute()
    free = shutil.disk_usage(next(one for one in (home, *home.parents) if one.exists())).free
    yield Check(
        "disk space",
        free > LOW_SPACE,
        f"{free // 2**20} MiB free",
        "make room: without it the log refuses, and so does dragoman",
    )


def _clock(settings: Settings) -> Iterator[Check]:
    database = settings.home / "audit.db"
    newest = database.stat().st_mtime if database.exists() else 0.0
    ahead = newest - time.time()
    yield Check(
        "clock", ahead < 60, "runs forward" if ahead < 60 else "is behind the newest record", "set the clock (NTP)"
    )
