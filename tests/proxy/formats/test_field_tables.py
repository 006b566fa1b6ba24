"""The tables of fields that were taken from the providers' SDKs, row by row: what they call words is inspected, and what
they call opaque is left alone or listed here with the reason."""

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
