"""Word, Excel and PowerPoint files: every text is seen, a new one stands in its place, and the rest is the same bytes."""

import io
import zipfile

import docx
import openpyxl
import pytest

from proxy.documents.base import DOCX, LEAVE, PPTX, XLSX, DocumentError
from proxy.documents.parts import joined_texts
from proxy.documents.xmltext import events
from proxy.formats.media import sniff

WORD_NAMES = ["Jürgen Lindner", "anna.schmidt@example.com", "Erika Mustermann", "Thomas Müller", "Hạnh Nguyễn",
              "Bob Miller", "Carla Weber", "dora@example.com", "Emil Fischer", "Frieda Vogel"]  # fmt: skip
SHEET_NAMES = ["Jürgen Lindner", "491712345678", "Erika Mustermann", "Bob Miller", "Carla Weber", "Emil Fischer"]

SLIDES_NAMES = [name for name in WORD_NAMES if name != "Frieda Vogel"]


def members(raw):
    with zipfile.ZipFile(io.BytesIO(raw)) as file:
        return {name: file.read(name) for name in file.namelist()}


def replaced(reader, raw, kind, names):
    found = reader.read(raw, kind, "inspect")
    new = {}
    for number, text in enumerate(found.texts):
        words = text.text
        for at, name in enumerate(names):
            words = words.replace(name, f"[PERSON_00000{at:03}]")
        if words != text.text:
            new[number] = words
    return reader.rewrite(raw, kind, "inspect", new, found)


@pytest.mark.parametrize(("kind", "names"), [(DOCX, WORD_NAMES), (XLSX, SHEET_NAMES), (PPTX, SLIDES_NAMES)])
def test_every_name_is_read_and_none_is_left(reader, word_file, sheet_file, slides_file, kind, names):
    raw = {DOCX: word_file, XLSX: sheet_file, PPTX: slides_file}[kind]
    told = "\n".join(text.text for text in reader.read(raw, kind, "inspect").texts)
    assert [name for name in names if name not in told] == []
    written = replaced(reader, raw, kind, names)
    again = "\n".join(text.text for text in reader.read(written, kind, "inspect").texts)
    everything = b"\n".join(members(written).values()).decode("utf-8", "replace")
    assert [name for name in names if name in again or name in everything] == []
    before, after = members(raw), members(written)
    assert list(before) == list(after)
    changed = {name for name in before if before[name] != after[name]}
    assert changed < {name for name in before if name.endswith((".xml", ".rels", ".vml", "thumbnail.jpeg"))}


def test_word_reads_the_new_file_and_formatting_stays(reader, word_file):
    made = docx.Document(io.BytesIO(replaced(reader, word_file, DOCX, WORD_NAMES)))
    runs = [run for run in made.paragraphs[0].runs if run.bold is not None]
    assert [run.text for run in runs] == ["Hallo [PERSON_00000000]", "", ", Mail: [PERSON_00000001]", "."]
    assert [run.bold for run in runs] == [False, True, False, True]
    assert made.core_properties.author == "[PERSON_00000008]"
    assert made.tables[0].cell(0, 1).text == "[PERSON_00000002]"


def test_excel_reads_the_new_file_and_a_number_became_words(reader, sheet_file):
    made = openpyxl.load_workbook(io.BytesIO(replaced(reader, sheet_file, XLSX, SHEET_NAMES)))
    assert made.sheetnames == ["PERSON_00000002"]  # Excel allows no brackets there
    row = [cell.value for cell in made.active[2]]
    assert row == ["[PERSON_00000000]", "[PERSON_00000001]", 43, "='PERSON_00000002'!A2"]


def test_slides_have_their_new_words_where_the_old_ones_stood_and_get_them_back(reader, slides_file):
    assert sniff(slides_file) == PPTX
    found = reader.read(slides_file, PPTX, "inspect")
    assert ({text.place for text in found.texts if text.fixed}, found.parts, found.inspectable) == (set(), [], True)
    written = replaced(reader, slides_file, PPTX, SLIDES_NAMES)
    slide = members(written)["ppt/slides/slide1.xml"].decode()
    assert "<a:t>Hallo [PERSON_00000000]</a:t></a:r><a:r><a:t></a:t></a:r><a:r><a:t>, [PERSON_00000001]</a:t>" in slide
    assert "mailto:%5BPERSON_00000007%5D" in members(written)["ppt/slides/_rels/slide1.xml.rels"].decode()
    back = members(given_back(reader, written, PPTX, SLIDES_NAMES))
    before = members(slides_file)
    assert {name for name in before if back[name] != before[name]} <= {"ppt/slides/slide1.xml"}
    assert reader.rewrite(slides_file, PPTX, "inspect", {}, found) == slides_file


