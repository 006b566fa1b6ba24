"""What persons said about the use of their data, asked of a service of the company: one POST for all who are not known.

Identifiers leave to that one address, over TLS or on this machine; flags come back and are kept for at most 60 seconds.
Whatever goes wrong makes everybody unknown, which the policy's rules have to speak about.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import httpx
import orjson

from policies.declared import SubjectSource
from policies.model import SubjectFacts
from proxy.identity import Subject
from proxy.next_proxy import NextProxy
from proxy.outbound.clients import async_client
from proxy.steps.flag_facts import Remembered

TIMEOUT_S = 2.0
"""A transfer waits for it; an answer that takes longer is none."""
MAX_ANSWER = 1024 * 1024


class FlagService:
    """`{"purpose": P, "subjects": [ID, ...]}` there, `{"ID": {"consent": "given", ...}}` back."""

    def __init__(
        self,
        observe: Callable[[str, str], None],
        through: NextProxy | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """observe: counts what went wrong. clock: seconds, monotonic."""
        self._observe, self._through = observe, through
        self._client: httpx.AsyncClient | None = None
        self._known = Remembered(clock)

    async def look_up(
        self, source: SubjectSource, subjects: Sequence[Subject], purpose: str
    ) -> tuple[SubjectFacts, ...]:
        """The facts of each subject, in order."""
        return await self._known.facts(source, subjects, purpose, lambda names: self._ask(source.at, names, purpose))

    async def close(self) -> None:
        """Ends the connections."""
        if self._client is not None:
            await self._client.aclose()

    async def _ask(self, url: str, identifiers: Sequence[str], purpose: str) -> Mapping[str, Any]:
        if self._client is None:
            self._client = async_client(self._through, timeout=TIMEOUT_S)
        body = orjson.dumps({"purpose": purpose, "subjects": identifiers})
        try:
            answer = await self._client.post(url, content=body, headers={"content-type": "application/json"})
            usable = answer.status_code == 200 and len(answer.content) <= MAX_ANSWER
            table = orjson.loads(answer.content) if usable else None
        except (httpx.HTTPError, orjson.JSONDecodeError):
            table = None
        if not isinstance(table, dict):
            self._observe("flags_unreadable", "http")
            return {}
        return {name: table.get(name) for name in identifiers}
