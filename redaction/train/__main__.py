"""`python -m redaction.train CORPORA`: trains the name model and writes it to `redaction/models/chat.msgpack`."""

import argparse
from pathlib import Path
from typing import Any

from redaction.detectors.network import WEIGHTS
from redaction.evaluate.examples import message_sets
from redaction.train.fit import train
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
    parser.add_argument("corpora", type=Path, help="folder of licensed corpora, as `dragoman evaluate --corpora` reads")
    parser.add_argument(
        "--unseen", type=Path, default=Path("tests/data/messages"), help="message sets whose names are not learned"
    )
    parser.add_argument("--out", type=Path, default=WEIGHTS)
    parser.add_argument("--seed", type=int, default=20261126)
    parser.add_argument("--epochs", type=int, default=7)
    parser.add_argument("--count", type=int, default=5000, help="generated messages per language and epoch")
    options = parser.parse_args()
    people = People(unseen(options.unseen) if options.unseen.is_dir() else frozenset())
    options.out.parent.mkdir(parents=True, exist_ok=True)

    def keep(model: Any, line: str) -> None:
        options.out.write_bytes(model.to_bytes())
        report(line)

    train(options.corpora, people, seed=options.seed, epochs=options.epochs, count=options.count, after=keep)


if __name__ == "__main__":
    main()
