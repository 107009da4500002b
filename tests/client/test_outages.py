"""Camera unplugged, service killed, network hanging: a message, no traceback, and the client resumes by itself.

The client watches a network camera that can vanish, and sends to the service's application through a proxy that can
hang, delay and cut. The film of a real hand is played over and over.
"""

from __future__ import annotations

import http.server
import json
import subprocess
import sys
import threading
from contextlib import contextmanager
from pathlib import Path

import cv2
import pytest
from network import Proxy
from serving import METADATA, application, write_letters_model, write_model

from benchmarks.ports import reserved_port

ROOT = Path(__file__).parents[2]
WAIT = 30
QUIET = 0.7
"""Seconds in which ten frames would come."""


class Camera:
    """A network camera, motion JPEG over HTTP, that can be unplugged and plugged in again."""

    def __init__(self, film):
        capture = cv2.VideoCapture(str(film))
        self._pictures = []
        while (got := capture.read())[0]:
            self._pictures.append(cv2.imencode(".jpg", got[1])[1].tobytes())
        self._unplugged = threading.Event()
        self._server = None
        self.port = 0
        self.plug_in()

    def plug_in(self):
        camera = self
        self._unplugged.clear()

        class Pictures(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                self.send_response(200)
                self.send_header("Content-Type", "multipart/x-mixed-replace; boundary=next")
                self.end_headers()
                number = 0
                while not camera._unplugged.is_set():
                    jpeg = camera._pictures[number % len(camera._pictures)]
                    head = b"--next\r\nContent-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n" % len(jpeg)
                    try:
                        self.wfile.write(head + jpeg + b"\r\n")
                    except OSError:
                        return
                    number += 1
                    camera._unplugged.wait(1 / 15)  # the camera's rate

            def log_message(self, *_):
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", self.port), Pictures)
        self.port = self._server.server_address[1]
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def unplug(self):
        self._unplugged.set()
        self._server.shutdown()
        self._server.server_close()


class Client:
    """A headless client, its lines and its messages in the terminal."""

    def __init__(self, camera, server):
        self.process = subprocess.Popen(
            [sys.executable, "-m", "client", "--headless", "--source", f"http://127.0.0.1:{camera.port}/video",
             "--server", server],
            cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        self.lines, self.messages = [], []
        self._more = threading.Condition()
        for stream, into in ((self.process.stdout, self.lines), (self.process.stderr, self.messages)):
            threading.Thread(target=self._read, args=[stream, into]).start()

    def _read(self, stream, into):
        for line in stream:
            with self._more:
                into.append(line)
                self._more.notify_all()

    def resumes(self):
        """Wait for lines that come after this moment."""
        self.until(len(self.lines) + 5)

    def until(self, lines):
        with self._more:
            assert self._more.wait_for(lambda: len(self.lines) >= lines, WAIT), self.messages

    def reports(self, words):
        with self._more:
            came = self._more.wait_for(lambda: any(words in line for line in self.messages), WAIT)
            assert came, (self.messages, len(self.lines), self.process.poll())

    def has_stopped(self):
        """Check that no line comes, except those already on their way: at most one for each step."""
        with self._more:
            lines = len(self.lines) + 3
            assert not self._more.wait_for(lambda: len(self.lines) > lines, QUIET)

    def end(self):
        self.process.terminate()
        self.process.wait(20)


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return write_letters_model(tmp_path_factory.mktemp("model") / "model.onnx", "HE")


@contextmanager
def everything(film, service):
    """A camera, a service behind a proxy, and a running client."""
    camera = Camera(film)
    with Proxy(service) as proxy:
        client = Client(camera, proxy.address)
        try:
            client.until(5)
            yield client, camera, proxy
        finally:
            client.end()
            camera.unplug()
    assert "Traceback" not in "".join(client.messages)


@pytest.mark.slow
def test_a_camera_that_is_unplugged_and_plugged_in_again(he_video, service):
    with everything(he_video, service) as (client, camera, _):
        camera.unplug()
        client.reports("has stopped sending pictures")
        client.has_stopped()
        camera.plug_in()
        client.reports("The camera is back.")
        client.resumes()
        last = json.loads(client.lines[-1])
        assert last["hand"] is None or last["letter"] in ("H", "E")


@pytest.mark.slow
def test_a_network_that_cuts_delays_and_hangs(he_video, service):
    with everything(he_video, service) as (client, _, proxy):
        proxy.cut()
        client.reports("closed the connection")
        client.reports("The service is back.")
        client.resumes()
        proxy.delay = 0.15
        client.resumes()
        times = [json.loads(line)["time"] for line in client.lines[-4:]]
        assert times == sorted(times)
        assert times[-1] - times[0] > 3 * 0.2, "the newest frame wins, so a slow network means fewer frames, not older"
        proxy.delay = 0.0
        proxy.hang()
        client.reports("has not answered for 5 s")
        proxy.flow()
        client.resumes()


@pytest.mark.slow
def test_a_service_that_ends_and_starts_again(he_video, model, tmp_path):
    other = write_model(tmp_path / "other.onnx", METADATA | {"mask_version": "grey-0"})
    camera = Camera(he_video)
    with reserved_port() as port:
        client = Client(camera, f"http://127.0.0.1:{port}")
        try:
            with application(model, port):
                client.until(5)
            client.reports("Trying again.")
            with application(model, port):
                client.reports("The service is back.")
                client.resumes()
            with application(other, port):
                client.reports("expects masks of version 'grey-0'")
                client.has_stopped()
            with application(model, port):
                client.resumes()
        finally:
            client.end()
            camera.unplug()
    assert "Traceback" not in "".join(client.messages)
