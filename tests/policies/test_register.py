"""The bundled register: nothing without a source, nothing guessed, and addresses that find their destination."""

from collections.abc import Callable, Iterator, Mapping
from datetime import date
from urllib.parse import urlsplit

import pytest

from policies.destination import Destination, Fact, HostTable
from policies.errors import PolicyFileError
from policies.groups import ENTITY_TYPES, GROUPS
from policies.language.vocabulary import VALIDATORS
from policies.lint import LEAST_SCORE, SURROGATES
from policies.load import Loaded, load_bundled
from policies.policy import Policy
from policies.register import REGISTER_FILE, EditionSection, bundled_file, bundled_register, read_register
from redaction.entities import GROUPS as DETECTED
from redaction.merge import MIN_SCORE
from redaction.own import VALIDATORS as DETECTION_VALIDATORS
from redaction.stand_ins import parts

EDITION = "2026-11-23"


def facts() -> Iterator[tuple[str, str, Fact]]:
    for name, days in bundled_register().editions.items():
        for edition in days.values():
            for plan in (None, *edition.plans):
                for key, fact in edition.facts_for(plan).items():
                    yield name, key, fact


def test_every_known_fact_has_a_source_a_day_and_the_pages_words() -> None:
    known = [(name, key, fact) for name, key, fact in facts() if fact.known]
    assert len(known) > 60
    for name, key, fact in known:
        parts = urlsplit(fact.source)
        assert parts.scheme == "https", (name, key)
        assert fact.read is not None, (name, key)
        assert len(fact.quote) > 15, (name, key)


def edition(name: str) -> EditionSection:
    return bundled_register().editions[name][EDITION]


@pytest.mark.parametrize(
    ("name", "plan"), [("openai", "eea"), ("gemini", "paid"), ("anthropic", "eea"), ("mistral", None)]
)
def test_the_four_largest_have_at_least_eight_sourced_facts(name: str, plan: str | None) -> None:
    assert sum(fact.known for fact in edition(name).facts_for(plan).values()) >= 8


def test_without_a_plan_a_fact_on_which_the_plans_differ_is_unknown() -> None:
    gemini = edition("gemini")
    assert gemini.facts_for("free")["training"].value == "yes"
    assert gemini.facts_for("paid")["training"].value == "no"
    assert gemini.facts_for(None)["training"].value == "unknown"
    assert gemini.facts_for(None)["output_limits"].value == "yes"


def test_what_was_read_last_stands_with_its_day_and_its_copy() -> None:
    read_last = {
        (name, key): (fact.value, fact.seen)
        for name, key, fact in facts()
        if fact.known and fact.read == date(2026, 11, 25)
    }
    assert read_last["anthropic", "storage"][0] == ("US",)
    assert read_last["anthropic", "server_state"][0] == "yes"
    assert read_last["mistral", "region_choice"][0] == "yes"
    assert read_last["gemini", "server_state"][0] == "yes"
    assert "Meta Platforms Ireland" in read_last["llama", "contracting_entity"][0]
    assert all(seen for _, seen in read_last.values()), "read in stored copies, which is said beside each fact"


@pytest.mark.parametrize("name", ["openai", "gemini", "anthropic", "mistral"])
def test_nobody_says_where_inference_runs_by_default_so_it_is_unknown(name: str) -> None:
    one = edition(name)
    assert all(one.facts_for(plan).get("processing") is None for plan in (None, *one.plans))


NEWER = [(name, days) for name, days in bundled_register().editions.items() if len(days) > 1]


@pytest.mark.parametrize(("name", "days"), NEWER, ids=[name for name, _ in NEWER])
def test_a_newer_edition_knows_all_that_the_one_before_knew_and_more(
    name: str, days: Mapping[str, EditionSection]
) -> None:
    *_, before, newest = (days[day] for day in sorted(days))
    assert newest.model_dump(exclude={"facts"}) == before.model_dump(exclude={"facts"})
    assert set(before.facts) < set(newest.facts)
    assert all(fact.read == date(2026, 11, 26) for key, fact in newest.facts.items() if key not in before.facts)
    bundled = load_bundled("default").destinations[name]
    assert bundled.facts["server_state" if "server_state" in newest.facts else "training"].known


def test_azure_vertex_cohere_and_groq_have_facts_that_were_read_on_their_own_pages() -> None:
    own = {"azure-openai": "microsoft.com", "vertex": "google.com", "cohere": "cohere.com", "groq": "groq.com"}
    for name, domain in own.items():
        found = bundled_register().editions[name]["2026-11-26"].facts
        assert len(found) >= 3, name
        assert all((urlsplit(fact.source).hostname or "").endswith(domain) for fact in found.values()), name


def test_a_fact_may_differ_for_an_endpoint() -> None:
    openai = load_bundled("default").destinations["openai"]
    assert openai.facts_at("/v1/chat/completions")["retention"].value == 30
    assert openai.facts_at("/v1/fine_tuning/jobs")["retention"].value == "unknown"
    assert openai.as_record("", "/v1/fine_tuning/jobs")["retention"] == "unknown"


@pytest.fixture(scope="module")
def default() -> Policy:
    return load_bundled("default")


