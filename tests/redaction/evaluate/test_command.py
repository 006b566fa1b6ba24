"""The command on a small folder of messages, without models and without the baseline: what it prints and writes."""

import json

import pytest
import typer
from typer.testing import CliRunner

from redaction.errors import RedactionError
from redaction.evaluate.cli import evaluate
from redaction.evaluate.corpora import held_out, learning, read_corpora
from redaction.evaluate.examples import message_sets, read_messages

app = typer.Typer()
app.command()(evaluate)


@pytest.fixture
def folder(tmp_path):
    lines = ["Mail «EMAIL_ADDRESS|anna@example.com»", "der «PERSON|Xq» <b>", "ruf 0171 2345678 an"]
    text = "\n".join(json.dumps({"text": line}) for line in lines)
    (tmp_path / "de.jsonl").write_text(text, "utf-8")
    return tmp_path


@pytest.fixture
def corpora(tmp_path):
    place = tmp_path / "corpora" / "germeval2014"
    place.mkdir(parents=True)
    sentences = [f"1\tAnna{number}\tB-PER\tO\n2\tlacht\tO\tO\n" for number in range(8)]
    (place / "x.tsv").write_text("#\tremark\n" + "\n".join(sentences), "utf-8")
    return tmp_path / "corpora"


def run(*arguments):
    options = ["--no-baseline", "--detectors", "patterns", *arguments]
    return CliRunner().invoke(app, options, catch_exceptions=False)


def test_prints_rates_as_json(folder):
    result = run(str(folder), "--corpora", str(folder / "none"), "--json")
    [scores] = json.loads(result.stdout)
    assert scores["set"] == "messages de"
    assert scores["types"]["EMAIL_ADDRESS"]["recall"] == 1.0
    assert scores["types"]["PERSON"]["recall"] == 0.0
    assert scores["types"]["PHONE_NUMBER"]["false_alarms"] == 1


def test_prints_a_table(folder):
    result = run(str(folder), "--corpora", str(folder / "none"))
    assert "EMAIL_ADDRESS" in result.stdout
    assert "1.00" in result.stdout


def test_writes_a_page_with_misses_marked_and_signs_escaped(folder):
    page = folder / "report.html"
    run(str(folder), "--corpora", str(folder / "none"), "--html", str(page))
    written = page.read_text("utf-8")
    assert '<mark class="miss">Xq<small>PERSON</small></mark> &lt;b&gt;' in written
    assert '<mark class="alarm">0171 2345678' in written
    assert "anna@example.com" not in written


def test_nothing_to_measure_is_said(tmp_path):
    with pytest.raises(RedactionError, match="nothing to measure"):
        run(str(tmp_path / "a"), "--corpora", str(tmp_path / "b"))


def test_a_broken_line_is_named(tmp_path):
    (tmp_path / "en.jsonl").write_text('{"text": "fine"}\n{"text": "«PERSON|open"}\n', "utf-8")
    with pytest.raises(RedactionError, match=r"en\.jsonl, line 2"):
        read_messages(tmp_path / "en.jsonl")


def test_reads_a_corpus_and_keeps_a_quarter_for_measuring(corpora):
    [data] = read_corpora(corpora)
    assert (data.name, data.language, len(data.examples)) == ("germeval2014", "de", 8)
    assert data.examples[0].text == "Anna0 lacht"
    assert len(held_out(data).examples) == 2
    assert not set(held_out(data).examples) & set(learning(data).examples)


def test_every_message_set_of_the_project_can_be_read():
    from pathlib import Path

    sets = message_sets(Path(__file__).parents[2] / "data" / "messages")
    assert {data.language for data in sets} == {"de", "en", "vi"}
    for language in ("de", "en", "vi"):
        examples = [example for data in sets if data.language == language for example in data.examples]
        assert len(examples) >= 400
        assert sum(not example.gold for example in examples) >= 50
