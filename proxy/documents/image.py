"""Images: what only their taker knows is taken out without touching a pixel, and words in them are painted over.

Kept are the segments and chunks that a picture is drawn from, and its orientation; everything else goes: EXIF, XMP,
IPTC, comments, colour profiles with their texts, previews, and whatever stands behind the end. Sources: ITU-T T.81 and
JFIF 1.02, W3C PNG (third edition), GIF89a, the WebP container specification.
"""

import io
import struct
import zlib
from collections.abc import Callable, Iterator, Sequence
from difflib import SequenceMatcher
from typing import TYPE_CHECKING

from proxy.documents.base import DocumentError, Text, Word

if TYPE_CHECKING:
    from PIL.Image import Image

MAX_PIXELS = 50_000_000  # a camera's largest; 150 MB when unpacked
MAX_FRAMES = 1  # of an image whose words are read; of a film nobody knows which ones hold any
_PNG = b"\x89PNG\r\n\x1a\n"
_PNG_KEPT = frozenset((b"IHDR", b"PLTE", b"IDAT", b"IEND", b"tRNS", b"gAMA", b"cHRM", b"sRGB", b"sBIT", b"bKGD",
                       b"pHYs", b"acTL", b"fcTL", b"fdAT"))  # fmt: skip
_WEBP_KEPT = frozenset((b"VP8 ", b"VP8L", b"VP8X", b"ALPH", b"ANIM", b"ANMF"))
_GIF_KEPT = frozenset((b"NETSCAPE2.0", b"ANIMEXTS1.0"))
_SOI, _EOI, _SOS, _APP0, _APP1, _APP14, _COM = 0xD8, 0xD9, 0xDA, 0xE0, 0xE1, 0xEE, 0xFE
_ALONE = frozenset((0x01, *range(0xD0, 0xD8)))
_ORIENTATION = 0x0112
_METADATA_FLAGS = 0x2C  # of VP8X: colour profile, EXIF, XMP


def media_type_of(raw: bytes) -> str:
    """The media type that the first bytes tell, "" for any that is not cleaned here."""
    if raw.startswith(_PNG):
        return "image/png"
    if raw.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    if raw[:6] in (b"GIF87a", b"GIF89a"):
        return "image/gif"
    return "image/webp" if raw[:4] == b"RIFF" and raw[8:12] == b"WEBP" else ""


def cleaned(raw: bytes, boxes: Sequence[Word]) -> bytes:
    """The image without metadata, with these words painted over. Raises DocumentError."""
    clean = _CLEAN.get(media_type_of(raw))
    if clean is None:
        raise _broken()
    try:
        without = clean(raw)
    except (struct.error, IndexError):
        raise _broken() from None
    return _painted(without, boxes) if boxes else without


def cleaned_if_readable(raw: bytes) -> bytes:
    """The same for an image that the policy lets pass whatever it is: one that cannot be read stays as it came."""
    try:
        return cleaned(raw, ())
    except DocumentError:
        return raw


def loaded(raw: bytes) -> "Image":
    """The pixels, upright. Raises DocumentError where they cannot be read, or are too many, or move."""
    import warnings

    from PIL import Image, ImageOps

    Image.MAX_IMAGE_PIXELS = MAX_PIXELS
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            found = Image.open(io.BytesIO(raw), formats=("PNG", "JPEG", "GIF", "WEBP"))
            if found.width * found.height > MAX_PIXELS:
                raise DocumentError("document_too_large", f"an image has more than {MAX_PIXELS} pixels")
            if getattr(found, "n_frames", 1) > MAX_FRAMES:
                raise DocumentError("document_unreadable", "an image moves, and words in a film are not read")
            found.load()
            return ImageOps.exif_transpose(found)
    except DocumentError:
        raise
    except Exception:  # whatever a decoder raises on a hostile file; its text may quote the file
        raise _broken() from None


def changed_words(text: Text, new: str) -> Iterator[Word]:
    """The words of a recognized text that a new one does not have any more."""
    for tag, start, end, _, _ in SequenceMatcher(None, text.text, new, autojunk=False).get_opcodes():
        if tag != "equal":
            yield from (word for word in text.words if word.start < max(end, start + 1) and word.end > start)


