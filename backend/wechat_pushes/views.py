"""HTTP for WeChat's servers: one address, which they try out when it is set up and then post to.

WeChat wants the word `success` within five seconds and asks three times in all, so a push that fails here (a database
in trouble) comes again.
"""

from typing import Any

from flask import Blueprint, Response, current_app, request

from backend import clock
from backend.bodies import read_body
from backend.wechat_pushes.obeying import obey
from backend.wechat_pushes.sealed import PushKeys, answer_handshake, open_push

blueprint = Blueprint("wechat_pushes", __name__)


def _house() -> Any:
    return current_app.extensions["house"]


@blueprint.get("/wechat/pushes")
def handshake() -> Response:
    """Say `echostr` back to WeChat."""
    echo = answer_handshake(PushKeys.of(_house().settings), request.args, now=clock.now())
    return Response(echo, content_type="text/plain")


@blueprint.post("/wechat/pushes")
def push() -> Response:
    """Obey one push."""
    keys, now = PushKeys.of(_house().settings), clock.now()
    told = open_push(keys, request.args, read_body(request), now=now)
    with _house().transaction() as tx:
        obey(tx, _house().vault, keys.appid, told, now=now)
    return Response("success", content_type="text/plain")
