"""The pictures of docs/console.md out of those that `test_pictures_of_every_page` made: a few, small.

python -m tests.proxy.console.pictures FROM TO
"""

import sys
from pathlib import Path

from PIL import Image

CHOSEN = (
    "overview-en-light", "changes-de-light", "transfer-vi-light", "approvals-en-light", "reports-de-light",
    "health-en-light", "overview-vi-dark", "transfers-de-dark",
    "transfers-application-feed-en-light", "erase-en-light", "incident-since-24h-de-light", "compare-en-light",
)  # fmt: skip
WIDEST, TALLEST, COLOURS = 720, 900, 96


def main() -> None:
    source, target = Path(sys.argv[1]), Path(sys.argv[2])
    target.mkdir(parents=True, exist_ok=True)
    for name in CHOSEN:
        with Image.open(source / f"{name}.png") as picture:
            shown = picture.convert("RGB")
            if shown.width > WIDEST:
                shown = shown.resize((WIDEST, shown.height * WIDEST // shown.width), Image.Resampling.LANCZOS)
            shown = shown.crop((0, 0, shown.width, min(shown.height, TALLEST)))
            shown.quantize(COLOURS, Image.Quantize.FASTOCTREE).save(target / f"{name}.png", optimize=True)


if __name__ == "__main__":
    main()