def _painted(raw: bytes, boxes: Sequence[Word]) -> bytes:
    from PIL import ImageDraw

    found = loaded(raw)
    kind = media_type_of(raw).removeprefix("image/").upper()
    drawn = found if found.mode in ("RGB", "L") else found.convert("RGBA" if kind in ("PNG", "WEBP") else "RGB")
    draw = ImageDraw.Draw(drawn)
    for one in boxes:
        edge = max(2, one.height // 5)  # a recognizer's box may cut into the ends of its letters
        draw.rectangle(
            (one.left - edge, one.top - edge, one.left + one.width + edge, one.top + one.height + edge), fill="black"
        )
    out = io.BytesIO()
    options: dict[str, object] = {"quality": 95} if kind in ("JPEG", "WEBP") else {}
    drawn.save(out, kind, **options)
    again: Callable[[bytes], bytes] = _CLEAN[media_type_of(out.getvalue())]
    return again(out.getvalue())


def _jpeg(raw: bytes) -> bytes:
    out = [raw[:2]]
    at, orientation = 2, 0
    while True:
        if raw[at] != 0xFF:
            raise _broken()
        while raw[at + 1] == 0xFF:
            at += 1
        marker = raw[at + 1]
        if marker == _EOI:
            out.append(raw[at : at + 2])
            break
        if marker in _ALONE:
            out.append(raw[at : at + 2])
            at += 2
            continue
        (size,) = struct.unpack_from(">H", raw, at + 2)
        segment = raw[at : at + 2 + size]
        if size < 2 or len(segment) != size + 2:
            raise _broken()
        at += 2 + size
        if marker == _APP1 and segment[4:10] == b"Exif\0\0":
            orientation = orientation or _orientation(segment[10:])
        out.append(_kept(marker, segment))
        if marker == _SOS:
            end = _scan_end(raw, at)
            out.append(raw[at:end])
            at = end
    if 1 < orientation <= 8:
        # Without it a picture from a telephone would lie on its side. TIFF: one entry, a short.
        tiff = struct.pack(">2sHIHHHIHHI", b"MM", 42, 8, 1, _ORIENTATION, 3, 1, orientation, 0, 0)
        body = b"Exif\0\0" + tiff
        out.insert(1, b"\xff\xe1" + struct.pack(">H", len(body) + 2) + body)
    return b"".join(out)


def _kept(marker: int, segment: bytes) -> bytes:
    """What stays of a JPEG segment."""
    if marker == _APP0 and segment[4:9] == b"JFIF\0":
        return b"\xff\xe0\x00\x10" + segment[4:16] + b"\0\0"  # without its preview
    if marker == _APP14 and segment[4:9] == b"Adobe":
        return b"\xff\xee\x00\x0e" + segment[4:16]  # says how colours are coded
    return b"" if _APP0 <= marker <= 0xEF or marker == _COM else segment


def _scan_end(raw: bytes, at: int) -> int:
    """Where the next marker behind entropy-coded data stands."""
    while True:
        at = raw.find(b"\xff", at)
        if at < 0 or at + 1 >= len(raw):
            raise _broken()
        if raw[at + 1] != 0 and not 0xD0 <= raw[at + 1] <= 0xD7 and raw[at + 1] != 0xFF:
            return at
        at += 1 if raw[at + 1] == 0xFF else 2


def _orientation(tiff: bytes) -> int:
    order = {b"II": "<", b"MM": ">"}.get(tiff[:2])
    if order is None:
        return 0
    try:
        (first,) = struct.unpack_from(order + "I", tiff, 4)
        (count,) = struct.unpack_from(order + "H", tiff, first)
        for entry in range(min(count, 100)):
            tag, kind = struct.unpack_from(order + "HH", tiff, first + 2 + entry * 12)
            if tag == _ORIENTATION and kind == 3:
                return int(struct.unpack_from(order + "H", tiff, first + 10 + entry * 12)[0])
    except struct.error:
        pass
    return 0


def _png(raw: bytes) -> bytes:
    out = [_PNG]
    at = len(_PNG)
    while True:
        size, kind = struct.unpack_from(">I4s", raw, at)
        end = at + 12 + size
        if end > len(raw) or zlib.crc32(raw[at + 4 : end - 4]) != struct.unpack_from(">I", raw, end - 4)[0]:
            raise _broken()
        if kind in _PNG_KEPT:
            out.append(raw[at:end])
        elif not kind[0] & 0x20:
            raise _broken()  # critical, and nobody knows what it draws
        at = end
        if kind == b"IEND":
            return b"".join(out)


def _gif(raw: bytes) -> bytes:
    at = 13 + _colours(raw[10])
    out = [raw[:at]]
    while True:
        kind = raw[at]
        if kind == 0x3B:
            return b"".join([*out, b"\x3b"])
        if kind == 0x2C:
            end = _blocks(raw, at + 11 + _colours(raw[at + 9]))
            out.append(raw[at:end])
        elif kind == 0x21:
            end = _blocks(raw, at + 2)
            label = raw[at + 1]
            if label == 0xF9 or (label == 0xFF and raw[at + 3 : at + 14] in _GIF_KEPT):
                out.append(raw[at:end])
        else:
            raise _broken()
        at = end


def _colours(flags: int) -> int:
    return 3 << ((flags & 7) + 1) if flags & 0x80 else 0


def _blocks(raw: bytes, at: int) -> int:
    while (size := raw[at]) != 0:
        at += 1 + size
    return at + 1


def _webp(raw: bytes) -> bytes:
    (total,) = struct.unpack_from("<I", raw, 4)
    end = min(len(raw), 8 + total)
    out: list[bytes] = []
    at = 12
    while at + 8 <= end:
        kind, size = struct.unpack_from("<4sI", raw, at)
        stop = at + 8 + size + (size & 1)
        if at + 8 + size > end:
            raise _broken()
        if kind in _WEBP_KEPT:
            chunk = bytearray(raw[at:stop])
            if kind == b"VP8X":
                chunk[8] &= ~_METADATA_FLAGS & 0xFF
            out.append(bytes(chunk))
        at = stop
    body = b"WEBP" + b"".join(out)
    if len(out) == 0:
        raise _broken()
    return b"RIFF" + struct.pack("<I", len(body)) + body


def _broken() -> DocumentError:
    return DocumentError("document_unreadable", "an image cannot be read")


_CLEAN: dict[str, Callable[[bytes], bytes]] = {
    "image/jpeg": _jpeg,
    "image/png": _png,
    "image/gif": _gif,
    "image/webp": _webp,
}
