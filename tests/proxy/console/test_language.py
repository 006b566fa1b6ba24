"""The words of the pages: the same in every language, and no promise among them."""

import re
import string
from pathlib import Path
from typing import Any

import pytest

import proxy
from proxy.console.language import LANGUAGES, preferred, words


def test_languages_have_the_same_keys_and_the_same_gaps() -> None:
    def gaps(text: str) -> set[str]:
        return {name for _, name, _, _ in string.Formatter().parse(text) if name}

    english = words("en").texts
    for code in LANGUAGES:
        other = words(code).texts
        assert other.keys() == english.keys()
        assert [key for key in english if gaps(english[key]) != gaps(other[key])] == []


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
