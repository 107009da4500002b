"""What a service with a trail network tells and takes: it keeps what it is sent, and replies what it is told to."""

from __future__ import annotations

import json
import threading
from contextlib import contextmanager

from websockets.exceptions import ConnectionClosed
from websockets.sync.server import serve

from client.mask import MASK_VERSION, TRAIL_VERSION

REPLY = {"letter": None, "confidence": 0.0, "smoothed": None, "committed": None, "progress": 0.0, "segments": []}


class TrailService:
    """A service on loopback whose stream replies with `replies`, one after another, and then with nothing seen."""

    def __init__(self, *replies, trail_version=TRAIL_VERSION):
        self.replies, self.paths, self.received = list(replies), [], []
        trail = {"version": "0" * 12, "classes": ["J", "Z", "nothing"], "architecture": "custom_cnn", "provider": "CPU"}
        trail |= {"trail_version": trail_version}
        self.about = {"mask_version": MASK_VERSION, "smoothing": {"threshold": 0.5}}
        self.about |= {"trail": trail if trail_version else None}

    @contextmanager
    def running(self):
        with serve(self._stream, "127.0.0.1", 0, process_request=self._answer) as server:
            thread = threading.Thread(target=server.serve_forever)
            thread.start()
            yield f"http://127.0.0.1:{server.socket.getsockname()[1]}"
            server.shutdown()
            thread.join()

    def _answer(self, connection, request):
        self.paths.append(request.path)
        return connection.respond(200, json.dumps(self.about)) if request.path == "/model" else None

    def _stream(self, connection):
        try:
            for sequence, message in enumerate(connection):
                self.received.append(message)
                reply = self.replies.pop(0) if self.replies else {}
                connection.send(json.dumps(REPLY | reply | {"sequence": sequence}))
        except ConnectionClosed:
            pass
