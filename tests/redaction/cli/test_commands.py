"""`dragoman redact`, `restore` and `vault` as a user runs them: bytes in, bytes out, an exit code, one line of error."""

import base64
import io
import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from redaction import tokens
from redaction.detectors import build_engine
from redaction.segment import Segment
from redaction.settings import EngineSettings

MAIL = "jürgen.lindner@example.org"
TEXT = f"Schreib an {MAIL} oder ruf +49 171 2345678 an 🙂\r\n\tDanke\n"
REPOSITORY = Path(__file__).parents[3]


@dataclass(frozen=True)
class Ran:
    code: int
    out: bytes
    err: str

    @property
    def text(self) -> str:
        return self.out.decode()


type Run = Callable[..., Ran]


@pytest.fixture
def dragoman(tmp_path: Path) -> Run:
    """Runs the command in a home of its own."""

    def run(*arguments: str | Path, stdin: bytes | str = b"", **environment: str) -> Ran:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("DRAGOMAN_")}
        done = subprocess.run(
            [sys.executable, "-c", "from proxy.cli import main; main()", *map(str, arguments)],
            input=stdin.encode() if isinstance(stdin, str) else stdin,
            capture_output=True,
            check=False,
            cwd=tmp_path,
            env={**kept, "DRAGOMAN_HOME": str(tmp_path / "home"), "PYTHONPATH": str(REPOSITORY), **environment},
            timeout=200,
        )
        return Ran(done.returncode, done.stdout, done.stderr.decode())

    return run


@pytest.fixture
def inside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes]) -> Run:
    """The same without a new process, which costs a second; the entry point and the streams are the real ones."""
    from proxy.cli import main

    def run(*arguments: str | Path, stdin: bytes | str = b"", **environment: str) -> Ran:
        with monkeypatch.context() as patched:
            for name in [name for name in os.environ if name.startswith("DRAGOMAN_")]:
                patched.delenv(name)
            for name, value in {"DRAGOMAN_HOME": str(tmp_path / "home"), **environment}.items():
                patched.setenv(name, value)
            patched.chdir(tmp_path)
            patched.setattr(sys, "argv", ["dragoman", *map(str, arguments)])
            raw = io.BytesIO(stdin.encode() if isinstance(stdin, str) else stdin)
            patched.setattr(sys, "stdin", io.TextIOWrapper(raw))
            with pytest.raises(SystemExit) as left:
                main()
        sys.stdout.flush()
        out, err = capfdbinary.readouterr()
        return Ran(int(left.value.code or 0), out, err.decode())

    return run


def redacted(dragoman: Run, stdin: bytes | str, *arguments: str | Path, **environment: str) -> Ran:
    ran = dragoman("redact", "--detectors", "patterns", *arguments, stdin=stdin, **environment)
    assert (ran.code, ran.err) == (0, "")
    return ran


def test_a_text_goes_out_and_comes_back(dragoman: Run) -> None:
    once = redacted(dragoman, TEXT)
    assert MAIL not in once.text
    assert "2345678" not in once.text
    assert once.text.endswith(" an 🙂\r\n\tDanke\n")
    assert redacted(dragoman, TEXT).out == once.out
    back = dragoman("restore", stdin=once.out)
    assert (back.code, back.text, back.err) == (0, TEXT, "")
    # What was replaced already is text like any other, and comes back as that.
    twice = redacted(dragoman, once.out)
    assert twice.out != once.out
    assert dragoman("restore", stdin=twice.out).out == once.out


def test_scopes_do_not_know_each_other(inside: Run) -> None:
    mine = redacted(inside, TEXT, "--scope", "mine")
    yours = redacted(inside, TEXT, "--scope", "yours")
    assert mine.out != yours.out
    assert inside("restore", "--scope", "yours", stdin=mine.out).out == mine.out
    assert inside("restore", "--scope", "mine", stdin=mine.out).text == TEXT


