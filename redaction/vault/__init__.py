"""The vault: issues placeholders, keeps what they stand for (encrypted), and forgets on demand.

`open_vault` gives the one of a home folder; everything else here is its Protocol and what travels through it.
"""

from redaction.vault.answers import Answers, Pair
from redaction.vault.base import (
    Approval,
    ConcernedScope,
    ProviderObject,
    ReplacedText,
    RevealEvent,
    Scope,
    Vault,
    VaultStats,
)
from redaction.vault.sql import SqlVault, open_vault

__all__ = [
    "Answers",
    "Approval",
    "ConcernedScope",
    "Pair",
    "ProviderObject",
    "ReplacedText",
    "RevealEvent",
    "Scope",
    "SqlVault",
    "Vault",
    "VaultStats",
    "open_vault",
]
