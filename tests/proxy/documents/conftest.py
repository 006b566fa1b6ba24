"""Files made by the programs that people use: office files, PDFs, pictures; and a reader of this machine."""

import io
import zipfile
from collections.abc import Callable
from typing import Any

import docx
import openpyxl
import pytest
import typst
from PIL import Image, ImageDraw, ImageFont

from proxy.documents.reading import Reader

_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_SLIDES = "application/vnd.openxmlformats-officedocument.presentationml"
_SPACES = (
    'xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main" '
    'xmlns:p="http://schemas.openxmlformats.org/presentationml/2006/main" '
    f'xmlns:r="{_OFFICE}/relationships"'
)


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
def slides_file() -> bytes:
    """Names over several runs of a title, in a table, in notes, a comment and its author, a link and the properties."""
    kinds = {
        "ppt/presentation.xml": f"{_SLIDES}.presentation.main",
        "ppt/slides/slide1.xml": f"{_SLIDES}.slide",
        "ppt/notesSlides/notesSlide1.xml": f"{_SLIDES}.notesSlide",
        "ppt/comments/comment1.xml": f"{_SLIDES}.comments",
        "ppt/commentAuthors.xml": f"{_SLIDES}.commentAuthors",
        "docProps/core.xml": "application/vnd.openxmlformats-package.core-properties",
    }
    types = "".join(f'<Override PartName="/{name}" ContentType="{kind}+xml"/>' for name, kind in kinds.items())
    runs = "".join(
        f"<a:r><a:t>{text}</a:t></a:r>" for text in ("Hallo Jü", "rgen Lind", "ner, anna.schmidt@exa", "mple.com")
    )
    cells = "".join(
        f"<a:tc><a:txBody><a:p><a:r><a:t>{text}</a:t></a:r></a:p></a:txBody></a:tc>"
        for text in ("Konto", "Erika Mustermann")
    )
    made = {
        "[Content_Types].xml": f'<Types xmlns="{_PACKAGE}/content-types"><Default Extension="rels" '
        f'ContentType="application/vnd.openxmlformats-package.relationships+xml"/>{types}</Types>',
        "_rels/.rels": _related(("officeDocument", "ppt/presentation.xml"), ("metadata/core-properties", "docProps/core.xml")),
        "ppt/presentation.xml": f'<p:presentation {_SPACES}><p:sldIdLst><p:sldId id="256" r:id="rId1"/></p:sldIdLst>'
        '<p:sldSz cx="9144000" cy="6858000"/></p:presentation>',
        "ppt/_rels/presentation.xml.rels": _related(("slide", "slides/slide1.xml"), ("commentAuthors", "commentAuthors.xml")),
        "ppt/slides/slide1.xml": f'<p:sld {_SPACES}><p:cSld><p:spTree><p:sp><p:nvSpPr><p:cNvPr id="2" name="Title 1" '
        f'descr="Bild von Bob Miller"/></p:nvSpPr><p:txBody><a:p>{runs}</a:p></p:txBody></p:sp><p:graphicFrame><a:graphic>'
        f"<a:graphicData><a:tbl><a:tr>{cells}</a:tr></a:tbl></a:graphicData></a:graphic></p:graphicFrame></p:spTree></p:cSld></p:sld>",
        "ppt/slides/_rels/slide1.xml.rels": _related(
            ("notesSlide", "../notesSlides/notesSlide1.xml"), ("comments", "../comments/comment1.xml"), ("hyperlink", "mailto:dora@example.com")
        ),
        "ppt/notesSlides/notesSlide1.xml": f"<p:notes {_SPACES}><p:cSld><p:spTree><p:sp><p:txBody><a:p><a:r><a:t>Fragt "
        "Thomas Müller</a:t></a:r></a:p></p:txBody></p:sp></p:spTree></p:cSld></p:notes>",
        "ppt/comments/comment1.xml": f'<p:cmLst {_SPACES}><p:cm authorId="0" dt="2026-05-05T10:00:00.000" idx="1"><p:text>Rückruf '
        "an Hạnh Nguyễn</p:text></p:cm></p:cmLst>",
        "ppt/commentAuthors.xml": f'<p:cmAuthorLst {_SPACES}><p:cmAuthor id="0" name="Carla Weber" initials="CW" lastIdx="1" '
        'clrIdx="0"/></p:cmAuthorLst>',
        "docProps/core.xml": f'<cp:coreProperties xmlns:cp="{_PACKAGE}/metadata/core-properties" xmlns:dc="http://purl.org/dc/elements/1.1/">'
        "<dc:creator>Emil Fischer</dc:creator></cp:coreProperties>",
    }  # fmt: skip
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as file:
        for name, text in made.items():
            file.writestr(name, text)
    return out.getvalue()


def _related(*parts: tuple[str, str]) -> str:
    """The relationships of a part: kind and target."""
    space = f"{_PACKAGE}/relationships"
    lines = [
        f'<Relationship Id="rId{number}" Type="{space if "/" in kind else _OFFICE + "/relationships"}/{kind}" Target="{target}"'
        f"{' TargetMode="External"' if kind == 'hyperlink' else ''}/>"
        for number, (kind, target) in enumerate(parts, 1)
    ]
    return f'<Relationships xmlns="{space}">{"".join(lines)}</Relationships>'


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
