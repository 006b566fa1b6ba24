"""One detection worker: `python -m redaction.detectors.worker`, started by the pool, ends when its input ends.

Reads frames on standard input: the settings first, then batches of segments. Answers on standard output. What a
library prints goes nowhere, because it may quote the text it was given.
"""

import os
import sys
import traceback
from typing import Any, BinaryIO

from redaction.detect import Engine
from redaction.detectors import build_engine
from redaction.detectors.frames import HEADER, findings_to_json, pack, segments_from_json, unpack
from redaction.errors import RedactionError
from redaction.settings import EngineSettings


def serve(source: BinaryIO, sink: BinaryIO) -> int:
    """Answers until the input ends. Returns the exit status: 0, or 1 when the engine could not be built."""
    first = _read(source)
    if first is None:
        return 0
    try:
        engine = build_engine(EngineSettings.from_dict(first["settings"]))
        engine.detect_each([])
    except RedactionError as error:
        _write(sink, {"error": error.code, "message": str(error)})
        return 1
    except Exception as error:  # the pool must hear why; the text of a foreign error may hold anything
        _write(sink, {"error": "failed", "message": _place(error)})
        return 1
    _write(sink, {"version": engine.version, "languages": engine.languages, "pid": os.getpid()})
    while (message := _read(source)) is not None:
        _write(sink, _answer(engine, message))
    return 0


def _answer(engine: Engine, message: dict[str, Any]) -> dict[str, Any]:
    try:
        return {"found": findings_to_json(engine.detect_each(segments_from_json(message["segments"])))}
    except Exception as error:  # a detector that raises must refuse its request, not end the worker
        return {"error": "failed", "message": _place(error)}


def _place(error: Exception) -> str:
    """Class of the error and the line of code that raised it."""
    frames = traceback.extract_tb(error.__traceback__)
    last = frames[-1] if frames else None
    place = f"{os.path.basename(last.filename)}:{last.lineno}" if last else "unknown place"  # noqa: PTH119
    return f"{type(error).__name__} at {place}"


def _read(source: BinaryIO) -> dict[str, Any] | None:
    head = source.read(HEADER.size)
    if len(head) < HEADER.size:
        return None
    (size,) = HEADER.unpack(head)
    body = source.read(size)
    return unpack(body) if len(body) == size else None


def _write(sink: BinaryIO, message: dict[str, Any]) -> None:
    sink.write(pack(message))
    sink.flush()


def main() -> int:
    # The pipe to the pool is taken out of reach of print().
    sink = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    return serve(sys.stdin.buffer, sink)


if __name__ == "__main__":
    raise SystemExit(main())
