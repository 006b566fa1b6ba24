"""The authority that apps have to trust, and everything that ends one day."""

import os
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from proxy.config import Settings
from proxy.errors import ConfigError, ProxyError
from proxy.installation.base import Check


def authority(settings: Settings) -> Iterator[Check]:
    """The authority of the HTTPS proxy: there, whole, not about to end; and what this shell trusts."""
    from cryptography.hazmat.primitives.serialization import Encoding

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


def ends(settings: Settings) -> Iterator[Check]:
    """Certificates and credentials that end soon, our authority aside."""
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
