"""What stands in deploy/ is also held against a running dragoman."""

from tests.integration.conftest import chat_fixture, names_lead_here, patterns_engine, stand

__all__ = ["chat_fixture", "names_lead_here", "patterns_engine", "stand"]
