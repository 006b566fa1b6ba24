"""What ends by itself, and when: the certificate authority, and credentials in their overlap.

Read by the process that serves (metric, warning in its log) and by `dragoman doctor`.
"""

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509

from proxy.control.store import ApplicationCredential
from proxy.control.tokens import Token
from proxy.running.ca import CERTIFICATE_FILE

log = logging.getLogger("dragoman.expiry")

DAY_S = 86_400
LOOK_S = 3600.0
AUTHORITY = "authority"


@dataclass(frozen=True, slots=True)
class Expiry:
    """what: closed word, and the name of an application or the id of a token. at: seconds since 1970.

    warn_s: how long before its end somebody should know.
    """

    what: str
    at: float
    warn_s: float

    def days_left(self, now: float) -> float:
        """May be negative."""
        return (self.at - now) / DAY_S

    def ends_soon(self, now: float) -> bool:
        """Whether somebody should do something."""
        return self.at - now < self.warn_s


def expiries(
    home: Path,
    certificates: Mapping[str, Path],
    credentials: Sequence[ApplicationCredential],
    tokens: Sequence[Token],
    now: float,
) -> Iterator[Expiry]:
    """Everything that has an end and has not been taken away. certificates: PEM files beside our authority's.

    A file that cannot be read raises.
    """
    authority = home / "ca" / CERTIFICATE_FILE
    files = {**({AUTHORITY: authority} if authority.exists() else {}), **certificates}
    for what, path in files.items():
        found = x509.load_pem_x509_certificate(path.read_bytes())
        yield Expiry(what, found.not_valid_after_utc.timestamp(), 30 * DAY_S)
    for credential in credentials:
        if credential.expires is not None:
            yield Expiry(f"credential {credential.application}", credential.expires / 1000, 2 * 3600)
    for token in tokens:
        if token.valid(int(now * 1000)):
            yield Expiry(f"token {token.id}", token.expires / 1000, 7 * DAY_S)


def warn(found: Sequence[Expiry], now: float) -> None:
    """A line in the log for each that ends soon."""
    for one in found:
        if one.ends_soon(now):
            log.warning("%s ends in %.1f days; see deploy/UPGRADE.md", one.what, one.days_left(now))
