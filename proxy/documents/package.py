"""ZIP packages (PKWARE APPNOTE 6.3, ISO/IEC 29500-2): members read with limits, changed ones written, others copied.

Strict on purpose: every byte of the file belongs to the record of a member, to the directory or to its end, so nothing
hides between them and two readers see the same members. Encrypted, split and ZIP64 files are refused.
"""

import re
import struct
import zlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from proxy.documents.base import DocumentError

MAX_MEMBERS = 2000
MAX_UNPACKED = 128 * 1024 * 1024  # bytes of all members; Word and Excel files of people stay far below
_LOCAL = struct.Struct("<4s5H3L2H")
_CENTRAL = struct.Struct("<4s6H3L5H2L")
_END = struct.Struct("<4s4H2LH")
_STORED, _DEFLATED = 0, 8
_ENCRYPTED, _DESCRIBED = 0x0001, 0x0008
# Times, owners by number, and the room that Word leaves for growth: nothing in which words stand.
_EXTRAS = frozenset((0x000A, 0x5455, 0x5855, 0x7855, 0x7875, 0xA220))


@dataclass(frozen=True, slots=True)
class Member:
    """One member. Its record is `raw[at:end]`; its packed bytes `raw[data:data + packed]`."""

    name: str
    at: int
    end: int
    data: int
    packed: int
    size: int
    method: int
    crc: int
    central: bytes


@dataclass(frozen=True, slots=True)
class Package:
    """A file taken apart. members: in the order of its directory."""

    raw: bytes
    members: tuple[Member, ...]
    directory: int

    def read(self, member: Member) -> bytes:
        """A member's bytes. Raises DocumentError where they are not what the directory says."""
        packed = self.raw[member.data : member.data + member.packed]
        if member.method == _STORED:
            content = packed
        else:
            unpacker = zlib.decompressobj(-15)
            try:
                content = unpacker.decompress(packed, member.size + 1)
            except zlib.error:
                raise _broken("a member cannot be unpacked") from None
            if not unpacker.eof or unpacker.unused_data:
                raise _broken("a member is longer or shorter than it says")
        if len(content) != member.size or zlib.crc32(content) != member.crc:
            raise _broken("a member is not what its checksum says")
        return content

    def written(self, changed: Mapping[str, bytes], gone: Collection[str] = ()) -> bytes:
        """The file with the content of these members replaced, some taken out, every other record as it was."""
        out: list[bytes] = []
        places: dict[str, tuple[int, bytes]] = {}
        at = 0
        for member in sorted(self.members, key=lambda one: one.at):
            if member.name in gone:
                continue
            record, central = self.raw[member.at : member.end], member.central
            if member.name in changed:
                record, central = _record(self.raw, member, changed[member.name])
            places[member.name] = at, central
            out.append(record)
            at += len(record)
        directory = b"".join(_moved(*places[member.name]) for member in self.members if member.name in places)
        count = len(places)
        return b"".join([*out, directory, _END.pack(b"PK\5\6", 0, 0, count, count, len(directory), at, 0)])


def opened(raw: bytes) -> Package:
    """Take a package apart. Raises DocumentError `document_unreadable` or `document_too_large`."""
    ended = len(raw) - _END.size
    if ended < 0 or raw[ended : ended + 4] != b"PK\5\6":
        raise _broken("it does not end as a package ends")
    _, disk, first, here, count, size, directory, comment = _END.unpack_from(raw, ended)
    if disk or first or here != count or comment or directory + size != ended:
        raise _broken("its directory is not where it should be")
    if count > MAX_MEMBERS:
        raise DocumentError("document_too_large", f"the file has more than {MAX_MEMBERS} members")
    heads = _heads(raw, directory, ended, count)
    starts = [*sorted(fields[16] for _, fields, _ in heads), directory]
    members: list[Member] = []
    at = 0
    for order, (name, fields, central) in enumerate(sorted(heads, key=lambda one: one[1][16])):
        if fields[16] != at:
            raise _broken("something stands between its members")
        stop = starts[order + 1]
        members.append(_member(raw, name, fields, central, at, stop))
        at = stop
    if at != directory or sum(one.size for one in members) > MAX_UNPACKED:
        raise DocumentError("document_too_large", f"the file unpacks to more than {MAX_UNPACKED >> 20} MB")
    order_of = {name: place for place, (name, _, _) in enumerate(heads)}
    if len(order_of) != count or len({name.lower() for name in order_of}) != count:
        raise _broken("two members have one name")
    return Package(raw, tuple(sorted(members, key=lambda one: order_of[one.name])), directory)


