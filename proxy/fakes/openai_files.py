"""The files of the fake of OpenAI: kept as they came, handed out again, told by the digest of their bytes.

Uploads in parts are not known here: whoever sees a part has seen what should have been held.
"""

import re
from hashlib import sha256
from typing import Any

from proxy.fakes.behaviour import Play
from proxy.fakes.traffic import Answer, Received, whole
from proxy.framing import multipart

_PATH = re.compile(r".*/files(?:/(?P<id>file-[0-9a-f]+)(?P<content>/content)?)?")
_NAMED = re.compile(rb'filename="([^"]*)"')


def answer(call: Received, play: Play) -> Answer | None:
    """`POST /v1/files`, `GET /v1/files/{id}` and its content; None for anything else, an unknown id included."""
    match = _PATH.fullmatch(call.path)
    if match is None:
        return None
    if match["id"] is None:
        return _kept(call, play) if call.method == "POST" else None
    known = play.memory.get(match["id"])
    if known is None or call.method != "GET":
        return None
    name, content = known
    if match["content"]:
        return Answer(200, (("content-type", "application/octet-stream"),), (content.encode("latin-1"),))
    return whole(_file(match["id"], name, len(content)), ascii_only=play.ascii_only)


def _kept(call: Received, play: Play) -> Answer:
    body, form = call.decoded(), call.headers.get("content-type") or ""
    parts = multipart.parts(body, multipart.boundary_of(form)) if form.startswith("multipart/") else ()
    for part in parts:
        named = _NAMED.search(body[slice(*part.span("content-disposition"))])
        if named is not None:
            content, name = body[part.start : part.end], named[1].decode()
            ident = f"file-{sha256(content).hexdigest()[:24]}"
            play.memory[ident] = (name, content.decode("latin-1"))
            return whole(_file(ident, name, len(content)), ascii_only=play.ascii_only)
    return whole({"error": {"message": "there is no file in it", "type": "invalid_request_error"}}, status=400)


def _file(ident: str, name: str, size: int) -> dict[str, Any]:
    return {
        "id": ident, "object": "file", "bytes": size, "created_at": 1, "filename": name, "purpose": "user_data",
        "status": "processed",
    }  # fmt: skip
