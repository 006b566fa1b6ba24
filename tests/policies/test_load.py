"""From files to a policy: includes, digests, the bundled three."""

import re
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from policies.declared import Environment
from policies.errors import PolicyFileError, UnknownNameError
from policies.language import document
from policies.load import Loaded, load, load_bundled, loads, read
from policies.model import Action, FindingFacts, MediaKind, MediaPart, Operator, PolicyInput
from policies.policy import Policy

ROOT = Path(__file__).parents[2]
TODAY = date(2026, 11, 24)
NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
BASE = """version: 1
name: company
unknown_applications: allow
destinations:
  openai: {extends: bundled:openai@2026-11-23}
rules:
  - {id: secrets, when: {entity: group:secrets}, do: block, final: yes}
  - {id: people, when: {entity: PERSON}, do: tokenize}
  - {id: rest, when: {entity: none}, do: allow}
media: {image: inspect, audio: refuse}
"""
TEAM = """version: 1
name: team
environment: prod
include: base/company.yaml
rules:
  - {id: team-keys, when: {entity: API_KEY}, do: allow}
  - {id: team-people, when: {entity: PERSON}, do: redact}
media: {audio: pass}
"""


@pytest.fixture
def team(tmp_path: Path) -> Path:
    (tmp_path / "base").mkdir()
    (tmp_path / "base" / "company.yaml").write_text(BASE)
    (tmp_path / "team.yaml").write_text(TEAM)
    return tmp_path / "team.yaml"


class TestIncludes:
    def test_an_overlays_rules_come_before_the_bases_but_after_its_final_ones(self, team: Path) -> None:
        made = load(team, today=TODAY)
        assert [rule.id for rule in made.rules] == ["secrets", "team-keys", "team-people", "people", "rest"]

    def test_an_overlay_wins_key_by_key(self, team: Path) -> None:
        made = load(team, today=TODAY)
        assert (made.name, made.environment) == ("team", Environment.PROD)
        assert {key: value.value for key, value in made.media.items()} == {"image": "inspect", "audio": "pass"}
        assert list(made.destinations) == ["openai"]

    def test_a_team_cannot_undo_what_the_company_made_final(self, team: Path) -> None:
        given = PolicyInput("", "openai", NOON, findings=(FindingFacts("API_KEY"),))
        assert load(team, today=TODAY).decide(given).action is Action.BLOCK

    def test_an_include_is_read_relative_to_the_file_that_names_it(self, team: Path) -> None:
        (team.parent / "base" / "company.yaml").write_text(BASE + "include: more.yaml\n")
        (team.parent / "base" / "more.yaml").write_text(
            "version: 1\nname: more\nrules:\n  - {id: last, when: {entity: any}, do: hash}\n"
        )
        assert [rule.id for rule in load(team, today=TODAY).rules][-1] == "last"
        assert read(team, today=TODAY).files == (str(team), "base/company.yaml", "base/more.yaml")


class TestDigest:
    def test_comments_order_of_keys_and_cases_do_not_change_it(self) -> None:
        plain = loads(BASE, today=TODAY)
        spoken = loads("# for the auditor\n" + BASE.replace("version: 1\nname: company", "name: company\nversion: 1"))
        cased = loads(BASE + "cases:\n  - {name: a, to: openai, text: hi, expect: {action: allow}}\n", today=TODAY)
        assert plain.digest == spoken.digest == cased.digest

    @pytest.mark.parametrize(
        ("old", "new"),
        [("do: tokenize", "do: redact"), ("audio: refuse", "audio: pass"), ("name: company", "name: other")],
    )
    def test_a_change_in_meaning_does(self, old: str, new: str) -> None:
        assert loads(BASE, today=TODAY).digest != loads(BASE.replace(old, new), today=TODAY).digest

    def test_the_order_of_rules_does(self) -> None:
        lines = BASE.splitlines()
        lines[7], lines[8] = lines[8], lines[7]
        assert loads(BASE, today=TODAY).digest != loads("\n".join(lines), today=TODAY).digest


