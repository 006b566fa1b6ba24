"""`dragoman audit`: every command in every form; every reading is a record; nothing personal is printed or kept."""

import base64
import csv
import io
import json
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from alembic import command as alembic
from alembic.config import Config
from typer.testing import CliRunner, Result

from audit import migrations
from audit.canonical import facts
from audit.cli import app
from audit.commands import ask as cli_ask
from audit.commands import prove as cli_prove
from audit.home import Home
from audit.ledger.publish import publish
from audit.log import Ledger
from audit.merkle import leaf_hash
from audit.prove import Proof, check
from audit.query import entries
from audit.reports import NAMES as KINDS
from audit.reports.texts import Language
from audit.signing import VerifierKey
from audit.store import Store
from audit.tables import REVISION
from audit.verify import verify_folder

ANNA = "anna.schmidt@example.com"


class Command:
    """`dragoman audit …` on one home."""

    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger

    def __call__(self, *arguments: str | Path, code: int = 0, stdin: str | None = None) -> Result:
        at_home = ("--home", str(self.ledger.home.path))
        result = CliRunner().invoke(app, [*map(str, arguments), *at_home], input=stdin)
        assert result.exit_code == code, result.output
        assert "Traceback" not in result.output
        assert "note: this reading is not in the log" not in result.output
        return result

    def json(self, *arguments: str | Path, stdin: str | None = None) -> Any:
        return json.loads(self(*arguments, "--json", stdin=stdin).stdout)

    def last(self) -> dict[str, Any]:
        """The newest entry."""
        with self.ledger.store.read() as connection:
            return facts(list(entries(connection))[-1][1])


@pytest.fixture
def run(ledger: Ledger, transfer, blocked, outcome) -> Iterator[Command]:
    """The command on a log with three transfers and a refusal."""
    ref = ledger.references.subject(ANNA)
    sent = transfer(subject=ref)
    ledger._append_all([sent, blocked(), outcome(sent, tokens_in=10, tokens_out=20)])
    ledger._append_all([transfer(application="feed", model=None), transfer(application="search")])
    command = Command(ledger)
    yield command
    everything = b"".join(path.read_bytes() for path in ledger.home.path.rglob("*") if path.is_file())
    for form in (ANNA, ANNA.upper(), ANNA.split("@")[0]):
        assert form.encode() not in everything


def test_query_prints_a_table_newest_first(run: Command) -> None:
    lines = [line for line in run("query").stdout.splitlines() if line.strip()]
    assert lines[0].split() == list(cli_ask.LIST_COLUMNS)
    assert len(lines) == 2 + 4
    assert "search" in lines[2]
    assert "complete" in lines[-1]
    assert run.last()["question"] == "query"


@pytest.mark.parametrize("form", ["json", "jsonl", "csv"])
def test_query_prints_the_same_rows_for_programs(run: Command, form: str) -> None:
    text = run("query", "--format", form, "--where", "kind=transfer").stdout
    if form == "csv":
        rows = list(csv.DictReader(io.StringIO(text)))
    else:
        rows = json.loads(text) if form == "json" else [json.loads(line) for line in text.splitlines()]
    assert [row["application"] for row in rows] == ["search", "feed", "messenger"]
    assert rows[2]["destination"] == "openai"
    assert {"id", "entity", "countries", "state", "tokens_in"} <= set(rows[0])


def test_query_filters_by_options_fields_and_time(run: Command) -> None:
    assert len(run.json("query", "--app", "messenger")) == 2
    assert len(run.json("query", "--app", "messenger", "--kind", "transfer")) == 1
    assert len(run.json("query", "--type", "PERSON", "--destination", "openai", "--provider", "openai")) == 4
    assert len(run.json("query", "--action", "block")) == 1
    assert len(run.json("query", "--where", "state=complete", "--where", "country=IE")) == 1
    assert len(run.json("query", "--since", "1h")) == 4
    assert run.json("query", "--until", "1h") == []
    assert run.json("query", "--since", "2001-01-01", "--until", "2001-01-02T10:00") == []
    assert len(run.json("query", "--limit", "1")) == 1
    page = run.json("query", "--limit", "2")
    assert [row["idx"] for row in run.json("query", "--before", str(page[-1]["idx"]))] == [2, 1]