def test_what_slides_tell_printers_goes(reader, slides_file):
    raw = with_member(slides_file, "ppt/printerSettings/printerSettings1.bin", b"\x01HP of Anna Schmidt")
    found = reader.read(raw, PPTX, "inspect")
    assert found.parts == []
    assert list(members(reader.rewrite(raw, PPTX, "inspect", {}, found))) == list(members(slides_file))


def test_without_a_new_text_the_file_is_the_same_bytes(reader, word_file, sheet_file):
    assert reader.rewrite(sheet_file, XLSX, "inspect", {}, reader.read(sheet_file, XLSX, "inspect")) == sheet_file
    # This one holds a preview, which tells of its taker as any picture does.
    written = members(reader.rewrite(word_file, DOCX, "inspect", {}, reader.read(word_file, DOCX, "inspect")))
    assert [name for name, content in members(word_file).items() if written[name] != content] == [
        "docProps/thumbnail.jpeg"
    ]


def test_a_blank_at_the_edge_of_a_run_is_kept():
    part = b'<w:p xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"><w:r><w:t>An</w:t></w:r><w:r><w:t>na x</w:t></w:r></w:p>'
    (joined,) = joined_texts("word/document.xml", part)
    edits = sorted(joined.edits("[P_1] x\n"))
    assert edits[0][2] == b"[P_1]"
    assert [edit[2] for edit in edits[1:]] == [b' xml:space="preserve"', b" x"]


