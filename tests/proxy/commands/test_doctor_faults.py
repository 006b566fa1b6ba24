"""`dragoman doctor` finds the faults of an installation that occur most; each one is made here, and found with advice."""

import os
import shutil
import socket
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import policies
from proxy.commands.doctor import examine
from proxy.config import Settings
from proxy.control.store import ControlStore
from proxy.installation.base import Check
from proxy.running.ca import KEY_FILE, ensure_ca
from proxy.running.keys import ensure_key
from tests.ports import free_port

type Fault = Callable[[Settings, pytest.MonkeyPatch], Settings | None]


@pytest.fixture
def sound(tmp_path: Path) -> Settings:
    """An installation without a fault."""
    home = tmp_path / "home"
    home.mkdir(mode=0o700)
    ensure_ca(home / "ca")
    ensure_key(home / "keys" / "scope.key")
    ControlStore.at(home).close()
    return Settings(
        home=home, listen=free(), admin=free(), console="off", modes=(f"regular@{free()}",), detectors=("patterns",)
    )


def free() -> str:
    return f"127.0.0.1:{free_port()}"


def mend(settings: Settings) -> dict[str, Check]:
    return {check.name: check for check in examine(settings) if not check.ok}


def open_home(settings: Settings, _: pytest.MonkeyPatch) -> None:
    settings.home.chmod(0o755)


def home_that_cannot_be_made(settings: Settings, _: pytest.MonkeyPatch) -> Settings:
    (settings.home / "file").touch()
    return replace(settings, home=settings.home / "file" / "home")


def open_key(settings: Settings, _: pytest.MonkeyPatch) -> None:
    (settings.home / "keys" / "scope.key").chmod(0o644)


