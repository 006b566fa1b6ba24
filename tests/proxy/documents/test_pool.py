"""Files are read in a process of their own, and whatever one does to it, the next file is read."""

import asyncio
import os
import signal

import pytest

from proxy.documents.base import DOCX, PDF, DocumentError
from proxy.documents.pool import DocumentPool


@pytest.fixture
async def pool():
    made = DocumentPool(("de", "en"), size=1)
    yield made
    await made.close()


async def test_a_file_is_read_and_written_there(pool, word_file):
    found = await pool.read(word_file, DOCX, "pass")
    number = next(at for at, text in enumerate(found.texts) if "Jürgen Lindner" in text.text)
    new = {number: found.texts[number].text.replace("Jürgen Lindner", "[PERSON_4V0M7KQ2]")}
    written = await pool.rewrite(word_file, DOCX, "pass", new, found)
    again = await pool.read(written, DOCX, "pass")
    assert again.texts[number].text == new[number]


async def test_a_process_that_dies_or_takes_too_long_is_replaced(pool, word_file):
    await pool.read(word_file, DOCX, "pass")
    process = pool._idle[0]._process
    os.kill(process.pid, signal.SIGKILL)
    await process.wait()
    with pytest.raises(DocumentError):
        await pool.read(word_file, DOCX, "pass")
    pool._limit_s = 0.0
    with pytest.raises(DocumentError) as caught:
        await pool.read(word_file, DOCX, "pass")
    assert caught.value.code == "document_too_large"
    pool._limit_s = 60
    assert (await pool.read(word_file, DOCX, "pass")).texts


async def test_an_error_tells_what_but_not_what_stands_there(pool):
    with pytest.raises(DocumentError) as caught:
        await pool.read(b"%PDF-1.4 Anna Schmidt", PDF, "pass")
    assert "Anna" not in caught.value.message


async def test_waiting_files_are_read_one_after_the_other(pool, word_file):
    found = await asyncio.gather(*(pool.read(word_file, DOCX, "pass") for _ in range(4)))
    assert len({len(one.texts) for one in found}) == 1
