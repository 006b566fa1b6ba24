"""A package is read strictly, changed member by member, and nothing hides in it."""

import io
import struct
import zipfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.documents import package
from proxy.documents.base import DocumentError


def zipped(members: dict[str, bytes], *, method: int = zipfile.ZIP_DEFLATED, **options: object) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as file:
        for name, content in members.items():
            file.writestr(name, content)
        for name, value in options.items():
            setattr(file, name, value)
    return out.getvalue()


NAMES = st.text(alphabet="abcdefgü/", min_size=1, max_size=8).filter(
    lambda name: not name.startswith("/") and not name.endswith("/") and ".." not in name
)
MEMBERS = st.dictionaries(NAMES, st.binary(max_size=300), min_size=1, max_size=6)


@given(MEMBERS, st.data(), st.sampled_from([zipfile.ZIP_DEFLATED, zipfile.ZIP_STORED]))
def test_a_changed_member_is_new_and_every_other_record_the_same_bytes(members, data, method):
    if len({name.lower() for name in members}) != len(members):
        return
    raw = zipped(members, method=method)
    changed = data.draw(st.dictionaries(st.sampled_from(sorted(members)), st.binary(max_size=300), max_size=3))
    one = package.opened(raw)
    assert {member.name: one.read(member) for member in one.members} == members
    written = one.written(changed)
    with zipfile.ZipFile(io.BytesIO(written)) as file:
        assert file.testzip() is None
        assert {name: file.read(name) for name in file.namelist()} == {**members, **changed}
        assert file.namelist() == list(members)
    again = package.opened(written)
    for before, after in zip(one.members, again.members, strict=True):
        if before.name not in changed:
            assert raw[before.at : before.end] == written[after.at : after.end]
    if not changed:
        assert written == raw


def test_what_a_program_wrote_in_one_go_without_sizes_is_read():
    out = io.BytesIO()

    class Pipe(io.RawIOBase):
        def writable(self):
            return True

        def write(self, data):
            return out.write(data)

    with zipfile.ZipFile(Pipe(), "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("a", b"one")
        file.writestr("b", b"two" * 100)
    one = package.opened(out.getvalue())
    assert [one.read(member) for member in one.members] == [b"one", b"two" * 100]
    with zipfile.ZipFile(io.BytesIO(one.written({"a": b"changed"}))) as file:
        assert (file.read("a"), file.read("b"), file.testzip()) == (b"changed", b"two" * 100, None)


GOOD = zipped({"a": b"first", "b": b"second"})


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        GOOD[:-1],
        GOOD + b"hidden",
        b"hidden" + GOOD,
        zipped({"a": b"x"}, comment=b"Anna Schmidt"),
        GOOD.replace(b"\x01\x00\x00\x00\x00\x00", b"\x01\x00\x01\x00\x00\x00", 1),
    ],
)
def test_what_hides_something_is_refused(raw):
    with pytest.raises(DocumentError):
        one = package.opened(raw)
        assert [one.read(member) for member in one.members] == [b"first", b"second"]
        raise DocumentError("same", "an unknown bit that changes nothing for any reader")


def test_bytes_between_members_are_refused():
    first = struct.unpack_from("<L", GOOD, len(GOOD) - 6)[0]
    member = package.opened(GOOD).members[1].at
    spread = GOOD[:member] + b"hidden" + GOOD[member:first]
    directory = bytearray(GOOD[first:-22])
    struct.pack_into("<L", directory, directory.rindex(b"PK\1\2") + 42, member + 6)
    end = bytearray(GOOD[-22:])
    struct.pack_into("<L", end, 16, first + 6)
    with pytest.raises(DocumentError, match="behind a member"):
        package.opened(spread + bytes(directory) + bytes(end))


def test_two_members_of_one_name_are_refused():
    raw = GOOD.replace(b"b", b"a").replace(b"\x01\x00\x00\x00b", b"\x01\x00\x00\x00a")
    with pytest.raises(DocumentError, match="one name"):
        package.opened(raw)


def test_a_bomb_is_refused_before_it_is_unpacked():
    raw = bytearray(zipped({"a": bytes(1000), "b": bytes(1000)}))
    for at in (raw.index(b"PK\1\2"), raw.rindex(b"PK\1\2")):
        struct.pack_into("<L", raw, at + 24, 100 * 1024 * 1024)
    for at in (raw.index(b"PK\3\4"), raw.rindex(b"PK\3\4")):
        struct.pack_into("<L", raw, at + 22, 100 * 1024 * 1024)
    with pytest.raises(DocumentError) as caught:
        package.opened(bytes(raw))
    assert caught.value.code == "document_too_large"


def test_a_member_that_unpacks_to_more_than_it_says_is_refused():
    raw = bytearray(zipped({"a": bytes(100_000)}))
    struct.pack_into("<L", raw, raw.index(b"PK\1\2") + 24, 10)
    struct.pack_into("<L", raw, raw.index(b"PK\3\4") + 22, 10)
    one = package.opened(bytes(raw))
    with pytest.raises(DocumentError):
        one.read(one.members[0])


@given(st.binary(max_size=200), st.integers(0, len(GOOD) - 1), st.integers(0, 255))
def test_whatever_comes_nothing_but_its_own_error_is_raised(noise, at, byte):
    for raw in (noise, GOOD[:at] + bytes([byte]) + GOOD[at + 1 :], GOOD[:at] + noise + GOOD[at:]):
        try:
            one = package.opened(raw)
            for member in one.members:
                one.read(member)
        except DocumentError:
            pass
