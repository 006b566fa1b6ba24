"""Records are counted together when somebody asks; what is counted is what each of them says, as the library says it."""

from collections import Counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, Histogram

from audit.ids import new_id, now_ms
from audit.record import BlockedRecord, DestinationFacts, FindingCount, OutcomeRecord, StageTime, TransferRecord
from proxy.running import metrics as room
from proxy.running.metrics import MOST_WAITING, Metrics

DIGEST = "0123456789abcdef" * 4
FOUND = (
    FindingCount(entity_type="PERSON", operator="tokenize", n=3),  # type: ignore[arg-type]
    FindingCount(entity_type="PERSON", operator="tokenize", n=2, language="de"),  # type: ignore[arg-type]
    FindingCount(entity_type="IBAN", operator="block", n=1),  # type: ignore[arg-type]
)


def facts(**changes: Any) -> dict[str, Any]:
    return {
        "id": new_id(), "at": now_ms(), "environment": "test", "application": "messenger", "identified_by": "none",
        "door": "gateway", "mode": "gateway", "policy_digest": DIGEST, "commitment_in": DIGEST, **changes,
    }  # fmt: skip


def sent(destination: str, *us: int) -> TransferRecord:
    more = {"destination": DestinationFacts(name=destination), "host": "api.example", "action": "transform"}
    stages = tuple(StageTime(stage="parse", us=one) for one in us)  # type: ignore[arg-type]
    return TransferRecord(**facts(**more, bytes_out=1, commitment_out=DIGEST, findings=FOUND, stages=stages))


def refused() -> BlockedRecord:
    return BlockedRecord(**facts(action="block", reason="policy_blocked", status=403))


def ended(of: TransferRecord) -> OutcomeRecord:
    return OutcomeRecord(id=of.id, attempt=of.attempt, at=now_ms(), state="complete", status=200)  # type: ignore[arg-type]


def told(metrics: Metrics) -> list[str]:
    return [line for line in metrics.render().decode().splitlines() if "_created" not in line]


def value(metrics: Metrics, start: str) -> float:
    (line,) = [line for line in told(metrics) if line.startswith(start + " ")]
    return float(line.rpartition(" ")[2])


@pytest.mark.parametrize("n", [1, MOST_WAITING - 1, MOST_WAITING, MOST_WAITING + 1])
def test_whoever_asks_is_told_of_every_record(n: int) -> None:
    metrics = Metrics()
    for number in range(n):
        metrics.recorded(sent("openai", 300, 1_000, 20_000_000) if number else refused())
    metrics.recorded(ended(sent("openai")))
    counts = {
        'dragoman_transfers_total{action="block",destination=""}': 1,
        'dragoman_outcomes_total{state="complete"}': 1,
    }
    if n > 1:
        counts |= {
            'dragoman_transfers_total{action="transform",destination="openai"}': n - 1,
            'dragoman_findings_total{entity_type="PERSON",operator="tokenize"}': 5 * (n - 1),
            'dragoman_findings_total{entity_type="IBAN",operator="block"}': n - 1,
            'dragoman_stage_seconds_bucket{le="0.0005",stage="parse"}': n - 1,
            'dragoman_stage_seconds_bucket{le="0.001",stage="parse"}': 2 * (n - 1),
            'dragoman_stage_seconds_bucket{le="+Inf",stage="parse"}': 3 * (n - 1),
        }
    assert {name: value(metrics, name) for name in counts} == counts
    assert told(metrics) == told(metrics), "nothing is counted twice"


def test_nothing_waits_where_another_process_reads_what_was_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    counted = Counter[str]()
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", "/nowhere")
    metrics = Metrics()
    monkeypatch.setattr(metrics.outcomes, "labels", lambda state: counted.update([state]) or _Deaf())
    metrics.recorded(ended(sent("openai")))
    assert counted == {"complete": 1}


class _Deaf:
    def inc(self, _n: float) -> None: ...


@given(st.lists(st.floats(0, 100) | st.sampled_from(room._SECONDS), max_size=50))
def test_many_times_at_once_are_as_many_one_by_one(seconds: list[float]) -> None:
    def made() -> tuple[CollectorRegistry, Histogram]:
        registry = CollectorRegistry()
        return registry, Histogram("spent", "Time.", buckets=room._SECONDS, registry=registry)

    (together, at_once), (apart, one_by_one) = made(), made()
    room._observe(at_once, seconds)
    for one in seconds:
        one_by_one.observe(one)
    names = [(sample.name, sample.labels) for family in apart.collect() for sample in family.samples]
    for name, labels in names:
        if not name.endswith("_created"):
            assert together.get_sample_value(name, labels) == pytest.approx(apart.get_sample_value(name, labels))
