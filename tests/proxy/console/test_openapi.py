"""The API against its own description: what Schemathesis makes up from it is answered as it says."""

import os
from typing import Any

import pytest

from proxy.console.openapi import document
from tests.proxy.console.conftest import Console

schemathesis = pytest.importorskip("schemathesis")

from schemathesis.checks import CHECKS, load_all_checks  # noqa: E402

load_all_checks()
OPERATIONS = [
    (path, method, operation) for path, methods in document()["paths"].items() for method, operation in methods.items()
]


@pytest.mark.parametrize(("path", "method"), [(path, method) for path, method, _ in OPERATIONS])
def test_made_up_requests_are_answered_as_described(filled: Console, path: str, method: str) -> None:
    from hypothesis import HealthCheck, Phase, given, settings

    schema = schemathesis.openapi.from_dict(document())
    schema.config.update(base_url=filled.url)
    operation = schema[path][method.upper()]
    token = filled.token()
    checks = [CHECKS.get_one(name) for name in CHECK_NAMES]

    @given(case=operation.as_strategy())
    @settings(
        max_examples=int(os.environ.get("DRAGOMAN_API_EXAMPLES", "15")),
        deadline=None,
        database=None,
        derandomize=True,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    def made_up(case: Any) -> None:
        case.call_and_validate(headers={"authorization": f"Bearer {token}"}, checks=checks)

    made_up()


CHECK_NAMES = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_schema_conformance",
    "response_headers_conformance",
)


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
