"""A corpus of broken files: each is refused with exactly the message in its golden file, none is half-accepted."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policies.errors import PolicyFileError, Problem
from policies.language import document
from policies.language.document import MAX_BYTES, MAX_DEPTH
from policies.load import load, loads

BROKEN = Path(__file__).parent / "broken"
TODAY = date(2026, 11, 24)
RULES = "version: 1\nname: t\nrules:\n  - {id: rest, when: {entity: none}, do: allow}\n"


@contextmanager
def inside(folder: Path) -> Iterator[None]:
    """Messages name files as the user did; the corpus is read from its own folder."""
    before = Path.cwd()
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)


@pytest.mark.parametrize("name", sorted(path.stem for path in BROKEN.glob("*.yaml")))
def test_a_broken_file_is_refused_with_its_message(name: str) -> None:
    with inside(BROKEN), pytest.raises(PolicyFileError) as refused:
        load(Path(f"{name}.yaml"), today=TODAY)
    assert refused.value.message + "\n" == (BROKEN / f"{name}.txt").read_text(encoding="utf-8")


def test_the_corpus_has_at_least_sixty_files() -> None:
    assert len(list(BROKEN.glob("*.yaml"))) >= 60


MADE = {
    "ten megabytes": (
        RULES.encode() + b"# " + b"x" * (10 * 1024 * 1024),
        f"p.yaml: the file has {len(RULES) + 2 + 10 * 1024 * 1024:,} bytes; "
        f"a policy may have {MAX_BYTES:,} [too_large]\n  split it with `include`",
    ),
    "deep lists": (
        b"version: 1\nname: t\nrules: " + b"[" * 5000,
        f"p.yaml:3:{7 + MAX_DEPTH}: values are nested deeper than {MAX_DEPTH} levels [too_deep]\n",
    ),
    "deep blocks": (
        b"".join(b"  " * depth + b"a:\n" for depth in range(400)),
        f"p.yaml:{MAX_DEPTH + 1}:{2 * MAX_DEPTH + 1}: values are nested deeper than {MAX_DEPTH} levels [too_deep]\n",
    ),
    "not utf-8": (
        b"version: 1\nname: caf\xe9\n",
        "p.yaml:2:10: byte 0xE9 is not UTF-8 [encoding]\n  save the file as UTF-8",
    ),
    "utf-16": (
        RULES.encode("utf-16"),
        "p.yaml:1:1: byte 0xFF is not UTF-8 [encoding]\n  save the file as UTF-8",
    ),
    "nul": (RULES.encode() + b"# \x00\n", "p.yaml:5:3: the character U+0000 may not stand in YAML [character]\n"),
}


@pytest.mark.parametrize("name", MADE)
def test_a_huge_or_hostile_file_is_refused_with_its_message(name: str) -> None:
    data, message = MADE[name]
    with pytest.raises(PolicyFileError) as refused:
        loads(data, "p.yaml", today=TODAY)
    assert refused.value.message.startswith(message)
    assert len(refused.value.message) < 1000


def test_a_file_of_too_many_values_is_refused_at_the_first_of_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(document, "MAX_VALUES", 2_500)  # as many as there may be take seconds

    def refused(values: int) -> str:
        with pytest.raises(PolicyFileError) as found:
            loads(b"version: 1\nname: t\nrules: [" + b"a," * values + b"]\n", "p.yaml", today=TODAY)
        return found.value.message

    assert "too_large" not in refused(2_400)
    assert refused(2_600).startswith("p.yaml:3:499")
    assert "the file holds more than 2,500 values [too_large]" in refused(2_600)


def test_an_include_circle_over_two_files_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("include: b.yaml\n" + RULES)
    (tmp_path / "b.yaml").write_text("include: c.yaml\n" + RULES)
    (tmp_path / "c.yaml").write_text("include: b.yaml\n" + RULES)
    with pytest.raises(PolicyFileError, match=r"'b\.yaml' includes itself") as refused:
        load(tmp_path / "a.yaml", today=TODAY)
    assert refused.value.problems[0].code == "include_circle"


def test_a_folder_or_device_is_no_policy(tmp_path: Path) -> None:
    with pytest.raises(PolicyFileError) as refused:
        load(tmp_path, today=TODAY)
    assert refused.value.problems[0].code == "unreadable"


def test_an_error_in_an_include_names_the_included_file(tmp_path: Path) -> None:
    (tmp_path / "team.yaml").write_text("version: 1\nname: team\ninclude: company.yaml\n")
    (tmp_path / "company.yaml").write_text(RULES.replace("allow", "alow"))
    with pytest.raises(PolicyFileError) as refused:
        load(tmp_path / "team.yaml", today=TODAY)
    assert refused.value.message.startswith("company.yaml:4:42: 'alow' is not a value of 'do'")


def test_no_error_shows_the_value_of_an_exception_or_the_text_of_a_case() -> None:
    text = RULES + (
        "exceptions:\n  - {rule: rest, values: ['Erika Mustermann'], until: 2027-01-01, approved_by: dpo}\n"
        "cases:\n  - {name: a, to: openai, text: [Erika Mustermann], expect: {action: allow}}\n"
    )
    for part in (text, text.replace("text: [Erika Mustermann]", "text: hello")):
        with pytest.raises(PolicyFileError) as refused:
            loads(part, today=TODAY)
        assert "Mustermann" not in refused.value.message


def problems_of(text: str | bytes) -> tuple[Problem, ...]:
    """What is wrong with a text; empty when it is a policy."""
    try:
        loads(text, today=TODAY)
    except PolicyFileError as refused:
        return refused.problems
    return ()


@settings(max_examples=150, deadline=None)
@given(st.text(max_size=200), st.integers(0, len(RULES)))
def test_no_text_whatever_crashes_the_loader(noise: str, position: int) -> None:
    for problem in problems_of(RULES[:position] + noise + RULES[position:]):
        assert problem.message
        assert problem.file == "policy.yaml"


def test_a_lone_surrogate_is_refused() -> None:
    assert [one.code for one in problems_of(RULES + "# \ud800\n")] == ["character"]


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=300))
def test_no_bytes_whatever_crash_the_loader(data: bytes) -> None:
    assert problems_of(data)
