"""The tables of fields that were taken from the providers' SDKs, row by row: what they call words is inspected in requests
and restored in answers, and what they call opaque is left alone, or it is listed here with the reason."""

import json
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from proxy.errors import FormatError
from proxy.formats.base import Inspected, RequestHead
from proxy.formats.selection import Formats
from proxy.messages import Headers
from redaction.restore import Restorable, Restorer

FIELDS = Path(__file__).parents[4] / "shared" / "fields"
TABLES = (
    "anthropic", "azure_inference", "bedrock", "cohere", "gemini", "gemini_interactions", "groq", "llama", "mistral",
    "ollama", "openai_assistants", "openai_chat", "openai_live", "openai_misc", "openai_realtime", "openai_responses",
    "together", "vertex",
)  # fmt: skip
WORDS, SIGNED = "Frau Zyx kommt", "kXh3" * 16
REFUSED = {("bedrock", "StartAsyncInvoke"), ("llama", "uploads"), ("openai_misc", "uploads")}
"""Operations of which nothing is let through, so that no field of theirs is read."""

READ_AS_WORDS = {
    r"bedrock /body": "the body itself, of which the table of the invoked model's family decides",
    r"(groq|openai_misc) /file": "a part of multipart/form-data, where files are told by their part's own type",
    r"ollama .*images/\*/value": "how the SDK keeps an image; what it sends is the string, which is left alone",
    r"(gemini|vertex) /(setup|contextUpdate)/systemInstruction/(\*/|functionResponse|inlineData|thoughtSignature).*":
        "shorthands of the SDK, which sends a content with parts; there it is left alone",
}  # fmt: skip
"""`table pointer` -> why an opaque place is inspected all the same. The generic format knows no opaque places at all."""


@dataclass(frozen=True)
class Row:
    """One place of one operation. use: the table's class."""

    pointer: str
    use: str

    def body(self, value: Any) -> bytes:
        """A request with this value in this place and nothing else."""
        for part in reversed(self.pointer.strip("/").split("/")):
            if part == "**":
                value = {"x": {"y": [value]}}
            elif part == "*":
                value = [value]
            else:
                value = {value: "v"} if part == "*<key>" else {part: value}
        return json.dumps(value).encode()


def rows(operation: dict[str, Any]) -> Iterator[Row]:
    """The places of a request, or of what a client says in a session."""
    for pointer, use, *_ in [*operation.get("request", ()), *operation.get("client_events", ())]:
        if not pointer.startswith("<"):  # in the path
            yield Row(pointer, use)


@pytest.fixture(scope="module")
def fields() -> Path:
    """The folder of the tables; it lies beside the checkout, and CI has it."""
    if not FIELDS.is_dir():
        assert "CI" not in os.environ, "CI has to lay the tables of fields beside the checkout"
        pytest.skip("the tables of fields do not lie beside this checkout")
    return FIELDS


def test_no_table_is_forgotten(fields: Path) -> None:
    assert {path.stem for path in fields.glob("*.json")} == set(TABLES)


@pytest.mark.parametrize("table", TABLES)
def test_words_are_inspected_and_opaque_places_left_alone(fields: Path, table: str) -> None:
    formats, wrong, counted = Formats(), [], 0
    for operation in json.loads((fields / f"{table}.json").read_text())["endpoints"]:
        method = operation.get("method", "POST")
        path = re.sub(r"\{[^}]*\}", "x", operation["path"]).split(" ")[0].partition("?")[0]
        headers = Headers(((b"content-type", b"application/json"),))
        head = RequestHead(method.replace("WS", "GET"), "api.example", path, "", headers, upgrade=method == "WS")
        chosen, endpoint = formats.select(head, table)

        def read(body: bytes, *, head=head, chosen=chosen, endpoint=endpoint) -> Inspected:
            return endpoint.session.read(body) if endpoint.session else chosen.read(endpoint, head, body)

        for row in rows(operation):
            where = f"{table} {row.pointer}"
            if (table, operation["name"]) in REFUSED:
                with pytest.raises(FormatError) as refused:
                    read(row.body(WORDS))
                assert refused.value.code == "operation_refused"
            elif row.use in ("text", "json-string"):
                counted += 1
                value = WORDS if row.use == "text" else json.dumps({"to": WORDS})
                if WORDS not in [segment.text for segment in read(row.body(value)).segments]:
                    wrong.append(f"{where} is not inspected")
            elif row.use == "opaque" and chosen.name != "generic":
                counted += 1
                if SIGNED in [segment.text for segment in read(row.body(SIGNED)).segments] and not any(
                    re.fullmatch(known, where) for known in READ_AS_WORDS
                ):
                    wrong.append(f"{where} is not left alone")
    assert wrong == []
    assert counted > 1, "the table has lost its rows"


