"""The order of decision, rule by rule."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import pytest

from policies.errors import UsageError
from policies.model import (
    Action,
    Code,
    Consent,
    FindingFacts,
    Flag,
    MediaAction,
    MediaKind,
    MediaPart,
    Operator,
    PolicyInput,
    SubjectFacts,
)
from policies.policy import Policy

type MakePolicy = Callable[..., Policy]
type MakeTransfer = Callable[..., PolicyInput]

REST = {"id": "rest", "when": {"entity": "none"}, "do": "allow"}
PEOPLE = {"id": "people", "when": {"entity": "PERSON"}, "do": "tokenize"}


def rule(name: str, do: str, **when: Any) -> dict[str, Any]:
    to = when.pop("to", None)
    return {"id": name, "when": when, "do": do} | ({"to": to} if to else {})


def test_the_first_matching_rule_decides_a_finding(policy: MakePolicy, transfer: MakeTransfer) -> None:
    made = policy(rules=[PEOPLE, rule("later", "block", entity="any"), REST])
    decision = made.decide(transfer("PERSON"))
    assert decision.action is Action.TRANSFORM
    assert decision.decisions[0].operator is Operator.TOKENIZE
    assert decision.rule_ids == ("people", "rest")


def test_a_transfer_takes_the_most_restrictive_action(policy: MakePolicy, transfer: MakeTransfer) -> None:
    made = policy(rules=[PEOPLE, rule("keys", "block", entity="group:secrets"), REST])
    decision = made.decide(transfer("PERSON", "API_KEY"))
    assert decision.action is Action.BLOCK
    assert (decision.rule_id, decision.code) == ("keys", Code.RULE)
    assert [one.action for one in decision.decisions] == [Action.TRANSFORM, Action.BLOCK]
    assert decision.rule_ids == ("keys", "people", "rest"), "the decisive rule stands first"


def test_what_nothing_matches_is_blocked(policy: MakePolicy, transfer: MakeTransfer) -> None:
    decision = policy(rules=[PEOPLE, REST]).decide(transfer("PERSON", "SOMETHING_NEW"))
    assert (decision.action, decision.code) == (Action.BLOCK, Code.NO_RULE)


def test_without_a_rule_for_the_rest_even_an_empty_transfer_is_blocked(
    policy: MakePolicy, transfer: MakeTransfer
) -> None:
    assert policy(rules=[PEOPLE]).decide(transfer()).code is Code.NO_RULE


def test_a_guess_below_every_score_goes_with_the_rest(policy: MakePolicy, transfer: MakeTransfer) -> None:
    made = policy(rules=[rule("people", "tokenize", entity="PERSON", score_at_least=0.5), REST])
    weak, sure = (made.decide(transfer(FindingFacts("PERSON", score))) for score in (0.49, 0.5))
    assert (weak.action, weak.decisions[0].rule_id) == (Action.ALLOW, "rest")
    assert sure.action is Action.TRANSFORM


def test_any_means_types_that_nobody_has_heard_of_too(policy: MakePolicy, transfer: MakeTransfer) -> None:
    made = policy(rules=[rule("all", "redact", entity="any"), REST])
    assert made.decide(transfer("SOMETHING_NEW")).decisions[0].operator is Operator.REDACT


def test_a_rule_that_counts_only_adds_restrictions(policy: MakePolicy, transfer: MakeTransfer) -> None:
    made = policy(rules=[rule("many", "block", entity="PERSON", count_at_least=3), PEOPLE, REST])
    assert made.decide(transfer("PERSON", "PERSON")).action is Action.TRANSFORM
    blocked = made.decide(transfer("PERSON", "PERSON", "PERSON"))
    assert (blocked.action, blocked.rule_id) == (Action.BLOCK, "many")
    assert "people" in blocked.rule_ids


def test_a_rule_that_counts_counts_from_its_score_on(policy: MakePolicy, transfer: MakeTransfer) -> None:
    many = rule("many", "block", entity="PERSON", count_at_least=2, score_at_least=0.5)
    made = policy(rules=[many, PEOPLE, REST])
    for score, action in ((0.49, Action.TRANSFORM), (0.5, Action.BLOCK)):
        assert made.decide(transfer(FindingFacts("PERSON", 0.9), FindingFacts("PERSON", score))).action is action


def test_a_guess_that_only_a_counting_rule_is_about_is_no_rest(policy: MakePolicy, transfer: MakeTransfer) -> None:
    many = rule("many", "redact", entity="PERSON", count_at_least=1)
    made = policy(rules=[many, rule("people", "tokenize", entity="PERSON", score_at_least=0.5), REST])
    decision = made.decide(transfer(FindingFacts("PERSON", 0.3)))
    assert (decision.action, decision.code) == (Action.BLOCK, Code.NO_RULE)


def test_of_equal_actions_the_earlier_rule_decides(policy: MakePolicy, transfer: MakeTransfer) -> None:
    made = policy(rules=[PEOPLE, rule("firms", "redact", entity="ORGANIZATION"), REST])
    for found in (("PERSON", "ORGANIZATION"), ("ORGANIZATION", "PERSON")):
        decision = made.decide(transfer(*found))
        assert (decision.rule_id, decision.rule_ids) == ("people", ("people", "firms", "rest"))


def test_an_operator_keeps_its_parameters(policy: MakePolicy, transfer: MakeTransfer) -> None:
    cards = {"id": "cards", "when": {"entity": "CREDIT_CARD"}, "do": "mask", "params": {"keep": 4}}
    decision = policy(rules=[cards, REST]).decide(transfer("CREDIT_CARD")).decisions[0]
    assert (decision.operator, dict(decision.params)) == (Operator.MASK, {"keep": 4})


@pytest.mark.parametrize(
    ("when", "facts", "matches"),
    [
        ({"segment": "tool_result"}, {"segment_kind": "tool_result"}, True),
        ({"segment": "tool_result"}, {"segment_kind": "user"}, False),
        ({"language": ["de", "vi"]}, {"language": "vi"}, True),
        ({"language": ["de", "vi"]}, {"language": "en"}, False),
        ({"recognizer": "names"}, {"recognizer": "patterns"}, False),
    ],
)
def test_a_rule_asks_where_a_finding_stood(
    policy: MakePolicy, transfer: MakeTransfer, when: dict[str, Any], facts: dict[str, Any], matches: bool
) -> None:
    made = policy(rules=[rule("r", "block", entity="PERSON", **when), PEOPLE, REST])
    decision = made.decide(transfer(FindingFacts("PERSON", **facts)))
    assert (decision.action is Action.BLOCK) is matches


@pytest.mark.parametrize(
    ("when", "facts", "matches"),
    [
        ({"application": "chat"}, {"application": "chat"}, True),
        ({"application": "chat"}, {"application": ""}, False),
        ({"application": "unknown"}, {"application": ""}, True),
        ({"application_not": "chat"}, {"application": "chat"}, False),
        ({"destination": "gemini"}, {"destination": "gemini"}, True),
        ({"destination": {"name_not": "gemini"}}, {"destination": "gemini"}, False),
        ({"destination": {"operator_not": "us"}}, {"destination": "home"}, False),
        ({"destination": {"operator_not": "us"}}, {"destination": "openai"}, True),
        ({"destination": {"role": "processor"}}, {"application": "chat"}, True),
        ({"destination": {"role": "processor"}}, {"application": ""}, False),
        ({"purpose": "answer"}, {"application": "chat"}, True),
        ({"purpose": "unknown"}, {"application": ""}, True),
        ({"endpoint": "files"}, {"endpoint": "files"}, True),
        ({"endpoint": "files"}, {"endpoint": "chat"}, False),
        ({"model": "big"}, {"model": "small"}, False),
        ({"size_at_least": 100}, {"size": 99}, False),
        ({"size_at_least": 100}, {"size": 100}, True),
        ({"share": 10}, {"session_bucket": 999}, True),
        ({"share": 10}, {"session_bucket": 1000}, False),
        ({"share": 10}, {"session_bucket": None}, False),
        ({"language": "vi"}, {"languages": frozenset({"vi", "en"})}, True),
        ({"language": "vi"}, {"languages": frozenset({"en"})}, False),
    ],
)
def test_a_rule_asks_about_the_transfer(
    policy: MakePolicy, transfer: MakeTransfer, when: dict[str, Any], facts: dict[str, Any], matches: bool
) -> None:
    made = policy(
        rules=[rule("r", "block", **when), REST],
        controllers={"org": {"name": "Example Ltd"}},
        purposes={"answer": {"controller": "org", "basis": "consent"}},
        applications={"chat": {"purpose": "answer"}},
        destinations={
            "openai": {"extends": "bundled:openai@2026-11-23", "role": {"answer": "processor"}},
            "gemini": {"extends": "bundled:gemini@2026-11-23"},
            "home": {"extends": "bundled:self-hosted@2026-11-23"},
        },
    )
    assert (made.decide(transfer(**facts)).action is Action.BLOCK) is matches


@pytest.mark.parametrize(
    ("condition", "value", "matches"),
    [
        ({"training": ["yes", "unknown"]}, "yes", True),
        ({"training": ["yes", "unknown"]}, "no", False),
        ({"training": "unknown"}, "unknown", True),
        ({"training": {"not": "no"}}, "no", False),
        ({"storage": {"within": ["EEA"]}}, ["DE", "IE"], True),
        ({"storage": {"within": ["EEA"]}}, ["DE", "US"], False),
        ({"storage": {"within": ["EEA"]}}, "unknown", False),
        ({"storage": "US"}, ["DE", "US"], True),
        ({"retention": {"at_most": 30}}, 30, True),
        ({"retention": {"at_most": 30}}, 31, False),
        ({"retention": {"at_most": 30}}, "unknown", False),
    ],
)
def test_a_rule_asks_for_facts_and_unknown_is_a_value(
    policy: MakePolicy, transfer: MakeTransfer, condition: dict[str, Any], value: Any, matches: bool
) -> None:
    made = policy(
        destinations={"own": {"facts": {next(iter(condition)): value}}},
        rules=[rule("r", "block", destination={"facts": condition}), REST],
    )
    assert (made.decide(transfer(destination="own")).action is Action.BLOCK) is matches


BERLIN = {"days": ["mon", "tue"], "from": "08:00", "to": "18:00", "zone": "Europe/Berlin"}
NIGHT = {"days": "mon", "from": "22:00", "to": "06:00", "zone": "UTC"}


@pytest.mark.parametrize(
    ("window", "moment", "open_"),
    [
        (BERLIN, datetime(2026, 11, 24, 7, 0, tzinfo=UTC), True),  # Tuesday 08:00 in winter
        (BERLIN, datetime(2026, 11, 24, 6, 59, tzinfo=UTC), False),
        (BERLIN, datetime(2026, 7, 14, 6, 0, tzinfo=UTC), True),  # Tuesday 08:00 in summer
        (BERLIN, datetime(2026, 11, 24, 17, 0, tzinfo=UTC), False),
        (BERLIN, datetime(2026, 11, 25, 12, 0, tzinfo=UTC), False),  # Wednesday
        (NIGHT, datetime(2026, 11, 23, 23, 0, tzinfo=UTC), True),  # Monday night
        (NIGHT, datetime(2026, 11, 24, 5, 59, tzinfo=UTC), True),  # still Monday's night
        (NIGHT, datetime(2026, 11, 24, 23, 0, tzinfo=UTC), False),
        (NIGHT, datetime(2026, 11, 23, 5, 0, tzinfo=UTC), False),  # Sunday's night
    ],
)
def test_a_time_window_keeps_local_hours(
    policy: MakePolicy, transfer: MakeTransfer, window: dict[str, Any], moment: datetime, open_: bool
) -> None:
    made = policy(rules=[rule("hours", "block", time=window), REST])
    assert (made.decide(transfer(time=moment)).action is Action.BLOCK) is open_


class TestPersons:
    rules = (rule("no-consent", "block", subject={"consent": ["withdrawn", "unknown"]}), REST)

    def test_a_withdrawal_stops_the_next_request(self, policy: MakePolicy, transfer: MakeTransfer) -> None:
        made = policy(rules=list(self.rules))
        person = SubjectFacts(consent=Consent.GIVEN)
        assert made.decide(transfer(subjects=(person,))).allowed
        withdrawn = made.decide(transfer(subjects=(replace(person, consent=Consent.WITHDRAWN),)))
        assert withdrawn.rule_id == "no-consent"

    def test_nobody_known_is_a_requester_of_whom_nothing_is_known(
        self, policy: MakePolicy, transfer: MakeTransfer
    ) -> None:
        assert not policy(rules=list(self.rules)).decide(transfer()).allowed
        others = (SubjectFacts("participant", Consent.GIVEN),)
        assert not policy(rules=list(self.rules)).decide(transfer(subjects=others)).allowed

    def test_participants_all_asks_for_everybodys_consent(self, policy: MakePolicy, transfer: MakeTransfer) -> None:
        everybody = rule("r", "block", subject={"consent": ["withdrawn", "unknown"], "participants": "all"})
        requester = SubjectFacts("requester", Consent.GIVEN)
        for consent in Consent:
            people = (requester, SubjectFacts("participant", consent))
            assert policy(rules=list(self.rules)).decide(transfer(subjects=people)).allowed
            allowed = policy(rules=[everybody, REST]).decide(transfer(subjects=people)).allowed
            assert allowed is (consent is Consent.GIVEN)

    def test_unknown_gets_what_the_rule_says(self, policy: MakePolicy, transfer: MakeTransfer) -> None:
        made = policy(rules=[rule("minors", "block", subject={"minor": ["yes"]}), REST])
        for minor in Flag:
            allowed = made.decide(transfer(subjects=(SubjectFacts(minor=minor),))).allowed
            assert allowed is (minor is not Flag.YES)


class TestRoutes:
    home = rule("home", "route", entity="group:special", to="home")

    def test_a_finding_sends_the_transfer_home_and_is_decided_there(
        self, policy: MakePolicy, transfer: MakeTransfer
    ) -> None:
        made = policy(rules=[self.home, rule("us", "allow", destination="home"), PEOPLE, REST])
        decision = made.decide(transfer("RELIGION", "PERSON"))
        assert (decision.action, decision.route_to, decision.rule_id) == (Action.ROUTE, "home", "home")
        assert [one.action for one in decision.decisions] == [Action.ALLOW, Action.ALLOW]
        assert decision.allowed

    def test_what_is_home_already_is_not_sent_home_again(self, policy: MakePolicy, transfer: MakeTransfer) -> None:
        made = policy(rules=[self.home, rule("special", "redact", entity="group:special"), REST])
        decision = made.decide(transfer("RELIGION", destination="home"))
        assert (decision.action, decision.route_to) == (Action.TRANSFORM, "")

    def test_a_block_at_the_target_blocks(self, policy: MakePolicy, transfer: MakeTransfer) -> None:
        made = policy(rules=[rule("closed", "block", destination="home"), self.home, REST])
        decision = made.decide(transfer("RELIGION"))
        assert (decision.action, decision.rule_id, decision.route_to) == (Action.BLOCK, "closed", "")

    def test_a_hold_at_the_target_holds(self, policy: MakePolicy, transfer: MakeTransfer) -> None:
        made = policy(rules=[rule("ask", "hold", destination="home"), self.home, REST])
        decision = made.decide(transfer("RELIGION"))
        assert (decision.action, decision.rule_id, decision.holds) == (Action.HOLD, "ask", ("ask",))
        assert not decision.allowed

    def test_a_circle_of_routes_is_blocked(self, policy: MakePolicy, transfer: MakeTransfer) -> None:
        there = rule("there", "route", destination="openai", to="gemini")
        back = rule("back", "route", destination="gemini", to="openai")
        decision = policy(rules=[there, back, REST]).decide(transfer())
        assert (decision.action, decision.code) == (Action.BLOCK, Code.ROUTE_LOOP)

    def test_a_chain_of_routes_ends_where_no_rule_routes_on(self, policy: MakePolicy, transfer: MakeTransfer) -> None:
        first = rule("first", "route", destination="openai", to="gemini")
        second = rule("second", "route", destination="gemini", to="home")
        decision = policy(rules=[first, second, REST]).decide(transfer())
        assert (decision.action, decision.route_to) == (Action.ROUTE, "home")


class TestHolds:
    held = rule("ask", "hold", entity="group:health")

    def test_a_held_transfer_names_the_rules_that_hold_it(self, policy: MakePolicy, transfer: MakeTransfer) -> None:
        decision = policy(rules=[self.held, PEOPLE, REST]).decide(transfer("HEALTH", "PERSON"))
        assert (decision.action, decision.holds, decision.allowed) == (Action.HOLD, ("ask",), False)

    def test_after_approval_the_rules_below_decide(self, policy: MakePolicy, transfer: MakeTransfer) -> None:
        made = policy(rules=[self.held, rule("health", "tokenize", entity="group:health"), REST])
        decision = made.decide(transfer("HEALTH", approved=frozenset({"ask"})))
        assert (decision.action, decision.decisions[0].rule_id) == (Action.TRANSFORM, "health")


class TestMirrors:
    mirror = rule("compare", "mirror", destination="openai", to="home")
    rules = (mirror, PEOPLE, rule("firms", "allow", entity="ORGANIZATION"), REST)

    def test_a_mirror_is_a_second_recipient_beside_the_decision(
        self, policy: MakePolicy, transfer: MakeTransfer
    ) -> None:
        decision = policy(rules=list(self.rules)).decide(transfer("PERSON"))
        assert [(one.to, one.rule_id, one.output_may_train) for one in decision.mirrors] == [("home", "compare", False)]
        assert decision.action is Action.TRANSFORM

    def test_the_copy_is_tokenized_even_where_the_original_is_not(
        self, policy: MakePolicy, transfer: MakeTransfer
    ) -> None:
        made = policy(rules=list(self.rules))
        given = transfer("ORGANIZATION")
        copy = made.decide_mirror(given, made.decide(given).mirrors[0])
        assert [one.operator for one in copy.decisions] == [Operator.TOKENIZE]
        assert copy.mirrors == ()

    def test_what_the_second_recipient_may_not_get_is_not_mirrored(
        self, policy: MakePolicy, transfer: MakeTransfer
    ) -> None:
        made = policy(rules=[rule("closed", "block", destination="home"), *self.rules])
        given = transfer("PERSON")
        assert made.decide_mirror(given, made.decide(given).mirrors[0]).action is Action.BLOCK

    def test_a_blocked_transfer_is_not_mirrored(self, policy: MakePolicy, transfer: MakeTransfer) -> None:
        made = policy(rules=[rule("keys", "block", entity="API_KEY"), *self.rules])
        assert made.decide(transfer("API_KEY")).mirrors == ()


class TestMedia:
    def part(self, kind: MediaKind, *, inspectable: bool = False, media_type: str = "") -> tuple[MediaPart, ...]:
        return (MediaPart(kind, media_type, 10, inspectable),)

    def test_what_can_be_inspected_is(self, policy: MakePolicy, transfer: MakeTransfer) -> None:
        decision = policy(rules=[REST]).decide(transfer(media=self.part(MediaKind.IMAGE, inspectable=True)))
        assert (decision.action, decision.media[0].action) == (Action.ALLOW, MediaAction.INSPECT)

    @pytest.mark.parametrize("kind", [MediaKind.IMAGE, MediaKind.AUDIO, MediaKind.SENSOR])
    def test_what_cannot_be_inspected_or_is_not_named_is_refused(
        self, policy: MakePolicy, transfer: MakeTransfer, kind: MediaKind
    ) -> None:
        decision = policy(rules=[REST]).decide(transfer(media=self.part(kind)))
        assert (decision.action, decision.code) == (Action.BLOCK, Code.MEDIA_REFUSED)
        assert decision.media[0].action is MediaAction.REFUSE

    def test_an_application_may_pass_what_the_policy_refuses(self, policy: MakePolicy, transfer: MakeTransfer) -> None:
        made = policy(rules=[REST], applications={"headset": {"media": {"audio": "pass"}}})
        audio = self.part(MediaKind.AUDIO)
        assert made.decide(transfer(media=audio, application="headset")).media[0].action is MediaAction.PASS
        assert made.decide(transfer(media=audio)).action is Action.BLOCK

    def test_a_media_type_comes_before_its_kind(self, policy: MakePolicy, transfer: MakeTransfer) -> None:
        made = policy(rules=[REST], media={"image": "pass", "image/svg+xml": "refuse"})
        assert made.decide(transfer(media=self.part(MediaKind.IMAGE, media_type="image/png"))).allowed
        assert not made.decide(transfer(media=self.part(MediaKind.IMAGE, media_type="image/svg+xml"))).allowed

    def test_a_retyped_document_has_to_be_inspected(self, policy: MakePolicy, transfer: MakeTransfer) -> None:
        made = policy(rules=[REST], media={"document": "retype"})
        for inspectable in (True, False):
            found = made.decide(transfer(media=self.part(MediaKind.DOCUMENT, inspectable=inspectable)))
            assert (found.allowed, found.media[0].action is MediaAction.RETYPE) == (inspectable, inspectable)

    def test_a_rule_about_media_restricts_further(self, policy: MakePolicy, transfer: MakeTransfer) -> None:
        made = policy(
            rules=[rule("no-photos", "block", media="image", destination="gemini"), REST], media={"image": "pass"}
        )
        photo = self.part(MediaKind.IMAGE)
        passed, refused = made.decide(transfer(media=photo)), made.decide(transfer(media=photo, destination="gemini"))
        assert (passed.allowed, passed.media[0].action) == (True, MediaAction.PASS)
        assert (refused.rule_id, refused.media[0].action) == ("no-photos", MediaAction.REFUSE)
        asks = policy(rules=[rule("ask", "hold", media="image"), REST], media={"image": "pass"})
        held = asks.decide(transfer(media=photo))
        assert (held.holds, held.media[0].action) == (("ask",), MediaAction.PASS)


class TestBeforeTheRules:
    def test_an_unknown_application_is_refused_unless_the_policy_allows_it(
        self, policy: MakePolicy, transfer: MakeTransfer
    ) -> None:
        assert policy(rules=[REST], unknown_applications="refuse").decide(transfer()).code is Code.APPLICATION_UNKNOWN
        assert policy(rules=[REST]).decide(transfer(application="nobody")).allowed

    def test_a_host_outside_the_register_is_closed_unless_the_policy_says_pass(
        self, policy: MakePolicy, transfer: MakeTransfer
    ) -> None:
        assert policy(rules=[REST]).decide(transfer(destination="")).code is Code.DESTINATION_UNKNOWN
        assert policy(rules=[REST], unknown_hosts="pass").decide(transfer(destination="")).allowed

    def test_an_application_cannot_name_a_purpose_of_others(self, policy: MakePolicy, transfer: MakeTransfer) -> None:
        made = policy(
            rules=[REST],
            controllers={"org": {"name": "Example Ltd"}},
            purposes={name: {"controller": "org", "basis": "consent"} for name in ("chat", "ads")},
            applications={"messenger": {"purpose": "chat"}},
        )
        refused = made.decide(transfer(application="messenger", purpose="ads"))
        assert refused.code is Code.PURPOSE_NOT_PERMITTED
        assert made.decide(transfer(application="messenger")).purpose == "chat"

    def test_a_used_up_budget_refuses(self, policy: MakePolicy, transfer: MakeTransfer) -> None:
        made = policy(rules=[REST], budgets=[{"id": "brake", "transfers": 5, "because": "Brake"}])
        refused = made.decide(transfer(exhausted=frozenset({"brake"})))
        assert (refused.code, refused.rule_id, refused.because) == (Code.BUDGET_EXCEEDED, "brake", "Brake")

    def test_a_time_without_zone_is_wrong_use(self, policy: MakePolicy, transfer: MakeTransfer) -> None:
        with pytest.raises(UsageError, match="time zone"):
            policy(rules=[REST]).decide(transfer(time=datetime(2026, 11, 24, 12)))  # noqa: DTZ001


ENDING = {
    "openai": {"extends": "bundled:openai@2026-11-23", "until": "2026-11-24"},
    "home": {"extends": "bundled:self-hosted@2026-11-23"},
}


class TestTheWayHome:
    after = datetime(2026, 11, 25, 0, 0, tzinfo=UTC)

    def test_on_its_last_day_a_destination_still_works(self, policy: MakePolicy, transfer: MakeTransfer) -> None:
        made = policy(rules=[REST], destinations=ENDING)
        assert made.decide(transfer(time=datetime(2026, 11, 24, 23, 59, tzinfo=UTC))).allowed

    def test_after_its_last_day_nothing_is_permitted_any_more(self, policy: MakePolicy, transfer: MakeTransfer) -> None:
        decision = policy(rules=[REST], destinations=ENDING).decide(transfer(time=self.after))
        assert (decision.action, decision.code) == (Action.BLOCK, Code.DESTINATION_EXPIRED)

    def test_a_rule_for_expired_destinations_leads_home(self, policy: MakePolicy, transfer: MakeTransfer) -> None:
        way = rule("way-home", "route", destination={"expired": "yes"}, to="home")
        made = policy(rules=[way, REST], destinations=ENDING)
        assert made.decide(transfer(time=self.after)).route_to == "home"
        assert made.decide(transfer()).action is Action.ALLOW


class TestExceptions:
    ref, other = "ab" * 32, "cd" * 32

    def made(self, policy: MakePolicy, **more: Any) -> Policy:
        exception = {"rule": "people", "values": [self.ref], "until": "2026-12-24", "approved_by": "dpo"} | more
        return policy(rules=[PEOPLE, REST], exceptions=[exception], applications={"chat": {}})

    def found(self, *refs: str) -> FindingFacts:
        return FindingFacts("PERSON", value_refs=frozenset(refs))

    def test_a_named_value_passes_and_the_record_says_why(self, policy: MakePolicy, transfer: MakeTransfer) -> None:
        decision = self.made(policy).decide(transfer(self.found(self.ref), self.found(self.other)))
        first, second = decision.decisions
        assert (first.action, first.exception, first.rule_id) == (Action.ALLOW, "people-1", "people")
        assert second.action is Action.TRANSFORM

    def test_an_exception_ends_with_its_last_day(self, policy: MakePolicy, transfer: MakeTransfer) -> None:
        late = transfer(self.found(self.ref), time=datetime(2026, 12, 25, tzinfo=UTC))
        assert self.made(policy).decide(late).action is Action.TRANSFORM

    def test_a_private_namesake_in_another_application_stays_safe(
        self, policy: MakePolicy, transfer: MakeTransfer
    ) -> None:
        made = self.made(policy, applications=["chat"])
        assert made.decide(transfer(self.found(self.ref), application="chat")).action is Action.ALLOW
        assert made.decide(transfer(self.found(self.ref))).action is Action.TRANSFORM

    def test_only_a_policy_with_exceptions_asks_for_hashes(self, policy: MakePolicy) -> None:
        assert self.made(policy).needs_value_refs
        assert not policy(rules=[REST]).needs_value_refs


class TestObserve:
    def made(self, policy: MakePolicy, **more: Any) -> Policy:
        return policy(
            rules=[rule("keys", "tokenize", entity="API_KEY"), rule("people", "block", entity="PERSON"), REST],
            applications={"trial": {}, "other": {}},
            observe={"applications": ["trial"], "until": date(2026, 12, 8).isoformat(), "approved_by": "dpo"} | more,
        )

    def test_nothing_is_changed_and_the_decision_is_kept_for_the_record(
        self, policy: MakePolicy, transfer: MakeTransfer
    ) -> None:
        audio = (MediaPart(MediaKind.AUDIO),)
        decision = self.made(policy).decide(transfer("PERSON", application="trial", media=audio))
        assert (decision.action, decision.observe) == (Action.ALLOW, True)
        assert decision.decisions[0].operator is Operator.KEEP
        assert decision.media[0].action is MediaAction.PASS
        assert decision.would is not None
        assert decision.would.action is Action.BLOCK

    def test_secrets_stay_blocked(self, policy: MakePolicy, transfer: MakeTransfer) -> None:
        decision = self.made(policy).decide(transfer("API_KEY", application="trial"))
        assert (decision.action, decision.observe) == (Action.BLOCK, True)

    def test_other_applications_and_later_days_are_not_observed(
        self, policy: MakePolicy, transfer: MakeTransfer
    ) -> None:
        made = self.made(policy)
        assert made.decide(transfer("PERSON", application="other")).action is Action.BLOCK
        later = transfer("PERSON", application="trial", time=datetime(2026, 12, 9, tzinfo=UTC))
        assert (made.decide(later).action, made.decide(later).observe) == (Action.BLOCK, False)

    def test_destinations_outside_the_register_stay_closed(self, policy: MakePolicy, transfer: MakeTransfer) -> None:
        decision = self.made(policy).decide(transfer(application="trial", destination=""))
        assert decision.code is Code.DESTINATION_UNKNOWN
