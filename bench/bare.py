"""The reference of the webhook benchmark: a bare Flask view that inserts the body into a plain table, nothing else.

No signature, no reading of the body, no encryption, one index. `/core` inserts by a SQLAlchemy Core statement in a
transaction on a pooled engine; `/psycopg` by psycopg in autocommit on a connection per thread, the fastest way there is
from Python.
"""

import os
from threading import local

import psycopg
from flask import Flask, Response, jsonify, request
from sqlalchemy import Column, DateTime, LargeBinary, MetaData, Table, Text, create_engine, func, insert

received = Table(
    "received",
    MetaData(),
    Column("event_id", Text, primary_key=True),
    Column("body", LargeBinary, nullable=False),
    Column("received_at", DateTime(timezone=True), server_default=func.now(), nullable=False),
)
app = Flask(__name__)
engine = create_engine(os.environ["BENCH_DATABASE_URL"], pool_size=10, max_overflow=10)
mine = local()


@app.post("/core")
def through_core() -> tuple[Response, int]:
    row = {"event_id": request.headers["webhook-id"], "body": request.get_data()}
    with engine.begin() as connection:
        connection.execute(insert(received), row)
    return jsonify({"status": "accepted"}), 202


@app.post("/psycopg")
def through_psycopg() -> tuple[Response, int]:
    if not hasattr(mine, "connection"):
        mine.connection = psycopg.connect(os.environ["BENCH_DATABASE_URL"].replace("+psycopg", ""), autocommit=True)
    row = (request.headers["webhook-id"], request.get_data())
    mine.connection.execute("INSERT INTO received (event_id, body) VALUES (%s, %s)", row)
    return jsonify({"status": "accepted"}), 202
