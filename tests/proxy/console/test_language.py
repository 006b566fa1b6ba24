"""The words of the pages: the same in every language, and no promise among them."""

import re
import string
from collections.abc import Iterable
from pathlib import Path
from typing import Any, get_args

import pytest

import proxy
from audit import values
from audit.questions import acts
from audit.reports.reasons import REASONS
from audit.reports.recall import bundled
from audit.reports.terms import TERMS
from audit.reports.texts import Language, Texts
from policies.diff import ENDED, OTHER_VALUE, SOMETIMES, Condition
from policies.facts import FACTS, FactKind
from policies.groups import ENTITY_TYPES, GROUPS
from policies.language import fields
from policies.model import Code, Consent
from policies.outcome import Copied, Outcome
from policies.space import DIMENSIONS, OTHER, REST
from proxy.console.health import _OLD as OLD
from proxy.console.incident_page import WINDOWS
from proxy.console.inputs import SEARCH_FORMS
from proxy.console.language import LANGUAGES, preferred, words
from proxy.control.approvals import ApprovalState
from proxy.control.policies import ProposalState
from proxy.control.reveals import RevealState
from proxy.control.tokens import Role
from proxy.erasure.deleting import Obstacle
from proxy.erasure.providers import Verdict
from proxy.erasure.telling import OBSTACLES
from proxy.steps.answers import _READ as READ


def test_languages_have_the_same_keys_and_the_same_gaps() -> None:
    def gaps(text: str) -> set[str]:
        return {name for _, name, _, _ in string.Formatter().parse(text) if name}

    english = words("en").texts
    for code in LANGUAGES:
        other = words(code).texts
        assert other.keys() == english.keys()
        assert [key for key in english if gaps(english[key]) != gaps(other[key])] == []
    assert [key for key, text in words("vi").texts.items() if "|" in text] == [], "Vietnamese has one form"


def test_a_number_asks_for_its_form_of_the_word() -> None:
    values = {"recipients": 1, "uninspected": 0}
    said = {code: words(code)("overview.sentence", transfers=1, persons=1_000, **values) for code in LANGUAGES}
    assert said["en"].startswith("1 transfer, 1,000 persons, 1 recipient, 0 with")
    assert said["de"].startswith("1 Übermittlung, 1.000 Personen, 1 Empfänger, 0 mit")
    assert said["vi"].startswith("1 lượt chuyển, 1.000 cá nhân, 1 bên nhận, 0 lượt")
    assert words("de")("overview.sentence", transfers=2, persons="etwa 9", **values).startswith(
        "2 Übermittlungen, etwa 9"
    )
    assert words("de").decimal("98.9") == "98,9"


def test_no_word_is_written_in_the_plural_behind_a_number() -> None:
    """Where a sentence counts, the number chooses the form."""
    for code, plural in (
        ("en", r"\{\w+\} (?!of|days|is|opens|leads|does)[a-z]+s\b"),
        ("de", r"\{\w+\} \w*(?:ungen|unde|unden|onen|äge|ägen)\b"),
    ):
        assert [key for key, text in words(code).texts.items() if re.search(plural, text)] == []


