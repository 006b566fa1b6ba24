"""A signed POST for each batch, by the specification of Standard Webhooks (standardwebhooks.com, version 1).

`webhook-signature` is `v1,` and the base64 of HMAC-SHA256 over `ID.TIMESTAMP.BODY`; the receiver checks it, refuses
timestamps that are minutes off, and answers 2xx once it has the batch. The body is JSON: entries as they were signed,
with index and leaf hash, or OCSF events. A batch that comes again after a failure may have grown; indices tell.
"""

import base64
import binascii
import hashlib
import hmac
import ssl
import time
from collections.abc import Callable, Sequence

import httpx
import orjson

from audit.questions.following import Followed
from proxy.config import secret
from proxy.errors import ConfigError
from proxy.outbound.clients import client
from proxy.outbound.streams.base import (
    LINES,
    Exporter,
    Option,
    SendError,
    StreamSettings,
    checked_url,
    line_form,
    line_format,
)

PREFIX = "whsec_"
SHORTEST = 24
"""Bytes of a key; the specification's own lower bound."""
MAX_ANSWER = 64 * 1024
MAX_RETRY_AFTER_S = 3600.0


class WebhookSink:
    """clock: seconds since 1970."""

    def __init__(self, settings: StreamSettings, clock: Callable[[], float] = time.time) -> None:
        options = settings.options
        self._name, self._url, self._clock = settings.name, checked_url(options["url"], "url"), clock
        self._form, self._key = line_format(settings), key_of(secret(options["secret"]))
        trust = ssl.create_default_context(cafile=options["ca"]) if options["ca"] else True
        self._client = client(settings.through, timeout=options["timeout_s"], verify=trust)

    def send(self, batch: Sequence[Followed]) -> None:
        """See Sink."""
        body = self._body(batch)
        if body is None:
            return
        first, last = batch[0].place.index, batch[-1].place.index
        name = hashlib.sha256(f"{batch[0].place.log} {self._name} {first} {last}".encode()).hexdigest()[:32]
        headers = signed(self._key, f"msg_{name}", int(self._clock()), body)
        try:
            with self._client.stream("POST", self._url, content=body, headers=headers) as answer:
                size = 0
                for part in answer.iter_raw():
                    size += len(part)
                    if size > MAX_ANSWER:
                        break
        except httpx.HTTPError as error:
            raise SendError(f"the receiver did not answer ({type(error).__name__})") from None
        if not answer.is_success:
            raise SendError(f"the receiver answered {answer.status_code}", retry_after_s=_retry_after(answer))

    def close(self) -> None:
        """Closes connections."""
        self._client.close()

    def _body(self, batch: Sequence[Followed]) -> bytes | None:
        """None where the format has no place for any of the entries."""
        parts = []
        for one in batch:
            line = self._form.line(one.body, one.place)
            if line is not None:
                # Fragments: the bytes of an entry are what was signed, and stay as they are.
                found = {"index": one.place.index, "leaf": one.place.leaf, "entry": orjson.Fragment(line)}
                parts.append(found)
        if not parts:
            return None
        return orjson.dumps({"log": batch[0].place.log, "format": str(self._form.name), "entries": parts})


def key_of(text: str) -> bytes:
    """The key of a secret: `whsec_` and base64, or its own bytes. Raises ConfigError that never shows it."""
    try:
        key = base64.b64decode(text.removeprefix(PREFIX), validate=True) if text.startswith(PREFIX) else text.encode()
    except binascii.Error:
        raise ConfigError(f"the webhook's secret begins with {PREFIX} and is not base64") from None
    if len(key) < SHORTEST:
        raise ConfigError(f"the webhook's secret needs at least {SHORTEST} bytes")
    return key


def signed(key: bytes, name: str, at: int, body: bytes) -> dict[str, str]:
    """The headers of a message."""
    mac = hmac.digest(key, f"{name}.{at}.".encode() + body, hashlib.sha256)
    return {
        "content-type": "application/json",
        "user-agent": "dragoman",
        "webhook-id": name,
        "webhook-timestamp": str(at),
        "webhook-signature": f"v1,{base64.b64encode(mac).decode()}",
    }


def _retry_after(answer: httpx.Response) -> float | None:
    given = answer.headers.get("retry-after", "")
    return min(float(given), MAX_RETRY_AFTER_S) if given.isascii() and given.isdigit() else None


EXPORTER = Exporter(
    "webhook",
    {
        "url": Option(str, required=True),
        "secret": Option(str, required=True, secret=True),
        "format": LINES,
        "ca": Option(str, "", file=True),
        "timeout_s": Option(int, 10, most=300),
    },
    WebhookSink,
    line_form,
)