def test_bytes_that_are_no_text_and_files_come_through(inside: Run, tmp_path: Path) -> None:
    odd = b"\xef\xbb\xbf\xff\x00 " + MAIL.encode() + b" \xc3\r"
    (tmp_path / "a.bin").write_bytes(odd)
    (tmp_path / "b.txt").write_text(TEXT, newline="")
    ran = redacted(inside, b"and " + odd, "a.bin", "b.txt", "-")
    assert ran.out.startswith(b"\xef\xbb\xbf\xff\x00 [EMAIL_ADDRESS_")
    assert MAIL.encode() not in ran.out
    assert inside("restore", stdin=ran.out).out == odd + TEXT.encode() + b"and " + odd


def test_json_lines_keep_their_members_and_order(inside: Run) -> None:
    rows = [{"id": 7, "text": TEXT, "more": [MAIL]}, {"text": ""}, {"id": "x", "text": "lone \ud800 " + MAIL}]
    lines = "\n\n".join(json.dumps(row) for row in rows)
    ran = redacted(inside, lines, "--json")
    got = [json.loads(line) for line in ran.text.splitlines()]
    assert [row.get("id") for row in got] == [7, None, "x"]
    assert got[0]["more"] == [MAIL]  # only `text` is ours
    assert not any(MAIL in row["text"] for row in got)
    back = inside("restore", "--json", stdin=ran.out)
    assert [json.loads(line) for line in back.text.splitlines()] == rows


def test_findings_are_those_of_the_engine_in_code_points(inside: Run) -> None:
    rows = [{"id": "1", "text": f"🙂🙂 {MAIL}"}, {"id": "2", "text": "nothing"}]
    ran = redacted(inside, "\n".join(map(json.dumps, rows)), "--json", "--findings", "-")
    got = [json.loads(line) for line in ran.text.splitlines()]
    engine = build_engine(EngineSettings(detectors=("patterns",)))
    for row, answer in zip(rows, got, strict=True):
        found = engine.detect([Segment("text", row["text"])])[0].findings
        assert {name: answer[name] for name in row} == row
        assert [(one["start"], one["end"], one["entity_type"], one["score"]) for one in answer["findings"]] == [
            (one.start, one.end, one.entity_type, round(one.score, 4)) for one in found
        ]
    assert rows[0]["text"][got[0]["findings"][0]["start"] : got[0]["findings"][0]["end"]] == MAIL


DOCUMENT = """\
{ "contact" : {"e-mail":"j\\u00fcrgen.lindner@example.org", "n": 1.50, "ok":true,
 "jürgen.lindner@example.org": null}, "phone": 491712345678,
 "list": ["a\\u00e4\\n\\/", "jürgen.lindner@example.org"], "n": 1e5 }
"""


def test_a_json_document_keeps_its_form(inside: Run) -> None:
    ran = redacted(inside, DOCUMENT, "--document")
    document = json.loads(ran.text)
    assert "lindner" not in ran.text
    values = [document["contact"]["e-mail"], list(document["contact"])[3], document["list"][1]]
    assert len(set(values)) == 1
    assert tokens.is_token(values[0])
    assert ran.text.startswith('{ "contact" : {"e-mail":"[EMAIL')
    assert '"n": 1.50, "ok":true,\n' in ran.text
    assert '"a\\u00e4\\n\\/"' in ran.text
    back = inside("restore", "--document", stdin=ran.out)
    expected = json.loads(DOCUMENT)
    expected["phone"] = str(expected["phone"]) if isinstance(document["phone"], str) else expected["phone"]
    assert json.loads(back.text) == expected


