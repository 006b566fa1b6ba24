"""The tables `[streams.NAME]` of the settings, checked: names, types, bounds; secrets are references and stay so."""

import re
from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from audit.canonical import KINDS
from proxy.errors import ConfigError
from proxy.outbound.streams import NAMES
from proxy.outbound.streams.base import Option, StreamSettings

_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,31}", re.ASCII)
_OWN = ("to", "start", "kinds", "batch")
MOST = 5_000
"""Entries of a batch; they have 8 kB at most."""


def read_streams(tables: Mapping[str, Any], folder: Path) -> tuple[StreamSettings, ...]:
    """The streams. folder: of the configuration, beside which files are. Raises ConfigError naming table and option."""
    return tuple(_stream(name, table, folder) for name, table in sorted(tables.items()))


def _stream(name: str, table: Any, folder: Path) -> StreamSettings:
    where = f"streams.{name}"
    if not _NAME.fullmatch(name) or not isinstance(table, dict):
        raise ConfigError("streams: write [streams.NAME], a name of small letters, digits, - and _")
    to = table.get("to")
    if to not in NAMES:
        raise ConfigError(f"{where}: `to` is one of {', '.join(NAMES)}")
    options = NAMES[to].options
    for key in table:
        if key not in (*_OWN, *options):
            near = get_close_matches(key, (*_OWN, *options), 1)
            raise ConfigError(f"{where}: there is no option {key!r}" + (f"; did you mean {near[0]}?" if near else ""))
    kinds = table.get("kinds", [])
    if not isinstance(kinds, list) or not set(kinds) <= set(KINDS):
        raise ConfigError(f"{where}: kinds is a list of {', '.join(sorted(KINDS))}")
    batch, start = table.get("batch", 500), table.get("start", "start")
    if type(batch) is not int or not 1 <= batch <= MOST:
        raise ConfigError(f"{where}: batch is a whole number from 1 to {MOST}")
    if start not in {"start", "now"}:
        raise ConfigError(f"{where}: start is `start` of the log or `now`")
    found = {key: _value(f"{where}.{key}", option, table.get(key), folder) for key, option in options.items()}
    return StreamSettings(name, to, start, tuple(kinds), batch, found)


def _value(where: str, option: Option, given: Any, folder: Path) -> Any:
    if given is None:
        if option.required:
            raise ConfigError(f"{where} is missing")
        return option.default
    if type(given) is not option.kind or not isinstance(given, str | int):
        raise ConfigError(f"{where} is {'a text' if option.kind is str else 'a whole number'}")
    if option.choices and given not in option.choices:
        raise ConfigError(f"{where} is one of {', '.join(option.choices)}")
    if isinstance(given, int) and not option.least <= given <= option.most:
        raise ConfigError(f"{where} is from {option.least} to {option.most}")
    if (
        not given
        or isinstance(given, int)
        or (option.secret and given.startswith("env:"))
        or not (option.file or option.secret)
    ):
        return given
    path = (folder / given).resolve()
    if option.secret and not path.is_file():
        # It may be the secret itself, so it is not repeated.
        raise ConfigError(f"{where}: there is no such file; write a file's name, or env:NAME")
    return str(path)
