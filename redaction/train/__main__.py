"""`python -m redaction.train CORPORA`: trains the name model and writes it to `redaction/models/chat.msgpack`.

`--mean A B C` writes the mean of weights instead, of what one network was at several times: it errs less than each.
"""

import argparse
from pathlib import Path
from typing import Any

from redaction.detectors.network import WEIGHTS, load
from redaction.evaluate.examples import message_sets
from redaction.train.fit import Plan, mean, train
from redaction.train.names import People


def unseen(folder: Path) -> frozenset[str]:
    """Words of names in the message sets of a folder: training leaves them out, so that measuring stays honest."""
    found: set[str] = set()
    for data in message_sets(folder):
        for example in data.examples:
            for span in example.gold:
                if span.entity_type == "PERSON" and data.language != "vi":
                    found.update(example.text[span.start : span.end].lower().replace("-", " ").split())
    return frozenset(found)


def report(line: str) -> None:
    print(line, flush=True)  # noqa: T201 - a command's own progress


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m redaction.train", description=__doc__)
    parser.add_argument(
        "corpora", type=Path, nargs="?", help="folder of licensed corpora, as `dragoman evaluate --corpora` reads"
    )
    parser.add_argument(
        "--unseen", type=Path, default=Path("tests/data/messages"), help="message sets whose names are not learned"
    )
    parser.add_argument("--out", type=Path, default=WEIGHTS)
    parser.add_argument("--seed", type=int, default=20261126)
    parser.add_argument("--epochs", type=int, default=7)
    parser.add_argument("--count", type=int, default=5000, help="generated messages per language and epoch")
    parser.add_argument("--start", type=Path, help="weights to go on from, e.g. those that are shipped")
    parser.add_argument("--sentences", type=int, default=0, help="sentences of the corpora in each epoch; 0: all")
    parser.add_argument("--rate", type=float, default=0.0015, help="of learning at first; it falls to a tenth")
    parser.add_argument("--mean", type=Path, nargs="+", help="weights whose mean is written; nothing is trained")
    options = parser.parse_args()
    if options.mean:
        options.out.write_bytes(mean([load(path) for path in options.mean]).to_bytes())
        return
    if options.corpora is None:
        parser.error("name the folder of corpora, or weights to take the mean of")
    people = People(unseen(options.unseen) if options.unseen.is_dir() else frozenset())
    options.out.parent.mkdir(parents=True, exist_ok=True)

    def keep(model: Any, line: str) -> None:
        options.out.write_bytes(model.to_bytes())
        report(line)

    start = options.start.read_bytes() if options.start else b""
    plan = Plan(options.seed, options.epochs, options.count, options.sentences, options.rate, start)
    train(options.corpora, people, plan, keep)


if __name__ == "__main__":
    main()
