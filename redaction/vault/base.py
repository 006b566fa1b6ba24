"""What a vault is: it issues placeholders, keeps what they stand for, and forgets it on demand.

Synchronous; whoever has an event loop runs it in a thread. Scope references and provider object ids come in as keyed
hashes or are kept as such; originals are kept encrypted. Nothing that it raises quotes an original.
"""

from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Protocol

from redaction.finding import SegmentFindings
from redaction.settling import Decided
from redaction.transform import Filled

MAX_RESTORABLE: Final = 10_000
SESSION: Final = "session"
_DAY: Final = 86_400
TTL_S: Final[Mapping[str, int]] = {SESSION: 30 * _DAY}
"""Seconds that a scope lives after its last use, by kind: providers keep stored conversations for 30 days."""
OTHER_TTL_S: Final = 365 * _DAY
"""For every other kind: system prompts and tool definitions change seldom."""

type Item = tuple[str, str]
"""(entity type, surface text)."""


@dataclass(frozen=True, slots=True)
class Scope:
    """Which texts share placeholders. id: random, 32 hex digits, stable until the scope is shredded or expires.

    kind: `session`, `application`, or a name for a command. token_length: 8 in a session, 12 in what is wider.
    token_key, commit_key: 32 random bytes each; they never leave the process.
    """

    id: str
    kind: str
    destination: str
    token_length: int
    token_key: bytes = field(repr=False)
    commit_key: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class ReplacedText:
    """What a text of a scope became: places, choices and placeholders, no text.

    found: what detection said. decisions: whoever decided, one for each finding. plan: what was replaced, settled.
    filled: the placeholder of each of the plan.
    """

    found: SegmentFindings
    decisions: tuple[object, ...]
    plan: tuple[Decided, ...]
    filled: Filled


@dataclass(frozen=True, slots=True)
class VaultStats:
    """Counts, nothing else. Keys of scopes: (kind, destination). expired: scopes that the next purge forgets."""

    scopes: Mapping[tuple[str, str], int]
    mappings: Mapping[str, int]
    bindings: int
    expired: int
    shredded: int
    keys: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Purged:
    """What a purge forgot."""

    scopes: int
    mappings: int
    bindings: int


@dataclass(frozen=True, slots=True)
class ConcernedScope:
    """A live scope of somebody. mappings: placeholders in it. others: further persons whom it concerns."""

    id: str
    kind: str
    destination: str
    mappings: int
    others: int


@dataclass(frozen=True, slots=True)
class ProviderObject:
    """Something that a provider keeps, by its real id. created, expires: of the binding, ms since 1970."""

    destination: str
    object_id: str = field(repr=False)
    created: int
    expires: int


@dataclass(frozen=True, slots=True)
class Approval:
    """Who wants to see an original, who agrees, and why; all three are recorded."""

    requester: str
    approver: str
    reason: str


@dataclass(frozen=True, slots=True)
class RevealEvent:
    """What is recorded before an original is shown: never the original. found: whether there is one."""

    approval: Approval
    scope: str
    token: str
    entity_type: str
    found: bool


