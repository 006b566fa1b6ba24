"""What does not fit is told in a person's words, and nothing of what was sent is said again."""

import pytest
from pydantic import BaseModel

from proxy.console import inputs
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
        (inputs.ReportForm, {"form": "docx"}, "form: has to be one of 'html', 'pdf' or 'json'"),
        (inputs.PolicyText, {"text": "", "files": {"anna@example.com": "x"}}, "files.*: has to fit"),
        (inputs.PolicyText, {"text": "", "files": {"anna": 1}}, "files.*: has to be a text"),
    ],
)
def test_what_does_not_fit_is_said_plainly_and_never_repeated(model: type[BaseModel], given: object, said: str) -> None:
    with pytest.raises(InputError) as refused:
        checked(model, given)
    assert refused.value.message.startswith(said)
    assert "anna" not in refused.value.message
