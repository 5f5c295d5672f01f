"""The sandbox over real HTTP on a port of its own, with a worker that settles what comes."""

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from werkzeug.serving import make_server

import miniprogram_api
from backend import House, create_app, partners
from backend.sandbox import programme
from backend.settings import Settings


@contextmanager
def serving(database_url: str) -> Iterator[tuple[House, str]]:
    """The house and its address, with the programme of the sandbox and nobody in it."""
    app = create_app(Settings.for_tests(database_url=database_url))
    miniprogram_api.register(app)
    house: House = app.extensions["house"]
    with house.transaction() as tx:
        programme.load_programme(tx, house)
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = make_server("127.0.0.1", 0, app, threaded=True)
    stop = threading.Event()

    def work() -> None:
        while not stop.wait(0.05):
            partners.settle_waiting(house.sessions, house.vault, limit=40)

    threads = [threading.Thread(target=server.serve_forever), threading.Thread(target=work)]
    for thread in threads:
        thread.start()
    try:
        yield house, f"http://127.0.0.1:{server.server_port}"
    finally:
        stop.set()
        server.shutdown()
        for thread in threads:
            thread.join()
        server.server_close()
