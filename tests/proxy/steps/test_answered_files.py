"""Office files in answers: restored whole however they arrive; what is none goes on at once, byte for byte."""

import base64
import io
import json
import zipfile
from collections.abc import Mapping
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.documents.base import DOCX, Opened
from proxy.documents.reading import Reader
from proxy.formats.answers import TextReader
from proxy.formats.media import read_base64, read_data_url
from proxy.messages import Headers
from proxy.steps import answered_files
from proxy.steps.answered_files import AnsweredFile, FileRestorer, FilesWithin
from redaction import tokens
from redaction.restore import Restorable, Restorer

NAME = 'Jürgen "der Große" & Söhne'
TOKEN = tokens.mint(bytes(32), "PERSON", NAME)


class InProcess:
    """The reader of the processes that read files, here."""

    def __init__(self) -> None:
        self._reader = Reader(())

    async def read(self, raw: bytes, media_type: str, images: str) -> Opened:
        return self._reader.read(raw, media_type, images)

    async def rewrite(self, raw: bytes, media_type: str, images: str, new: Mapping[int, str], before: Opened) -> bytes:
        return self._reader.rewrite(raw, media_type, images, new, before)


def package(**members: str) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as file:
        for name, text in members.items():
            file.writestr(name, text)
    return out.getvalue()


def word(text: str) -> bytes:
    """A Word file with nothing in it but its text."""
    space = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
    return package(
        **{"word/document.xml": f'<w:document xmlns:w="{space}"><w:p><w:r><w:t>{text}</w:t></w:r></w:p></w:document>'}
    )


WRITTEN, PLAIN = word(f"Hallo {TOKEN}."), word("Hallo.")


async def passed(raw: bytes, cuts: Any = ()) -> tuple[list[bytes], list[str], Restorer]:
    """What goes on for each piece and at the end, what was told, and the restorer."""
    restorer, told = Restorer(Restorable({TOKEN: NAME})), []
    files = FileRestorer(InProcess(), restorer, told.append)
    file = AnsweredFile(files, TextReader(restorer, strict=True, guess=True))
    at = [0, *sorted({min(cut, len(raw)) for cut in cuts}), len(raw)]
    out = [await file.take(raw[start:end]) for start, end in pairwise(at)]
    return [*out, await file.end()], told, restorer


@given(cuts=st.lists(st.integers(0, len(WRITTEN)), max_size=6))
async def test_a_file_is_restored_whole_however_it_arrives(cuts: list[int]) -> None:
    out, told, restorer = await passed(WRITTEN, [*cuts, 1])
    assert b"".join(out[:-1]) == b""
    (said,) = [one.text for one in (await InProcess().read(out[-1], DOCX, "leave")).texts if "Hallo" in one.text]
    assert said == f"Hallo {NAME}.\n"
    assert (told, restorer.counts.restored) == ([], 1)


@given(
    raw=st.one_of(
        st.binary(max_size=9).map(lambda rest: b"PK\3\4" + rest),
        st.binary(max_size=9),
        st.just(PLAIN),
        st.just(package(a="words")),
    ),
    cuts=st.lists(st.integers(0, 12), max_size=4),
)
async def test_what_is_no_such_file_goes_on_as_it_came(raw: bytes, cuts: list[int]) -> None:
    out, told, _ = await passed(raw, cuts)
    assert (b"".join(out), told) == (raw, [])


async def test_a_text_is_restored_as_it_was_before_and_at_once() -> None:
    out, _, _ = await passed(f"Hi, {TOKEN}!".encode(), [4])
    assert out[0] == b"Hi, "
    assert b"".join(out).decode() == f"Hi, {NAME}!"


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        (package(**{"word/document.xml": f"<a>{TOKEN}"}), "document_unreadable"),
        (WRITTEN[:-9] + b"and more!", "document_unreadable"),
    ],
)
async def test_a_file_that_cannot_be_read_goes_on_as_it_came_and_somebody_is_told(raw: bytes, code: str) -> None:
    out, told, _ = await passed(raw)
    assert (b"".join(out), told) == (raw, [code])


