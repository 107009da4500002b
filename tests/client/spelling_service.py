"""A small service that speaks the protocol of GET /model and WS /stream."""

from __future__ import annotations

import json
import struct
import threading
from contextlib import contextmanager
from http import HTTPStatus
from urllib.parse import parse_qsl, urlsplit

import cv2
import numpy as np
from websockets.exceptions import ConnectionClosed
from websockets.sync.server import serve

from client.mask import MASK_VERSION

COMMIT_AFTER = 5


class SpellingService:
    """Commits the next letter of its word after a hand in `COMMIT_AFTER` messages in a row."""

    def __init__(
        self,
        word="HELLOWORLD",
        mask_version=MASK_VERSION,
        hang_up_after=None,
        error=None,
        silent=False,
        refusal="",
        late=False,
    ):
        self.word, self.mask_version = word, mask_version
        self.hang_up_after, self.error, self.silent = hang_up_after, error, silent
        self.refusal, self.late = refusal, late
        self.masks, self.times, self.options = [], [], {}

    def answer_http(self, connection, request):
        if request.path == "/model":
            about = {"classes": sorted(set(self.word)), "mask_version": self.mask_version, "architecture": "none"}
            return connection.respond(HTTPStatus.OK, json.dumps({**about, "data_hash": "0" * 32}))
        if self.refusal:
            return connection.respond(HTTPStatus.SERVICE_UNAVAILABLE, self.refusal)
        return None if request.path.startswith("/stream?") else connection.respond(HTTPStatus.NOT_FOUND, "")

    def stream(self, socket):
        self.options = dict(parse_qsl(urlsplit(socket.request.path).query))
        letters, hands = iter(self.word), 0
        try:
            for sequence, message in enumerate(socket):
                if sequence == self.hang_up_after:
                    socket.close(1011, "out of memory")
                    return
                if self.silent:
                    continue
                if self.error is not None:
                    socket.send(json.dumps({"sequence": sequence, "error": self.error}))
                    continue
                if "timed" in self.options:
                    self.times.append(struct.unpack_from(">d", message)[0])
                png = message[8 if "timed" in self.options else 0 :]
                hands = hands + 1 if png else 0
                if png:
                    self.masks.append(cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_COLOR_RGB))
                committed = next(letters, None) if hands == COMMIT_AFTER else None
                letter, confidence = ("A", 0.75) if png else (None, 0.0)
                reply = {"sequence": sequence, "letter": letter, "confidence": confidence}
                if self.late and sequence:
                    socket.send(json.dumps({**reply, "sequence": sequence - 1, "smoothed": None, "committed": None}))
                socket.send(json.dumps({**reply, "smoothed": letter, "committed": committed}))
        except ConnectionClosed:
            return


@contextmanager
def running(service, port=0):
    """Serve on a port of loopback, a free one if it is 0; gives the address for --server."""
    with serve(service.stream, "127.0.0.1", port, process_request=service.answer_http) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.socket.getsockname()[1]}"
        server.shutdown()
        thread.join()
