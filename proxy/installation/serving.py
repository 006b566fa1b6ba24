"""What a start needs besides: policy, models, ports, the way out."""

import contextlib
import socket
from collections.abc import Iterator
from contextlib import closing
from importlib.util import find_spec
from pathlib import Path

from proxy.config import Settings, parse_address
from proxy.errors import ConfigError
from proxy.installation.base import Check
from proxy.next_proxy import next_proxy


def policy(settings: Settings) -> Iterator[Check]:
    """The policy that would be in force, and what it does with those that nobody knows."""
    from policies.errors import PolicyError
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


def models(settings: Settings) -> Iterator[Check]:
    """Whether every language has what finds names in it."""
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


def way_out(settings: Settings) -> Iterator[Check]:
    """The next proxy, as far as it can be told without asking it."""
    try:
        proxy = next_proxy(settings)
    except ConfigError as error:
        yield Check("next proxy", False, str(error), "mend `upstream_auth` in config.toml, or the file that it names")
        return
    if proxy is not None:
        direct = [mode.partition("@")[0] for mode in settings.modes if not mode.startswith("upstream:")]
        apart = f"; what comes in by {', '.join(direct)} cannot be led there, and goes without it" if direct else ""
        yield Check("next proxy", True, f"what is outside is reached through {proxy.url}{apart}")


def ports(settings: Settings) -> Iterator[Check]:
    """Who has the ports that dragoman needs."""
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
