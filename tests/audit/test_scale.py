"""The made-up year: the same each time, made of valid entries, and what is asked of it has answers."""

from pathlib import Path

import orjson
from jsonschema import Draft202012Validator

from audit.bench.asking import run
from audit.bench.made_up import drafts, fill, person
from audit.canonical import facts
from audit.log import Ledger
from audit.query import Question, entries, groups, transfers
from audit.references import Space
from audit.schema import schema
from audit.verify import verify_store

PERSONS = ["A" * 22, "B" * 22, "C" * 22]


def test_the_same_seed_gives_the_same_transfers_and_another_does_not() -> None:
    one, again, other = ([orjson.dumps(draft.facts) for draft in drafts(200, PERSONS, seed=seed)] for seed in (1, 1, 2))
    assert one == again
    assert one != other
    assert len(one) > 300


def test_a_made_up_log_verifies_and_every_entry_is_as_the_schema_says(ledger: Ledger) -> None:
    assert fill(ledger, 400) == 20
    found = verify_store(ledger.store, [ledger.home.read_vkey()])
    assert found.kinds["transfer"] + found.kinds["blocked"] == 400
    assert 0 < found.open <= 20
    validator = Draft202012Validator(schema())
    with ledger.store.read() as connection:
        for _, body in entries(connection, since=1):
            validator.validate(facts(body))
        refs = ledger.references.known(Space.SUBJECT, person(0))
        assert list(transfers(connection, Question(refs=refs)))
        assert len(list(groups(connection, Question(), ["model"]))) > 3


def test_every_question_of_the_bench_is_measured(tmp_path: Path) -> None:
    rows = run(300, keep=tmp_path / "home")
    again = run(300, keep=tmp_path / "home")
    assert [row.case for row in rows][1:] == [row.case for row in again]
    assert {row.case for row in again} >= {"a person's transfers", "page of nothing", "group by, 365 days"}
