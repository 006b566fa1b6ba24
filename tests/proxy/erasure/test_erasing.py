"""An erasure step by step: what is recorded when, what a crash leaves, and what a restored backup brings back."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from audit.record import SubjectReference
from audit.references import Space
from proxy.erasure import telling
from proxy.erasure.again import retry_objects
from proxy.erasure.deleting import Deletion
from proxy.erasure.plan import references_of
from proxy.erasure.providers import Verdict
from proxy.erasure.reapply import reapply
from proxy.errors import ConfigError
from tests.audit.conftest import exchange_record
from tests.proxy.erasure.conftest import ANNA, BEN, MAIL, Nobody


def test_the_plan_says_what_there_is_and_changes_nothing(site: Any) -> None:
    site.sent(ANNA, "s1", MAIL, ("PERSON", "Anna"), objects=["resp_1"])
    shared = site.sent(ANNA, "s2", MAIL)
    site.vault.issue(shared, [], [site.ledger.references.subject(BEN)])
    site.sent(BEN, "s3", MAIL)
    site.ledger.append_blocking(exchange_record())
    site.vault.issue(site.vault.open_scope("nobody's"), [MAIL])
    before = site.records()
    plan = site.plan(ANNA)
    assert (plan.transfers, plan.total, plan.without, plan.unattributed) == (2, 4, 1, 1)
    assert plan.partial
    assert plan.recipients == ("openai",)
    assert (len(plan.scopes), plan.mappings, len(plan.sessions)) == (2, 3, 2)
    assert [one.object.object_id for one in plan.objects] == ["resp_1"]
    assert site.records() == before
    assert not site.file.exists()
    said = "\n".join(telling.plan(plan, site.file))
    assert "1 of them also concerns others, who lose it too" in said
    assert "PARTIAL: 1 of 4 transfers and 1 conversation of the vault name no person" in said
    assert not [ref for ref in (*plan.refs, *plan.sessions) if ref in said or ref in json.dumps(plan.as_json())]


def test_recipients_are_saved_and_all_is_recorded_before_anything_is_destroyed(site: Any) -> None:
    scope = site.sent(ANNA, "s1", MAIL, objects=["resp_1"])

    @dataclass
    class Watching(Nobody):
        def carry_out(self, planned: Any) -> Iterator[Deletion]:
            saved = json.loads(site.file.read_text())
            assert saved["recipients"][0]["destination"]["contracting_entity"] == "OpenAI Ireland Ltd"
            assert saved["objects"][0]["id"] == "resp_1"
            assert [one["phase"] for one in site.records("erasure")] == ["begun"]
            assert [one["scopes"] for one in site.records("shred")] == [[scope.id]]
            assert site.vault.live([scope.id]) == {scope.id: 1}
            assert references_of(site.ledger, ANNA)
            yield from super().carry_out(planned)

    watching = Watching()
    done = site.erasing(watching).carry_out(site.plan(ANNA, watching))
    assert watching.asked == ["resp_1"]
    assert (done.scopes, done.mappings, done.references) == (1, 1, 2)
    assert site.file.stat().st_mode & 0o777 == 0o600
    assert site.file.parent.stat().st_mode & 0o777 == 0o700
    assert [path.name for path in site.file.parent.iterdir()] == [site.file.name]


def test_a_crash_in_the_middle_is_made_up_for_at_the_next_start(site: Any) -> None:
    scope = site.sent(ANNA, "s1", MAIL, objects=["resp_1", "resp_2"])
    other = site.sent(BEN, "s2", MAIL)
    failing = Nobody(failing="resp_2")
    with pytest.raises(RuntimeError):
        site.erasing(failing).carry_out(site.plan(ANNA, failing))
    assert references_of(site.ledger, ANNA), "until the next start the command finds the person and can be repeated"
    found = reapply(site.ledger, site.vault)
    (begun,) = {one["id"] for one in site.records("erasure")}
    assert (found.scopes, found.references, found.cut_off) == (1, 2, (begun,))
    assert references_of(site.ledger, ANNA) == ()
    assert site.ledger.references.known(Space.SESSION, "s1") == ()
    assert site.vault.live([scope.id, other.id]) == {other.id: 1}
    assert [one["phase"] for one in site.records("erasure")] == ["begun", "reapplied"]
    assert [one["cause"] for one in site.records("shred")] == ["erasure", "reapplied"]
    assert [one["id"] for one in json.loads(site.file.read_text())["objects"]] == ["resp_1", "resp_2"]
    size = site.ledger.size
    assert reapply(site.ledger, site.vault) == type(found)(0, 0, ())
    assert site.ledger.size == size, "a start with nothing to do writes nothing"


def test_what_was_opened_meanwhile_goes_as_well(site: Any) -> None:
    site.sent(ANNA, "s1", MAIL, objects=["resp_1"])
    late: list[Any] = []

    @dataclass
    class Busy(Nobody):
        def carry_out(self, planned: Any) -> Iterator[Deletion]:
            if not late:
                late.append(site.sent(ANNA, "s9", MAIL, objects=["resp_9"]))
            yield from super().carry_out(planned)

    busy = Busy()
    done = site.erasing(busy).carry_out(site.plan(ANNA, busy))
    assert busy.asked == ["resp_1", "resp_9"]
    assert done.scopes == 2
    assert site.vault.live([late[0].id]) == {}
    assert {scope for one in site.records("shred") for scope in one["scopes"]} >= {late[0].id}


def test_a_scope_that_an_open_transfer_wrote_afterwards_goes_at_the_next_start(site: Any) -> None:
    site.sent(ANNA, "s1", MAIL)
    (ref,) = references_of(site.ledger, ANNA)
    site.erasing().carry_out(site.plan(ANNA))
    scope = site.vault.open_scope("late")
    site.vault.issue(scope, [MAIL], [ref])
    assert reapply(site.ledger, site.vault).scopes == 1
    assert site.vault.live([scope.id]) == {}


def test_somebody_who_comes_back_is_somebody_new(site: Any) -> None:
    site.sent(ANNA, "s1", MAIL)
    (before,) = references_of(site.ledger, ANNA)
    site.erasing().carry_out(site.plan(ANNA))
    scope = site.sent(ANNA, "s1", MAIL)
    (after,) = references_of(site.ledger, ANNA)
    assert after != before
    assert reapply(site.ledger, site.vault).scopes == 0
    assert site.vault.live([scope.id]) == {scope.id: 1}
    assert site.plan(ANNA).transfers == 1


def test_many_of_everything_are_recorded_in_as_many_records_as_it_takes(site: Any) -> None:
    ref = site.ledger.references.subject(ANNA)
    who = (SubjectReference(ref=ref, role="author"),)
    for number in range(70):
        session = site.ledger.references.session(f"s{number}")
        site.ledger.append_blocking(exchange_record(subjects=who, session=session))
        site.vault.issue(site.vault.open_scope(f"scope {number}"), [MAIL], [ref])
    done = site.erasing().carry_out(site.plan(ANNA))
    assert (done.references, done.scopes, done.mappings) == (71, 70, 70)
    erasures, shreds = site.records("erasure"), site.records("shred")
    assert [len(one["refs"]) for one in erasures] == [64, 7, 64, 7]
    assert [one.get("refs_overflow", 0) for one in erasures] == [7, 0, 7, 0]
    assert sum(one["mappings"] for one in erasures if one["phase"] == "done") == 70
    assert [len(one["scopes"]) for one in shreds] == [64, 6]
    assert sum(one["mappings"] for one in shreds) == 70


def test_what_a_provider_refused_can_be_asked_for_again(site: Any, provider: Any) -> None:
    import httpx

    answers = {"resp_1": [200], "resp_2": [503, 200], "resp_3": [429, 403]}

    def answer(request: httpx.Request) -> httpx.Response:
        return httpx.Response(answers[request.url.path.rsplit("/", 1)[-1]].pop(0))

    site.sent(ANNA, "s1", MAIL, objects=["resp_1", "resp_2", "resp_3", "batch_1"])
    with provider(answer) as deleter:
        plan = site.plan(ANNA, deleter)
        done = site.erasing(deleter).carry_out(plan)
        assert [done.count(verdict) for verdict in Verdict] == [1, 0, 2, 1]
        said = "\n".join(telling.done(plan, done, site.file))
        assert "3 objects are still with their providers" in said
        assert "refused openai resp_2 (HTTP 503)" in said
        assert "resp_1" not in said, "what is gone needs no line"
        again = retry_objects(site.ledger, deleter, site.ledger.references.actor("os-user:officer"), site.file)
    assert (again.left, again.count(Verdict.DELETED)) == (2, 1)
    saved = json.loads(site.file.read_text())["objects"]
    assert [(one["verdict"], one["id"]) for one in saved] == [
        ("deleted", None),
        ("deleted", None),
        ("refused", "resp_3"),
        ("kept", "batch_1"),
    ]
    last = site.records("erasure")[-1]
    assert (last["id"], last["phase"], last["deleted"], last["refused"]) == (plan.id, "done", 1, 1)


def test_a_long_list_is_cut_where_somebody_reads_it_and_nowhere_else(site: Any) -> None:
    objects = [f"resp_{number}" for number in range(telling.SHOWN + 7)]
    site.sent(ANNA, "s1", MAIL, objects=objects)
    plan = site.plan(ANNA)
    said = list(telling.plan(plan, site.file))
    assert sum("DELETE resp_" in line for line in said) == telling.SHOWN
    assert "    and 7 more; --json prints them all" in said
    assert [one["id"] for one in plan.as_json()["objects"]] == objects


@pytest.mark.parametrize("text", ["", "{}", '{"erasure": "x", "objects": [{"id": "a"}]}', '{"objects": []}', "[1]"])
def test_a_file_that_is_not_one_of_ours_is_refused_by_name(site: Any, text: str) -> None:
    site.file.parent.mkdir()
    site.file.write_text(text)
    with pytest.raises(ConfigError, match="not the file of an erasure"):
        retry_objects(site.ledger, Nobody(), "system", site.file)
