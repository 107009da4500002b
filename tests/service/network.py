"""A network between the client and the service that can hang, delay and cut, and ports that speak something else."""

from __future__ import annotations

import asyncio
import socket
import threading
from contextlib import contextmanager


class Proxy:
    """Forwards bytes between the client and the service, and keeps what the client sent.

    It takes connections while there is no service, and then ends them. `flows` is cleared while the network hangs.
    """

    def __init__(self, target):
        self.target, self.delay, self.sent = int(target.rpartition(":")[2]), 0.0, b""
        self._writers, self._loop = [], asyncio.new_event_loop()
        self._flows = asyncio.Event()
        self._flows.set()
        listener = socket.create_server(("127.0.0.1", 0))
        self.address = f"http://127.0.0.1:{listener.getsockname()[1]}"
        self._thread = threading.Thread(target=self._run, args=[listener], daemon=True)
        self._thread.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()

    def cut(self):
        self._loop.call_soon_threadsafe(lambda: [writer.transport.abort() for writer in self._writers])

    def hang(self):
        self._loop.call_soon_threadsafe(self._flows.clear)

    def flow(self):
        self._loop.call_soon_threadsafe(self._flows.set)

    def _run(self, listener):
        self._loop.run_until_complete(asyncio.start_server(self._connect, sock=listener))
        self._loop.run_forever()

    async def _connect(self, reader, writer):
        try:
            there, back = await asyncio.open_connection("127.0.0.1", self.target)
        except OSError:
            writer.close()
            return
        self._writers += [writer, back]
        await asyncio.gather(self._pass(reader, back, keep=True), self._pass(there, writer), return_exceptions=True)

    async def _pass(self, reader, writer, *, keep=False):
        while data := await reader.read(1 << 16):
            if keep:
                self.sent += data
            await asyncio.sleep(self.delay)
            await self._flows.wait()
            writer.write(data)
            await writer.drain()
        writer.close()


@contextmanager
def door(*answers, greets=False, tls=None):
    """Listen on a port of loopback and give each connection the next answer, the last one again and again.

    Args:
        answers: bytes that are sent before the connection is closed, or None: it says nothing and stays open.
        greets: whether it sends them at once instead of waiting for a request, as SSH and SMTP do.
        tls: an SSL context to wrap connections in.
    """
    ended, open_ones = threading.Event(), []

    def serve(listener):
        turns = list(answers)
        while True:
            connection, _ = listener.accept()
            if ended.is_set():
                return
            answer = turns.pop(0) if len(turns) > 1 else turns[0]
            try:
                if tls is not None:
                    connection = tls.wrap_socket(connection, server_side=True)
                if not greets:
                    connection.recv(1 << 16)
                if answer is None:
                    open_ones.append(connection)
                    continue
                connection.sendall(answer)
            except OSError:
                pass
            connection.close()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        address = f"127.0.0.1:{listener.getsockname()[1]}"
        thread = threading.Thread(target=serve, args=[listener])
        thread.start()
        try:
            yield address
        finally:
            ended.set()
            socket.create_connection(listener.getsockname()).close()  # wakes it
            thread.join()
            for connection in open_ones:
                connection.close()


def answer(body, status="200 OK"):
    """An HTTP answer."""
    return f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n".encode() + body
