"""Real worker processes with the pattern detector, which load in a second, and fake ones that misbehave."""

import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from redaction.detectors import process
from redaction.pool import DetectionPool
from redaction.segment import Segment, SegmentKind
from redaction.settings import EngineSettings

SETTINGS = EngineSettings(languages=("en",), detectors=("patterns",))

FAKE = """#!{python}
import json, os, struct, sys, time

def read():
    head = sys.stdin.buffer.read(4)
    if len(head) < 4:
        sys.exit(0)
    return json.loads(sys.stdin.buffer.read(struct.unpack(">I", head)[0]))

def write(message):
    body = json.dumps(message).encode()
    sys.stdout.buffer.write(struct.pack(">I", len(body)) + body)
    sys.stdout.buffer.flush()

{body}
"""


@pytest.fixture
def segment() -> Callable[..., Segment]:
    return lambda text, kind=SegmentKind.USER: Segment("/messages/0/content", text, kind)


@pytest.fixture
async def pool() -> AsyncIterator[DetectionPool]:
    """One worker, so that what happens to it happens to everybody."""
    async with DetectionPool(SETTINGS, workers=1) as started:
        yield started


@pytest.fixture
def fake_workers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Every worker that is started from now on runs this Python code; `read` and `write` speak in frames."""
    program = tmp_path / "worker"

    class Fake:
        executable = str(program)

    monkeypatch.setattr(process, "sys", Fake)

    def use(body: str) -> None:
        draft = tmp_path / "draft"
        draft.write_text(FAKE.format(python=sys.executable, body=body))
        draft.chmod(0o700)
        draft.replace(program)

    return use
