"""What version of detection this is, told by its own source and data files: any change of a rule is a new version."""

import hashlib
from collections.abc import Iterable
from importlib.resources import files
from importlib.resources.abc import Traversable


def source_digest(*places: str) -> str:
    """16 hex digits over files of this package; a place is a file (`merge.py`) or a folder, taken with all below it."""
    digest = hashlib.sha256()
    root = files("redaction")
    for place in places:
        for name, content in _files(root.joinpath(place), place):
            digest.update(f"{name}\0{len(content)}\0".encode() + content)
    return digest.hexdigest()[:16]


def _files(entry: Traversable, name: str) -> Iterable[tuple[str, bytes]]:
    if entry.is_file():
        if not name.endswith(".pyc"):
            yield name, entry.read_bytes()
        return
    for child in sorted(entry.iterdir(), key=lambda item: item.name):
        yield from _files(child, f"{name}/{child.name}")