async def test_a_file_too_large_to_be_held_goes_on_as_it_came(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(answered_files, "HELD_BYTES", 200)
    out, told, _ = await passed(WRITTEN, [199, 201])
    assert [len(one) for one in out] == [0, 201, len(WRITTEN) - 201, 0]
    assert (b"".join(out), told) == (WRITTEN, ["document_too_large"])


async def restored(json: bytes) -> bytes:
    return await FilesWithin(FileRestorer(InProcess(), Restorer(Restorable({TOKEN: NAME})), _untold)).restored(json)


def _untold(code: str) -> None:
    raise AssertionError(code)


async def words_of(raw: bytes) -> str:
    return "".join(one.text for one in (await InProcess().read(raw, DOCX, "leave")).texts)


CODED = base64.b64encode(WRITTEN).decode()
SPELLINGS = [
    CODED,
    CODED.rstrip("="),
    base64.urlsafe_b64encode(WRITTEN).decode(),
    base64.encodebytes(WRITTEN).decode(),
    f"data:{DOCX};base64,{CODED}",
]


@pytest.mark.parametrize(
    ("spelling", "layers"), [*((one, 0) for one in SPELLINGS), (CODED, 1), (SPELLINGS[-1], 1)], ids=range(7)
)
async def test_a_file_in_json_is_restored_in_its_place(spelling: str, layers: int) -> None:
    said: Any = {"a": "UEsDB and no file", "files": [{"b": spelling}, {"b": CODED}], "z": "ü"}
    if layers:
        said = {"text": json.dumps(said)}
    sent = json.dumps(said).replace("/", "\\/" if not layers else "/").encode()
    came = json.loads(await restored(sent))
    inner = json.loads(came["text"]) if layers else came
    assert (inner["a"], inner["z"], list(inner)) == ("UEsDB and no file", "ü", ["a", "files", "z"])
    for one in inner["files"]:
        read = read_data_url(one["b"]) or read_base64(one["b"])
        assert read is not None
        assert await words_of(read.raw) == f"Hallo {NAME}.\n"


@given(
    data=st.lists(
        st.sampled_from(["UEsDB", '"', "\\", "A", "data:;base64,", CODED[:90], CODED, "é", " ", "{"]), max_size=9
    ).map("".join)
)
async def test_what_only_looks_like_one_stays(data: str) -> None:
    came = (await restored(data.encode())).decode()
    assert came == data or CODED in data


@given(data=st.binary(max_size=20), cuts=st.lists(st.integers(0, 30), max_size=6))
def test_a_file_is_seen_to_begin_however_it_is_cut(data: bytes, cuts: list[int]) -> None:
    within = FilesWithin(FileRestorer(InProcess(), Restorer(Restorable({})), _untold))
    at = [0, *sorted(cuts), 99]
    raw = data + b"UEsDB" + data
    begun = [within.begun(raw[start:end]) for start, end in pairwise(at)]
    assert begun[-1]
    assert begun == sorted(begun)
    assert not FilesWithin(FileRestorer(InProcess(), Restorer(Restorable({})), _untold)).begun(raw[:4])


def test_only_what_may_be_such_a_file_waits() -> None:
    def head(kind: str, *more: tuple[bytes, bytes]) -> Headers:
        return Headers(((b"content-type", kind.encode()), *more))

    reader, restorer = TextReader(Restorer(Restorable({}))), Restorer(Restorable({}), may_restore=lambda _tool: True)
    files = FileRestorer(InProcess(), Restorer(Restorable({})), _untold)

    def may_be_file(status: int, headers: Headers) -> bool:
        return files.whole(status, headers, reader) is not None

    assert may_be_file(200, head(DOCX))
    assert may_be_file(200, head("Application/Octet-Stream; x=y", (b"content-length", b"9")))
    assert may_be_file(200, Headers())
    assert not may_be_file(404, head(DOCX))
    assert not may_be_file(200, head("text/event-stream"))
    assert not may_be_file(200, head("application/json"))
    assert not may_be_file(200, head(DOCX, (b"content-length", b"99999999999")))
    assert files.within(head("text/event-stream; charset=utf-8")) is not None
    assert files.within(head("application/vnd.x+json")) is not None
    assert files.within(head("audio/mpeg")) is None
    assert FileRestorer(InProcess(), restorer, _untold).within(head("application/json")) is None