@pytest.mark.parametrize(
    ("part", "code"),
    [
        (b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>', "document_unreadable"),
        (b'<!DOCTYPE a SYSTEM "http://x.example/a"><a/>', "document_unreadable"),
        (b"<a>" * 300 + b"</a>" * 300, "document_unreadable"),
        (b"<a>", "document_unreadable"),
        ("<a>ü</a>".encode("utf-16"), "document_unreadable"),
        (b'<?xml version="1.0" encoding="iso-8859-1"?><a>\xfc</a>', "document_unreadable"),
        (b"<?xml version='1.0' encoding = 'utf-7'?><a>+AEE-nna</a>", "document_unreadable"),
        (b'\xef\xbb\xbf<?xml version="1.0" encoding="utf-7"?><a>+AEE-nna</a>', "document_unreadable"),
    ],
)
def test_a_hostile_part_is_refused(part, code):
    with pytest.raises(DocumentError) as caught:
        events(part)
    assert caught.value.code == code


def with_member(raw, name, content):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as file:
        for known, kept in members(raw).items():
            file.writestr(known, kept)
        file.writestr(name, content)
    return out.getvalue()


def test_what_is_no_text_is_a_part_for_the_policy(reader, word_file):
    for name, kind in (("word/embeddings/oleObject1.bin", "application/x-ole-storage"),
                       ("word/vbaProject.bin", "application/x-ole-storage"), ("word/media/image9.emf", "image/emf")):  # fmt: skip
        found = reader.read(with_member(word_file, name, b"\x01\x02binary"), DOCX, "inspect")
        assert [(part.media_type, part.inspectable) for part in found.parts if not part.inspectable] == [(kind, False)]


def test_data_and_names_of_somebody_are_texts_that_cannot_be_replaced(reader, word_file):
    raw = with_member(
        word_file,
        "customXml/item7.xml",
        b'<r:Kunde xmlns:r="urn:mine"><r:Name wer="Bob">Anna Schmidt</r:Name></r:Kunde>',
    )
    raw = with_member(raw, "word/media/Anna Schmidt.bin", b"\x00")
    found = reader.read(raw, DOCX, "inspect")
    told = {text.text: text.fixed for text in found.texts}
    assert told["Anna Schmidt\n"] is False
    assert any(fixed and "Kunde" in text and "Name" in text for text, fixed in told.items())
    number = next(at for at, text in enumerate(found.texts) if "word/media/Anna Schmidt.bin" in text.text)
    with pytest.raises(DocumentError, match="name of a file's member"):
        reader.rewrite(raw, DOCX, "inspect", {number: "x"}, found)


def given_back(reader, raw, kind, names):
    """The file that a provider sends back, with its placeholders replaced by what they stand for."""
    found = reader.read(raw, kind, LEAVE)
    new = {}
    for number, text in enumerate(found.texts):
        words = text.text
        for at, name in enumerate(names):
            for mark in (f"[PERSON_00000{at:03}]", f"%5BPERSON_00000{at:03}%5D", f"PERSON_00000{at:03}"):
                words = words.replace(mark, name)
        if words != text.text:
            new[number] = words
    return reader.rewrite(raw, kind, LEAVE, new, found)


def test_a_word_file_that_comes_back_says_what_it_said(reader, word_file):
    sent = replaced(reader, word_file, DOCX, WORD_NAMES)
    back = given_back(reader, sent, DOCX, WORD_NAMES)
    told = [text.text for text in reader.read(back, DOCX, LEAVE).texts]
    assert told == [text.text for text in reader.read(word_file, DOCX, LEAVE).texts]
    # What was taken out of pictures on the way is no placeholder; on the way back no picture changes.
    before, after = members(sent), members(back)
    assert all(before[name] == after[name] for name in before if not name.endswith((".xml", ".rels")))


def test_a_number_that_comes_back_is_a_number_again(reader, sheet_file):
    back = given_back(reader, replaced(reader, sheet_file, XLSX, SHEET_NAMES), XLSX, SHEET_NAMES)
    before, after = (openpyxl.load_workbook(io.BytesIO(one)) for one in (sheet_file, back))
    assert after.sheetnames == before.sheetnames
    assert [cell.value for cell in after.active[2]] == ["Jürgen Lindner", 491712345678, 43, "='Erika Mustermann'!A2"]
    assert after.active["A2"].comment.text == before.active["A2"].comment.text


CELLS = (
    b'<c r="A1" t="str"><f>"0"&amp;A2</f><v>[PERSON_00000000]</v></c><c r="A2" t="str"><v>[PERSON_00000000]</v></c>'
    b'<c r="A3" t="s"><v>0</v></c>'
)
SHEET = b'<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><row>%s</row></worksheet>'


@pytest.mark.parametrize(
    ("said", "kinds"), [("491712345678", ["str", "n"]), ("0171", ["str", "str"]), ("x", ["str", "str"])]
)
def test_only_what_was_a_number_becomes_one(said, kinds):
    """A formula's text stays one, and so does what no number is written like."""
    raw = SHEET % CELLS
    edits = sorted(
        edit
        for joined in joined_texts("xl/worksheets/sheet1.xml", raw)
        for edit in joined.edits(joined.text.replace("[PERSON_00000000]", said), back=True)
    )
    out, at = b"", 0
    for start, end, text in edits:
        out, at = out + raw[at:start] + text, end
    cells = [event for event in events(out + raw[at:]) if getattr(event, "name", "") == "c" and hasattr(event, "get")]
    assert [cell.get("t").value for cell in cells] == [*kinds, "s"]


PRINTED = {
    "[Content_Types].xml": (b"</Types>", b'<Default Extension="bin" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.printerSettings"/><Override PartName="/xl/printerSettings/printerSettings1.bin" ContentType="x/y"></Override></Types>'),
    "xl/worksheets/sheet1.xml": (b"</worksheet>", b'<pageSetup xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships" orientation="portrait" r:id="rId9" paperSize="9"/></worksheet>'),
    "xl/worksheets/_rels/sheet1.xml.rels": (b"</Relationships>", b'<Relationship Id="rId9" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/printerSettings" Target="../printerSettings/printerSettings1.bin"/></Relationships>'),
}  # fmt: skip


@pytest.fixture
def printed_file(sheet_file):
    """The spreadsheet as Excel writes it once somebody printed it: the printer's name says who."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in members(sheet_file).items():
            before, after = PRINTED.get(name, (b"", b""))
            assert before in content
            file.writestr(name, content.replace(before, after) if before else content)
        file.writestr(
            "xl/printerSettings/printerSettings1.bin", "\\\\SRV\\Drucker von Anna".encode("utf-16-le") + bytes(200)
        )
    return out.getvalue()


def test_what_a_printer_was_told_is_taken_out_with_all_that_refers_to_it(reader, printed_file, sheet_file):
    found = reader.read(printed_file, XLSX, "inspect")
    assert found.inspectable
    assert [part.media_type for part in found.parts] == [
        part.media_type for part in reader.read(sheet_file, XLSX, "inspect").parts
    ]
    written = members(reader.rewrite(printed_file, XLSX, "inspect", {}, found))
    assert not any("printerSettings" in name or b"printerSettings1" in content for name, content in written.items())
    assert b'orientation="portrait" paperSize="9"/>' in written["xl/worksheets/sheet1.xml"]
    assert b"rId9" not in b"".join(written.values())
    assert (
        openpyxl.load_workbook(io.BytesIO(reader.rewrite(printed_file, XLSX, "inspect", {}, found))).active["C2"].value
        == 43
    )
    # What comes back is given back as it came.
    assert reader.rewrite(printed_file, XLSX, LEAVE, {}, found) == printed_file
