"""Words in an image, by Tesseract: pixels go in by a pipe, words and their boxes come out by another.

Nothing touches a disk, which is why Tesseract is asked directly. A machine without it reads no image, and says so.
"""

import io
import os
import shutil
import subprocess
from collections.abc import Iterator

from proxy.documents.base import Text, Word
from proxy.documents.image import loaded

INSTALL = "install Tesseract and its languages (Debian: tesseract-ocr tesseract-ocr-deu tesseract-ocr-vie)"
LIMIT_S = 60  # a page in three languages takes 2 to 6 s of one core
_LANGUAGES = {"de": "deu", "en": "eng", "vi": "vie", "fr": "fra", "es": "spa", "it": "ita", "nl": "nld", "pl": "pol"}
_SMALLEST = 16  # pixels of either side; below it there is no letter
_LARGE = 1500  # pixels of the longer side; smaller pictures are read at twice their size
_WORD, _COLUMNS = "5", 12


def available(languages: tuple[str, ...]) -> tuple[str, str]:
    """Tesseract's names of these languages (ISO 639-1), as `deu+eng`, or what to install where one is missing."""
    program = shutil.which("tesseract")
    if program is None:
        return "", INSTALL
    listed = subprocess.run([program, "--list-langs"], capture_output=True, timeout=LIMIT_S, check=False)  # noqa: S603
    there = set(listed.stdout.decode("utf-8", "replace").split())
    wanted = [_LANGUAGES.get(language, language) for language in languages]
    missing = [name for name in wanted if name not in there]
    return ("", f"{INSTALL}; missing: {', '.join(missing)}") if missing else ("+".join(wanted), "")


def texts_of(raw: bytes, languages: str) -> list[Text]:
    """The texts of an image, one per block of it. Raises DocumentError where its pixels cannot be read."""
    picture = loaded(raw)
    if min(picture.size) < _SMALLEST:
        return []
    scale = 2 if max(picture.size) < _LARGE else 1
    grey = picture.convert("RGBA" if picture.mode in ("P", "LA", "PA", "RGBA") else "L")
    if grey.mode == "RGBA":
        from PIL import Image

        paper = Image.new("RGBA", grey.size, "white")
        paper.alpha_composite(grey)
        grey = paper.convert("L")
    if scale > 1:
        grey = grey.resize((picture.width * scale, picture.height * scale))
    out = io.BytesIO()
    grey.save(out, "PNG")
    program = shutil.which("tesseract") or "tesseract"
    done = subprocess.run(  # noqa: S603
        [program, "stdin", "stdout", "-l", languages, "--psm", "3", "tsv"],
        input=out.getvalue(),
        capture_output=True,
        timeout=LIMIT_S,
        check=True,
        env={"PATH": os.environ.get("PATH", ""), "OMP_THREAD_LIMIT": "1",
             **{name: os.environ[name] for name in ("TESSDATA_PREFIX",) if name in os.environ}},
    )  # fmt: skip
    return list(_texts(done.stdout.decode("utf-8", "replace"), scale))


def _texts(table: str, scale: int) -> Iterator[Text]:
    """Tesseract's table: level, page, block, paragraph, line, word, left, top, width, height, confidence, text."""
    block: list[str] = []
    text, words, line = "", list[Word](), list[str]()
    for row in table.splitlines():
        cells = row.split("\t")
        if len(cells) < _COLUMNS or cells[0] != _WORD or not cells[11].strip():
            continue
        if block != cells[1:3] and text:
            yield Text("image", text, words=tuple(words))
            text, words, line = "", [], []
        block = cells[1:3]
        if text:
            text += " " if line == cells[1:5] else "\n"
        line = cells[1:5]
        left, top, width, height = (int(value) // scale for value in cells[6:10])
        words.append(Word(len(text), len(text) + len(cells[11]), left, top, width + 1, height + 1))
        text += cells[11]
    if text:
        yield Text("image", text, words=tuple(words))
