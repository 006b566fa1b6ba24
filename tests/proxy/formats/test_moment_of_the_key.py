"""Which key of a provider a request goes with when the key changes while the request is on its way."""

from collections.abc import Callable, Iterator

import pytest

from proxy.errors import ConfigError
from proxy.fakes.traffic import Received
from redaction.detectors import build_engine
from redaction.settings import EngineSettings
from tests.proxy.formats.gate import InProcess

SIGNED = (
    b"Authorization",
    b"AWS4-HMAC-SHA256 Credential=APP/20260101/eu-central-1/bedrock/aws4_request, SignedHeaders=host, Signature=00",
)


class Key:
    """A file with a key: `later` takes its place once something is in the log."""

    def __init__(self) -> None:
        self.now: Callable[[], str | None] = lambda: "OLD:secret"

    def __call__(self, _destination: str) -> str | None:
        return self.now()


class Rotating(InProcess):
    def __init__(self, key: Key, later: Callable[[], str | None]) -> None:
        super().__init__(build_engine(EngineSettings(languages=("en",), detectors=("patterns",))), key)
        append = self.log.append

        async def recorded(record, *, proof=False):
            receipt = await append(record, proof=proof)
            key.now = later
            return receipt

        self.log.append = recorded


def gone() -> str:
    raise ConfigError("the secret cannot be read")


@pytest.fixture
def went(request) -> Iterator[tuple[bytes, Received]]:
    gate = Rotating(Key(), request.param)
    body = b'{"messages": [{"role": "user", "content": [{"text": "write to mara.lindqvist@posteo.example"}]}]}'
    out = gate.ask("bedrock", "/model/m/converse", body, fields=[SIGNED])
    yield dict(out.left.headers)[b"Authorization"], out.left
    gate.close()


@pytest.mark.parametrize(
    ("went", "goes_with"),
    [(lambda: "NEW:secret", b"NEW"), (lambda: "OLD:secret", b"OLD"), (lambda: None, b"OLD"), (gone, b"OLD")],
    indirect=["went"],
    ids=["exchanged", "the same", "no longer set", "cannot be read"],
)
def test_what_is_in_no_log_yet_does_not_take_an_old_key_along(went, goes_with):
    authorization, left = went
    assert b"Credential=%s/" % goes_with in authorization
    assert b"mara.lindqvist" not in left.body
    assert int(dict(left.headers)[b"Content-Length"]) == len(left.body)