@pytest.mark.parametrize(
    ("arguments", "stdin", "message"),
    [
        (["redact", "--json"], f'{{"text": "x"}}\n["{MAIL}"]', "-:2: this line is no JSON object with a `text`"),
        (["restore", "--json"], MAIL, "-:1: this line is no JSON object with a `text`"),
        (["redact", "--document"], f'{{"a":\n  {MAIL}}}', "-:2:3: this is no JSON document"),
        (["redact", "--document"], "[" * 100_000, "-: this JSON document is nested too deeply"),
        (["redact", "--document", "--json"], "{}", "--document goes with neither --json nor --findings"),
        (["redact", "nowhere.txt"], "", "No such file or directory: nowhere.txt"),
        (["redact", "--languages", "tlh", "--detectors", "names"], "", "no detector finds names in tlh"),
        (["restore", "--database", "sqlite:////proc/nowhere/vault.db"], "", "the vault cannot be opened"),
    ],
)
def test_an_error_is_one_line_without_the_text(inside: Run, arguments: list[str], stdin: str, message: str) -> None:
    if "--detectors" not in arguments and arguments[0] == "redact":
        arguments = [*arguments, "--detectors", "patterns"]
    if arguments[0] == "restore":
        assert inside("redact", "--detectors", "patterns", stdin=MAIL).code == 0  # restoring needs a vault
    ran = inside(*arguments, stdin=stdin)
    assert ran.code == 2
    assert ran.err.startswith("dragoman: ")
    assert message in ran.err
    assert ran.err.count("\n") == 1
    assert "lindner" not in ran.err
    assert "Traceback" not in ran.err


def test_the_vault_counts_forgets_and_changes_its_key(inside: Run, tmp_path: Path) -> None:
    sent = redacted(inside, TEXT)
    counted = json.loads(inside("vault", "stats", "--json").text)
    assert counted["scopes"] == 1
    assert counted["mappings"] == {"EMAIL_ADDRESS": 1, "PHONE_NUMBER": 1}
    assert "EMAIL_ADDRESS 1, PHONE_NUMBER 1" in inside("vault", "stats").text

    before = (tmp_path / "home" / "keys" / "vault.key").read_bytes()
    rotated = inside("vault", "rotate")
    assert (rotated.code, rotated.text) == (0, "1 scopes are under the new key\n")
    assert [path.name for path in (tmp_path / "home" / "keys").iterdir()] == ["vault.key"]
    assert (tmp_path / "home" / "keys" / "vault.key").read_bytes() != before
    assert inside("restore", stdin=sent.out).text == TEXT

    assert inside("vault", "purge").text == "0 scopes, 0 placeholders, 0 bindings\n"
    import sqlite3

    connection = sqlite3.connect(tmp_path / "home" / "vault.db")
    [(scope,)] = connection.execute("SELECT id FROM vault_scope").fetchall()
    connection.close()
    gone = inside("vault", "shred", scope)
    assert (gone.code, gone.text) == (0, "shredded\n")
    again = inside("vault", "shred", scope)
    assert (again.code, again.text) == (1, "there was nothing to shred\n")
    assert inside("restore", stdin=sent.out).out == sent.out


def test_a_key_from_the_environment_is_rotated_by_the_environment(inside: Run, tmp_path: Path) -> None:
    old, new = (base64.b64encode(bytes([number]) * 32).decode() for number in (1, 2))
    sent = redacted(inside, TEXT, DRAGOMAN_VAULT_KEY=old)
    assert not (tmp_path / "home" / "keys").exists()
    both = {"DRAGOMAN_VAULT_KEY": new, "DRAGOMAN_VAULT_KEY_OLD": old}
    assert "1 scopes are under the new key" in inside("vault", "rotate", **both).text
    assert inside("restore", stdin=sent.out, DRAGOMAN_VAULT_KEY=new).text == TEXT
    refused = inside("restore", stdin=sent.out, DRAGOMAN_VAULT_KEY=old)
    assert (refused.code, refused.out) == (2, b"")
    assert "is not there; bring it back as an older key" in refused.err


def test_commands_share_a_postgresql(inside: Run, postgres_url: str, tmp_path: Path) -> None:
    sent = redacted(inside, TEXT, DRAGOMAN_DATABASE=postgres_url)
    assert not (tmp_path / "home" / "vault.db").exists()
    assert inside("restore", "--database", postgres_url, stdin=sent.out).text == TEXT


@pytest.mark.parametrize("command", [["redact"], ["restore"], *(["vault", name] for name in ("stats", "shred", "purge", "rotate"))])  # fmt: skip
def test_every_command_has_help_with_an_example(inside: Run, command: list[str]) -> None:
    ran = inside(*command, "--help")
    assert ran.code == 0
    assert f"dragoman {' '.join(command)}" in ran.text.split("Example:")[1]
