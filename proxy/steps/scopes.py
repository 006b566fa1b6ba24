"""Which texts share placeholders: scope references, derived from what a request carries.

A reference is a keyed hash, so it says nothing to whoever reads the vault's tables. The destination is part of every
one: two providers can never join what they see about a person.
"""

import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256

from proxy.identity import Identity
from redaction.segment import Segment, SegmentKind

APPLICATION_KINDS = frozenset({SegmentKind.SYSTEM, SegmentKind.TOOL_DEFINITION})
"""Texts that are the same in every session of an app; in the app's scope the provider's prompt cache still hits."""


@dataclass(frozen=True, slots=True)
class ScopeRefs:
    """Derives references. key: at least 16 random bytes, kept beside the vault's key."""

    key: bytes

    def session(self, identity: Identity, destination: str, segments: Sequence[Segment]) -> str:
        """The scope of one conversation: its trusted session name, else its first user message."""
        marker = f"s:{identity.session}" if identity.session else f"u:{first_words(segments)}"
        return self._ref("session", destination, identity, marker)

    def application(self, identity: Identity, destination: str) -> str:
        """The scope of an app's system prompts and tool definitions."""
        return self._ref("application", destination, identity, "")

    def request(self, identity: Identity, destination: str, target: bytes, body: bytes) -> bytes:
        """32 bytes that tell one request from another, for an approval of just this one."""
        mac = hmac.new(self.key, self._ref("request", destination, identity, identity.purpose).encode(), sha256)
        for part in (target, body):
            mac.update(len(part).to_bytes(8, "big") + part)
        return mac.digest()

    def _ref(self, kind: str, destination: str, identity: Identity, marker: str) -> str:
        parts: list[bytes] = []
        for field in (kind, destination, identity.application, identity.owner_key.hex(), marker):
            data = field.encode("utf-8", "surrogatepass")
            parts += (len(data).to_bytes(8, "big"), data)
        return hmac.digest(self.key, b"".join(parts), sha256).hex()


def first_words(segments: Sequence[Segment]) -> str:
    """The text that stays the same over all turns of a conversation: the first user text, else the first text."""
    users = (segment.text for segment in segments if segment.kind is SegmentKind.USER)
    others = (segment.text for segment in segments if segment.kind not in APPLICATION_KINDS)
    return next(users, None) or next(others, "")


def in_application_scope(segment: Segment) -> bool:
    """Whether a text takes its placeholders from the app's scope instead of the conversation's."""
    return segment.kind in APPLICATION_KINDS
