"""What does not fit is told in a person's words, and nothing of what was sent is said again."""

import re
from pathlib import Path

import pytest
from pydantic import BaseModel

import proxy.console
from proxy.console import inputs
from proxy.console.language import words
from proxy.console.problems import InputError, checked


@pytest.mark.parametrize(
    ("model", "given", "said"),
    [
        (inputs.TransfersQuery, {"limit": "many"}, "limit: has to be a whole number"),
        (inputs.TransfersQuery, {"limit": 1000}, "limit: has to be at most 500"),
        (inputs.TransfersQuery, {"observe": "perhaps"}, "observe: has to be true or false"),
        (inputs.TransfersQuery, {"anna@example.com": "1"}, "input: holds a field that does not exist here"),
        (inputs.WhoBody, [], "input: has to be an object with fields"),
        (inputs.WhoBody, {}, "subject: is missing"),
        (inputs.WhoBody, {"subject": "a" * 501}, "subject: is longer than 500 characters"),
        (inputs.ReportForm, {"form": "docx"}, "form: has to be one of html, pdf, json"),
        (inputs.PolicyText, {"text": "", "files": {"anna@example.com": "x"}}, "files.*: has to fit"),
        (inputs.PolicyText, {"text": "", "files": {"anna": 1}}, "files.*: has to be a text"),
    ],
)
def test_what_does_not_fit_is_said_plainly_and_never_repeated(model: type[BaseModel], given: object, said: str) -> None:
    with pytest.raises(InputError) as refused:
        checked(model, given)
    assert refused.value.message.startswith(said)
    assert "anna" not in refused.value.message


@pytest.mark.parametrize(("code", "said"), [("de", "ganze Zahl"), ("vi", "số nguyên")])
def test_what_does_not_fit_is_said_in_the_language_of_the_page(code: str, said: str) -> None:
    with pytest.raises(InputError) as refused:
        checked(inputs.TransfersQuery, {"limit": "many", "since": "yesterday", "form": 1})
    told = refused.value.told(words(code))
    assert said in told
    assert "transfers.since" not in told
    assert words(code)("fault.moment") in told
    assert [line for line in refused.value.message.split("; ") if line in told] == []


def test_every_rule_that_a_page_breaks_has_words() -> None:
    source = "".join(one.read_text() for one in Path(proxy.console.__path__[0]).rglob("*.py"))
    named = set(re.findall(r'(?:wrong\([^,]+, |PydanticCustomError\()"(\w+)"', source))
    assert {"missing", "moment", "unticked"} <= named
    assert [rule for rule in named if f"fault.{rule}" not in words("en").texts] == []
