"""Images lose what they tell of their taker and keep every pixel; words in them are read and painted over."""

import contextlib
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageChops, PngImagePlugin

from proxy.documents import image
from proxy.documents.base import DocumentError
from proxy.documents.reading import Reader

SECRET = b"Anna Schmidt, Hauptstr. 12a"


def with_metadata(picture, kind):
    if kind == "PNG":
        text = PngImagePlugin.PngInfo()
        text.add_text("Author", SECRET.decode())
        text.add_itxt("Comment", SECRET.decode(), zip=False)
        return picture("PNG", pnginfo=text, exif=exif()) + SECRET
    if kind == "JPEG":
        raw = picture("JPEG", exif=exif(), comment=SECRET, icc_profile=b"icc " + SECRET)
        return raw + SECRET
    if kind == "WEBP":
        return picture("WEBP", exif=exif(), xmp=SECRET, icc_profile=b"icc " + SECRET)
    return picture("GIF", comment=SECRET) + SECRET


def exif(orientation=1):
    data = Image.Exif()
    data[0x010F] = SECRET.decode()
    data[0x0112] = orientation
    return data


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "GIF"])
def test_metadata_goes_and_every_pixel_stays(picture, kind):
    raw = with_metadata(picture, kind)
    assert SECRET in raw
    clean = image.cleaned(raw, ())
    assert SECRET not in clean
    before, after = Image.open(io.BytesIO(raw)), Image.open(io.BytesIO(clean))
    after.load()
    assert ImageChops.difference(before.convert("RGB"), after.convert("RGB")).getbbox() is None
    assert not after.getexif()
    assert {"comment", "icc_profile"}.isdisjoint(after.info)
    assert image.cleaned(clean, ()) == clean


def test_a_picture_that_lies_on_its_side_keeps_its_orientation_and_nothing_else(picture):
    clean = image.cleaned(picture("JPEG", exif=exif(6)), ())
    assert dict(Image.open(io.BytesIO(clean)).getexif()) == {0x0112: 6}
    assert SECRET not in clean


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "GIF"])
def test_words_are_read_and_painted_over(reader, picture, kind):
    raw = picture(kind, "Call Anna Schmidt at 0171 2345678", quality=95)
    found = reader.read(raw, f"image/{kind.lower()}", "inspect")
    (text,) = found.texts
    assert text.text == "Call Anna Schmidt at 0171 2345678"
    new = {0: text.text.replace("Anna Schmidt", "[PERSON_4V0M7KQ2]")}
    painted = reader.rewrite(raw, f"image/{kind.lower()}", "inspect", new, found)
    left = " ".join(one.text for one in reader.read(painted, f"image/{kind.lower()}", "inspect").texts)
    assert ("Anna" in left, "Schmidt" in left, "2345678" in left) == (False, False, True)
    assert image.media_type_of(painted) == f"image/{kind.lower()}"


def test_a_machine_without_tesseract_says_what_to_install(picture, monkeypatch):
    monkeypatch.setenv("PATH", "/nowhere")
    found = Reader(("de",)).read(picture("PNG", "words"), "image/png", "inspect")
    assert found.inspectable is False
    assert "install Tesseract" in found.why


def test_a_language_without_data_is_named(picture):
    found = Reader(("de", "xx")).read(picture("PNG", "words"), "image/png", "inspect")
    assert (found.inspectable, "missing: xx" in found.why) == (False, True)


def test_a_film_and_a_huge_picture_are_not_read(reader):
    frames = [Image.new("RGB", (40, 40), colour) for colour in ("red", "blue")]
    out = io.BytesIO()
    frames[0].save(out, "GIF", save_all=True, append_images=frames[1:])
    assert reader.read(out.getvalue(), "image/gif", "inspect").inspectable is False
    out = io.BytesIO()
    Image.new("1", (9000, 9000)).save(out, "PNG")
    assert reader.read(out.getvalue(), "image/png", "inspect").inspectable is False


@given(
    st.sampled_from([b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"GIF89a", b"RIFF\x40\0\0\0WEBP"]), st.binary(max_size=200)
)
def test_whatever_follows_a_head_only_its_own_error_is_raised(head, rest):
    with contextlib.suppress(DocumentError):
        image.cleaned(head + rest, ())
