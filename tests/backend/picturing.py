"""Pictures to upload, honest ones and others, made byte by byte where no library would make them."""

import struct
import zlib
from io import BytesIO
from typing import Any

from PIL import Image


def picture(side: int = 64, seed: int = 0, mode: str = "RGB") -> Image.Image:
    """A picture that looks like no picture of another seed."""
    made = Image.new("L", (side, side))
    state = seed * 7919 + 1
    blocks = []
    for _ in range(81):
        state = (state * 1103515245 + 12345) % 2**31
        blocks.append(state >> 23)
    small = Image.frombytes("L", (9, 9), bytes(blocks))
    made = small.resize((side, side), Image.Resampling.BICUBIC)
    return made.convert("RGB").convert(mode)


def encoded(made: Image.Image, kind: str = "JPEG", **options: Any) -> bytes:
    out = BytesIO()
    made.save(out, kind, **options)
    return out.getvalue()


def located(seed: int = 0, **tags: Any) -> bytes:
    """A photo as a telephone makes it: where, when, with which camera, lying on its side, with a comment."""
    exif = Image.Exif()
    exif[0x010F], exif[0x0112] = "PearPhone", 6
    exif.get_ifd(0x8769).update({0x9003: "2026:06:05 08:10:00", 0x9011: "+08:00"} | tags)
    exif.get_ifd(0x8825).update({1: "N", 2: (39.0, 54.0, 27.0), 3: "E", 4: (116.0, 23.0, 17.0)})
    lying = picture(64, seed).resize((64, 32))
    return encoded(lying, exif=exif, comment=b"home: 1 Example Street", xmp=b"<x:xmpmeta>at home</x:xmpmeta>")


def chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def png(width: int, height: int, *before: bytes, rows: bytes = b"") -> bytes:
    """A PNG of eight bits of grey, of any size it claims, with chunks before its pixels."""
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0))
    pixels = chunk(b"IDAT", zlib.compress(rows))
    return b"\x89PNG\r\n\x1a\n" + head + b"".join(before) + pixels + chunk(b"IEND", b"")


def segments(jpeg: bytes) -> list[int]:
    """The markers of a JPEG up to its pixels, read by the standard and not by a library."""
    assert jpeg[:2] == b"\xff\xd8"
    found, at = [], 2
    while jpeg[at + 1] != 0xDA:
        assert jpeg[at] == 0xFF
        found.append(jpeg[at + 1])
        at += 2 + struct.unpack(">H", jpeg[at + 2 : at + 4])[0]
    return found
