"""Fixtures for policy tests: a fixed day, and ways to make a policy and a transfer in one line."""

from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any

import orjson
import pytest

from policies.load import Loaded, read_text
from policies.model import FindingFacts, PolicyInput
from policies.policy import Policy

TODAY = date(2026, 11, 24)
NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)

type MakePolicy = Callable[..., Policy]


@pytest.fixture
def today() -> date:
    return TODAY


@pytest.fixture
def loaded() -> Callable[..., Loaded]:
    """A loaded policy from keyword arguments; JSON is YAML, so every section can be written as data."""

    def make(**sections: Any) -> Loaded:
        data = {
            "version": 1,
            "name": "test-policy",
            "unknown_applications": "allow",
            "destinations": {
                "openai": {"extends": "bundled:openai@2026-11-23"},
                "gemini": {"extends": "bundled:gemini@2026-11-23"},
                "home": {"extends": "bundled:self-hosted@2026-11-23"},
            },
            "media": {"image": "inspect", "audio": "refuse"},
        } | sections
        return read_text(orjson.dumps(data), today=TODAY)

    return make


@pytest.fixture
def policy(loaded: Callable[..., Loaded]) -> MakePolicy:
    """A compiled policy from keyword arguments."""
    return lambda **sections: loaded(**sections).policy


@pytest.fixture
def transfer() -> Callable[..., PolicyInput]:
    """A transfer to `openai` at noon with findings of the given types (or facts)."""

    def make(*found: str | FindingFacts, **facts: Any) -> PolicyInput:
        findings = tuple(one if isinstance(one, FindingFacts) else FindingFacts(one) for one in found)
        return PolicyInput(**{"application": "", "destination": "openai", "time": NOON, "findings": findings} | facts)

    return make
