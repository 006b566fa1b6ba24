"""The API against its own description: what Schemathesis makes up from it, right or wrong, is answered as it says."""

import os
from typing import Any

import pyarrow.parquet  # noqa: F401 (loaded here, so that the first request for it is not the slow one)
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import GenerationMode
from schemathesis.checks import CHECKS, load_all_checks

from proxy.console.openapi import document
from tests.proxy.console.conftest import Console, Start, fill

load_all_checks()
EXAMPLES = int(os.environ.get("DRAGOMAN_API_EXAMPLES", "12"))
CHECK_NAMES = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_schema_conformance",
    "response_headers_conformance",
    "negative_data_rejection",
)
OPERATIONS = [
    (path, method, operation) for path, methods in document()["paths"].items() for method, operation in methods.items()
]
RIGHT = [(path, method, GenerationMode.POSITIVE) for path, method, _ in OPERATIONS]
WRONG = [
    (path, method, GenerationMode.NEGATIVE)
    for path, method, operation in OPERATIONS
    if operation["parameters"] or "requestBody" in operation
]


@pytest.fixture
def filled(start: Start) -> Console:
    """A console over a log, whose streams end at once: what is made up may ask for minutes."""
    console = start(longest_tail_s=0, detectors=("patterns",))
    fill(console)
    return console


@pytest.mark.parametrize(("path", "method", "mode"), [*RIGHT, *WRONG])
def test_made_up_requests_are_answered_as_described(
    filled: Console, path: str, method: str, mode: GenerationMode
) -> None:
    schema = schemathesis.openapi.from_dict(document())
    schema.config.update(base_url=filled.url, request_timeout=60)
    operation = schema[path][method.upper()]
    token = filled.token()
    # 413 is our answer to a text that is too long; Schemathesis does not count it as a refusal.
    pasted = path.endswith(("/lint", "/proposals", "/cases", "/diff", "/simulation", "/exception", "/rehearsals"))
    names = [name for name in CHECK_NAMES if name != "negative_data_rejection" or not pasted]
    checks = [CHECKS.get_one(name) for name in names]

    @given(case=operation.as_strategy(generation_mode=mode))
    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        derandomize=True,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    def made_up(case: Any) -> None:
        case.call_and_validate(headers={"authorization": f"Bearer {token}"}, checks=checks)

    made_up()


def test_the_document_is_served_and_complete(filled: Console) -> None:
    with filled.client() as client:
        served = client.get("/api/openapi.json").json()
    assert served["openapi"].startswith("3.1")
    assert served == document()
    ids = [operation["operationId"] for _, _, operation in OPERATIONS]
    assert len(set(ids)) == len(ids) >= 20


def test_every_operation_says_who_may_and_what_can_go_wrong() -> None:
    for path, method, operation in OPERATIONS:
        assert operation["description"], (path, method)
        assert {"401", "403", "429", "503"} <= set(operation["responses"])
