"""Why a rule did or did not decide, condition by condition, in words."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from policies.explain import as_data, explain, render
from policies.model import FindingFacts, MediaKind, MediaPart, PolicyInput, SubjectFacts
from policies.policy import Policy

type Make = Callable[..., Policy]
type Transfer = Callable[..., PolicyInput]

REST = {"id": "rest", "when": {"entity": "none"}, "do": "allow"}
PEOPLE = {"id": "people", "when": {"entity": "PERSON"}, "do": "tokenize", "because": "Nobody is named"}
SETTING: dict[str, Any] = {
    "controllers": {"us": {"name": "Example Ltd"}},
    "purposes": {"answer": {"controller": "us", "basis": "consent"}},
    "applications": {"chat": {"purpose": "answer"}, "feed": {}},
    "destinations": {
        "openai": {"extends": "bundled:openai@2026-11-23", "role": {"answer": "processor"}, "transfer": "scc-m2"},
        "home": {"extends": "bundled:self-hosted@2026-11-23"},
        "old": {"upstream": "https://old.example.com", "until": "2026-11-01"},
    },
}


def why(policy: Policy, given: PolicyInput, rule: str = "asked") -> str:
    """What is said about a rule that did not fit; "matched" where it did."""
    steps = {step.rule_id: step for part in explain(policy, given).parts for step in part.steps}
    return "matched" if steps[rule].matched else steps[rule].why


@pytest.mark.parametrize(
    ("when", "facts", "said"),
    [
        ({"score_at_least": 0.9}, {}, "the score 0.80 is below 0.90"),
        ({"segment": "tool_result"}, {}, "it stood in user, not in tool_result"),
        ({"language": ["de", "vi"]}, {}, "the text is en, not de or vi"),
        ({"recognizer": "names"}, {}, "it was found by patterns"),
        ({"application": "feed"}, {}, "the application is chat, not feed"),
        ({"application": "feed"}, {"application": ""}, "the application is unknown, not feed"),
        ({"application_not": "chat"}, {}, "the application is chat"),
        ({"purpose": "unknown"}, {}, "the purpose is answer, not unknown"),
        ({"destination": "home"}, {}, "the destination is openai"),
        ({"destination": {"operator": "us"}}, {}, "the destination's operator is OpenAI"),
        ({"destination": {"role": "controller"}}, {}, "the destination's role is processor"),
        ({"destination": {"transfer_not": "scc-m2"}}, {}, "the destination's transfer mechanism is scc-m2"),
        ({"destination": {"store": "never"}}, {}, "the destination's store is allowed"),
        ({"destination": {"facts": {"retention": {"at_most": 0}}}}, {}, "the destination's retention is 30"),
        ({"destination": {"facts": {"storage": {"within": ["EEA"]}}}}, {}, "the destination's storage is unknown"),
        ({"subject": {"consent": "given"}}, {}, "consent is unknown, objected unknown, minor unknown"),
        ({"endpoint": "files"}, {}, "the endpoint is chat, not files"),
        ({"model": "large"}, {}, "the model is not large"),
        ({"size_at_least": 500}, {}, "the body has 100 bytes, fewer than 500"),
        ({"share": 5}, {}, "the session is not among its 5 percent"),
        ({"time": {"from": "01:00", "to": "02:00"}}, {}, "it is outside the rule's hours"),
        ({"count_at_least": 2}, {}, "only 1 of 2 such findings"),
        ({}, {}, "matched"),
    ],
)
def test_the_condition_that_keeps_a_rule_from_fitting_is_named(
    policy: Make, transfer: Transfer, when: dict[str, Any], facts: dict[str, Any], said: str
) -> None:
    asked = {"id": "asked", "when": {"entity": "PERSON", **when}, "do": "block"}
    found = FindingFacts("PERSON", 0.8, "user", "en", "patterns")
    given = {"application": "chat", "endpoint": "chat", "model": "small", "size": 100, "session_bucket": 900} | facts
    made = policy(rules=[asked, PEOPLE, REST], **SETTING, unknown_applications="allow")
    assert why(made, transfer(found, **given)) == said


def test_a_destination_after_its_last_day_is_no_destination(policy: Make, transfer: Transfer) -> None:
    made = policy(rules=[PEOPLE, REST], **SETTING)
    assert why(made, transfer("PERSON", destination="old", application="chat"), "people") == (
        "the destination's last day has passed"
    )


def test_a_rule_about_the_rest_may_ask_for_a_language(policy: Make, transfer: Transfer) -> None:
    asked = {"id": "asked", "when": {"entity": "none", "language": "vi"}, "do": "block"}
    made = policy(rules=[asked, REST])
    assert why(made, transfer(languages=frozenset({"en"}))) == "the text is not in vi"
    assert why(made, transfer(languages=frozenset({"vi"}))) == "matched"


def test_a_route_is_not_asked_at_its_own_goal(policy: Make, transfer: Transfer) -> None:
    home = {"id": "asked", "when": {"entity": "PERSON"}, "do": "route", "to": "home"}
    made = policy(rules=[home, PEOPLE, REST], **SETTING)
    assert why(made, transfer("PERSON", application="chat", destination="home")) == "it goes to home already"


def test_an_approved_hold_lets_the_walk_go_on(policy: Make, transfer: Transfer) -> None:
    made = policy(rules=[{"id": "asked", "when": {"entity": "PERSON"}, "do": "hold"}, PEOPLE, REST])
    assert why(made, transfer("PERSON")) == "matched"
    assert why(made, transfer("PERSON", approved=frozenset({"asked"}))) == "a person approved it"


def test_rules_about_other_things_are_not_told(policy: Make, transfer: Transfer) -> None:
    cards = {"id": "cards", "when": {"entity": "CREDIT_CARD"}, "do": "block"}
    sounds = {"id": "sounds", "when": {"media": "audio"}, "do": "block"}
    story = explain(policy(rules=[cards, sounds, PEOPLE, REST]), transfer("PERSON"))
    assert [step.rule_id for part in story.parts for step in part.steps] == ["people", "rest"]


def test_the_story_reads_as_a_tree(policy: Make, transfer: Transfer) -> None:
    made = policy(rules=[PEOPLE, REST])
    text = render(explain(made, transfer("PERSON", "SOMETHING_NEW")))
    assert text.splitlines() == [
        "block: No rule matches; what matches nothing is blocked",
        "├─ PERSON (1.00): tokenize",
        "│    ✓ people",
        "├─ SOMETHING_NEW (1.00): block",
        "│    ✗ No rule matches; what matches nothing is blocked",
        "├─ the rest of the text: allow",
        "│    ✓ rest",
    ]


def test_media_observation_and_routes_are_told(policy: Make, transfer: Transfer) -> None:
    home = {
        "id": "home",
        "when": {"entity": "PERSON", "destination": {"operator_not": "us"}},
        "do": "route",
        "to": "home",
    }
    everything = {"id": "all", "when": {"entity": "any"}, "do": "tokenize"}
    observe = {"applications": ["chat"], "until": "2026-12-01", "approved_by": "dpo"}
    routed = explain(policy(rules=[home, everything, REST], **SETTING), transfer("PERSON", application="chat"))
    assert render(routed).startswith("route to home:")
    assert as_data(routed)["route_to"] == "home"
    observed = explain(
        policy(rules=[PEOPLE, REST], observe=observe, **SETTING),
        transfer("PERSON", application="chat", media=(MediaPart(MediaKind.AUDIO, "audio/ogg"),)),
    )
    assert "observed only; without it: block" in render(observed)
    data = as_data(observed)
    assert (data["action"], data["observe"], data["would"]) == ("allow", True, "block")
    assert data["parts"][-1]["part"] == "audio audio/ogg"
    assert data["parts"][-1]["steps"][0]["why"].startswith("refuse")


def test_an_exception_is_named(policy: Make, transfer: Transfer) -> None:
    terms = {"id": "desk", "rule": "people", "values": ["ab" * 32], "until": "2026-12-01", "approved_by": "dpo"}
    made = policy(rules=[PEOPLE, REST], exceptions=[terms])
    story = explain(made, transfer(FindingFacts("PERSON", value_refs=frozenset({"ab" * 32}))))
    assert "PERSON (1.00): allow by exception desk" in render(story)
    assert as_data(story)["parts"][0]["exception"] == "desk"


def test_flags_of_everybody_are_told_where_everybody_counts(policy: Make, transfer: Transfer) -> None:
    asked = {
        "id": "asked", "when": {"subject": {"consent": "unknown", "participants": "all"}}, "do": "block",
    }  # fmt: skip
    given = (SubjectFacts("requester", "given", "no", "no"), SubjectFacts("participant", "withdrawn", "no", "yes"))
    made = policy(rules=[asked, REST])
    assert why(made, transfer(subjects=given)) == "consent is withdrawn, objected no, minor yes"


def test_the_window_is_asked_in_its_zone(policy: Make, transfer: Transfer) -> None:
    hours = {"from": "19:00", "to": "20:00", "zone": "Asia/Ho_Chi_Minh"}
    made = policy(rules=[{"id": "asked", "when": {"entity": "PERSON", "time": hours}, "do": "block"}, PEOPLE, REST])
    assert why(made, transfer("PERSON", time=datetime(2026, 11, 24, 12, 30, tzinfo=UTC))) == "matched"
    assert why(made, transfer("PERSON", time=datetime(2026, 11, 24, 19, 30, tzinfo=UTC))).startswith("it is outside")
