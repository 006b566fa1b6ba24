"""OpenAI's uploads in parts: held until the app says they are complete, then sent as one file.

A name may stand across two parts, and a rewritten file has not the size that the app declares, so nothing of an upload
leaves by itself: we answer for it, and what leaves is `POST /v1/files`, inspected like every other. The file that the
provider makes goes back inside the upload. Held parts are sealed, bounded in number, size and time (`pieces`).
Source: OpenAI API reference, uploads.
"""

import asyncio
import hashlib
import json
import re
import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from proxy.errors import FormatError
from proxy.formats.base import Endpoint, Format, Inspected, RequestHead, ResponseFacts, ResponseReader
from proxy.framing import multipart
from proxy.messages import Egress, Headers, Refusal, Reply
from proxy.steps.services import Pieces
from proxy.steps.uploads import too_large
from redaction.restore import Restorer

FORMAT = "openai_other"
"""Only where a destination speaks this are `uploads` what they are here."""
MAX_AGE_S = 3600.0  # as long as the provider keeps one that is not complete
_PATH = re.compile(r"(?P<base>/(?:.*/)?(?:v1|openai))/uploads(?:/(?P<id>[^/]+)/(?P<what>parts|complete|cancel))?")


@dataclass(frozen=True, slots=True)
class _Held:
    """How an upload began. asked: its parameters, as the app gave them. told: what we answered."""

    owner: str
    asked: Mapping[str, Any]
    told: Mapping[str, Any]

    def to_bytes(self) -> bytes:
        return json.dumps([self.owner, self.asked, self.told]).encode()


@dataclass(frozen=True, slots=True)
class Complete:
    """An upload that is whole. egress: the request that makes a file of it. upload: what its answer goes back in."""

    egress: Egress
    upload: Mapping[str, Any]


class UploadParts:
    """The uploads that are not complete. limit: bytes of one. now: seconds since 1970."""

    def __init__(self, pieces: Pieces, limit: int, now: Callable[[], float] = time.time) -> None:
        self._pieces, self._limit, self._now = pieces, limit, now

    async def take(self, egress: Egress, destination: str, body: Callable[[], bytes]) -> Reply | Complete | None:
        """Our answer to a request about an upload, or the upload once it is complete; None for other requests.

        body: decodes the request's. Raises FormatError `upload_invalid`, `upload_unknown`, `upload_too_large`,
        `too_many_uploads`, `invalid_multipart`; UnavailableError.
        """
        path, _, query = egress.target.decode("latin-1").partition("?")
        match = _PATH.fullmatch(path)
        if match is None or egress.method.upper() != "POST":
            return None
        owner = _owner(egress, destination)
        if match["id"] is None:
            return await asyncio.to_thread(lambda: self._created(owner, _object(body())))
        if match["what"] == "parts":
            return await asyncio.to_thread(lambda: self._part(match["id"], owner, egress, body()))
        if match["what"] == "cancel":
            return await asyncio.to_thread(lambda: self._cancelled(match["id"], owner))
        target = f"{match['base']}/files{'?' if query else ''}{query}"
        whole = replace(egress, target=target.encode("latin-1"))
        return await asyncio.to_thread(lambda: self._completed(match["id"], owner, whole, body))

    def _held(self, upload: str, owner: str) -> _Held:
        head = self._pieces.head(upload)
        held = None if head is None else _Held(*json.loads(head))
        if held is None or held.owner != owner:
            raise _unknown()
        return held

    def _created(self, owner: str, asked: Mapping[str, Any]) -> Reply:
        size = asked.get("bytes")
        texts = [asked.get(name) for name in ("filename", "purpose", "mime_type")]
        if not isinstance(size, int) or size < 0 or not all(isinstance(one, str) and len(one) <= 1024 for one in texts):
            raise FormatError("an upload needs `filename`, `purpose`, `mime_type` and `bytes`", code="upload_invalid")
        if size > self._limit:
            raise too_large(self._limit)
        ident, now = f"upload_{secrets.token_hex(16)}", int(self._now())
        told = {
            "id": ident, "object": "upload", "bytes": size, "created_at": now, "filename": asked["filename"],
            "purpose": asked["purpose"], "status": "pending", "expires_at": now + int(MAX_AGE_S),
        }  # fmt: skip
        self._pieces.begin(ident, _Held(owner, asked, told).to_bytes(), MAX_AGE_S)
        return _reply(told)

    def _part(self, upload: str, owner: str, egress: Egress, body: bytes) -> Reply:
        self._held(upload, owner)
        content_type = egress.headers.get("content-type") or ""
        found = [
            body[part.start : part.end]
            for part in multipart.parts(body, multipart.boundary_of(content_type))
            if re.search(rb";\s*name=\"?data\"?\s*(?:;|\Z)", body[slice(*part.span("content-disposition"))])
        ]
        if len(found) != 1:
            raise FormatError("a part is one field `data`", code="upload_invalid")
        ident = f"part_{secrets.token_hex(16)}"
        if not self._pieces.add(upload, ident, found[0]):
            raise _unknown()
        return _reply({"id": ident, "object": "upload.part", "created_at": int(self._now()), "upload_id": upload})

    def _cancelled(self, upload: str, owner: str) -> Reply:
        held = self._held(upload, owner)
        self._pieces.drop(upload)
        return _reply({**held.told, "status": "cancelled"})

    def _completed(self, upload: str, owner: str, egress: Egress, body: Callable[[], bytes]) -> Complete:
        held = self._held(upload, owner)
        parts = self._pieces.take(upload)
        if parts is None:
            raise _unknown()  # another request has completed it meanwhile
        return _complete(held, parts, egress, _object(body()))


