"""PDFs: words of pages, metadata, links, forms and notes are read; nothing is written, and locked files are refused."""

import io

import pypdf
import pytest
from PIL import Image
from pypdf.annotations import FreeText
from pypdf.generic import DictionaryObject, NameObject, TextStringObject

from proxy.documents.base import PDF, DocumentError, Opened, Text
from proxy.documents.pdf import retyped


def told(found):
    return "\n".join(text.text for text in found.texts)


def changed(raw, change):
    writer = pypdf.PdfWriter(clone_from=io.BytesIO(raw))
    change(writer)
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


def test_pages_metadata_and_links_are_read(reader, pdf_file):
    found = reader.read(pdf_file, PDF, "inspect")
    assert [
        name
        for name in ("Erika Mustermann", "Emil Fischer", "dora@example.com", "Schreib mir")
        if name not in told(found)
    ] == []
    assert found.inspectable
    assert all(text.fixed for text in found.texts)


def test_notes_and_scripts_are_read_and_files_in_it_are_parts(reader, pdf_file):
    def change(writer):
        writer.add_annotation(0, FreeText(text="Notiz von Carla Weber", rect=(50, 50, 200, 80)))
        writer.add_attachment("liste.bin", b"\x00\x01")
        action = DictionaryObject({NameObject("/S"): NameObject("/JavaScript")})
        action[NameObject("/JS")] = TextStringObject("app.alert('Bob Miller')")
        writer.root_object[NameObject("/OpenAction")] = action

    found = reader.read(changed(pdf_file, change), PDF, "inspect")
    assert "Carla Weber" in told(found)
    assert "Bob Miller" in told(found)
    assert "liste.bin" in told(found)
    assert [(part.size, part.inspectable) for part in found.parts] == [(2, False)]


def test_a_scanned_page_is_read_as_an_image_is(reader, picture):
    out = io.BytesIO()
    Image.open(io.BytesIO(picture("PNG", "Call Anna Schmidt now"))).save(out, "PDF")
    found = reader.read(out.getvalue(), PDF, "inspect")
    assert "Anna Schmidt" in told(found)
    assert [part.inspectable for part in found.parts] == [True]
    passed = reader.read(out.getvalue(), PDF, "pass")
    assert "Anna Schmidt" not in told(passed)
    assert [part.inspectable for part in passed.parts] == [False]


def test_a_new_text_cannot_be_written(reader, pdf_file):
    found = reader.read(pdf_file, PDF, "inspect")
    assert reader.rewrite(pdf_file, PDF, "inspect", {}, found) == pdf_file
    with pytest.raises(DocumentError) as caught:
        reader.rewrite(pdf_file, PDF, "inspect", {0: "x"}, found)
    assert caught.value.code == "document_not_replaceable"


def test_a_locked_or_broken_file_is_refused(reader, pdf_file):
    locked = changed(pdf_file, lambda writer: writer.encrypt("secret"))
    for raw, code in ((locked, "document_encrypted"), (b"%PDF-1.7\nnothing", "document_unreadable")):
        with pytest.raises(DocumentError) as caught:
            reader.read(raw, PDF, "inspect")
        assert caught.value.code == code


def pages_of(raw):
    return [page.extract_text() for page in pypdf.PdfReader(io.BytesIO(raw)).pages]


def test_a_retyped_file_has_the_words_with_the_new_ones_and_nothing_else_of_it(reader, pdf_file):
    def change(writer):
        writer.add_blank_page()
        writer.add_annotation(0, FreeText(text="Notiz von Carla Weber", rect=(50, 50, 200, 80)))

    raw = changed(pdf_file, change)
    found = reader.read(raw, PDF, "inspect")
    hidden = ("Erika Mustermann", "Emil Fischer", "Carla Weber")
    new = {}
    for at, text in enumerate(found.texts):
        words = text.text
        for name in hidden:
            words = words.replace(name, "[PERSON_4V0M7KQ2]")
        if words != text.text:
            new[at] = words
    written = reader.rewrite(raw, PDF, "retype", new, found)
    pages = pages_of(written)
    assert len(pages) == len(pages_of(raw)) + 1, "citations by page fit; what stands on none comes last"
    assert sum("[PERSON_4V0M7KQ2]" in page for page in pages) >= 2
    again = told(reader.read(written, PDF, "inspect"))
    assert [name for name in hidden if name in again or name.encode() in written] == []
    assert reader.rewrite(raw, PDF, "retype", new, found) == written, "the same file each time: a cache may know it"


def test_what_looks_like_markup_is_words(reader):
    text = "#import *x* $y$ <a> @b // c \\ [d] ẤẬ ß"
    written = retyped({}, Opened(texts=[Text("page", text, fixed=True)], recognized={"0": (0, 1)}))
    assert pages_of(written) == [text]


def test_letters_without_a_font_are_refused_and_not_left_out():
    with pytest.raises(DocumentError) as caught:
        retyped({}, Opened(texts=[Text("page", "Frau 王 wohnt hier", fixed=True)], recognized={"0": (0, 1)}))
    assert (caught.value.code, "王" in caught.value.message) == ("document_not_replaceable", False)