type _Head = tuple[str, tuple[int, ...], bytes]


def _heads(raw: bytes, at: int, end: int, count: int) -> list[_Head]:
    found: list[_Head] = []
    for _ in range(count):
        if at + _CENTRAL.size > end or raw[at : at + 4] != b"PK\1\2":
            raise _broken("its directory is broken")
        fields = _CENTRAL.unpack_from(raw, at)
        named, extra, comment = fields[10], fields[11], fields[12]
        stop = at + _CENTRAL.size + named + extra + comment
        if comment or fields[13] or stop > end:
            raise _broken("its directory holds what no office program writes")
        _check_extra(raw[at + _CENTRAL.size + named : stop])
        found.append((_name(raw[at + _CENTRAL.size : at + _CENTRAL.size + named]), fields, raw[at:stop]))
        at = stop
    if at != end:
        raise _broken("its directory is longer than its entries")
    return found


def _member(raw: bytes, name: str, fields: tuple[int, ...], central: bytes, at: int, stop: int) -> Member:
    flags, method, crc, packed, size = fields[3], fields[4], fields[7], fields[8], fields[9]
    if flags & _ENCRYPTED:
        raise DocumentError("document_encrypted", "the file is encrypted; send it without a password")
    if method not in (_STORED, _DEFLATED) or 0xFFFFFFFF in (packed, size, at):
        raise _broken("a member is packed in a way that no office program uses")
    if at + _LOCAL.size > stop or raw[at : at + 4] != b"PK\3\4":
        raise _broken("a member is not where the directory says")
    local = _LOCAL.unpack_from(raw, at)
    data = at + _LOCAL.size + local[9] + local[10]
    _check_extra(raw[data - local[10] : data])
    if raw[at + _LOCAL.size : at + _LOCAL.size + local[9]] != central[_CENTRAL.size : _CENTRAL.size + fields[10]]:
        raise _broken("a member has two names")
    if local[2] & ~0x0006 != flags & ~0x0006 or local[3] != method:
        raise _broken("a member is described in two ways")
    described = raw[data + packed : stop]
    sizes = struct.pack("<3L", crc, packed, size)
    known = (sizes, b"PK\7\x08" + sizes) if flags & _DESCRIBED else (b"",)
    if data + packed > stop or described not in known:
        raise _broken("something stands behind a member")
    if not flags & _DESCRIBED and local[6:9] != (crc, packed, size):
        raise _broken("a member is described in two ways")
    return Member(name, at, stop, data, packed, size, method, crc, central)


def _check_extra(extra: bytes) -> None:
    while extra:
        if len(extra) < 4:
            raise _broken("a member's extra fields are broken")
        kind, size = struct.unpack_from("<2H", extra)
        if kind not in _EXTRAS or len(extra) < 4 + size:
            raise _broken("a member has extra fields that no office program writes")
        extra = extra[4 + size :]


def _name(raw: bytes) -> str:
    try:
        name = raw.decode("utf-8")
    except UnicodeDecodeError:
        raise _broken("a member's name is not in UTF-8") from None
    if not name or name.startswith("/") or "\\" in name or re.search(r"(?:^|/)\.\.(?:/|$)|[\x00-\x1f]", name):
        raise _broken("a member's name is no name in a package")
    return name


def _record(raw: bytes, member: Member, content: bytes) -> tuple[bytes, bytes]:
    """A member's record and directory entry for new content: sizes in the head, no descriptor behind."""
    packer = zlib.compressobj(6, zlib.DEFLATED, -15)
    packed = content if member.method == _STORED else packer.compress(content) + packer.flush()
    known = (zlib.crc32(content), len(packed), len(content))
    local = list(_LOCAL.unpack_from(raw, member.at))
    local[2] &= ~_DESCRIBED
    local[6:9] = known
    central = list(_CENTRAL.unpack_from(member.central))
    central[3] &= ~_DESCRIBED
    central[7:10] = known
    head = _LOCAL.pack(*local) + raw[member.at + _LOCAL.size : member.data]
    return head + packed, _CENTRAL.pack(*central) + member.central[_CENTRAL.size :]


def _moved(at: int, central: bytes) -> bytes:
    fields = list(_CENTRAL.unpack_from(central))
    fields[16] = at
    return _CENTRAL.pack(*fields) + central[_CENTRAL.size :]


def _broken(why: str) -> DocumentError:
    return DocumentError("document_unreadable", f"the file cannot be read safely: {why}")
