"""What carries a name and is nobody, and the same words where they are somebody."""

import pytest

from redaction.detectors.rules.text import Text
from redaction.detectors.rules.things import find
from redaction.recognizers.base import Page

NOBODY = [
    "Redis in front of Postgres won; Cassandra was overkill.",
    "Wir haben Jenkins durch Tekton ersetzt.",
    "Apply Ohm's law first.",
    "It breaks the Liskov principle.",
    "Nhớ ôn định luật Ohm và hằng số Avogadro nhé mọi người.",
    "At dusk a robin sang and the viola was flat.",
    "Snow fell on Ben Nevis.",
    "def doc(duong_dan: Path) -> None: ...",
    "Die Householder-Transformation und die Euler-Lagrange-Gleichung kommen dran.",
    "Aus dem Lemma von Zorn folgt der Satz von Rolle.",
    "The Reynolds number and Hodgkin lymphoma are two things.",
    "Theo bổ đề Zorn thì có phần tử tối đại.",
    "Im Moor stehen Wollgras, Sonnentau und Quendelbart.",
    "Bumped Mockito, Netty and Wibblejar today.",
]
SOMEBODY = [
    "Cassandra was late again, tell her mother.",
    "Please ask Robin about it.",
    "Jenkins told Harriet to wait.",
    "met harriet and robin at the gym",
    "Anna's number is on the fridge, Ben's test went well.",
    "Die Anna-Gruppe trifft sich.",
    "Netty, Anna und Tschentschel kommen mit.",
]


@pytest.mark.parametrize("text", NOBODY)
def test_nobody_is_named(look, text):
    assert [found for found in look(text)[1] if found[0] in ("PERSON", "USERNAME")] == []


@pytest.mark.parametrize("text", SOMEBODY)
def test_the_same_words_may_be_somebody(text):
    assert list(find(Text(Page(text)))) == []
