"""Dashboard and alerts ask for what the product really says of itself."""

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families
from ruamel.yaml import YAML

ROOT = Path(__file__).parents[2]
MONITORING = ROOT / "deploy" / "monitoring"
ALERTS = YAML(typ="safe").load((MONITORING / "alerts.yaml").read_text())["groups"][0]["rules"]
DASHBOARD = json.loads((MONITORING / "grafana.json").read_text())
QUERIES = [
    *(rule["expr"] for rule in ALERTS),
    *(target["expr"] for panel in DASHBOARD["panels"] for target in panel["targets"]),
    *(item["query"]["query"] for item in DASHBOARD["templating"]["list"] if item["type"] == "query"),
]


@pytest.fixture
async def told(stand: Any, chat: Any, tmp_path: Path) -> dict[str, set[str]]:
    """Metric -> labels, of a dragoman after transfers, refusals and a model service that nobody registered."""
    async with stand(door="network") as it:
        it.app.control.add_credential("messenger")
        it.app.control.add_credential("messenger", overlap_s=60)
        it.app.metrics.observe("played", "Error")
        async with it.client("openai") as client:
            await client.post("/v1/chat/completions", json=chat("anna.schmidt@example.com"))
            with pytest.raises(httpx.ProxyError):
                await client.get("https://api.deepseek.com/")
        await it.settled()
        async with httpx.AsyncClient(trust_env=False, timeout=60) as client:
            text = (await client.get("http://{}:{}/-/metrics".format(*it.addresses.admin))).text
    found: dict[str, set[str]] = {"up": {"job", "instance"}}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            found.setdefault(sample.name, {"instance"}).update(sample.labels)
    return found


async def test_every_metric_and_label_that_is_asked_for_is_there(told: dict[str, set[str]]) -> None:
    asked = set()
    for query in QUERIES:
        for name, matchers in re.findall(r"\b(dragoman_[a-z_]+|up)\b(?:\{([^}]*)\})?", query):
            assert name in told, query
            assert set(re.findall(r"(\w+)=", matchers)) <= told[name], query
            asked.add(name)
        names = re.findall(r"dragoman_[a-z_]+", query)
        for labels in re.findall(r"by \(([^)]*)\)", query):
            assert {part.strip() for part in labels.split(",")} <= set().union(*(told[name] for name in names)), query
    own = {name for name in told if name.startswith("dragoman_") and not name.endswith(("_created", "_sum", "_count"))}
    assert own <= asked | {"dragoman_stage_seconds_bucket"}, "a metric that nobody looks at"


def test_every_reason_that_an_alert_waits_for_is_one_that_is_given() -> None:
    source = "\n".join(
        path.read_text() for room in ("proxy", "redaction", "audit", "policies") for path in (ROOT / room).rglob("*.py")
    )
    for rule in ALERTS:
        for pattern in re.findall(r'(?:reason|kind|state)=~?"([^"]*)"', rule["expr"]):
            for word in pattern.split("|"):
                plain = word.removesuffix(".*").removeprefix("detection_").removeprefix("redaction_")
                assert re.search(rf"\b{plain}", source), word


def test_each_alert_says_what_to_do_and_each_panel_has_its_place() -> None:
    for rule in ALERTS:
        assert rule["labels"]["severity"] in {"info", "warning", "critical"}
        assert rule["annotations"]["summary"]
        assert rule["annotations"]["description"]
    taken = set()
    for panel in DASHBOARD["panels"]:
        at = panel["gridPos"]
        cells = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
        assert not cells & taken, panel["title"]
        assert at["x"] + at["w"] <= 24
        taken |= cells


def test_prometheus_takes_the_alerts_and_they_ring_when_they_should(tmp_path: Path) -> None:
    if shutil.which("promtool") is None:
        pytest.skip("needs promtool (Debian's package prometheus)")
    cases = [
        ("DragomanTakesNoTransfers", 'dragoman_takes_transfers{instance="a"}', "0x10"),
        ("DragomanGone", 'up{job="dragoman",instance="a"}', "0x10"),
        ("DragomanFailsInside", 'dragoman_refused_total{instance="a",reason="ledger_failed"}', "0+1x10"),
        ("DragomanOutcomesNotRecorded", 'dragoman_events_total{instance="a",kind="outcome_not_recorded"}', "0+1x10"),
        ("DragomanOverloaded", 'dragoman_refused_total{instance="a",reason="detection_busy"}', "0+1x10"),
        ("DragomanShadowAI", 'dragoman_shadow_ai_total{service="deepseek"}', "0+1x10"),
        ("DragomanAppsDistrustCA", 'dragoman_refused_total{instance="a",reason="client_distrusts_ca"}', "0+2x10"),
        ("DragomanSomethingEnds", 'dragoman_expiry_timestamp_seconds{instance="a",what="authority"}', "86400x10"),
        ("DragomanUpstreamFails", 'dragoman_outcomes_total{instance="a",state="upstream_error"}', "0+9x10"),
    ]
    assert {name for name, _, _ in cases} == {rule["alert"] for rule in ALERTS}
    tests = []
    for name, series, values in cases:
        rings = {"eval_time": "8m", "alertname": name}
        labels = next(rule["labels"] for rule in ALERTS if rule["alert"] == name)
        own = dict(re.findall(r'(\w+)="([^"]*)"', series))
        kept = {"DragomanFailsInside", "DragomanOutcomesNotRecorded", "DragomanOverloaded", "DragomanAppsDistrustCA", "DragomanUpstreamFails"}  # fmt: skip
        shown = {key: value for key, value in own.items() if name not in kept or key == "instance"}
        tests.append(
            {
                "interval": "1m",
                "input_series": [{"series": series, "values": values}],
                "alert_rule_test": [{**rings, "exp_alerts": [{"exp_labels": {**labels, **shown}}]}],
            }
        )
        quiet = values.replace("0+", "3+0*").split("*")[0] + "x10" if "+" in values else "4102444800x10"
        tests.append(
            {
                "interval": "1m",
                "input_series": [{"series": series, "values": quiet if name != "DragomanGone" else "1x10"}],
                "alert_rule_test": [{**rings, "exp_alerts": []}],
            }
        )
    stripped = {"groups": [{"name": "dragoman", "rules": [{**rule, "annotations": {}} for rule in ALERTS]}]}
    (tmp_path / "alerts.yaml").write_text(json.dumps(stripped))
    (tmp_path / "tests.yaml").write_text(json.dumps({"rule_files": ["alerts.yaml"], "tests": tests}))
    for command in (
        ["check", "rules", str(MONITORING / "alerts.yaml")],
        ["test", "rules", str(tmp_path / "tests.yaml")],
    ):
        done = subprocess.run(["promtool", *command], capture_output=True, text=True, timeout=150, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