_ACTS = (
    values.GapCause, values.PolicyEvent, values.KeyEvent, values.ShredCause, values.ErasurePhase, values.TokenEvent,
    values.StopState, values.ExportFormat, values.RevealReason,
)  # fmt: skip
SHOWN: dict[str, Iterable[str]] = {
    "acts.": acts.KINDS,
    "action.": values.Action,
    "approvals.reason_": values.ApprovalReason,
    "approvals.state_": ApprovalState,
    "basis.": get_args(fields.Basis),
    "compare.by_": ("people", "judge"),
    "condition.": (*DIMENSIONS[2:], ENDED, SOMETIMES, OTHER_VALUE),
    "entity.": (*ENTITY_TYPES, *(f"group:{name}" for name in GROUPS), OTHER, REST, "any", "none"),
    "erase.objects_": Verdict,
    "erase.reason_": values.ErasureReason,
    "erase.verdict_": Verdict,
    "fact.": FACTS,
    "how.": [one for kind in _ACTS for one in kind],
    "identified.": values.IdentifiedBy,
    "incident.is_": values.StopTarget,
    "incident.last_": WINDOWS,
    "mechanism.": {*get_args(fields.Transfer), *values.TransferMechanism} - {"unknown"},
    "operator.": values.Operator,
    "policy.proposed_": ProposalState,
    "reveals.reason_": values.RevealReason,
    "reveals.state_": RevealState,
    "role.": get_args(fields.Role),
    "roles.": Role,
    "sets.": {one.name for one in bundled().sets},
    "speaker.": READ,
    "stage.": values.Stage,
    "state.": ("open", "blocked", *values.OutcomeState),
    "transfers.take_": SEARCH_FORMS,
    "uninspected.": values.UninspectedReason,
    "value.": {word for one in FACTS.values() if one.kind is FactKind.WORD for word in one.words} | {*Consent},
    "warnings.": OLD.values(),
}
"""Where the words of a set of values stand, and the set."""
_OTHERWISE = {
    "compare.", "ends.", "erase.", "events.", "live.", "nav.", "overview.", "proof.", "reveals.", "transfers.", "who.",
    "approvals.", "window.",
}  # fmt: skip
"""Chosen in a template from what stands in it, or kept complete by a test of its own."""


@pytest.mark.parametrize("section", SHOWN)
def test_every_value_that_somebody_sees_has_words_in_three_languages(section: str) -> None:
    members = list(SHOWN[section])
    assert members
    for code in LANGUAGES:
        assert [one for one in members if f"{section}{one}" not in words(code).texts] == [], code


def test_no_page_shows_a_set_of_values_that_nobody_translated() -> None:
    root = Path(proxy.__file__).parent / "console" / "templates"
    templates = "".join(path.read_text() for path in root.glob("*.html"))
    used = {f"{section}." for section in re.findall(r't\.word\("(\w+)"', templates)}
    used |= set(re.findall(r't(?:\.texts\[|\()"([a-z_]+\.[a-z_]*)" ~', templates))
    assert len(used) > 15
    assert used - SHOWN.keys() - _OTHERWISE == set()


def test_the_console_calls_things_as_reports_do() -> None:
    """What a record's value or a label means has one name: on a page, in a report, in each language."""
    for at, code in enumerate(LANGUAGES):
        say = words(code).texts
        values_said = {
            "approvals.reason_": set(values.ApprovalReason),
            "reveals.reason_": set(values.RevealReason),
            "retention.": {"zero", "days"},
            "value.": {one for one in TERMS if f"value.{one}" in say},
            "how.": {one for one in TERMS if f"how.{one}" in say} - {"approved", "denied", "storage"},
        }
        for section, names in values_said.items():
            assert {one: say[f"{section}{one}"] for one in names} == {one: TERMS[one][at] for one in names}, section
        told = Texts(Language(code))
        for label, key in _LABELS.items():
            assert told(label).startswith(say[key]), (label, code)


_LABELS = {
    "agreement": "who.agreement", "application": "transfers.application", "basis": "who.basis",
    "controller": "who.controls", "data": "transfers.entity_type", "mechanism": "who.mechanism",
    "n": "transfers.findings", "operator": "transfer.done", "persons": "overview.persons", "purpose": "who.purpose",
    "recipient": "transfers.destination", "retention": "who.retention", "role": "who.role",
    "storage": "who.storage", "training": "who.training", "processing": "who.processing", "access": "who.access",
}  # fmt: skip
"""Labels of the reports, which may say more behind it, and those of the pages."""


def test_what_an_erasure_could_not_ask_for_has_words() -> None:
    assert set(OBSTACLES) == set(Obstacle)
    for code in LANGUAGES:
        assert [one for one in Obstacle if f"erase.obstacle_{one}" not in words(code).texts] == []


