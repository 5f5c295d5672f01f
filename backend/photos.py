"""Pictures that strangers send: judged by their content, never by what they are called, and made anew.

What is kept is a JPEG of our own making that holds pixels and nothing else: no place, no camera, no preview, no
comment, no second file behind the first. The instant of capture is read out before, because it helps whoever reviews
an act. The decoding happens in a process of its own (`photo_cleaning.py`) under limits of time and memory.
"""

import hashlib
import json
import re
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from threading import BoundedSemaphore
from typing import Any

from backend import clock
from backend.errors import Refusal

MAX_BYTES = 5 * 1024 * 1024
#: How each accepted format begins, the content types and the endings it may be declared as.
_BEGINS = {
    "JPEG": re.compile(rb"\xff\xd8\xff"),
    "PNG": re.compile(rb"\x89PNG\r\n\x1a\n"),
    "WEBP": re.compile(rb"RIFF.{4}WEBP", re.DOTALL),
}
TYPES = {"image/jpeg": "JPEG", "image/jpg": "JPEG", "image/png": "PNG", "image/webp": "WEBP"}
_ENDINGS = {"jpg": "JPEG", "jpeg": "JPEG", "png": "PNG", "webp": "WEBP"}
#: Said of a part whose kind nobody stated.
_UNSTATED = ("", "application/octet-stream")
#: What a picture has no reason to hold, and what a browser or an interpreter looks for wherever it stands.
_SOMETHING_ELSE = re.compile(rb"<script|<!doctype|<html|<svg|<iframe|<\?php|%PDF-1", re.IGNORECASE)
_PROGRAM = Path(__file__).with_name("photo_cleaning.py")
#: How long an answer is waited for; the limit of the processor's time is the program's own.
_PATIENCE_S = 30
#: So many pictures are decoded at once by one process, and for so long others wait for a place.
_AT_ONCE, _WAIT_S = 2, 10
_places = BoundedSemaphore(_AT_ONCE)
_TAKEN_AT = re.compile(r"([0-9]{4}):([0-9]{2}):([0-9]{2}) ([0-9]{2}:[0-9]{2}:[0-9]{2})([+-][0-9]{2}:[0-9]{2})?")


class NoPhoto(Refusal):
    code = "NO_PHOTO"
    title = "请求中没有照片，应有且只有一个文件 / There is no photo in the request; send one file"


class PhotoTypeLies(Refusal):
    """The content type or the ending of the name says another format than the bytes."""

    code = "PHOTO_TYPE_LIES"
    status = 415
    title = "文件类型与内容不符 / The file is not what it is declared as"


class PhotoNotRecognised(Refusal):
    code = "PHOTO_NOT_RECOGNISED"
    status = 415
    title = "只接受 JPEG、PNG 或 WebP 照片 / Only photos as JPEG, PNG or WebP are taken"


class PhotoDamaged(Refusal):
    """The picture cannot be decoded to its end, or not within the limits of time and memory."""

    code = "PHOTO_DAMAGED"
    title = "照片已损坏，无法读取 / The photo is damaged and cannot be read"


class PhotoTooManyPixels(Refusal):
    code = "PHOTO_TOO_MANY_PIXELS"
    title = "照片像素过多 / The photo has too many pixels"


class PhotoAnimated(Refusal):
    code = "PHOTO_ANIMATED"
    title = "不接受动图 / Moving pictures are not taken"


class PhotosBusy(Refusal):
    code = "PHOTOS_BUSY"
    status = 503
    title = "照片处理繁忙，请稍后重试 / Too many photos at once, please try again shortly"
    retry_after_s = 10


PHOTO_REFUSALS: tuple[type[Refusal], ...] = (
    *(NoPhoto, PhotoTypeLies, PhotoNotRecognised, PhotoDamaged, PhotoTooManyPixels, PhotoAnimated, PhotosBusy),
)
_BY_CODE = {refusal.code: refusal for refusal in PHOTO_REFUSALS}


@dataclass(frozen=True, slots=True)
class CleanPhoto:
    """A JPEG of our making. `likeness`: its 64 bits of difference hash, most significant first; `taken_at`: when the
    camera says it was, which anybody can forge."""

    jpeg: bytes
    width: int
    height: int
    likeness: bytes
    taken_at: datetime | None

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.jpeg).hexdigest()


def clean(data: bytes, *, content_type: str = "", filename: str = "") -> CleanPhoto:
    """A stranger's file as a clean photo. What it is called must not contradict what it is; it need not say anything.

    Raises one of PHOTO_REFUSALS.
    """
    if not data:
        raise NoPhoto
    kind = next((name for name, begins in _BEGINS.items() if begins.match(data)), None)
    if kind is None or _SOMETHING_ELSE.search(data):
        raise PhotoNotRecognised(accepted=["image/jpeg", "image/png", "image/webp"])
    ending = filename.rpartition(".")[2].lower() if "." in filename else ""
    declared = None if content_type.lower() in _UNSTATED else TYPES.get(content_type.lower(), "")
    if declared not in (None, kind) or (ending and _ENDINGS.get(ending) != kind):
        raise PhotoTypeLies(found=kind)
    facts, jpeg = _decoded(data, kind)
    return CleanPhoto(
        jpeg, facts["width"], facts["height"], bytes.fromhex(facts["likeness"]), _instant(facts["taken_at"])
    )


def _decoded(data: bytes, kind: str) -> tuple[Mapping[str, Any], bytes]:
    if not _places.acquire(timeout=_WAIT_S):
        raise PhotosBusy
    try:
        command = [sys.executable, "-I", str(_PROGRAM), kind]
        done = subprocess.run(command, input=data, capture_output=True, timeout=_PATIENCE_S, env={}, check=False)
    except subprocess.TimeoutExpired as error:
        raise PhotoDamaged from error
    finally:
        _places.release()
    head, _, jpeg = done.stdout.partition(b"\n")
    if done.returncode or not head:  # ended by a limit, or by what the picture did to its decoder
        raise PhotoDamaged
    facts = json.loads(head)
    if "refused" in facts:
        raise _BY_CODE[facts["refused"]]
    return facts, jpeg


def _instant(text: str | None) -> datetime | None:
    """What the camera wrote, in Shanghai where it names no offset; None for anything that is no instant."""
    found = _TAKEN_AT.fullmatch(text or "")
    if found is None:
        return None
    year, month, day, time, offset = found.groups()
    try:
        instant = datetime.fromisoformat(f"{year}-{month}-{day}T{time}{offset or ''}")
        if instant.tzinfo is None:
            instant = instant.replace(tzinfo=clock.SHANGHAI)
        return clock.parse_instant(instant.isoformat())
    except (ValueError, OverflowError):
        return None
