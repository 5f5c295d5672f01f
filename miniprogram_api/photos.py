"""Photos: uploaded first, then named by what they prove. What is kept is a clean picture, without a place."""

from io import BytesIO
from typing import Any
from uuid import UUID

from flask import Response, request
from marshmallow import Schema, fields
from werkzeug.exceptions import HTTPException
from werkzeug.formparser import MultiPartParser

from backend import bodies, clock, declarations, identity, photos
from backend.bodies import UnreadableBody, WrongContentType
from backend.declarations import PhotoUsed, TooManyPhotos
from backend.errors import NotFound
from backend.photos import MAX_BYTES, PHOTO_REFUSALS, TYPES, NoPhoto
from backend.strict_json import BodyTooLarge
from miniprogram_api.caller import house, member
from miniprogram_api.fields import Instant
from miniprogram_api.resource import Resource

resource = Resource("photos", __name__, description="照片 / Photos")

MULTIPART = "multipart/form-data"
#: What a form may have around its file.
_AROUND_BYTES, _PARTS = 16_384, 8
_PICTURE = {"type": "string", "format": "binary"}
_FORM = {"type": "object", "properties": {"photo": _PICTURE}, "required": ["photo"]}
_BODY = {
    "required": True,
    "content": {MULTIPART: {"schema": _FORM}, **{kind: {"schema": _PICTURE} for kind in TYPES if kind != "image/jpg"}},
}


class PhotoSchema(Schema):
    """A photo as it is kept: a JPEG with nothing beside the pixels. `taken_at`: when its camera said it was."""

    id = fields.UUID(required=True)
    width = fields.Integer(required=True)
    height = fields.Integer(required=True)
    size_bytes = fields.Integer(required=True)
    taken_at = Instant(required=True, allow_none=True)
    uploaded_at = Instant(required=True)
    deleted = fields.Boolean(required=True, metadata={"description": "the picture is gone, the record of it stays"})


@resource.operation(
    "POST",
    "/photos",
    answers=PhotoSchema,
    status=201,
    refuses=(*PHOTO_REFUSALS, TooManyPhotos, PhotoUsed, BodyTooLarge, UnreadableBody, WrongContentType),
)
@resource.doc(requestBody=_BODY)
def upload() -> dict[str, Any]:
    """Upload a photo

    A form with one file (as `wx.uploadFile` sends it) or the bytes themselves; JPEG, PNG or WebP, at most 5 MiB. The
    type is judged by the content. Place, camera and everything else beside the pixels is removed before it is kept;
    the time of capture is read out. A photo that no declaration names within a day is deleted. The same photo again
    is the same photo.
    """
    now = clock.now()
    with house().transaction() as tx:
        declarations.require_room(tx, member().holder_id, now=now)
    data, content_type, filename = _sent()
    clean = photos.clean(data, content_type=content_type, filename=filename)
    with house().transaction() as tx:
        identity.require_live_session(tx, member().session_id, member().holder_id, now=now)
        kept = declarations.keep_photo(tx, house().vault, member().holder_id, clean, now=now)
    return {
        "id": kept.id,
        "width": kept.width,
        "height": kept.height,
        "size_bytes": kept.size_bytes,
        "taken_at": kept.taken_at,
        "uploaded_at": kept.uploaded_at,
        "deleted": not kept.there,
    }


@resource.operation("GET", "/photos/<uuid:photo_id>", answers=None, refuses=(NotFound,))
@resource.doc(responses={"200": {"description": "the picture", "content": {"image/jpeg": {"schema": _PICTURE}}}})
def photo(photo_id: UUID) -> Response:
    """One of my photos, as it is kept"""
    with house().transaction() as tx:
        jpeg = declarations.picture(tx, house().vault, member().holder_id, photo_id)
    return Response(
        jpeg, content_type="image/jpeg", headers={"Content-Disposition": 'attachment; filename="photo.jpg"'}
    )


def _sent() -> tuple[bytes, str, str]:
    """The bytes of the one file, its declared type and its name. Nothing is written to a disk on the way."""
    bodies.require_type(request, (MULTIPART, *TYPES))
    if request.mimetype != MULTIPART:
        return bodies.read_body(request, max_bytes=MAX_BYTES), request.mimetype, ""
    body = bodies.read_body(request, max_bytes=MAX_BYTES + _AROUND_BYTES)
    boundary = request.mimetype_params.get("boundary", "")
    parser = MultiPartParser(
        stream_factory=lambda *_, **__: BytesIO(), max_form_memory_size=_AROUND_BYTES, max_form_parts=_PARTS
    )
    try:
        _, files = parser.parse(BytesIO(body), boundary.encode("latin-1"), len(body))
    except (ValueError, HTTPException) as error:
        raise UnreadableBody from error
    found = [file for _, file in files.items(multi=True)]
    if len(found) != 1:
        raise NoPhoto
    data = found[0].read()
    if len(data) > MAX_BYTES:
        raise BodyTooLarge(f"at most {MAX_BYTES} bytes", max_bytes=MAX_BYTES)
    return data, found[0].mimetype or "", found[0].filename or ""
