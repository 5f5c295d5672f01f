"""Photos are what their bytes are: made anew with nothing beside the pixels, or refused with a code."""

import zlib
from datetime import UTC, datetime
from io import BytesIO

import pytest
from PIL import Image

from backend import photo_cleaning, photos
from backend.errors import Refusal
from tests.backend.picturing import chunk, encoded, located, picture, png, segments

SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'
BOMB = zlib.compress(bytes(200_000_000), 9)


def test_nothing_but_pixels_is_kept_of_a_photo() -> None:
    given = located()
    assert b"PearPhone" in given and b"Example Street" in given and b"at home" in given
    made = photos.clean(given, content_type="image/jpeg", filename="IMG_0001.JPG")
    assert set(segments(made.jpeg)) <= {0xE0, 0xDB, 0xC0, 0xC4}, "neither EXIF (E1), ICC (E2) nor a comment (FE)"
    for said in (b"Exif", b"PearPhone", b"Example", b"home", b"xmpmeta"):
        assert said not in made.jpeg
    assert (made.width, made.height) == (32, 64), "upright"
    assert made.taken_at == datetime(2026, 6, 5, 0, 10, tzinfo=UTC)
    assert photos.clean(given).sha256 == made.sha256, "the same photo is the same bytes"


@pytest.mark.parametrize("taken", ["", "0000:00:00 00:00:00", "2026:13:05 08:10:00", "x" * 99, b"\xff\xfe", 7])
def test_a_broken_clock_of_a_camera_says_nothing(taken: object) -> None:
    facts, _ = photo_cleaning.clean(located(**{}) if taken == "" else _dated(taken), "JPEG")
    assert taken == "" or photos._instant(facts["taken_at"]) is None


def _dated(taken: object) -> bytes:
    exif = Image.Exif()
    exif.get_ifd(0x8769)[0x9003] = taken
    return encoded(picture(), exif=exif)


ODD = {
    "grey": encoded(picture(mode="L")),
    "cmyk": encoded(picture(mode="CMYK")),
    "progressive": encoded(picture(), progressive=True),
    "16 bit": encoded(Image.frombytes("I;16", (16, 16), bytes(range(256)) * 2), "PNG"),
    "palette": encoded(picture().quantize(8), "PNG", transparency=0),
    "black and white": encoded(picture(mode="1"), "PNG"),
    "transparent": encoded(picture(mode="RGBA"), "PNG"),
    "grey and transparent": encoded(picture(mode="LA"), "PNG"),
    "webp": encoded(picture(), "WEBP"),
    "a preview beside it": encoded(picture(), "MPO", save_all=True, append_images=[picture(16)]),
    "something behind it": encoded(picture()) + b"PK\x03\x04 a motion photo",
    "one pixel": encoded(picture(1)),
    "a thin line": encoded(picture().resize((3000, 1)), "PNG"),
}


@pytest.mark.parametrize("given", ODD.values(), ids=list(ODD))
def test_every_kind_of_photo_becomes_the_same_kind_of_photo(given: bytes) -> None:
    kind = next(name for name, begins in photos._BEGINS.items() if begins.match(given))
    facts, made = photo_cleaning.clean(given, kind)
    again = Image.open(BytesIO(made))
    assert (again.format, again.mode, again.size) == ("JPEG", "RGB", (facts["width"], facts["height"]))
    assert set(segments(made)) <= {0xE0, 0xDB, 0xC0, 0xC4} and b"motion" not in made


def test_a_large_photo_becomes_small_and_keeps_its_likeness() -> None:
    large = picture(3000)
    facts, made = photo_cleaning.clean(encoded(large, quality=95), "JPEG")
    assert (facts["width"], facts["height"]) == (2048, 2048) and len(made) < photo_cleaning.MAX_CLEAN_BYTES
    likeness = int(facts["likeness"], 16)

    def distance(other: bytes) -> int:
        return (int(photo_cleaning.clean(other, "JPEG")[0]["likeness"], 16) ^ likeness).bit_count()

    assert distance(encoded(large.resize((500, 500)), quality=40)) <= 3
    assert distance(encoded(picture(64, seed=5))) > 10


