"""The program that opens a stranger's picture: it runs in a process of its own, under limits, and answers on stdout.

Run by path (`python -I …/photo_cleaning.py FORMAT`), so it imports nothing of the house. The first line of the answer
is JSON: what the picture is, or the code it is refused with; the clean JPEG follows. Decoders are the part of the house
that strangers reach most directly; what one of them does wrong ends this process and nothing else.
"""

import contextlib
import json
import resource
import sys
import warnings
from io import BytesIO
from typing import Any

from PIL import Image, ImageOps

#: Width × height; the largest sensors of telephones that are not asked for their special mode have 50 million.
MAX_PIXELS = 50_000_000
#: Passes over a progressive JPEG; encoders make about ten, and each costs as much as decoding the picture.
MAX_SCANS = 100
CPU_SECONDS, MEMORY_BYTES = 10, 1 << 30
#: The longest side and the quality that are tried until the clean picture has no more than MAX_CLEAN_BYTES.
SIZES = ((2048, 85), (2048, 70), (1280, 70), (960, 60))
MAX_CLEAN_BYTES = 1_000_000
NOT_A_PHOTO, DAMAGED, TOO_MANY_PIXELS, ANIMATED = (
    *("PHOTO_NOT_RECOGNISED", "PHOTO_DAMAGED", "PHOTO_TOO_MANY_PIXELS", "PHOTO_ANIMATED"),
)
#: A JPEG of several pictures (a preview beside the photo) is a JPEG whose first one counts.
_SEVERAL_IN_ONE = "MPO"
_TAKEN_AT, _OFFSET, _CAMERA = 0x9003, 0x9011, 0x8769


class Refused(Exception):
    """The picture is not taken; the message is the code."""


def clean(data: bytes, kind: str) -> tuple[dict[str, Any], bytes]:
    """What the picture shows and nothing that came with it, as a JPEG, and what is known of it. Raises Refused."""
    Image.MAX_IMAGE_PIXELS = MAX_PIXELS
    warnings.simplefilter("error", Image.DecompressionBombWarning)
    if kind == "JPEG" and data.count(b"\xff\xda") > MAX_SCANS:
        raise Refused(DAMAGED)
    picture = _opened(data, kind)
    taken_at = _taken_at(picture)
    try:
        picture.draft("RGB", (SIZES[0][0], SIZES[0][0]))
        picture.load()
        small = _plain(picture)
        small.thumbnail((SIZES[0][0], SIZES[0][0]), Image.Resampling.LANCZOS)
        shown = _on_white(_upright(small))
    except Exception as error:  # decoders raise whatever they like at what is broken
        raise Refused(DAMAGED) from error
    made = _encoded(shown)
    facts = {"width": made[1].width, "height": made[1].height, "likeness": _likeness(shown), "taken_at": taken_at}
    return facts, made[0]


def _opened(data: bytes, kind: str) -> Image.Image:
    """The picture before a pixel of it is decoded."""
    try:
        picture = Image.open(BytesIO(data), formats=(kind,))
        frames = 1 if picture.format == _SEVERAL_IN_ONE else getattr(picture, "n_frames", 1)
    except (Image.DecompressionBombWarning, Image.DecompressionBombError) as error:
        raise Refused(TOO_MANY_PIXELS) from error
    except Exception as error:
        raise Refused(NOT_A_PHOTO) from error
    if frames != 1:
        raise Refused(ANIMATED)
    if picture.width * picture.height > MAX_PIXELS:
        raise Refused(TOO_MANY_PIXELS)
    return picture


def _taken_at(picture: Image.Image) -> str | None:
    """When the camera says it was, as written there: local time, with an offset where the camera has one."""
    try:
        camera = picture.getexif().get_ifd(_CAMERA)
        return f"{camera[_TAKEN_AT]}{camera.get(_OFFSET, '')}".strip("\0 ")[:32]
    except Exception:  # most pictures have none, and broken ones are no reason to refuse what can be seen
        return None


def _upright(picture: Image.Image) -> Image.Image:
    try:
        return ImageOps.exif_transpose(picture)
    except Exception:  # a broken note about the orientation
        return picture


def _plain(picture: Image.Image) -> Image.Image:
    """Eight bits of each colour, by value and not by palette, so that it can be made smaller."""
    if picture.mode.startswith("I"):  # sixteen bits of grey
        grey = picture.convert("I").point(lambda value: value / 256).convert("L")
        grey.info = picture.info
        return grey
    if "transparency" in picture.info or picture.mode == "PA":
        return picture.convert("RGBA")
    return picture.convert("RGB") if picture.mode in ("P", "1", "F", "CMYK", "YCbCr", "LAB", "HSV") else picture


def _on_white(picture: Image.Image) -> Image.Image:
    """Red, green and blue; what is transparent is white."""
    if picture.mode in ("RGBA", "LA", "La", "RGBa"):
        seen = picture.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", seen.size, "white"), seen).convert("RGB")
    return picture.convert("RGB")


def _encoded(shown: Image.Image) -> tuple[bytes, Image.Image]:
    """The JPEG and the picture in it, with nothing beside the pixels."""
    for longest, quality in SIZES:
        small = shown.copy()
        small.thumbnail((longest, longest), Image.Resampling.LANCZOS)
        bare = Image.frombytes("RGB", small.size, small.tobytes())  # no info of its origin travels along
        out = BytesIO()
        bare.save(out, "JPEG", quality=quality, optimize=True)
        if out.tell() <= MAX_CLEAN_BYTES:
            break
    return out.getvalue(), bare


def _likeness(shown: Image.Image) -> str:
    """The difference hash (dHash) of 64 bits, in hexadecimal: pictures that look alike differ in few of them."""
    grey = shown.convert("L").resize((9, 8), Image.Resampling.LANCZOS).tobytes()
    bits = 0
    for row in range(8):
        for column in range(8):
            place = row * 9 + column
            bits = bits << 1 | (grey[place] > grey[place + 1])
    return f"{bits:016x}"


def main() -> None:
    """One picture from stdin, one answer to stdout."""
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))
    with contextlib.suppress(ValueError, OSError):  # not every system limits addresses
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    try:
        facts, made = clean(sys.stdin.buffer.read(), sys.argv[1])
    except Refused as refused:
        facts, made = {"refused": str(refused)}, b""
    sys.stdout.buffer.write(json.dumps(facts).encode() + b"\n" + made)


if __name__ == "__main__":
    main()
