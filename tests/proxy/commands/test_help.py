"""What `--help` and a start say: whole, true and to be copied, for every command there is."""

import errno
import io
import os
import shlex
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
import typer
from rich.console import Console
from typer.testing import CliRunner

from audit.log import Ledger
from proxy.cli import COMMANDS, TO_DO, build, known_message
from proxy.commands.run import look_for_ports, welcome
from proxy.config import Settings
from proxy.doors.ways_in import Addresses
from proxy.errors import ConfigError
from proxy.helping import copyable, first_sentence


def leaves(command: Any, path: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    """The words of every command below this one."""
    within = getattr(command, "commands", {})
    if not within:
        yield path
    for name, one in within.items():
        yield from leaves(one, (*path, name))


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_an_example_that_can_be_copied_and_every_list_is_whole(name: str) -> None:
    app, run = build([name]), CliRunner()
    group: Any = typer.main.get_command(app)
    groups = {words[:depth] for words in leaves(group.commands[name], (name,)) for depth in range(1, len(words))}
    for words in leaves(group.commands[name], (name,)):
        lines = run.invoke(app, [*words, "--help"], env={"COLUMNS": "60"}).output.splitlines()
        assert not [line for line in lines if line.lstrip().startswith("--") and "list[" in line], words
        examples = [line.partition("Example: ")[2] for line in lines if "Example: " in line]
        assert examples, words
        for example in examples:
            assert f"dragoman {' '.join(words)}" in example, words
            assert shlex.split(example), words
    for words in groups:
        shown = run.invoke(app, [*words, "--help"], env={"COLUMNS": "60"}).output.partition("Commands:")[2]
        assert not [line for line in shown.splitlines() if line.endswith("...")], words


def test_an_example_is_one_line_and_the_first_sentence_ends_where_it_does() -> None:
    text = "Ask the log, v1.9 or\nlater. Then more.\n\nExample: dragoman a \\\n  --b c\nExample: dragoman d"
    assert first_sentence(text) == "Ask the log, v1.9 or later."
    assert copyable(text).endswith("\b\nExample: dragoman a \\ --b c\nExample: dragoman d")
    assert copyable(copyable(text)) == copyable(text)


def test_a_start_prints_addresses_and_commands_that_can_be_copied(capsys: pytest.CaptureFixture[str]) -> None:
    home = Path("/srv/Jürgen's home")
    out = io.StringIO()
    addresses = Addresses(("::1", 8788), ("::1", 8791), (("::1", 8789),))
    welcome(Console(file=out, width=40), Settings(home=home), addresses)
    told = out.getvalue() + capsys.readouterr().out
    for address in ("http://[::1]:8788/openai/v1", "http://[::1]:8789", "http://[::1]:8791/-/metrics"):
        assert address in told
    commands = [line for line in told.splitlines() if " --home " in line]
    assert len(commands) == 3
    for line in commands:
        assert str(home) in shlex.split(line.partition("(")[2].rstrip(")") or line)


def test_a_port_that_is_taken_is_said_before_anything_is_loaded(tmp_path: Path) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        free = Settings(home=tmp_path, listen="127.0.0.1:0", admin="127.0.0.1:0")
        look_for_ports(free)
        for settings in (replace(free, listen=address), replace(free, admin=address)):
            with pytest.raises(
                ConfigError, match=f"cannot listen on {address} .it is taken.; is another dragoman running"
            ):
                look_for_ports(settings)
        with pytest.raises(ConfigError, match="name an address of this machine"):
            look_for_ports(replace(free, listen="192.0.2.1:8788"))


def test_what_comes_next_is_said_so_that_it_can_be_typed_here(tmp_path: Path) -> None:
    home = tmp_path / "my home"
    made = CliRunner().invoke(build(["token"]), ["token", "create", "--role", "auditor", "--home", str(home)]).output
    named = made.rpartition("`dragoman token revoke ")[2].partition("`")[0]
    ended = CliRunner().invoke(build(["token"]), ["token", "revoke", *shlex.split(named)])
    assert ended.exit_code == 0, ended.output
    Ledger.open(home).close()
    listed = CliRunner().invoke(build(["stream"]), ["stream", "list", "--home", str(home)])
    assert (listed.exit_code, "config.toml names none" in listed.output) == (0, True)


def test_what_the_system_refuses_is_said_in_words(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()
    for make in (file, file / "home"):
        with pytest.raises(OSError, match=str(file)) as refused:
            make.mkdir()
        assert known_message(refused.value) == f"a file stands where a folder has to be: {make}"
    told = known_message(PermissionError(errno.EACCES, "Permission denied", "/srv/x"))
    assert told == f"Permission denied: /srv/x; {TO_DO[errno.EACCES]}"
    assert known_message(OSError(errno.EBADF, "Bad file descriptor")) == "Bad file descriptor"
    with pytest.raises(UnicodeEncodeError) as unsayable:
        "Jürgen".encode("ascii")
    told = known_message(unsayable.value)
    assert told is not None
    assert "ascii" in told
    assert "PYTHONUTF8=1" in told
    assert "rgen" not in told


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("token", "list"), "`dragoman token create --role officer` makes one"),
        (("app", "list"), "`dragoman app add NAME` makes one"),
        (("approval", "list"), "no request waits"),
        (("policy", "proposals"), "nobody proposed a policy"),
        (("policy", "history"), "no policy was in force yet"),
        (
            ("policy", "explain", "--app", "x", "--to", "openai"),
            "there is no application 'x'; no application is named yet",
        ),
        (("stream", "list"), "name the home of a dragoman that ran (--home)"),
    ],
)
def test_a_list_of_nothing_says_so(words: tuple[str, ...], told: str, tmp_path: Path) -> None:
    done = CliRunner().invoke(build(words), [*words, "--home", str(tmp_path)])
    assert told in done.output + str(done.exception)


