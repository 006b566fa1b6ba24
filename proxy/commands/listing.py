"""Lists for people: what the next command needs is never cut, and in a pipe each row is one line."""

import sys

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

_PIPE_WIDTH = 200
"""Where no terminal says how wide it is; rows stay on one line for grep."""


def listing(first: str, *names: str) -> Table:
    """An empty list. first: the column by which another command names a row."""
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    table.add_column(first, no_wrap=True)
    for name in names:
        table.add_column(name, overflow="fold")
    return table


def print_list(table: Table) -> None:
    """Prints it to standard output."""
    width = None if sys.stdout.isatty() else _PIPE_WIDTH
    Console(width=width, markup=False, highlight=False).print(table)  # names in brackets are names