class TestBundled:
    @pytest.fixture(params=["default", "strict"])
    def bundled(self, request: pytest.FixtureRequest) -> Policy:
        return load_bundled(request.param, today=TODAY)

    def decide(self, policy: Policy, *types: str, media: tuple[MediaPart, ...] = ()) -> Action:
        findings = tuple(FindingFacts(one) for one in types)
        return policy.decide(PolicyInput("", "openai", NOON, findings=findings, media=media)).action

    def test_every_group_but_organisations_becomes_placeholders(self) -> None:
        made = load_bundled("default", today=TODAY)
        for group, types in made.groups.items():
            for one in types - {"ORGANIZATION"}:
                given = PolicyInput("", "gemini", NOON, findings=(FindingFacts(one, 0.01),))
                assert made.decide(given).decisions[0].operator is Operator.TOKENIZE, (group, one)

    def test_a_type_that_nobody_has_heard_of_never_slips_through(self, bundled: Policy) -> None:
        assert self.decide(bundled, "SOMETHING_NEW") is Action.TRANSFORM

    def test_default_blocks_nothing_but_media_that_cannot_be_inspected(self) -> None:
        made = load_bundled("default", today=TODAY)
        assert self.decide(made) is Action.ALLOW
        assert self.decide(made, "ORGANIZATION") is Action.ALLOW
        assert self.decide(made, "API_KEY", "RELIGION", "PERSON") is Action.TRANSFORM
        for kind in MediaKind:
            assert self.decide(made, media=(MediaPart(kind, inspectable=True),)) is Action.ALLOW
            assert self.decide(made, media=(MediaPart(kind, inspectable=False),)) is Action.BLOCK

    def test_strict_also_blocks_secrets_and_special_categories(self) -> None:
        made = load_bundled("strict", today=TODAY)
        for blocked in ("API_KEY", "PRIVATE_KEY", "RELIGION", "UNION", "HEALTH", "MEDICAL_RECORD"):
            assert self.decide(made, blocked) is Action.BLOCK
        assert self.decide(made, "PERSON", "IBAN_CODE") is Action.TRANSFORM

    def test_every_destination_of_the_register_is_permitted(self, bundled: Policy) -> None:
        for name in bundled.destinations:
            assert bundled.decide(PolicyInput("", name, NOON)).action is Action.ALLOW
        assert len(bundled.destinations) >= 14

    def test_observe_is_a_form_that_is_refused_until_it_is_filled_in(self) -> None:
        with pytest.raises(PolicyFileError) as refused:
            load_bundled("observe", today=TODAY)
        assert [one.code for one in refused.value.problems] == ["todo", "todo", "todo"]
        assert "policy new observe" in refused.value.message

    def test_there_is_no_other(self) -> None:
        with pytest.raises(UnknownNameError, match="default, strict, observe"):
            load_bundled("relaxed")


def test_tools_headers_and_restore_say_what_the_file_says(loaded: Callable[..., Loaded]) -> None:
    made = loaded(
        rules=[{"id": "rest", "do": "block"}],
        restore={"tools": {"web_search": "no"}, "other": "yes"},
        trust={"Dragoman-Session": ["credential", "10.0.0.0/8"]},
    ).policy
    assert (made.restore_tool("web_search"), made.restore_tool("send_mail")) == (False, True)
    assert not made.restore_tool(""), "nobody knows that it is not web_search"
    assert not made.restores_every_tool
    assert made.trusts_header("dragoman-session") == ("credential", "10.0.0.0/8")
    assert made.trusts_header("dragoman-app") == ()


def test_a_session_always_falls_into_the_same_share() -> None:
    buckets = [Policy.bucket(f"session-{number}".encode()) for number in range(2000)]
    assert buckets == [Policy.bucket(f"session-{number}".encode()) for number in range(2000)]
    assert 0 <= min(buckets) < 100
    assert 9900 < max(buckets) < 10_000


POLICY_FILES = sorted(
    one
    for folder in ("policies/bundled", "tests/policies/broken", "proxy/demo")
    for one in ROOT.glob(f"{folder}/**/*.yaml")
)
SMALL_POLICIES = [
    text for one in POLICY_FILES if len(text := one.read_bytes().decode("utf-8", "replace")) < 3_000 and text
]
PIECES = [
    *" \n:-,[]{}#'\"|>a1.~=\\\r@`/",
    "\n  ",
    ": ",
    "- ",
    "# x",
    "null",
    "0x1f",
    "é",
    "😀",
    "''",
    '"\\/"',
    '":',
    "]:",
]


def seen(node: document.Node) -> object:
    """A tree with every place in it."""
    if isinstance(node.value, dict):
        return node.place, {key: (node.keys[key], seen(one)) for key, one in node.value.items()}
    if isinstance(node.value, list):
        return node.place, [seen(one) for one in node.value]
    return node.place, type(node.value), node.value


@settings(max_examples=150, suppress_health_check=list(HealthCheck), deadline=None)
@given(data=st.data())
def test_what_the_fast_parser_accepts_the_exact_one_reads_alike(data: st.DataObject) -> None:
    text = data.draw(st.sampled_from(SMALL_POLICIES))
    for _ in range(data.draw(st.integers(0, 3))):
        at, gone = data.draw(st.integers(0, len(text))), data.draw(st.integers(0, 2))
        text = text[:at] + data.draw(st.sampled_from(PIECES)) + text[at + gone :]
    sources = document.Sources()
    sources.add("p.yaml", text)
    quick = document._quickly(text, "p.yaml", sources)
    if quick is None:
        return
    try:
        exact = document._exactly(text, "p.yaml", sources)
    except PolicyFileError:
        assert re.search(r"['\"]:\S", text), "only `'key':value` is YAML 1.2 that the exact parser does not know"
        return
    assert seen(quick) == seen(exact)


@pytest.mark.parametrize("path", [one for one in POLICY_FILES if "broken" not in one.parts], ids=lambda one: one.name)
def test_the_policies_that_ship_take_the_fast_parser(path: Path) -> None:
    text, sources = path.read_text(encoding="utf-8"), document.Sources()
    sources.add("p.yaml", text)
    quick = document._quickly(text, "p.yaml", sources)
    assert quick is not None
    assert seen(quick) == seen(document._exactly(text, "p.yaml", sources))