class Vault(Protocol):
    """A store of originals. Safe to use from several threads; the SQL one also from several processes."""

    def reference(self, kind: str, name: str) -> str:
        """A scope's reference from a name that somebody chose: the same in every process, and no hint at the name."""
        ...

    def known_scope(self, ref: str) -> Scope | None:
        """The scope if this process knows it and need not look; never touches a database."""
        ...

    def open_scope(self, ref: str, *, kind: str = SESSION, destination: str = "", ttl_s: int | None = None) -> Scope:
        """The live scope of a reference, made with random keys at first use; its life begins anew.

        ref: a keyed hash that the caller derived, at most 128 characters. ttl_s: seconds after the last use.
        Raises VaultError.
        """
        ...

    def known_tokens(self, scope: Scope, items: Sequence[Item], persons: Sequence[str] = ()) -> list[str] | None:
        """The placeholders if this process knows them all, and whom the scope concerns; never touches a database."""
        ...

    def known_texts(self, scope: Scope) -> Mapping[bytes, ReplacedText]:
        """Texts of a scope that were replaced before, as `remember_texts` got them; never touches a database.

        Nothing where the scope needs a look: what is remembered is forgotten with the scope.
        """
        ...

    def remember_texts(self, scope: Scope, texts: Mapping[bytes, ReplacedText]) -> None:
        """Keep them in this process's memory, by keyed digests, while there is room; their tokens were issued."""
        ...

    def issue(self, scope: Scope, items: Sequence[Item], persons: Sequence[str] = ()) -> list[str]:
        """A placeholder for each item, in order; committed when it returns, in one batch.

        persons: whom the scope concerns, as pseudonymous references of at most 64 characters; kept with it.
        Raises VaultError: `shredded` where the scope was destroyed meanwhile, `unavailable`, `key`.
        """
        ...

    def restorable(self, scopes: Sequence[Scope], limit: int = MAX_RESTORABLE) -> Mapping[str, str]:
        """Placeholder -> original of whole scopes, read in one batch. What two scopes share is in neither.

        Raises VaultError: `full` beyond the limit, `damaged`.
        """
        ...

    def bind(
        self, destination: str, object_id: str, scopes: Sequence[Scope], owner: str, ttl_s: int | None = None
    ) -> None:
        """Tie a provider's object to scopes, session first; they live at least as long as the object (ttl_s).

        owner: the application that does it, "" for one that nobody knows; kept as a keyed hash.
        """
        ...

    def binding(self, destination: str, object_id: str, owners: Sequence[str]) -> tuple[Scope, ...]:
        """The live scopes of a provider's object, in the order in which they were bound; their life begins anew.

        Only those which one of these owners has bound: for anybody else the object is unknown.
        """
        ...

    def expired(self, destination: str, object_id: str, owners: Sequence[str]) -> int:
        """How many placeholders that these owners' object had were lost as their scope expired or was shredded."""
        ...

    def shred(self, scope_id: str) -> bool:
        """Destroy a scope's keys and everything in it, at once. False where there is nothing (left) to destroy."""
        ...

    def scopes_of(self, refs: Sequence[str]) -> tuple[ConcernedScope, ...]:
        """The live scopes that concern these persons, oldest first."""
        ...

    def scopes_to(self, destination: str, until_ms: int) -> Generator[Scope]:
        """The live scopes of a destination made by then, newest first. Raises VaultError `key` or `damaged`."""
        ...

    def live(self, scope_ids: Sequence[str]) -> Mapping[str, int]:
        """Those of the scopes that were not destroyed -> placeholders in them."""
        ...

    def objects(self, scope_ids: Sequence[str]) -> tuple[ProviderObject, ...]:
        """What providers keep of these scopes; for erasure. Raises VaultError `damaged`."""
        ...

    def unattributed(self) -> int:
        """Live conversations with placeholders of which nobody said whom they concern."""
        ...

    def forget(self, scope_ids: Sequence[str]) -> None:
        """Drop what this process has in memory of scopes that another one has destroyed."""
        ...

    def shred_all(self, scope_ids: Sequence[str]) -> Mapping[str, int]:
        """`shred` for many, in one transaction. Scope -> placeholders that went, for those that were still there."""
        ...

    def purge(self) -> Purged:
        """Shred what has expired, forget what hung on it."""
        ...

    def stats(self) -> VaultStats:
        """Counts."""
        ...

    def reveal(self, scope_id: str, token: str, approval: Approval, record: Callable[[RevealEvent], None]) -> str:
        """One original, for a named reason and two people. `record` must return before anything is answered.

        Raises VaultError: `needs_two_people`, `unknown_scope` where there is no such placeholder (recorded too).
        """
        ...

    def rotate_kek(self) -> int:
        """Wrap every scope's keys with the current key-encryption key. Returns how many were wrapped anew."""
        ...

    def close(self) -> None:
        """Give back what is open."""
        ...
