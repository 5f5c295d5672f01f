"""The reference of the leaderboard benchmark: a bare Flask view with the same reads of Redis and the same token check.

One script call finds the member's rank and the places around them, as in the program; the view turns the numbers into
scores and answers with them. No component, no reading of parameters, no names for those who have none, no ranks of
others, no tag.
"""

import os

import redis
from flask import Flask, Response, jsonify, request

from backend import clock, identity
from backend.campaigns.boards.redis import SCRIPTS, Keys, score_in
from backend.settings import Settings
from bench.leaderboard_members import CODE

app = Flask(__name__)
(secret,) = Settings.for_tests(database_url="").token_keys
client = redis.Redis.from_url(os.environ["REDIS_URL"], decode_responses=True)
read = client.register_script((SCRIPTS / "read.lua").read_text("utf-8"))
keys = Keys(CODE)
parts = (keys.state, keys.places("all", "grams"), keys.hidden("all", "grams"), keys.who, keys.names)


@app.get("/around")
def around() -> Response:
    claims = identity.read_access([secret], request.headers["Authorization"].partition(" ")[2], clock.now())
    found = read(keys=parts, args=(claims.holder_id.hex, 1, 11))
    rows = found[10]
    places = [{"id": id, "score": score_in(number)} for id, number in zip(rows[::2], rows[1::2], strict=True)]
    return jsonify({"rank": found[6] + 1, "people": found[2], "places": places, "names": found[11]})