def test_a_page_says_that_there_are_more_rows_and_a_file_has_them_all(
    run: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cli_ask, "PAGE", 2)
    page = run("query", "--json")
    rows = json.loads(page.stdout)
    assert len(rows) == 2
    assert f"there are more: give --limit, or go on with --before {rows[-1]['idx']}" in page.stderr
    for form in ("csv", "jsonl"):
        file = run("query", "--format", form)
        assert (len(file.stdout.splitlines()), file.stderr) == (4 + (form == "csv"), "")
    assert run("query", "--json", "--limit", "4").stderr == ""


def test_query_groups(run: Command) -> None:
    rows = run.json("query", "--group-by", "application, kind")
    assert run.json("query", "--group-by", "application", "--group-by", "kind") == rows
    assert sorted((row["application"], row["kind"], row["transfers"]) for row in rows) == [
        ("feed", "transfer", 1), ("messenger", "blocked", 1), ("messenger", "transfer", 1), ("search", "transfer", 1),
    ]  # fmt: skip
    assert "PERSON" in run("query", "--group-by", "entity_type").stdout
    assert "nothing found" in run("query", "--group-by", "day", "--app", "none").stdout


def test_a_person_is_given_by_the_real_identifier_and_recorded_as_a_reference(run: Command) -> None:
    (row,) = run.json("query", "--subject", ANNA)
    assert row["application"] == "messenger"
    assert run.last()["refs"] == [run.ledger.references.subject(ANNA)]
    assert run.json("query", "--subject", "-", stdin=f"{ANNA}\n") == [row]
    assert run.json("query", "--subject", "nobody@example.com") == []


@pytest.mark.parametrize(
    "arguments",
    [
        ("query", "--where", f"{ANNA}=1"),
        ("query", "--where", ANNA),
        ("query", "--where", f"status={ANNA}"),
        ("query", "--group-by", ANNA),
        ("query", "--since", ANNA),
        ("show", ANNA),
        ("prove", ANNA),
        ("prove", "--index", "99"),
    ],
)
def test_wrong_use_exits_with_2_or_1_and_repeats_nothing(run: Command, arguments: tuple[str, ...]) -> None:
    result = run(*arguments, code=1 if "99" in arguments else 2)
    assert ANNA not in result.output
    assert result.stderr


def test_show_tells_a_transfer_as_a_story(run: Command) -> None:
    (row,) = run.json("query", "--where", "state=complete")
    text = run("show", row["id"]).stdout
    for said in (
        "Application messenger (identified by credential)",
        "Recipient: OpenAI Ireland Ltd (openai), role processor, agreement DPA-2026-014",
        "Processed in US; stored in US, IE; accessed from unknown.",
        "Kept: 30 days. Used for training: no.",
        "3 x Name of a person in /messages/*/content: replaced by a placeholder, rule people-become-placeholders, found by spacy_de.",
        "Decision: changed and passed by policy messenger",
        "The answer came back whole. Status 200.",
        "Tokens: 10 in, 20 out.",
    ):
        assert said in text
    assert run.last() | {"question": "show", "transfer": row["id"]} == run.last()
    assert [one["kind"] for one in run.json("show", row["id"])] == ["transfer", "outcome"]
    (refused,) = run.json("query", "--kind", "blocked")
    assert "Refused with 403 policy_blocked; nothing was sent." in run("show", refused["id"]).stdout
    (open_one,) = run.json("query", "--app", "feed")
    assert "There is no outcome yet" in run("show", open_one["id"]).stdout


def test_who_says_who_controls_stores_and_uses(run: Command) -> None:
    text = run("who", "--app", "messenger").stdout
    assert "OpenAI Ireland Ltd (openai)" in text
    assert "Controls: Example Social Ltd. Purpose: explain-conversations, declared basis consent." in text
    assert "PARTIAL" not in text
    found = run.json("who", "--subject", ANNA)
    assert (found["partial"], found["transfers"], found["without_subject"]) == (True, 3, 2)
    assert [one["application"] for one in found["holdings"]] == ["messenger"]
    assert found["holdings"][0]["findings"] == [{"entity_type": "PERSON", "operator": "tokenize", "n": 3}]
    assert "PARTIAL: 2 of 3" in run("who", "--subject", ANNA).stdout
    assert run.json("who", "--day", "2001-01-01") == {"holdings": [], "sealed_below": 0}
    assert "Nothing was sent to anybody." in run("who", "--day", "2001-01-01").stdout
    assert run.last()["question"] == "who"


