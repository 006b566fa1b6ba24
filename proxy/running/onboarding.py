"""From a new credential to a service's first transfer: what the service needs, a try of our own, and the wait for it.

Settings and a credential enter; addresses, variables and what was seen leave. The try goes to the fake provider of the
running dragoman with a made-up sentence; nothing leaves this machine.
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import Any

import httpx

from proxy.config import Settings, parse_address
from proxy.identity import CREDENTIAL_HEADER
from proxy.running.ca import CERTIFICATE_FILE, CertificateAuthority, ensure_ca

SENTENCE = "I am Anna Schmidt, anna.schmidt@example.com"
"""Nobody's; the address is in a domain that is kept for examples (RFC 2606)."""
TAKES_OVER_S = 5.0
"""A running dragoman looks for new credentials each second."""
POLL_S = 0.2
ASK_S = 10.0


@dataclass(frozen=True, slots=True)
class Connection:
    """What a service is given. base_url: of the gateway, without a destination. proxy: URL of the HTTPS proxy with the
    credential in it, "" where there is none. environment: variables that make common runtimes use and trust it."""

    base_url: str
    proxy: str = ""
    environment: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Tried:
    """How our own try went. ok: the sentence came back and the application was known. said: what to do where not."""

    ok: bool
    said: str
    transfer: str = ""


def connection(settings: Settings, application: str, credential: str) -> Connection:
    """Addresses as this machine's apps reach them."""
    from proxy.commands.ca import variables

    scheme = "https" if settings.tls_certificate is not None else "http"
    base_url = f"{scheme}://{_here(settings.listen)}"
    explicit = next((mode for mode in settings.modes if mode.startswith(("regular", "upstream"))), None)
    if explicit is None:
        return Connection(base_url)
    address = explicit.rpartition("@")[2] if "@" in explicit else "127.0.0.1:8789"
    proxy = f"http://{application}:{credential}@{_here(address)}"
    authority: CertificateAuthority = ensure_ca(settings.home / "ca")
    assert authority.certificate.name == CERTIFICATE_FILE
    return Connection(base_url, proxy, variables(authority, proxy))


def attempt(base_url: str, application: str, credential: str, *, verify: Any = True) -> Tried:
    """Send the sentence to the fake provider through the running gateway; blocks for seconds at most."""
    body = {"model": "echo", "messages": [{"role": "user", "content": SENTENCE}]}
    until = time.monotonic() + TAKES_OVER_S
    with httpx.Client(trust_env=False, timeout=ASK_S, verify=verify) as client:
        while True:
            try:
                answer = client.post(
                    f"{base_url}/demo/v1/chat/completions", json=body, headers={CREDENTIAL_HEADER: credential}
                )
            except httpx.HTTPError as error:
                return Tried(False, f"nobody answers at {base_url} ({type(error).__name__}); start it: dragoman run")
            reason = answer.headers.get("dragoman-reason", "")
            if reason != "credential_unknown" or time.monotonic() > until:
                break
            time.sleep(POLL_S)
    transfer = answer.headers.get("dragoman-transfer", "")
    if answer.status_code == 200 and SENTENCE in answer.text:
        return Tried(True, "replaced, recorded, sent to the fake provider, restored", transfer)
    if reason == "credential_unknown":
        return Tried(False, f"the dragoman at {base_url} does not know the credential; is --home its folder?", transfer)
    return Tried(False, f"refused with {answer.status_code} {reason or 'without a reason'}", transfer)


def first_transfer(settings: Settings, application: str, since_ms: int, wait_s: float) -> str | None:
    """The id of the application's first transfer to anybody but the fake provider, None where none came in time."""
    from audit.query import Question, transfers
    from audit.store import Store
    from proxy.running.databases import AUDIT, database_url

    url = database_url(settings, AUDIT) or f"sqlite:///{settings.home / 'audit.db'}"
    until = time.monotonic() + wait_s
    store = Store.open(url, read_only=True)
    try:
        while True:
            with store.read() as connection:
                question = Question({"application": application, "kind": "transfer"}, since_ms)
                found = [row for row in transfers(connection, question) if row["destination"] != "demo"]
            if found:
                return str(found[-1]["id"])
            if time.monotonic() > until:
                return None
            time.sleep(POLL_S)
    finally:
        store.close()


def _here(address: str) -> str:
    host, port = parse_address(address, what="address")
    if ip_address(host).is_unspecified:
        host = "127.0.0.1"
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