HOSTILE = {
    "nothing": (b"", "", "", photos.NoPhoto),
    "a text": (b"hello", "image/jpeg", "a.jpg", photos.PhotoNotRecognised),
    "gif called jpeg": (encoded(picture(), "GIF"), "image/jpeg", "a.jpg", photos.PhotoNotRecognised),
    "tiff": (encoded(picture(), "TIFF"), "image/tiff", "a.tif", photos.PhotoNotRecognised),
    "bmp": (encoded(picture(), "BMP"), "", "", photos.PhotoNotRecognised),
    "svg with a script": (SVG, "image/svg+xml", "a.svg", photos.PhotoNotRecognised),
    "svg called png": (SVG, "image/png", "a.png", photos.PhotoNotRecognised),
    "html behind a photo": (
        encoded(picture()) + b"<!DOCTYPE html><html>", "image/jpeg", "", photos.PhotoNotRecognised
    ),
    "a script in a comment": (encoded(picture(), comment=b"<SCRIPT src=x>"), "", "", photos.PhotoNotRecognised),
    "php in a photo": (encoded(picture()) + b"<?php system(1)", "", "", photos.PhotoNotRecognised),
    "a pdf as well": (encoded(picture(), comment=b"%PDF-1.7"), "", "", photos.PhotoNotRecognised),
    "png called jpeg": (encoded(picture(), "PNG"), "image/jpeg", "", photos.PhotoTypeLies),
    "jpeg that ends in png": (encoded(picture()), "", "a.png", photos.PhotoTypeLies),
    "jpeg that ends in exe": (encoded(picture()), "", "a.jpg.exe", photos.PhotoTypeLies),
    "jpeg declared as text": (encoded(picture()), "text/html", "", photos.PhotoTypeLies),
    "cut off": (encoded(picture(300))[:-2000], "", "", photos.PhotoDamaged),
    "only a beginning": (b"\xff\xd8\xff\xe0", "", "", photos.PhotoNotRecognised),
    "a hole": (encoded(picture(), "PNG")[:60] + bytes(40), "", "", photos.PhotoDamaged),
    "fifty thousand squared": (png(50_000, 50_000), "", "", photos.PhotoTooManyPixels),
    "more rows than there are": (png(4_000, 4_000, rows=bytes(10)), "", "", photos.PhotoDamaged),
    "a bomb among its texts": (png(1, 1, chunk(b"zTXt", b"a\0\0" + BOMB), rows=b"\0\0"), "", "", None),
    "a bomb of colours": (png(1, 1, chunk(b"iCCP", b"a\0\0" + BOMB), rows=b"\0\0"), "", "", None),
    "moving webp": (
        encoded(picture(), "WEBP", save_all=True, append_images=[picture(64, 1)]), "", "", photos.PhotoAnimated
    ),
    "moving png": (
        encoded(picture(), "PNG", save_all=True, append_images=[picture(64, 1)]), "", "", photos.PhotoAnimated
    ),
    "a thousand passes": (b"\xff\xd8\xff" + b"\xff\xda\0\x02" * 1_000, "", "", photos.PhotoDamaged),
}


@pytest.mark.parametrize(("given", "content_type", "name", "refusal"), HOSTILE.values(), ids=list(HOSTILE))
def test_what_is_no_photo_is_refused(
    given: bytes, content_type: str, name: str, refusal: type[Refusal] | None
) -> None:
    assert len(given) < photos.MAX_BYTES
    if refusal is None:  # its decoder stops unpacking, and takes the pixels or nothing
        try:
            assert b"\0" * 100 not in photos.clean(given).jpeg
        except photos.PHOTO_REFUSALS:
            return
        return
    with pytest.raises(refusal):
        photos.clean(given, content_type=content_type, filename=name)


def test_the_program_has_little_time_and_memory(monkeypatch: pytest.MonkeyPatch, tmp_path) -> None:
    program = photos._PROGRAM.read_text("utf-8")
    program = program.replace("CPU_SECONDS, MEMORY_BYTES = 10", "CPU_SECONDS, MEMORY_BYTES = 1")
    for wrong in ("while True: pass", "bytes(1 << 32)", "import os; os.abort()"):
        limited = tmp_path / "program.py"
        limited.write_text(program.replace("    taken_at = _taken_at(picture)\n", f"    {wrong}\n"), "utf-8")
        monkeypatch.setattr(photos, "_PROGRAM", limited)
        with pytest.raises(photos.PhotoDamaged):
            photos.clean(encoded(picture()))
