"""How `--help` looks: examples stay on one line, to be copied; lists of commands have each first sentence whole."""

import inspect
import re

import typer

_AS_IT_STANDS = "\b\n"
"""Before a paragraph: click's sign that its lines are not wrapped anew."""


def readable(app: typer.Typer) -> None:
    """Sets the help of every command of `app`, groups within included; calling it again changes nothing."""
    for command in app.registered_commands:
        text = command.help or inspect.getdoc(command.callback) or ""
        command.short_help = command.short_help or first_sentence(text)
        command.help = copyable(text)
        command.epilog = command.epilog and copyable(command.epilog)
    for group in app.registered_groups:
        if group.typer_instance is not None:
            told = next((one for one in (group.help, group.typer_instance.info.help) if isinstance(one, str)), "")
            group.short_help = first_sentence(told)
            readable(group.typer_instance)


def first_sentence(text: str) -> str:
    """The first sentence of a help text, on one line."""
    paragraph = " ".join(text.partition("\n\n")[0].split())
    return re.split(r"(?<=[.?]) (?=[A-Z])", paragraph, maxsplit=1)[0]


def copyable(text: str) -> str:
    """A help text whose paragraphs of examples are as one would type them, one line each."""
    paragraphs = text.split("\n\n")
    return "\n\n".join(_examples(one) if one.startswith("Example: ") else one for one in paragraphs)


def _examples(paragraph: str) -> str:
    each = paragraph.split("Example: ")[1:]
    return _AS_IT_STANDS + "\n".join(f"Example: {' '.join(one.split())}" for one in each)
