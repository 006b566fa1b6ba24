"""Parquet: the same answers with types, read back by its own library; and why things were replaced, in words."""

import json
import sys
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from audit import query
from audit.cli import app
from audit.commands import parquet
from audit.log import Ledger
from audit.merkle import leaf_hash
from audit.query import Question
from audit.questions import explain
from audit.record import FindingCount, OutcomeRecord, Uninspected
from tests.audit.conftest import blocked_record, exchange_record


@pytest.fixture
def filled(ledger: Ledger) -> Ledger:
    sent = exchange_record(at=1_700_000_000_123)
    ledger.append_blocking(sent)
    ledger.append_blocking(OutcomeRecord(id=sent.id, at=sent.at + 9, state="complete", status=200, tokens_in=5))  # type: ignore[arg-type]
    ledger.append_blocking(exchange_record(application="feed", observe=True))
    ledger.append_blocking(blocked_record())
    return ledger


def run(ledger: Ledger, *arguments: str):  # type: ignore[no-untyped-def]
    return CliRunner().invoke(app, [*arguments, "--home", str(ledger.home.path)])


def test_a_query_as_parquet_holds_the_rows_with_types(filled: Ledger, tmp_path: Path) -> None:
    out = tmp_path / "rows.parquet"
    done = run(filled, "query", "--format", "parquet", "--out", str(out))
    assert done.exit_code == 0, done.output
    rows = pq.read_table(out).to_pylist()
    with filled.store.read() as connection:
        mine = list(query.transfers(connection, Question()))
    assert [row["id"] for row in rows] == [row["id"] for row in mine]
    oldest = rows[-1]
    assert oldest["at"].timestamp() * 1000 == 1_700_000_000_123
    assert (oldest["observe"], oldest["findings"], oldest["tokens_in"], oldest["reason"]) == (False, 3, 5, None)
    assert set(rows[0]) == set(mine[0]) - {"day"}


@pytest.mark.parametrize("by", ["destination,day", "application,observe", "entity_type,operator"])
def test_counts_as_parquet_are_the_same_as_json(filled: Ledger, tmp_path: Path, by: str) -> None:
    out = tmp_path / "groups.parquet"
    assert run(filled, "query", "--group-by", by, "--format", "parquet", "--out", str(out)).exit_code == 0
    assert pq.read_table(out).to_pylist() == json.loads(run(filled, "query", "--group-by", by, "--json").stdout)


def test_rows_are_written_in_groups(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parquet, "ROWS", 10)
    with (tmp_path / "many.parquet").open("wb") as out:
        n = parquet.write(({"a": number} for number in range(35)), {"a": parquet.Kind.NUMBER}, out)
    found = pq.ParquetFile(tmp_path / "many.parquet")
    assert (n, found.num_row_groups, found.metadata.num_rows) == (35, 4, 35)


def test_an_export_holds_every_entry_byte_for_byte(filled: Ledger, tmp_path: Path) -> None:
    out = tmp_path / "log.parquet"
    assert run(filled, "export", "--format", "parquet", "--out", str(out)).exit_code == 0
    rows = pq.read_table(out).to_pylist()
    with filled.store.read() as connection:
        mine = list(query.entries(connection))
    assert [(row["index"], row["entry"], row["leaf"]) for row in rows] == [
        (index, body, leaf_hash(body)) for index, body in mine[: len(rows)]
    ]
    assert rows[-1]["kind"] == "export", "the record of this very export"


def test_without_the_extra_it_says_what_to_install(
    filled: Ledger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    done = run(filled, "query", "--format", "parquet", "--out", str(tmp_path / "x"))
    assert (done.exit_code, "dragoman[parquet]" in done.stderr) == (2, True)


def test_an_existing_file_is_never_overwritten(filled: Ledger, tmp_path: Path) -> None:
    (tmp_path / "there").write_text("mine")
    assert run(filled, "query", "--format", "parquet", "--out", str(tmp_path / "there")).exit_code == 2
    assert (tmp_path / "there").read_text() == "mine"


def test_why_each_thing_was_replaced_or_not_is_told(ledger: Ledger) -> None:
    findings = (
        FindingCount(
            entity_type="PERSON", operator="tokenize", n=3, rule="people", score_decile=8, language="de",
            recognizer="spacy_de", where="/messages/*/content", kind="user",  # type: ignore[arg-type]
        ),
        FindingCount(entity_type="PHONE_NUMBER", operator="keep", n=1, exception="press-office"),
        FindingCount(entity_type="CITY", operator="keep", n=2),
    )  # fmt: skip
    unseen = (Uninspected(media_type="image/png", bytes=9, reason="policy_pass"),)  # type: ignore[arg-type]
    sent = exchange_record(findings=findings, uninspected=unseen)
    ledger.append_blocking(sent)
    ledger.append_blocking(OutcomeRecord(id=sent.id, at=sent.at, state="complete", restored=2, withheld=1))  # type: ignore[arg-type]
    told = run(ledger, "explain", "--transfer", sent.id).stdout
    assert (
        "3 x PERSON in /messages/*/content (user): replaced by a placeholder, because rule people says so, "
        "found by spacy_de in de text, certainty 0.8 to 0.9." in told
    )
    assert "1 x PHONE_NUMBER: left as it was, because exception press-office lets it pass." in told
    assert "2 x CITY: left as it was, because no rule named it, the policy's default counts." in told
    assert "image/png, 9 bytes: not looked into, because the policy lets it pass." in told
    assert "2 placeholders were put back." in told
    assert "1: the policy, or the place where they stood" in told
    with ledger.store.read() as connection:
        asked = [json.loads(body)["question"] for _, body in query.entries(connection, kinds=("query",))]
    assert asked == ["explain"]
    assert run(ledger, "explain", "--transfer", "01KB8Q0W3Z8V6T4R2N1M0K9J8H").exit_code == 2


def test_every_operator_and_reason_has_its_words() -> None:
    from audit.values import Operator, UninspectedReason

    assert set(explain._DONE) == set(Operator)
    assert set(explain._UNSEEN) == set(UninspectedReason)