@pytest.mark.parametrize(
    ("host", "name"),
    [
        ("api.openai.com", "openai"),
        ("API.OpenAI.com.", "openai"),
        ("eu.api.openai.com", "openai"),
        ("my-resource.openai.azure.com", "azure-openai"),
        ("generativelanguage.googleapis.com", "gemini"),
        ("aiplatform.googleapis.com", "vertex"),
        ("europe-west3-aiplatform.googleapis.com", "vertex"),
        ("aiplatform.eu.rep.googleapis.com", "vertex"),
        ("api.llama.com", "llama"),
        ("api.anthropic.com", "anthropic"),
        ("bedrock-runtime.eu-central-1.amazonaws.com", "bedrock"),
        ("api.mistral.ai", "mistral"),
        ("api.eu.mistral.ai", "mistral"),
        ("api.cohere.com", "cohere"),
        ("api.groq.com", "groq"),
        ("api.together.xyz", "together"),
        ("openai.com", None),
        ("evilapi.openai.com", None),
        ("api.openai.com.evil.example", None),
        ("s3.eu-central-1.amazonaws.com", None),
        ("bedrock-runtime.a.b.amazonaws.com", None),
        ("", None),
    ],
)
def test_a_host_finds_its_destination(default: Policy, host: str, name: str | None) -> None:
    found = default.destination_for_host(host)
    assert (found.name if found else None) == name


def test_an_exact_host_comes_before_a_pattern_and_a_long_pattern_before_a_short_one() -> None:
    table = HostTable({"*.example.com": "wide", "*.eu.example.com": "near", "a.eu.example.com": "exact"})
    assert table.find("a.eu.example.com") == "exact"
    assert table.find("b.eu.example.com") == "near"
    assert table.find("b.us.example.com") == "wide"
    assert table.find("example.com") is None


@pytest.mark.parametrize(
    ("destination", "path", "wire"),
    [
        ("openai", "/v1/chat/completions", "openai_chat"),
        ("openai", "/v1/embeddings", "openai_other"),
        ("openai", "/v1/responses/resp_1", "openai_responses"),
        ("gemini", "/v1beta/models/gemini-pro:generateContent", "gemini"),
        ("gemini", "/v1beta/openai/chat/completions", "openai_chat"),
        ("llama", "/compat/v1/chat/completions", "openai_chat"),
        ("llama", "/v1/chat/completions", "llama"),
        ("openai", "/elsewhere", "generic"),
        ("openai", "/v1chat", "generic"),
    ],
)
def test_a_path_names_its_wire_format(default: Policy, destination: str, path: str, wire: str) -> None:
    assert default.destinations[destination].format_for(path) == wire


def test_credential_carriers_are_lower_case_and_never_empty(default: Policy) -> None:
    for name, one in default.destinations.items():
        assert one.credentials.headers, name
        assert all(header == header.lower() for header in one.credentials.headers)
    assert default.destinations["gemini"].credentials.query == ("key", "access_token")


def test_entity_groups_are_those_of_detection() -> None:
    assert {name: frozenset(types) for name, types in DETECTED.items()} == dict(GROUPS)


def test_validators_scores_and_stand_ins_are_those_of_detection() -> None:
    assert set(VALIDATORS) == set(DETECTION_VALIDATORS)
    assert LEAST_SCORE == MIN_SCORE
    assert {name for name in ENTITY_TYPES if parts(name, "Abcd Efgh")} == SURROGATES


def test_the_register_names_its_editions_by_a_digest() -> None:
    first = bundled_register()
    changed = bundled_file(REGISTER_FILE).replace(b"title: OpenAI API", b"title: Another")
    assert first.digest.startswith("sha256:")
    assert read_register(changed, REGISTER_FILE).digest != first.digest


def test_a_broken_register_is_refused_with_its_line() -> None:
    with pytest.raises(PolicyFileError) as refused:
        read_register(b"version: 1\ndestinations:\n  x:\n    2026-01-01: {titel: X}\n", "register.yaml")
    assert "register.yaml:4:" in refused.value.message


@pytest.mark.parametrize("name", ["../etc/passwd", "default/../../x", "nothing", ""])
def test_only_files_of_the_package_are_bundled(name: str) -> None:
    with pytest.raises(FileNotFoundError):
        bundled_file(name)


class TestDeclared:
    def test_what_the_policy_declares_stands_before_the_register(self, loaded: Callable[..., Loaded]) -> None:
        made = loaded(
            rules=[{"id": "rest", "do": "block"}],
            destinations={
                "openai": {
                    "extends": f"bundled:openai@{EDITION}",
                    "facts": {"retention": 0, "storage": {"value": ["IE", "DE"], "source": "contract 7"}},
                }
            },
        ).policy.destinations["openai"]
        assert (made.fact("retention"), made.facts["retention"].declared) == (0, True)
        assert (made.fact("storage"), made.facts["storage"].source) == (("DE", "IE"), "contract 7")
        assert made.as_record("")["storage"] == "DE,IE"

    def test_an_own_upstream_is_split_and_found_by_its_host(self, loaded: Callable[..., Loaded]) -> None:
        made = loaded(
            rules=[{"id": "rest", "do": "block"}],
            destinations={
                "own": {"extends": f"bundled:self-hosted@{EDITION}", "upstream": "https://llm.example.com:8443/v2/"}
            },
        ).policy
        own = made.destinations["own"]
        assert (own.origin, own.base_path, own.operator) == ("https://llm.example.com:8443", "/v2", "us")
        assert made.destination_for_host("llm.example.com") == own

    def test_a_destination_ends_with_its_last_day(self) -> None:
        from datetime import UTC, datetime

        one = Destination("x", until=date(2027, 6, 30))
        assert not one.expired(datetime(2027, 6, 30, 23, 59, 59, tzinfo=UTC))
        assert one.expired(datetime(2027, 7, 1, tzinfo=UTC))
