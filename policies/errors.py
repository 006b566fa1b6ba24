"""The errors of `policies`: one base, three kinds, each with a stable code.

A text names file, line and column, what is wrong and what was probably meant. Policy files hold no personal data
except in the texts of cases, so a line of a file may be shown; what a case's text contained is never quoted.
"""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One thing that is wrong in a file.

    file: as the user named it. line, column: 1-based; 0 where the file as a whole is meant. code: stable.
    source: the line as it stands in the file. hint: what was probably meant. severity: error or warning.
    """

    file: str
    line: int
    column: int
    message: str
    code: str = "invalid"
    source: str = ""
    hint: str = ""
    severity: str = "error"

    @property
    def is_error(self) -> bool:
        """Warnings are shown, errors keep the file from being used."""
        return self.severity == "error"

    def render(self) -> str:
        """`FILE:LINE:COLUMN: message`, the line with a caret under the column, and what was probably meant."""
        place = f"{self.file}:{self.line}:{self.column}" if self.line else self.file
        label = "" if self.is_error else "warning: "
        lines = [f"{place}: {label}{self.message} [{self.code}]"]
        if self.source.strip() and self.line:
            lines += _excerpt(self.source, self.column)
        if self.hint:
            lines.append(f"  {self.hint}")
        return "\n".join(lines)


# Longer lines are cut round the caret: a terminal shows no more, and a 10 MB line must not become a 10 MB message.
_EXCERPT = 120


def _excerpt(source: str, column: int) -> list[str]:
    """The line and a caret under `column` (1-based), cut to `_EXCERPT` characters round it, tabs as one space."""
    printable = "".join(char if char.isprintable() else " " for char in source)
    start = max(0, column - 1 - _EXCERPT // 2) if len(printable) > _EXCERPT else 0
    shown = printable[start : start + _EXCERPT].rstrip()
    caret = " " * (column - 1 - start) + "^"
    return [f"    {shown}", f"    {caret}"]


class PolicyError(Exception):
    """Base of every error that `policies` raises on purpose. code: stable; message: what, where, what to do."""

    code = "policy"

    def __init__(self, message: str, *, code: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        if code is not None:
            self.code = code


class PolicyFileError(PolicyError):
    """A file that cannot be used. problems: everything that is wrong with it, in the order of the file."""

    code = "policy_file"

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(sorted(problems))
        super().__init__("\n".join(problem.render() for problem in self.problems))


class UnknownNameError(PolicyError):
    """A destination, rule, register entry or bundled policy of that name does not exist."""

    code = "policy_unknown_name"


class UsageError(PolicyError):
    """A request that makes no sense (a naive time, a bad share, a missing approver)."""

    code = "policy_usage"
