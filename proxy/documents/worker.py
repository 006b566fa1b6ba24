"""The process that reads files: one request at a time from stdin, its answer to stdout, until stdin ends.

It may use a fixed amount of memory, write no file and dump no core; a file that makes it hang or die costs its sender
an answer and nobody else anything.
"""

import io
import resource
import sys
from typing import Any, BinaryIO

from proxy.documents.base import DocumentError
from proxy.documents.frames import SIZES, from_json, packed, to_json, unpacked
from proxy.documents.reading import Reader

MEMORY = 2 * 1024**3  # bytes of address space: the largest picture unpacked, three times, and the libraries


def main() -> None:
    """Serve until stdin ends."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    source, sink = sys.stdin.buffer, sys.stdout.buffer
    sys.stdout = sys.stderr = io.StringIO()  # what a library prints may quote the file
    readers: dict[tuple[str, ...], Reader] = {}
    while (sizes := source.read(SIZES.size)) and len(sizes) == SIZES.size:
        head_size, file_size = SIZES.unpack(sizes)
        asked = unpacked(source.read(head_size))
        reader = readers.setdefault(tuple(asked["languages"]), Reader(tuple(asked["languages"])))
        _answer(sink, reader, asked, source.read(file_size))


def _answer(sink: BinaryIO, reader: Reader, asked: dict[str, Any], raw: bytes) -> None:
    try:
        if asked["do"] == "read":
            frame = packed(to_json(reader.read(raw, asked["type"], asked["images"])))
        else:
            new = {int(number): text for number, text in asked["new"].items()}
            frame = packed({}, reader.rewrite(raw, asked["type"], asked["images"], new, from_json(asked["before"])))
    except DocumentError as error:
        frame = packed({"error": error.code, "message": error.message})
    except MemoryError:
        frame = packed({"error": "document_too_large", "message": "the file needs more memory than a file may"})
    except Exception as error:  # a library's own error; its text may quote the file
        frame = packed({"error": "document_unreadable", "message": f"the file cannot be read ({type(error).__name__})"})
    sink.write(frame)
    sink.flush()


if __name__ == "__main__":
    main()
