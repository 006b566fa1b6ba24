"""What a policy may say and this version does not do is refused by name: no rule is silently without effect."""

from collections.abc import Callable
from typing import Any

import pytest

from policies.load import load_bundled
from policies.policy import Policy
from proxy.errors import ConfigError
from proxy.policy.source import unsupported
from redaction import operators

RULES = [{"id": "rest", "when": {"entity": "none"}, "do": "allow"}]
TOKENS = {"issuer": "https://login.example.com", "audience": "dragoman", "keys": "jwks.json"}
OPENAI = {"extends": "bundled:openai@2026-11-23"}


@pytest.mark.parametrize(
    ("sections", "said"),
    [
        ({"subject_flags": {"source": "http", "at": "http://flags.example"}}, "over plain http"),
        ({"subject_flags": {"source": "http", "at": "ftp://127.0.0.1"}}, "over plain http"),
        ({"applications": {"chat": {"identify": {"credential": "other"}}}}, "credential of another name"),
    ],
)
def test_it_is_refused_by_name(policy: Callable[..., Policy], sections: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        unsupported(policy(rules=RULES, **sections))


def test_an_operator_that_nobody_made_is_refused(
    policy: Callable[..., Policy], monkeypatch: pytest.MonkeyPatch
) -> None:
    hashed = {"id": "people", "when": {"entity": "PERSON"}, "do": "hash"}
    unsupported(policy(rules=[hashed, *RULES]))
    monkeypatch.setattr("redaction.operators.ALL", {name: one for name, one in operators.ALL.items() if name != "hash"})
    with pytest.raises(ConfigError, match="do: hash` of rule people"):
        unsupported(policy(rules=[hashed, *RULES]))


def test_everything_that_is_missing_is_named_at_once(policy: Callable[..., Policy]) -> None:
    with pytest.raises(ConfigError, match="plain http.*credential of another name"):
        unsupported(
            policy(
                rules=RULES,
                subject_flags={"source": "http", "at": "http://flags.example"},
                applications={"chat": {"identify": {"credential": "other"}}},
            )
        )


@pytest.mark.parametrize(
    "sections",
    [
        {},
        {"response": {"unexpected": "record"}},
        {"response": {"unexpected": "block", "buffer": "all"}},
        {"response": {"unexpected": "redact", "buffer": "sentence"}},
        {"subject_flags": {"source": "file", "at": "flags.json"}},
        {"subject_flags": {"source": "header", "at": "dragoman-flags"}},
        {"subject_flags": {"source": "sql", "at": "people", "query": "SELECT consent FROM p WHERE id = :subject"}},
        {"subject_flags": {"source": "claim", "at": "consent"}, "tokens": TOKENS},
        {"applications": {"chat": {"identify": {"certificate": "x"}}}},
        {"applications": {"chat": {"identify": {"claim": "azp=x"}, "subject": "claim:sub"}}, "tokens": TOKENS},
        {"applications": {"chat": {"identify": {"header": "x=y"}}}, "trust": {"x": ["10.0.0.0/8"]}},
        {"applications": {"chat": {"identify": {"provider_key": "sha256:" + "0" * 64}}}},
        {"subject_flags": {"source": "http", "at": "https://flags.example/ask"}},
        {"subject_flags": {"source": "http", "at": "http://127.0.0.1:7000/ask"}},
        {"restore": {"tools": {"lookup": "yes"}}},
        {"restore": {"tools": {"web_search": "no"}}},
        {"restore": {"other": "no", "tools": {"lookup": "yes"}}},
        {"budgets": [{"id": "b", "transfers": 5}]},
        {"destinations": {"openai": OPENAI | {"store": "never"}}},
        {"entities": {"STAFF": {"patterns": ["s[0-9]"]}}},
        {"applications": {"chat": {"identify": {"credential": "chat"}, "subject": "/user"}}},
    ],
)
def test_what_works_is_not_refused(policy: Callable[..., Policy], sections: dict[str, Any]) -> None:
    unsupported(policy(rules=RULES, **sections))


@pytest.mark.parametrize("name", ["default", "strict"])
def test_what_ships_is_not_refused(name: str) -> None:
    unsupported(load_bundled(name))
