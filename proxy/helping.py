"""How `--help` looks: examples stay on one line, to be copied; lists of commands have each first sentence whole."""

import inspect
import re
from collections.abc import Callable
from typing import Annotated, get_args, get_origin, get_type_hints

import typer
from typer.models import OptionInfo

_AS_IT_STANDS = "\b\n"
"""Before a paragraph: click's sign that its lines are not wrapped anew."""


def readable(app: typer.Typer) -> None:
    """Sets the help of every command of `app`, groups within included; calling it again changes nothing."""
    for command in app.registered_commands:
        text = command.help or inspect.getdoc(command.callback) or ""
        _one_at_a_time(command.callback)
        command.short_help = command.short_help or first_sentence(text)
        command.help = copyable(text)
        command.epilog = command.epilog and copyable(command.epilog)
    for group in app.registered_groups:
        if group.typer_instance is not None:
            told = next((one for one in (group.help, group.typer_instance.info.help) if isinstance(one, str)), "")
            group.short_help = first_sentence(told)
            readable(group.typer_instance)


def _one_at_a_time(callback: Callable[..., object] | None) -> None:
    """An option that may be repeated takes one value each time, and its help names the kind of that one."""
    for hint in get_type_hints(callback, include_extras=True).values() if callback else ():
        kind, *told = get_args(hint) if get_origin(hint) is Annotated else (hint,)
        of = [one for one in (kind, *get_args(kind)) if get_origin(one) is list]
        for info in told:
            if of and isinstance(info, OptionInfo) and info.metavar is None:
                info.metavar = f"<{get_args(of[0])[0].__name__.lower()}>"


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
