"""A company's own entity types, looked for in a few texts by a process of its own, which may compute for some seconds.

An expression can take for ever on a text that its author chose, it holds the interpreter meanwhile, and nothing but the
end of its process stops it. Types and texts enter over a pipe, names of types leave.
"""

import resource
import signal
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Final

import orjson

from redaction.errors import DetectionError
from redaction.normalize import normalize
from redaction.own import OwnRecognizer
from redaction.recognizers import Page
from redaction.segment import SegmentKind
from redaction.settings import OwnEntity

CPU_S: Final = 3
"""Of computing, for all of the texts; honest expressions need a thousandth of it."""
MEMORY: Final = 1024**3
"""Bytes of address space; a search that goes back and forth keeps every step."""
_GUARD_S: Final = 120.0
"""A machine that is busy with other things may take long to start it."""
_ENDED: Final = {-signal.SIGXCPU, -signal.SIGKILL}


@dataclass(frozen=True, slots=True)
class Sample:
    """A text to look into. language: ISO 639-1, or ""."""

    text: str
    kind: str
    language: str


def types_in(recognizer: OwnRecognizer, sample: Sample) -> list[str]:
    """The names of the types that are found in a text, each once."""
    languages = (sample.language,) if sample.language else ("en",)
    page = Page(normalize(sample.text).text, kind=SegmentKind(sample.kind), languages=languages)
    return list(dict.fromkeys(one.entity_type for one in recognizer.find(page)))


def look(own: Sequence[OwnEntity], samples: Sequence[Sample], *, cpu_s: int = CPU_S) -> list[list[str]]:
    """The same for many texts, in their order. Raises DetectionError: `timeout`, `failed`."""
    given = {"own": [asdict(one) for one in own], "samples": [asdict(one) for one in samples]}
    asked = orjson.dumps({**given, "cpu_s": cpu_s})
    command = [sys.executable, "-X", "utf8", "-m", __name__]
    try:
        done = subprocess.run(  # noqa: S603 (our own module; what was pasted enters on its standard input)
            command, input=asked, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, timeout=_GUARD_S, check=False
        )
    except subprocess.TimeoutExpired:
        raise DetectionError("own entity types were not looked for in time", code="timeout") from None
    if done.returncode in _ENDED:
        raise DetectionError(f"own entity types take longer than {cpu_s} s", code="timeout")
    if done.returncode:
        raise DetectionError("own entity types could not be looked for", code="failed")
    found: list[list[str]] = orjson.loads(done.stdout)
    return found


def main() -> None:
    """One question on standard input, its answer on standard output."""
    asked = orjson.loads(sys.stdin.buffer.read())
    begun = int(resource.getrusage(resource.RUSAGE_SELF).ru_utime) + 1
    resource.setrlimit(resource.RLIMIT_CPU, (begun + asked["cpu_s"], begun + asked["cpu_s"] + 1))
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    recognizer = OwnRecognizer(tuple(OwnEntity.from_dict(one) for one in asked["own"]))
    found = [types_in(recognizer, Sample(**one)) for one in asked["samples"]]
    sys.stdout.buffer.write(orjson.dumps(found))


if __name__ == "__main__":
    main()
