"""A log and a vault with a few people in them, and providers that answer as a test says."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

import httpx
import orjson
import pytest

from audit.log import Ledger
from audit.record import SubjectReference
from proxy.config import Settings
from proxy.erasure.carrying_out import Erasing
from proxy.erasure.deleting import Deletion, HttpDeleter
from proxy.erasure.plan import Plan, make_plan, references_of
from proxy.erasure.providers import Verdict
from proxy.policy.source import load_policy
from redaction.vault import ProviderObject, Scope, SqlVault, open_vault
from tests.audit.conftest import exchange_record

ANNA, BEN = "anna-4711@messenger.example", "ben-0815@messenger.example"
MAIL = ("EMAIL_ADDRESS", "anna@example.com")


@dataclass
class Nobody:
    """A deleter whom no provider answers; fails at the object it is told to."""

    failing: str = ""
    asked: list[str] = field(default_factory=list)

    def plan(self, objects: Iterable[ProviderObject]) -> tuple[Deletion, ...]:
        return tuple(Deletion(one, f"DELETE {one.object_id}") for one in objects)

    def carry_out(self, planned: Iterable[Deletion]) -> Iterator[Deletion]:
        for one in planned:
            if one.object.object_id == self.failing:
                raise RuntimeError("cut off")
            self.asked.append(one.object.object_id)
            yield replace(one, verdict=Verdict.DELETED, status=200)


@dataclass
class Site:
    """One home with its log and its vault."""

    home: Path
    ledger: Ledger
    vault: SqlVault

    def sent(self, person: str, session: str, *items: tuple[str, str], objects: Iterable[str] = ()) -> Scope:
        """A transfer about a person, as the gate leaves it."""
        ref = self.ledger.references.subject(person)
        scope = self.vault.open_scope(f"scope of {session}", destination="openai")
        self.vault.issue(scope, items, [ref])
        for one in objects:
            self.vault.bind("openai", one, [scope], "")
        subjects = (SubjectReference(ref=ref, role="requester"),)
        session_ref = self.ledger.references.session(session)
        self.ledger.append_blocking(exchange_record(subjects=subjects, session=session_ref))
        return scope

    def plan(self, person: str, deleter: Any = None) -> Plan:
        return make_plan(self.ledger, self.vault, deleter or Nobody(), references_of(self.ledger, person))

    def erasing(self, deleter: Any = None) -> Erasing:
        actor = self.ledger.references.actor("os-user:officer")
        return Erasing(self.ledger, self.vault, deleter or Nobody(), actor=actor, file=self.file)

    @property
    def file(self) -> Path:
        return self.home / "erasures" / "one.json"

    def records(self, *kinds: str) -> list[dict[str, Any]]:
        from audit.query import entries

        with self.ledger.store.read() as connection:
            return [orjson.loads(body) for _, body in entries(connection, kinds=kinds)]


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    ledger = Ledger.open(tmp_path, node="test")
    vault = open_vault(tmp_path)
    yield Site(tmp_path, ledger, vault)
    vault.close()
    ledger.close()


@pytest.fixture
def provider(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., HttpDeleter]:
    """A deleter with the bundled register, whose requests a function answers."""
    monkeypatch.setenv("PROVIDER_KEY", "sk-secret")

    def make(answer: Callable[[httpx.Request], httpx.Response], **settings: Any) -> HttpDeleter:
        keys = MappingProxyType(dict.fromkeys(("openai", "gemini", "vertex", "anthropic", "groq"), "env:PROVIDER_KEY"))
        policy = load_policy(tmp_path, None, "default")
        made = replace(Settings(home=tmp_path, provider_keys=keys), **settings)
        return HttpDeleter(made, policy.destinations, transport=httpx.MockTransport(answer))

    return make
