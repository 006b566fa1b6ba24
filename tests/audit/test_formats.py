"""Export formats: every kind has its line or none, and an event leads back to the entry that proves it."""

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
import rfc8785

from audit import events, formats
from audit.canonical import Stamp, entry
from audit.formats import jsonl, ocsf
from audit.formats.base import Place
from audit.merkle import leaf_hash

STAMP = Stamp("node-1", "01ARZ3NDEKTSV4RRFFQ69G5FAV", 7)


def event(record: Any) -> dict[str, Any]:
    body = entry(record, STAMP)
    line = ocsf.FORMAT.line(body, Place("audit.example.com/log", 17, leaf_hash(body).hex()))
    assert line is not None
    assert b"\n" not in line
    found: dict[str, Any] = json.loads(line)
    return found


def test_every_format_file_is_in_the_registry() -> None:
    folder = Path(formats.__file__).parent
    assert {path.stem for path in folder.glob("*.py")} - {"__init__", "base"} == {str(name) for name in formats.NAMES}


def test_json_lines_are_the_entries_as_they_were_signed(transfer) -> None:
    body = entry(transfer(), STAMP)
    assert jsonl.FORMAT.line(body, Place("log", 0, "")) == body


REQUIRED = {"activity_id", "category_uid", "class_uid", "type_uid", "time", "severity_id", "metadata", "actor", "api", "src_endpoint"}  # fmt: skip


def test_every_event_has_what_its_class_requires(transfer, blocked, outcome) -> None:
    sent = transfer()
    for record in (sent, blocked(), blocked(destination=None, host=None, provider=None, endpoint=None), outcome(sent)):
        found = event(record)
        assert set(found) >= REQUIRED
        assert (found["category_uid"], found["class_uid"], found["type_uid"]) == (6, 6003, 600301)
        assert found["time"] == record.at
        assert found["api"]["operation"]
        assert {"version", "product", "profiles", "uid"} <= set(found["metadata"])
        assert found["metadata"]["correlation_uid"] == record.id
        assert found["unmapped"]["audit_index"] == 17
        assert found["unmapped"]["audit_leaf"] == leaf_hash(entry(record, STAMP)).hex()


@pytest.mark.parametrize(
    ("changes", "action", "disposition"),
    [
        ({}, 1, 11),
        ({"findings": ()}, 1, 1),
        ({"observe": True}, 1, 17),
    ],
)
def test_a_transfer_says_what_was_decided(transfer, changes: dict[str, Any], action: int, disposition: int) -> None:
    found = event(transfer(**changes))
    assert (found["action_id"], found["disposition_id"]) == (action, disposition)
    assert found["ai_model"] == {"name": "gpt-5", "ai_provider": "openai"}
    assert found["dst_endpoint"] == {"hostname": "api.openai.com", "name": "openai"}
    assert found["unmapped"]["contracting_entity"] == "OpenAI Ireland Ltd"
    assert found["policy"]["uid"] == "0123456789abcdef" * 4


def test_a_refusal_is_denied_with_its_reason(blocked) -> None:
    found = event(blocked())
    assert (found["action_id"], found["disposition_id"], found["status_id"]) == (2, 2, 2)
    assert found["status_code"] == "policy_blocked"


@pytest.mark.parametrize(("state", "status"), [("complete", 1), ("cut", 2), ("interrupted", 0)])
def test_an_outcome_says_how_it_ended(transfer, outcome, state: str, status: int) -> None:
    found = event(outcome(transfer(), state=state, tokens_in=10, tokens_out=20, upstream_status=200))
    assert (found["status_id"], found["http_response"]) == (status, {"code": 200})
    assert found["message_context"] == {
        "application": {"name": "dragoman"}, "prompt_tokens": 10, "completion_tokens": 20,
    }  # fmt: skip


def test_kinds_without_a_place_in_the_format_are_left_out() -> None:
    body = entry(events.StopRecord(at=1, target="destination", name="openai", state="stopped"), STAMP)  # type: ignore[arg-type]
    assert ocsf.FORMAT.line(body, Place("log", 0, "")) is None


def test_an_event_attests_itself_as_its_profile_asks(transfer, blocked, outcome) -> None:
    sent = transfer()
    for record in (sent, blocked(), outcome(sent)):
        found = json.loads(ocsf.FORMAT.line(entry(record, STAMP), Place("audit.example/log", 17, "ab")) or b"")
        assert "record_integrity" in found["metadata"]["profiles"]
        (attestation,) = found["attestation_list"]
        assert attestation["chain_uid"] == attestation["authority_uid"] == "audit.example/log"
        fingerprint = attestation.pop("fingerprint")
        assert fingerprint["algorithm_id"] == 3
        assert fingerprint["value"] == hashlib.sha256(rfc8785.dumps(found)).hexdigest()