def _unknown() -> FormatError:
    return FormatError(
        "no upload of yours has this id here; it ended, or another machine holds it", code="upload_unknown", status=404
    )


def _owner(egress: Egress, destination: str) -> str:
    """One sender at one destination: nobody adds to the upload of another."""
    sender = egress.headers.get("authorization") or egress.headers.get("api-key") or ""
    return f"{destination} {egress.peer} {egress.credential} {sender}"


def _object(body: bytes) -> Mapping[str, Any]:
    try:
        value = json.loads(body or b"{}")
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        raise FormatError("the request about an upload is no JSON object", code="upload_invalid")
    return value


def _complete(held: _Held, parts: Mapping[str, bytes], egress: Egress, asked: Mapping[str, Any]) -> Complete:
    order, md5 = asked.get("part_ids"), asked.get("md5")
    if not isinstance(order, list) or not all(isinstance(one, str) and one in parts for one in order):
        raise FormatError("`part_ids` names a part that this upload does not have", code="upload_invalid")
    content = b"".join([parts[one] for one in order])
    if len(content) != held.told["bytes"]:
        raise FormatError("the parts are not as many bytes as the upload was said to have", code="upload_invalid")
    # The provider cannot check it: what it gets may have other words.
    if md5 is not None and md5 != hashlib.md5(content, usedforsecurity=False).hexdigest():
        raise FormatError("the parts do not have this `md5`", code="upload_invalid")
    boundary = secrets.token_hex(24)
    fields = {"purpose": held.told["purpose"], **_expiry(held.asked.get("expires_after"))}
    body = b"".join([_field(boundary, name, str(value).encode()) for name, value in fields.items()])
    body += _field(boundary, "file", content, held.told["filename"], held.asked["mime_type"])
    headers = egress.headers.without(("content-encoding",))
    headers = headers.with_field("Content-Type", f"multipart/form-data; boundary={boundary}")
    whole = replace(egress, headers=headers, body=body + f"--{boundary}--\r\n".encode())
    return Complete(whole, {**held.told, "status": "completed"})


def _expiry(asked: object) -> dict[str, object]:
    if not isinstance(asked, dict):
        return {}
    return {f"expires_after[{name}]": asked[name] for name in ("anchor", "seconds") if name in asked}


def _field(boundary: str, name: str, value: bytes, filename: str = "", media_type: str = "") -> bytes:
    """One part of a form; names are written as browsers do (WHATWG HTML, multipart/form-data)."""
    plain = filename.replace('"', "%22").replace("\r", "%0D").replace("\n", "%0A")
    head = f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"'
    if filename:
        kind = media_type if re.fullmatch(r"[\w.+-]+/[\w.+-]+", media_type, re.ASCII) else "application/octet-stream"
        head += f'; filename="{plain}"\r\nContent-Type: {kind}'
    return head.encode() + b"\r\n\r\n" + value + b"\r\n"


def _reply(value: Mapping[str, Any]) -> Reply:
    body = json.dumps(value).encode()
    fields = ((b"Content-Type", b"application/json"), (b"Content-Length", str(len(body)).encode()))
    return Reply(200, Headers(fields), body)


@dataclass(frozen=True, slots=True)
class InUpload:
    """A format whose good answer, a file, goes back inside the upload that it was."""

    inner: Format
    upload: Mapping[str, Any]

    @property
    def name(self) -> str:
        """See `Format`; so are all below."""
        return self.inner.name

    @property
    def known_by(self) -> tuple[str, ...]:
        return self.inner.known_by

    def endpoint(self, head: RequestHead) -> Endpoint | None:
        return self.inner.endpoint(head)

    def read(self, endpoint: Endpoint, head: RequestHead, body: bytes) -> Inspected:
        return self.inner.read(endpoint, head, body)

    def splice(self, inspected: Inspected, replacements: Mapping[str, str]) -> bytes:
        return self.inner.splice(inspected, replacements)

    def reader(self, endpoint: Endpoint, status: int, headers: Headers, restorer: Restorer) -> ResponseReader:
        reader = self.inner.reader(endpoint, status, headers, restorer)
        return _Around(reader, self.upload) if status == 200 else reader

    def refuse(self, endpoint: Endpoint | None, refusal: Refusal) -> Reply:
        return self.inner.refuse(endpoint, refusal)

    def stream_error(self, endpoint: Endpoint, refusal: Refusal) -> bytes:
        return self.inner.stream_error(endpoint, refusal)


class _Around:
    """The answer with the upload around it."""

    def __init__(self, reader: ResponseReader, upload: Mapping[str, Any]) -> None:
        self._reader = reader
        self._before = json.dumps(upload)[:-1].encode() + b', "file": '

    @property
    def facts(self) -> ResponseFacts:
        return self._reader.facts

    def feed(self, data: bytes) -> bytes:
        return self._begun() + self._reader.feed(data)

    def finish(self) -> bytes:
        return self._begun() + self._reader.finish() + b"}"

    def _begun(self) -> bytes:
        before, self._before = self._before, b""
        return before
