"""No expression takes more than linear time: what somebody pastes must not stop a worker."""

import importlib
import pkgutil
import re
import time

import pytest

import redaction.detectors.rules
import redaction.recognizers
from redaction.recognizers import ALL

SIZE = 12_000
# Processor time of this process alone, so a busy machine says nothing; what is quadratic needs seconds here.
BUDGET = 0.3
SEEDS = [
    "a",
    "1 ",
    "Aa ",
    "A. ",
    "Xa-Xa-",
    "Aa, ",
    "1/1 ",
    "1 Aa Aa, ",
    "a.b@",
    "  ",
    "\n",
    "số 1, ",
    "a='",
    "(1)",
    "Von Dr. ",
]


def expressions():
    found = {}
    for package in (redaction.recognizers, redaction.detectors.rules):
        for info in pkgutil.iter_modules(package.__path__):
            module = importlib.import_module(f"{package.__name__}.{info.name}")
            for name, value in vars(module).items():
                if isinstance(value, re.Pattern):
                    found[f"{info.name}.{name}"] = value
    found |= {one.name: one.regex for one in ALL if hasattr(one, "regex")}
    return found


@pytest.mark.parametrize("seed", SEEDS)
def test_every_expression_is_fast_over_what_repeats(seed):
    text = (seed * (SIZE // len(seed) + 1))[:SIZE] + "!"
    slow = []
    for name, expression in expressions().items():
        begun = time.thread_time()
        for _ in expression.finditer(text):
            pass
        if time.thread_time() - begun > BUDGET:
            slow.append(name)
    assert slow == []


@pytest.mark.parametrize("seed", SEEDS)
def test_rules_and_recognizers_are_fast_over_what_repeats(engine, seed):
    from redaction.segment import Segment

    begun = time.thread_time()
    engine.detect([Segment("", (seed * (SIZE // len(seed) + 1))[:SIZE])])
    assert time.thread_time() - begun < 10 * BUDGET
