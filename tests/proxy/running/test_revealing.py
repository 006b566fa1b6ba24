"""An original is shown for a reason, to one person after another agreed, once, and never without a record before it."""

import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from audit import query
from audit.errors import LedgerError
from audit.log import Ledger
from proxy.cli import build
from proxy.control import reveals
from proxy.control.reveals import RevealKind, RevealState, Wanted
from proxy.control.store import ControlStore
from proxy.control.tokens import Role, Token
from proxy.errors import FormatError, RefusedError
from proxy.running.revealing import GoneError, Revealing
from redaction.vault import open_vault

NAME = "Anna Schmidt"


class Office:
    """A home with an original in its vault, and officers with tokens."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.ledger = Ledger.open(home)
        self.control = ControlStore.at(home)
        self.values: dict[str, str] = {}
        self.anna, self.bert = self.token("Anna O"), self.token("Bert O")
        vault = open_vault(home)
        self.scope = vault.open_scope("ref-1", destination="openai")
        (self.placeholder,) = vault.issue(self.scope, [("PERSON", NAME)])
        vault.close()
        self.revealing = Revealing(self.control, lambda: self.ledger, lambda: open_vault(home))

    def token(self, name: str, role: Role = Role.OFFICER) -> Token:
        value, made = self.control.tokens.create(role, name, (), 1)
        self.values[made.id] = value
        return made

    def wanted(self, what: str = "") -> Wanted:
        return Wanted(RevealKind.ORIGINAL, what or self.placeholder, "incident", ticket="INC-7")

    def records(self) -> list[dict[str, object]]:
        with self.ledger.store.read() as connection:
            return [json.loads(body) for _, body in query.entries(connection, kinds=("reveal",))]

    def run(self, token: Token | None, *arguments: str):  # type: ignore[no-untyped-def]
        command = ["vault", "reveal", *arguments, "--home", str(self.home)]
        env = {"DRAGOMAN_TOKEN": "" if token is None else self.values[token.id]}
        return CliRunner().invoke(build(command), command, env=env)


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    made = Office(tmp_path)
    yield made
    made.control.close()
    made.ledger.close()


def test_one_asks_another_agrees_and_the_first_looks_once(office: Office) -> None:
    asked = office.revealing.ask(office.anna, office.wanted())
    assert office.revealing.approve(office.bert, asked.id).state is RevealState.APPROVED
    shown = office.revealing.show(office.anna, asked.id)
    assert (shown.text, shown.entity_type) == (NAME, "PERSON")
    (record,) = office.records()
    actor = office.ledger.references.actor
    assert (record["actor"], record["approver"]) == (actor(f"token:{office.anna.id}"), actor(f"token:{office.bert.id}"))
    assert (record["reason"], record["ticket"], record["n"], record["types"]) == ("incident", "INC-7", 1, ["PERSON"])
    assert record["scope"] == office.scope.id
    assert NAME not in json.dumps(record)
    with pytest.raises(GoneError):
        office.revealing.show(office.anna, asked.id)
    assert len(office.records()) == 1


def test_nobody_agrees_to_their_own_request_not_even_with_a_second_token(office: Office) -> None:
    asked = office.revealing.ask(office.anna, office.wanted())
    for token in (office.anna, office.token("Anna O"), office.token("anna  o ")):
        with pytest.raises(RefusedError) as refused:
            office.revealing.approve(token, asked.id)
        assert refused.value.code == "needs_two_people"
    with pytest.raises(GoneError):
        office.revealing.show(office.anna, asked.id)
    assert office.records() == []


def test_only_the_one_who_asked_may_look(office: Office) -> None:
    asked = office.revealing.ask(office.anna, office.wanted())
    office.revealing.approve(office.bert, asked.id)
    for other in (office.bert, office.token("Carla O")):
        with pytest.raises(GoneError):
            office.revealing.show(other, asked.id)
    assert office.revealing.show(office.anna, asked.id).text == NAME


@pytest.mark.parametrize("role", [Role.AUDITOR, Role.OPERATOR])
def test_other_roles_neither_ask_nor_agree_nor_look(office: Office, role: Role) -> None:
    other = office.token("somebody", role)
    asked = office.revealing.ask(office.anna, office.wanted())
    with pytest.raises(RefusedError):
        office.revealing.ask(other, office.wanted())
    for act in (office.revealing.approve, office.revealing.deny, office.revealing.show):
        with pytest.raises(RefusedError):
            act(other, asked.id)
    with pytest.raises(RefusedError):
        office.revealing.waiting(other)


@pytest.mark.parametrize("when", ["waiting", "agreed"])
def test_a_request_and_an_agreement_end_by_themselves(
    office: Office, when: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = office.revealing.ask(office.anna, office.wanted())
    if when == "agreed":
        office.revealing.approve(office.bert, asked.id)
    later = time.time_ns() // 1_000_000 + (reveals.WAITS_MS if when == "waiting" else reveals.HOLDS_MS) + 1
    monkeypatch.setattr(reveals, "now_ms", lambda: later)
    with pytest.raises(GoneError):
        (
            office.revealing.approve(office.bert, asked.id)
            if when == "waiting"
            else office.revealing.show(office.anna, asked.id)
        )
    assert office.revealing.waiting(office.anna)[0].state is RevealState.EXPIRED
    assert office.records() == []


def test_what_cannot_be_recorded_is_not_shown(office: Office) -> None:
    asked = office.revealing.ask(office.anna, office.wanted())
    office.revealing.approve(office.bert, asked.id)
    office.ledger.close()
    with pytest.raises(LedgerError):
        office.revealing.show(office.anna, asked.id)


def test_a_denied_request_and_one_taken_back_show_nothing(office: Office) -> None:
    first, second = (office.revealing.ask(office.anna, office.wanted()) for _ in range(2))
    office.revealing.deny(office.bert, first.id)
    office.revealing.approve(office.bert, second.id)
    office.revealing.deny(office.anna, second.id)
    for one in (first, second):
        with pytest.raises(GoneError):
            office.revealing.show(office.anna, one.id)
        with pytest.raises(GoneError):
            office.revealing.approve(office.bert, one.id)


def test_a_placeholder_that_the_vault_does_not_have_is_recorded_as_asked_for(office: Office) -> None:
    vault = open_vault(office.home)
    vault.shred(office.scope.id)
    vault.close()
    asked = office.revealing.ask(office.anna, office.wanted())
    office.revealing.approve(office.bert, asked.id)
    with pytest.raises(GoneError):
        office.revealing.show(office.anna, asked.id)
    (record,) = office.records()
    assert (record["n"], record.get("types")) == (0, None)


@pytest.mark.parametrize("what", [NAME, "[PERSON_AAAAAAAA]", "", "PERSON_4V0M7KQ2"])
def test_an_original_in_the_wrong_place_is_refused_and_not_repeated(office: Office, what: str) -> None:
    with pytest.raises(FormatError) as refused:
        office.revealing.ask(office.anna, Wanted(RevealKind.ORIGINAL, what, "incident"))
    assert NAME not in refused.value.message
    assert office.revealing.waiting(office.anna) == ()


def test_who_an_actor_is_needs_two_people_as_well(office: Office) -> None:
    ref = office.ledger.references.actor(f"token:{office.bert.id}")
    asked = office.revealing.ask(office.anna, Wanted(RevealKind.ACTOR, ref, "incident"))
    office.ledger.append_blocking(_stop(ref))  # makes the reference durable
    with pytest.raises(GoneError):
        office.revealing.show(office.anna, asked.id)
    office.revealing.approve(office.bert, asked.id)
    assert office.revealing.show(office.anna, asked.id).text == f"token:{office.bert.id} (officer, Bert O)"
    (record,) = office.records()
    assert (record["named"], record["n"]) == (ref, 1)
    nobody = office.revealing.ask(office.anna, Wanted(RevealKind.ACTOR, "A" * 22, "incident"))
    office.revealing.approve(office.bert, nobody.id)
    with pytest.raises(GoneError):
        office.revealing.show(office.anna, nobody.id)


def _stop(actor: str):  # type: ignore[no-untyped-def]
    from audit.events import StopRecord

    return StopRecord(at=1, target="destination", name="openai", state="stopped", actor=actor)  # type: ignore[arg-type]


def test_the_command_does_the_same_with_tokens_from_the_environment(office: Office) -> None:
    asked = office.run(office.anna, "ask", office.placeholder, "--reason", "incident", "--ticket", "INC-7")
    assert asked.exit_code == 0, asked.output
    name = asked.stdout.split()[0]
    own = office.run(office.anna, "approve", name)
    assert isinstance(own.exception, RefusedError)
    assert office.run(office.bert, "approve", name).exit_code == 0
    assert office.run(office.anna, "show", name).stdout == f"{NAME}\n"
    assert isinstance(office.run(office.anna, "show", name).exception, GoneError)
    (listed,) = json.loads(office.run(office.bert, "list", "--json").stdout)
    assert (listed["state"], listed["asker"], listed["approver"]) == ("shown", "Anna O", "Bert O")
    assert NAME not in json.dumps(listed)
    assert office.run(None, "list").exit_code != 0
