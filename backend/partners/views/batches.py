"""Batches: many events under one signature, answered line by line."""

import json
from threading import BoundedSemaphore

from flask import Blueprint, Response, request
from werkzeug.exceptions import TooManyRequests

from backend.bodies import read_body, require_type
from backend.partners.batches import MAX_BYTES, TARGET
from backend.partners.views.asking import house

#: The first is what we call it.
NDJSON = ("application/x-ndjson", "application/ndjson", "application/jsonl")
#: Batches one process takes in at the same time, so that webhooks find threads and memory beside them.
AT_ONCE = 2
COME_BACK_SECONDS = 5

blueprint = Blueprint("batches", __name__)
_places = BoundedSemaphore(AT_ONCE)


@blueprint.post(TARGET)
def events_batch() -> Response:
    """Take up to 10,000 events in and answer a line for each, in their order; 429 while others are being taken in.

    A piece of lines is answered once it is on disk: a connection that breaks loses nothing that was answered.
    """
    if not _places.acquire(blocking=False):
        raise TooManyRequests(retry_after=COME_BACK_SECONDS)
    try:
        require_type(request, NDJSON)
        body = read_body(request, max_bytes=MAX_BYTES)
        pieces = house().gate.take_in_batch(request.headers.get("webhook-partner", ""), request.headers, body)
    except BaseException:
        _places.release()
        raise
    written = ("".join(json.dumps(line, ensure_ascii=False, default=str) + "\n" for line in piece) for piece in pieces)
    response = Response(written, mimetype=NDJSON[0])
    response.call_on_close(_places.release)
    return response
