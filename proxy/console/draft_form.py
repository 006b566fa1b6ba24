"""A draft as a form carries it: the policy's own text, and under `file:NAME` each file that it includes."""

from collections.abc import Mapping

from policies.language.include import MAX_FILES
from proxy.console.policy_desk import MAX_TEXT, PASTED
from proxy.console.problems import within, wrong

PREFIX = "file:"
LONGEST_NAME = 200


def draft_of(form: Mapping[str, str], text: str) -> dict[str, str]:
    """The files of a draft, the policy first, lines ended by LF. Raises InputError."""
    given = {name.removeprefix(PREFIX): one for name, one in form.items() if name.startswith(PREFIX)}
    if len(given) >= MAX_FILES or any(not name or len(name) > LONGEST_NAME for name in given):
        raise wrong("file", "too_many_files", max_length=MAX_FILES - 1, longest=LONGEST_NAME)
    for one in (text, *given.values()):
        within("text", one, MAX_TEXT)
    files = {PASTED: text} | {name: one for name, one in given.items() if name != PASTED}
    return {name: one.replace("\r\n", "\n") for name, one in files.items()}
