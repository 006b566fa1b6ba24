"""Every case of the table with the whole detection: the provider sees no planted value, and the app gets the words that
it would have got without us."""

import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from proxy.fakes.leaks import assert_no_leak
from redaction.detect import Engine
from redaction.detectors import build_engine
from redaction.pool import DetectionResult
from redaction.settings import EngineSettings
from tests.integration.acceptance_cases import CASES, Case

MADE_BY_THE_FAKE = {"id", "response_id", "item_id", "responseId"}
"""Digests over what a fake received, so they differ by design."""


class WholeDetection:
    """Every detector with its models, in this process."""

    def __init__(self, engine: Engine) -> None:
        self._engine, self.version = engine, engine.version

    async def start(self) -> None: ...

    async def close(self) -> None: ...

    async def detect(self, segments: Any, *, deadline_s: float = 10.0) -> DetectionResult:
        return DetectionResult(tuple(self._engine.detect(segments)), self.version, 0, 0)


@pytest.fixture(scope="module")
def whole() -> WholeDetection:
    return WholeDetection(build_engine(EngineSettings()))


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
async def test_nothing_planted_leaves_and_the_answer_is_exact(
    stand: Callable[..., Any], whole: WholeDetection, case: Case
) -> None:
    destination, _, rest = case.path[1:].partition("/")
    headers = {"content-type": "application/json", "authorization": "Bearer sk-x", **case.headers}
    async with (
        stand(detection=whole, **{destination: {"chunk": 5}}) as it,
        httpx.AsyncClient(trust_env=False, timeout=60, headers=headers) as client,
    ):
        fake = it.fakes[destination]
        direct = await client.request(case.method, f"{fake.url}/{rest}", content=case.content)
        fake.received.clear()
        through = await client.request(case.method, it.gateway + case.path, content=case.content)
        assert len(fake.received) == 1, through.text
        assert_no_leak(fake.received, case.planted)
        assert through.status_code == direct.status_code
        if direct.is_success:
            assert words(through) == words(direct)


def words(answer: httpx.Response) -> Any:
    """What an app reads: the joined text of a stream, every string of a whole answer."""
    if "event-stream" in answer.headers.get("content-type", ""):
        events = [json.loads(line[6:]) for line in answer.text.splitlines() if line.startswith("data: {")]
        return "".join(delta for event in events for delta in deltas(event))
    data = answer.json()
    if isinstance(data, list) and data and "candidates" in data[0]:
        return "".join(delta for event in data for delta in deltas(event))
    return list(strings(data))


def deltas(event: dict[str, Any]) -> list[str]:
    """The text that one event of any of the APIs adds."""
    found = [(choice.get("delta") or {}).get("content") or "" for choice in event.get("choices", [])]
    found += [part.get("text", "") for one in event.get("candidates", []) for part in one["content"]["parts"]]
    if event.get("type") == "content_block_delta":
        found.append(event["delta"].get("text", ""))
    elif event.get("type") == "response.output_text.delta":
        found.append(event["delta"])
    return found


def strings(value: Any) -> Any:
    match value:
        case str():
            yield value
        case list():
            for item in value:
                yield from strings(item)
        case dict():
            for key, item in value.items():
                if key not in MADE_BY_THE_FAKE:
                    yield from strings(item)