def test_a_torn_database_is_no_defect_but_a_file_to_replace(tmp_path: Path) -> None:
    file = tmp_path / "audit.db"
    with closing(sqlite3.connect(file)) as database:
        database.execute("CREATE TABLE entry (body)")
        database.executemany("INSERT INTO entry VALUES (zeroblob(?))", [(4000,)] * 20)
        database.commit()
    os.truncate(file, file.stat().st_size // 2)
    engine = sa.create_engine(f"sqlite:///{file}")
    with pytest.raises(sa.exc.DatabaseError) as torn, engine.connect() as connection:
        connection.execute(sa.text("SELECT sum(length(body)) FROM entry")).all()
    engine.dispose()
    told = known_message(torn.value)
    assert told is not None
    assert "its file is damaged" in told
    assert "SELECT" not in told


def test_ctrl_c_while_the_command_is_loaded_shows_no_traceback() -> None:
    finder = """class Interrupted:
    def find_spec(self, name, *_):
        if name == "typer":
            os.kill(os.getpid(), signal.SIGINT)
"""
    handled = "signal.signal(signal.SIGINT, signal.default_int_handler)"  # which nohup takes away
    program = (
        f"import os, signal, sys\n{handled}\n{finder}\nsys.meta_path.insert(0, Interrupted())\nimport proxy.__main__"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False, timeout=200)
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "")


@pytest.mark.parametrize(
    ("file", "words"), [("control.db", ("token", "list")), ("audit.db", ("audit", "stats")), ("vault.db", ("vault", "stats")),
                        ("witness.policy", ("audit", "export", "--format", "tiles", "--out", "out"))],
)  # fmt: skip
def test_a_file_that_cannot_be_used_is_named(file: str, words: tuple[str, ...], tmp_path: Path) -> None:
    home = tmp_path / "home"
    Ledger.open(home).close()
    (home / file).write_bytes(b"no database and no policy\n" * 400)
    words = tuple(str(tmp_path / word) if word == "out" else word for word in words)
    done = CliRunner().invoke(build(words), [*words, "--home", str(home)])
    assert done.exit_code
    assert str(home / file) in done.output + str(done.exception)
