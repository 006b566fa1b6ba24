"""Files made by the programs that people use: Word and Excel files, PDFs, pictures; and a reader of this machine."""

import io
from collections.abc import Callable
from typing import Any

import docx
import openpyxl
import pytest
import typst
from PIL import Image, ImageDraw, ImageFont

from proxy.documents.reading import Reader


def saved(document: Any) -> bytes:
    out = io.BytesIO()
    document.save(out)
    return out.getvalue()


@pytest.fixture(scope="session")
def reader() -> Reader:
    """A reader with the words of three languages."""
    return Reader(("de", "en", "vi"))


@pytest.fixture(scope="session")
def word_file() -> bytes:
    """Names over several runs, in a table, a header, a footnote's neighbour, a comment, a link and the properties."""
    made = docx.Document()
    line = made.add_paragraph()
    for text, bold in (
        ("Hallo Jü", False),
        ("rgen Lind", True),
        ("ner, Mail: anna.schmidt@exa", False),
        ("mple.com.", True),
    ):
        line.add_run(text).bold = bold
    table = made.add_table(1, 2)
    table.cell(0, 0).text, table.cell(0, 1).text = "Konto", "Erika Mustermann"
    made.sections[0].header.paragraphs[0].text = "Kopf: Thomas Müller"
    made.sections[0].footer.paragraphs[0].text = "Fuß: Hạnh Nguyễn"
    made.add_comment(line.runs[0], text="Rückruf an Bob Miller", author="Carla Weber", initials="CW")
    made.part.relate_to("mailto:dora@example.com", docx.opc.constants.RELATIONSHIP_TYPE.HYPERLINK, is_external=True)
    made.core_properties.author = "Emil Fischer"
    made.core_properties.last_modified_by = "Frieda Vogel"
    return saved(made)


@pytest.fixture(scope="session")
def sheet_file() -> bytes:
    """Names in cells, a number that is a telephone's, a sheet's name, a comment, a formula and the properties."""
    made = openpyxl.Workbook()
    sheet = made.active
    sheet.title = "Erika Mustermann"
    sheet.append(["Name", "Telefon", "Alter"])
    sheet.append(["Jürgen Lindner", 491712345678, 43])
    sheet["D2"] = "='Erika Mustermann'!A2"
    sheet["A2"].comment = openpyxl.comments.Comment("fragt Bob Miller", "Carla Weber")
    made.properties.creator = "Emil Fischer"
    return saved(made)


@pytest.fixture(scope="session")
def picture() -> Callable[..., bytes]:
    """`picture("PNG", "some words")`: black on white, with whatever `save` takes."""

    def make(kind: str, words: str = "", **options: Any) -> bytes:
        image = Image.new("RGB", (900, 120), "white")
        ImageDraw.Draw(image).text((20, 30), words, fill="black", font=ImageFont.load_default(44))
        out = io.BytesIO()
        image.save(out, kind, **options)
        return out.getvalue()

    return make


@pytest.fixture(scope="session")
def pdf_file() -> bytes:
    """Two pages of words, an author and a link."""
    return typst.compile(
        b'#set document(title: "Brief", author: "Emil Fischer")\n= Brief\nHallo Erika Mustermann, bis morgen.\n'
        b'#pagebreak()\n#link("mailto:dora@example.com")[Schreib mir]\n'
    )