def test_tail_prints_the_newest_entries_and_not_the_record_of_its_own_reading(run: Command) -> None:
    lines = run("tail", "-n", "2").stdout.splitlines()
    assert [line.split()[3] for line in lines] == ["transfer", "transfer"]
    (line,) = run("tail", "-n", "1", "--json").stdout.splitlines()
    assert json.loads(line)["question"] == "tail", "the reading before is the newest entry by then"
    assert run.last()["results"] == 1


def test_tail_goes_on_with_what_comes_beginning_with_its_own_record(
    run: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Interrupted:
        def wait(self, _: float) -> None:
            raise KeyboardInterrupt

    monkeypatch.setattr("audit.commands.ask.threading", SimpleNamespace(Event=Interrupted))
    *_, before, own = run("tail", "-n", "2", "--follow", "--json").stdout.splitlines()
    assert (json.loads(before)["kind"], json.loads(own)["question"]) == ("transfer", "tail")


def test_stats_and_key(run: Command) -> None:
    found = run.json("stats")
    assert (found["transfer"], found["blocked"], found["outcome"], found["open"]) == (3, 1, 1, 2)
    assert found["log"] == run.ledger.home.read_vkey().name
    assert "transfer       3" in run("stats").stdout
    assert VerifierKey.parse(run("key").stdout) == run.ledger.home.read_vkey()
    assert run.json("key")["id"] == run.ledger.home.read_vkey().id.hex()


def test_prove_prints_a_receipt_that_holds(run: Command, tmp_path: Path) -> None:
    (row,) = run.json("query", "--app", "feed")
    proof = Proof.parse(run("prove", row["id"], "--entry", tmp_path / "entry").stdout_bytes)
    check(proof, (tmp_path / "entry").read_bytes(), [run.ledger.home.read_vkey()])
    assert json.loads((tmp_path / "entry").read_bytes())["id"] == row["id"]
    assert Proof.parse(run("prove", "--index", "0").stdout_bytes).index == 0


def test_verify_finds_a_database_that_was_put_back_to_before_what_was_published(
    run: Command, transfer: Any, tmp_path: Path
) -> None:
    home, back = run.ledger.home, tmp_path / "put-back"
    back.mkdir()
    with closing(sqlite3.connect(home.path / "audit.db")) as now, closing(sqlite3.connect(back / "audit.db")) as older:
        now.backup(older)
    run.ledger.append_blocking(transfer())
    publish(home, run.ledger.store)
    run("verify")
    shutil.copytree(home.path / "keys", back / "keys")
    shutil.copytree(home.log, back / "log")
    result = CliRunner().invoke(app, ["verify", "--home", str(back)])
    assert (result.exit_code, "the log was shortened" in result.stderr) == (1, True)


def test_a_receipt_is_verified_offline_and_against_an_export(run: Command, transfer, tmp_path: Path) -> None:
    run("export", "--out", tmp_path / "shorter")
    given = run.ledger.append_blocking(transfer(), proof=True).proof
    assert given is not None
    header, vkey, entry = tmp_path / "header", tmp_path / "auditor.vkey", tmp_path / "entry"
    header.write_bytes(base64.b64encode(given))
    vkey.write_text(run("key").stdout)
    run("export", "--out", tmp_path / "tiles")

    def offline(*arguments: str | Path, code: int = 0) -> str:
        where = ("--receipt", header, "--vkey", vkey, "--home", tmp_path / "nothing")
        result = CliRunner().invoke(app, ["verify", *map(str, (*where, *arguments))])
        assert result.exit_code == code, result.output
        return result.output

    found = json.loads(offline("--json"))
    run("prove", "--index", str(found["index"]), "--entry", entry)
    assert found["leaf"] == leaf_hash(entry.read_bytes()).hex()
    assert f"holds: entry {found['index']}" in offline("--entry", entry)
    assert "still in the export" in offline("--export", tmp_path / "tiles")
    assert "was shortened" in offline("--export", tmp_path / "shorter", code=1)
    entry.write_bytes(b"{}")
    assert "does not hold" in offline("--entry", entry, code=1)
    header.unlink()
    offline(code=2)


def test_export_copies_the_log_out_and_says_so(run: Command, tmp_path: Path) -> None:
    run("export", "--out", tmp_path / "tiles")
    assert run.last() | {"kind": "export", "format": "tiles"} == run.last()
    found = verify_folder(tmp_path / "tiles", [run.ledger.home.read_vkey()])
    assert found.kinds["transfer"] == 3
    assert run.json("verify", "--export", tmp_path / "tiles")["entries"] == found.checkpoint.size
    run("export", "--format", "jsonl", "--out", tmp_path / "log.jsonl")
    lines = (tmp_path / "log.jsonl").read_bytes().splitlines()
    assert [facts(line)["kind"] for line in lines][:3] == ["key", "transfer", "blocked"]
    run("export", "--out", tmp_path / "tiles", code=2)
    run("export", "--format", "tiles", code=2)
    run("export", "--format", "pdf", code=2)
    events = [json.loads(line) for line in run("export", "--format", "ocsf").stdout.splitlines()]
    assert [event["class_uid"] for event in events] == [6003] * 5
    again = run("export", "--format", "ocsf", "--out", tmp_path / "log.jsonl", code=2).stderr
    assert "cannot be written: it is there already" in again


def test_help_names_the_formats_that_are_written_and_no_other(run: Command) -> None:
    assert (
        f"<{'|'.join(cli_prove.FORMS)}>" in CliRunner().invoke(app, ["export", "--help"], env={"COLUMNS": "200"}).stdout
    )
    assert ", ".join(cli_prove.FORMS) in run("export", "--format", "csv", code=2).stderr


def test_the_list_of_reports_says_what_each_is(run: Command) -> None:
    for language in Language:
        lines = run("report", "list", "--lang", language).stdout.splitlines()
        assert [line.split()[0] for line in lines] == list(KINDS)
        assert all(len(line.split(maxsplit=1)[1]) > 5 for line in lines)


def test_verify_says_what_holds_and_names_what_does_not(run: Command, tmp_path: Path) -> None:
    run("export", "--out", tmp_path / "tiles")
    vkey = tmp_path / "auditor.vkey"
    vkey.write_text(run("key").stdout)
    kept = tmp_path / "kept"
    kept.write_bytes((tmp_path / "tiles" / "checkpoint").read_bytes())
    assert "3 transfer" in run("verify", "--export", tmp_path / "tiles", "--vkey", vkey, "--kept", kept).stdout
    assert run.json("verify", "--kept", kept)["holds"] is True
    bundle = next((tmp_path / "tiles" / "tile" / "entries" / "000.p").iterdir())
    data = bytearray(bundle.read_bytes())
    data[-1] ^= 1
    bundle.write_bytes(bytes(data))
    result = run("verify", "--export", tmp_path / "tiles", "--vkey", vkey, code=1)
    assert "does not hold: entry 6 is not the one that was signed" in result.stderr
    run("verify", "--export", tmp_path / "tiles", "--vkey", "nonsense", code=2)
    run("verify", "--kept", tmp_path / "none", code=2)


def test_a_home_without_a_log_is_said_to_be_one(tmp_path: Path) -> None:
    for command in ("query", "stats", "key", "verify"):
        result = CliRunner().invoke(app, [command, "--home", str(tmp_path)])
        assert result.exit_code == 2
        assert "no audit log in" in result.stderr


def test_a_reading_that_cannot_be_recorded_says_so(run: Command) -> None:
    next((run.ledger.home.path / "keys").glob("audit-log-*.key")).chmod(0o644)
    result = CliRunner().invoke(app, ["stats", "--home", str(run.ledger.home.path)])
    assert result.exit_code == 0
    assert "note: this reading is not in the log (key_mode)" in result.stderr


@pytest.mark.parametrize("name", [*cli_ask.COMMANDS, *cli_prove.COMMANDS])
def test_every_command_has_help_with_an_example(name: str) -> None:
    result = CliRunner().invoke(app, [name, "--help"])
    assert result.exit_code == 0
    assert f"Example: dragoman audit {name}" in result.stdout


def test_migrate_brings_an_older_database_to_this_release_while_nobody_serves_it(home: Path) -> None:
    ledger = Ledger.open(home)
    busy = CliRunner().invoke(app, ["migrate", "--home", str(home)])
    assert busy.exit_code == 2, busy.output
    ledger.close()
    for path in home.glob("audit.db*"):
        path.unlink()
    (home / "audit.db").touch(0o600)
    store = Store(Home(home).database_url)
    config = Config()
    config.set_main_option("script_location", str(Path(migrations.__file__).parent))
    with store.write() as connection:
        config.attributes["connection"] = connection
        alembic.upgrade(config, "0004")
    store.close()
    done = CliRunner().invoke(app, ["migrate", "--home", str(home)])
    assert f"schema 0004 -> {REVISION}" in done.output
    again = CliRunner().invoke(app, ["migrate", "--home", str(home)])
    assert (again.exit_code, f"schema {REVISION} already" in again.output) == (0, True)