NOT_WORDS = {
    r".*logprobs.*/(token|tokens/\*|text|bytes/\*)": "one token, which is a piece of a word",
    r".*/result": "a picture in base64; where it is a tool's result, the tables of the formats name it",
    r"gemini_interactions .*/data": "a picture or sound in base64",
    r"(groq|ollama) .*/(embedding|image)": "a vector or a picture in base64",
    r"openai_realtime /value": "the key of a session, which is the provider's own",
}
"""`table pointer` of an answer -> why a placeholder stays there."""


def answers(operation: dict[str, Any]) -> Iterator[tuple[str, str, str]]:
    """(side, pointer, class) of every place of an operation's answers and events."""
    for side in ("response", "stream", "server_events"):
        for pointer, use, *_ in operation.get(side, ()):
            if not pointer.startswith("<"):
                yield side, pointer, use


@pytest.mark.parametrize("table", TABLES)
def test_words_of_answers_are_restored_and_opaque_places_left_alone(fields: Path, people: Any, table: str) -> None:
    formats, wrong, counted = Formats(), [], 0
    token, name = list(people.items())[1]
    for operation in json.loads((fields / f"{table}.json").read_text())["endpoints"]:
        method = operation.get("method", "POST")
        path = re.sub(r"\{[^}]*\}", "x", operation["path"]).split(" ")[0].partition("?")[0]
        head = RequestHead(method.replace("WS", "GET"), "api.example", path, "", Headers(), upgrade=method == "WS")
        chosen, endpoint = formats.select(head, table)

        def restored(side: str, raw: bytes, *, chosen=chosen, endpoint=endpoint) -> bytes:
            restorer = Restorer(Restorable(people))
            if endpoint.session is not None:
                session = endpoint.session.reader(restorer)
                return b"".join([*session.message(raw), *session.close(complete=True)])
            # An error is one document, whatever the operation streams.
            kind, status = ("application/json", 400) if side == "response" else ("text/event-stream", 200)
            reader = chosen.reader(endpoint, status, Headers(((b"content-type", kind.encode()),)), restorer)
            out = reader.feed(raw if side == "response" else b"data: " + raw + b"\n\n") + reader.finish()
            return out.removeprefix(b"data: ").removesuffix(b"\n\n")

        for side, pointer, use in answers(operation):
            row, where = Row(pointer, use), f"{table} {pointer}"
            if use == "opaque":
                counted += 1
                if restored(side, row.body(SIGNED)) != row.body(SIGNED):
                    wrong.append(f"{where} is not left alone")
            elif use in ("restore", "text", "json-string") and (table, operation["name"]) not in REFUSED:
                counted += 1
                words = f"Hallo {token} da"
                found = restored(side, row.body(json.dumps({"to": words}) if use == "json-string" else words)).decode()
                if (name not in found or token in found) and not any(re.fullmatch(one, where) for one in NOT_WORDS):
                    wrong.append(f"{where} of {side} is not restored")
    assert wrong == []
    assert counted > 1, "the table has lost its rows"
