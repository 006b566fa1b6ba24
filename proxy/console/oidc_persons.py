"""Who somebody is that signed in at an identity provider: kept encrypted in the vault, for two officers who ask.

The log knows such a person by a reference alone. Under that reference the vault holds the name that the provider gave;
nobody acts before it does.
"""

import threading
from collections import OrderedDict
from collections.abc import Callable
from contextlib import closing
from typing import TYPE_CHECKING

from proxy.console.access import Visitor
from proxy.control.tokens import Token
from proxy.errors import UnavailableError
from proxy.running.revealing import keep_person
from redaction.errors import RedactionError

if TYPE_CHECKING:
    from audit.log import Ledger
    from redaction.vault import SqlVault

REMEMBERED = 10_000


class OidcPersons:
    """log, vault: open what they name. issuer: of the provider."""

    def __init__(self, log: Callable[[], "Ledger"], vault: Callable[[], "SqlVault"], issuer: str) -> None:
        self._log, self._vault, self._issuer = log, vault, issuer
        self._lock = threading.Lock()
        self._kept: OrderedDict[tuple[str, str], None] = OrderedDict()

    def keep(self, token: Token) -> None:
        """Keeps who it is, once. token: as the provider made it. Blocks. Raises UnavailableError, AuditError."""
        ref = self._log().references.actor(Visitor(token).actor)
        with self._lock:
            if (ref, token.name) in self._kept:
                return
        try:
            with closing(self._vault()) as vault:
                keep_person(vault, ref, f"{token.name} ({self._issuer})")
        except RedactionError:
            raise UnavailableError("the vault does not answer; try again", code="vault") from None
        with self._lock:
            self._kept[ref, token.name] = None
            if len(self._kept) > REMEMBERED:
                self._kept.popitem(last=False)