def authority_ends(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    later = time.time() + 3640 * 86_400
    monkeypatch.setattr("time.time", lambda: later)


def authority_without_its_key(settings: Settings, _: pytest.MonkeyPatch) -> None:
    (settings.home / "ca" / KEY_FILE).unlink()


def authority_open_to_others(settings: Settings, _: pytest.MonkeyPatch) -> None:
    (settings.home / "ca" / KEY_FILE).chmod(0o640)


def damaged_database(settings: Settings, _: pytest.MonkeyPatch) -> None:
    (settings.home / "audit.db").write_bytes(b"SQLite format 3\x00" + os.urandom(8192))


def database_away(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setenv("GONE_URL", f"postgresql://u:secret-word@{free()}/x")
    return replace(settings, vault_database="env:GONE_URL")


def machines_of_one_name(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setenv("LOG_URL", f"sqlite:///{settings.home / 'log.db'}")
    return replace(settings, audit_database="env:LOG_URL")


def broken_policy(settings: Settings, _: pytest.MonkeyPatch) -> None:
    (settings.home / "policy.yaml").write_text("version: 1\nname: x\nruels: []\n")


def missing_model(settings: Settings, _: pytest.MonkeyPatch) -> Settings:
    return replace(
        settings, detectors=("patterns", "presidio"), languages=("en",), spacy_models={"en": "no_such_model"}
    )


def full_disk(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("proxy.installation.files.LOW_SPACE", 2**63)


def late_clock(settings: Settings, _: pytest.MonkeyPatch) -> None:
    import sqlite3

    sqlite3.connect(settings.home / "audit.db").close()
    later = time.time() + 7200
    os.utime(settings.home / "audit.db", (later, later))


FAULTS: list[tuple[Fault, str]] = [
    (open_home, "home"),
    (home_that_cannot_be_made, "home"),
    (open_key, "keys"),
    (authority_ends, "certificate authority"),
    (authority_without_its_key, "certificate authority"),
    (authority_open_to_others, "certificate authority"),
    (damaged_database, "audit.db"),
    (database_away, "vault database"),
    (machines_of_one_name, "node"),
    (broken_policy, "policy"),
    (missing_model, "detection"),
    (full_disk, "disk space"),
    (late_clock, "clock"),
]


def test_a_sound_installation_has_nothing_to_mend(sound: Settings) -> None:
    assert mend(sound) == {}


@pytest.mark.parametrize(("fault", "name"), FAULTS, ids=[fault.__name__ for fault, _ in FAULTS])
def test_a_fault_is_found_and_the_advice_given(
    sound: Settings, monkeypatch: pytest.MonkeyPatch, fault: Fault, name: str
) -> None:
    found = mend(fault(sound, monkeypatch) or sound)
    assert name in found
    assert len(found[name].advice) > 10
    assert "secret-word" not in str(found)


def said(settings: Settings, name: str) -> str:
    return next(check.found for check in examine(settings) if check.name == name)


def test_an_authority_that_was_removed_is_said_to_be_made_anew(sound: Settings) -> None:
    shutil.rmtree(sound.home / "ca")
    assert "no app trusts yet" in said(sound, "certificate authority")


def test_what_becomes_of_apps_that_show_nothing_is_said(sound: Settings, tmp_path: Path) -> None:
    name = "unknown applications"
    assert said(sound, name) == "let in under the policy's rules"
    asks = replace(sound, require_credential=True)
    assert "not at the gateway" in said(asks, name)
    assert "client_ca verifies" in said(replace(asks, client_ca=tmp_path / "ca.pem"), name)
    text = (Path(policies.__file__).parent / "bundled" / "default.yaml").read_text()
    (sound.home / "policy.yaml").write_text(text.replace("unknown_applications: allow", "unknown_applications: refuse"))
    assert said(asks, name) == "refused at every door"


@pytest.mark.parametrize("which", ["gateway", "metrics", "HTTPS proxy", "console"])
def test_a_port_that_somebody_else_has_is_found(sound: Settings, which: str) -> None:
    sound = replace(sound, console=free())
    proxy = sound.modes[0].partition("@")[2]
    address = {"gateway": sound.listen, "metrics": sound.admin, "HTTPS proxy": proxy, "console": sound.console}[which]
    host, _, port = address.rpartition(":")
    with socket.create_server((host, int(port))):
        found = mend(sound)
    assert f"port of the {which}" in found


def test_the_https_proxy_is_asked_nothing_because_its_answer_would_stand_in_the_log(sound: Settings) -> None:
    host, _, port = sound.modes[0].partition("@")[2].rpartition(":")
    with socket.create_server((host, int(port))) as door:
        mend(sound)
        came, _ = door.accept()
        with came:
            assert came.recv(1) == b""


def test_the_trust_of_this_shell_is_looked_up_and_not_believed(
    sound: Settings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def told() -> str:
        return next(check.found for check in examine(sound) if check.name == "trust of this shell")

    other = tmp_path / "other.pem"
    other.write_text("-----BEGIN CERTIFICATE-----\n")
    for name in ("REQUESTS_CA_BUNDLE", "NODE_EXTRA_CA_CERTS", "SSL_CERT_FILE"):
        monkeypatch.delenv(name, raising=False)
    assert told().startswith("no variable set; `dragoman ca env`")
    monkeypatch.setenv("SSL_CERT_FILE", str(sound.home / "ca" / "mitmproxy-ca-cert.pem"))
    assert told() == "set: SSL_CERT_FILE"
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(other))
    assert told().startswith("without this certificate: REQUESTS_CA_BUNDLE;")
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "none.pem"))
    assert told().startswith("without this certificate: REQUESTS_CA_BUNDLE;")


async def test_a_port_that_dragoman_has_is_none(tmp_path: Path) -> None:
    import asyncio

    from tests.integration.test_kill import start

    home = tmp_path / "home"
    running = await start(home, "network")
    try:
        assert running.proxy is not None
        settings = Settings(
            home=home,
            listen=running.gateway.removeprefix("http://"),
            admin=free(),
            console="off",
            modes=(f"regular@{running.proxy.removeprefix('http://')}",),
            detectors=("patterns",),
        )
        found: dict[str, Any] = await asyncio.to_thread(mend, settings)
    finally:
        await running.end(15)
    assert found == {}