def test_every_event_that_is_counted_has_a_name_for_people() -> None:
    root = Path(proxy.__file__).parent
    sources = "".join(path.read_text() for path in root.rglob("*.py"))
    seen = set(re.findall(r'observe\("([a-z_]+)"', sources)) - {"refused", "sent", "shadow_ai"}
    seen |= {f"network_{kind}" for kind in re.findall(r'\.note\("([a-z_]+)"', sources)}
    assert len(seen) > 20
    assert [kind for kind in sorted(seen) if f"events.{kind}" not in words("en").texts] == []


def test_no_page_promises_what_nobody_can() -> None:
    for code in LANGUAGES:
        text = " ".join(words(code).texts.values()).lower()
        for word in ("anonymi", "anonymis", "ẩn danh", "compliant", "konform", "gdpr-"):
            assert word not in text


@pytest.mark.parametrize(
    ("header", "code"),
    [("", "en"), ("de-AT,de;q=0.9", "de"), ("fr, vi;q=0.8, en;q=0.5", "vi"), ("en;q=0.1, de;q=0.2", "de"), ("*", "en"),
     ("de;q=nonsense", "en")],
)  # fmt: skip
def test_the_language_the_browser_likes_best(header: str, code: str) -> None:
    assert preferred(header) == code


@pytest.mark.parametrize(
    ("name", "value", "shown"),
    [("retention", "30d", "30 Tage"), ("retention", "zero", "gar nicht"), ("retention", None, "unbekannt"),
     ("retention", "contract", "contract"), ("role", "processor", "Auftragsverarbeiter"), ("training", "no", "nein"),
     ("storage", ["IE", "unknown"], "IE, unbekannt"), ("storage", [], "unbekannt"), ("agreement", "DPA-1", "DPA-1")],
)  # fmt: skip
def test_facts_are_said_in_words(name: str, value: Any, shown: str) -> None:
    assert words("de").fact(name, value) == shown
    assert words("de").number(1_234_567) == "1.234.567"
    assert words("de").word("operator", "new-one") == "new-one"
    assert words("de").fact("transfer", "scc-m2") == "Standardvertragsklauseln, Modul 2"
    assert [code for code in Code if code not in REASONS] == [], "a policy's reasons have words"
    assert words("de").reason("held") == "wartet auf Freigabe (held)"
    assert words("de").reason("a_new_one") == "a_new_one"


@pytest.mark.parametrize(
    ("told", "german"),
    [
        (Outcome("block"), "abgelehnt"),
        (Outcome("allow"), "durchgelassen"),
        (Outcome("tokenize", observe=True), "nur beobachtet (durch Platzhalter ersetzt)"),
        (Outcome("tokenize", observe=True, refused="block"), "nur beobachtet, abgelehnt"),
        (Outcome("mask", ("keep_last=4",), "own-llama"), "umgeleitet an own-llama, maskiert keep_last=4"),
        (Outcome("hold", (), "own-llama"), "umgeleitet an own-llama, zurückgehalten"),
        (
            Outcome("keep", mirrors=(Copied("block-llama", "research", 1),), copies=(Outcome("redact"),)),
            "belassen, gespiegelt an block-llama für research, Antworten 1 Tag aufbewahrt (die Kopie: entfernt)",
        ),
    ],
)
def test_what_a_policy_does_is_said_in_words(told: Outcome, german: str) -> None:
    assert words("de").outcome(told) == german
    for code in LANGUAGES[1:]:
        assert words(code).outcome(told) != str(told)


def test_when_a_policy_does_it_is_said_in_words() -> None:
    de = words("de").condition
    assert de(Condition("score", (">= 0.8", "other"), more=True)) == "Sicherheit: ≥ 0.8, andere, …"
    assert de(Condition(ENDED)) == "nach dem letzten Tag des Empfängers"
    assert de(Condition("flags", ("given/no/no",))) == "je nachdem, was die Personen gesagt haben"
    assert de(Condition("grown")) == "grown"
