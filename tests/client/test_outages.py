"""Camera unplugged, service killed, network hanging: a message, no traceback, and the client resumes by itself.

The client watches a network camera that can vanish, through a proxy that can hang, delay and cut. The film of a real
hand is played over and over.
"""

from __future__ import annotations

import asyncio
import http.server
import json
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from pathlib import Path

import cv2
import pytest
from spelling_service import SpellingService, running
from test_connection import free_port

ROOT = Path(__file__).parents[2]
WAIT = 30


class Camera:
    """A network camera, motion JPEG over HTTP, that can be unplugged and plugged in again."""

    def __init__(self, film):
        capture = cv2.VideoCapture(str(film))
        self._pictures = []
        while (got := capture.read())[0]:
            self._pictures.append(cv2.imencode(".jpg", got[1])[1].tobytes())
        self.port = free_port()
        self._unplugged = threading.Event()
        self._server = None
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
                    time.sleep(1 / 15)

            def log_message(self, *_):
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", self.port), Pictures)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def unplug(self):
        self._unplugged.set()
        self._server.shutdown()
        self._server.server_close()


class Proxy:
    """Forwards bytes between the client and the service, unless it is set to delay or hang."""

    def __init__(self, target):
        self._target, self.delay, self.hangs = target, 0.0, False
        self._writers = []
        self._loop = asyncio.new_event_loop()
        self.port = free_port()
        threading.Thread(target=self._run, daemon=True).start()

    def cut(self):
        self._loop.call_soon_threadsafe(lambda: [writer.transport.abort() for writer in self._writers])

    def _run(self):
        self._loop.run_until_complete(asyncio.start_server(self._connect, "127.0.0.1", self.port))
        self._loop.run_forever()

    async def _connect(self, reader, writer):
        try:
            there, back = await asyncio.open_connection("127.0.0.1", self._target)
        except OSError:
            writer.close()
            return
        self._writers += [writer, back]
        await asyncio.gather(self._pass(reader, back), self._pass(there, writer), return_exceptions=True)

    async def _pass(self, reader, writer):
        while data := await reader.read(1 << 16):
            await asyncio.sleep(self.delay)
            while self.hangs:
                await asyncio.sleep(0.05)
            writer.write(data)
            await writer.drain()
        writer.close()


class Client:
    """A headless client, its lines and its messages in the terminal."""

    def __init__(self, camera, server):
        self.process = subprocess.Popen(
            [sys.executable, "-m", "client", "--headless", "--source", f"http://127.0.0.1:{camera.port}/video",
             "--server", f"http://127.0.0.1:{server}"],
            cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        self.lines, self.messages = [], []
        for stream, into in ((self.process.stdout, self.lines), (self.process.stderr, self.messages)):
            threading.Thread(target=lambda stream=stream, into=into: into.extend(iter(stream.readline, ""))).start()

    def resumes(self):
        """Wait for lines that come after this moment."""
        self.until(len(self.lines) + 5)

    def until(self, lines):
        deadline = time.monotonic() + WAIT
        while len(self.lines) < lines:
            assert self.process.poll() is None, self.messages
            assert time.monotonic() < deadline, self.messages
            time.sleep(0.05)

    def reports(self, words):
        deadline = time.monotonic() + WAIT
        while not any(words in line for line in self.messages):
            assert time.monotonic() < deadline, (self.messages, len(self.lines), self.process.poll())
            time.sleep(0.05)

    def has_stopped(self):
        """Check that no lines come, except those already on their way."""
        time.sleep(0.5)
        before = len(self.lines)
        time.sleep(0.5)
        assert len(self.lines) == before

    def end(self):
        self.process.terminate()
        self.process.wait(20)


@contextmanager
def everything(film):
    """A camera, a service behind a proxy, and a running client."""
    camera, port = Camera(film), free_port()
    with running(SpellingService(), port):
        proxy = Proxy(port)
        client = Client(camera, proxy.port)
        try:
            client.until(5)
            yield client, camera, proxy
        finally:
            client.end()
            camera.unplug()
    assert "Traceback" not in "".join(client.messages)


@pytest.mark.slow
def test_a_camera_that_is_unplugged_and_plugged_in_again(he_video):
    with everything(he_video) as (client, camera, _):
        camera.unplug()
        client.reports("has stopped sending pictures")
        client.has_stopped()
        camera.plug_in()
        client.reports("The camera is back.")
        client.resumes()
        assert json.loads(client.lines[-1])["hand"] is None or json.loads(client.lines[-1])["letter"] == "A"


@pytest.mark.slow
def test_a_network_that_cuts_delays_and_hangs(he_video):
    with everything(he_video) as (client, _, proxy):
        proxy.cut()
        client.reports("closed the connection")
        client.reports("The service is back.")
        client.resumes()
        proxy.delay = 0.15
        client.resumes()
        times = [json.loads(line)["time"] for line in client.lines[-4:]]
        assert times == sorted(times)
        assert times[-1] - times[0] > 3 * 0.2, "the newest frame wins, so a slow network means fewer frames, not older"
        proxy.delay, proxy.hangs = 0.0, True
        client.reports("has not answered for 5 s")
        proxy.hangs = False
        client.resumes()


@pytest.mark.slow
def test_a_service_that_ends_and_starts_again(he_video):
    camera, port = Camera(he_video), free_port()
    client = None
    try:
        with running(SpellingService(), port):
            client = Client(camera, port)
            client.until(5)
        client.reports("Trying again.")
        with running(SpellingService(), port):
            client.reports("The service is back.")
            client.resumes()
        with running(SpellingService(mask_version="grey-0"), port):
            client.reports("expects masks of version 'grey-0'")
            client.has_stopped()
        with running(SpellingService(), port):
            client.resumes()
    finally:
        client.end()
        camera.unplug()
    assert "Traceback" not in "".join(client.messages)
