"""A proxy on loopback that is as slow as a line, and counts what each path costs."""

from __future__ import annotations

import asyncio
import contextlib
import re
import threading
from collections import Counter
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

CHUNK: Final = 4096
"""Bytes that one connection sends before the next one's turn."""
_REQUEST: Final = re.compile(rb"^(?:GET|POST) (\S+?)(?:\?\S*)? HTTP/1\.1\r\n", re.MULTILINE)


class Line:
    """A line to a service, shared by all connections: its rate in each direction and its latency."""

    def __init__(self, service: str, bits_a_second: float, latency: float) -> None:
        """Prepare a line.

        Args:
            service: 'host:port'.
            bits_a_second: of each direction; infinity for a line without a limit.
            latency: seconds that a byte takes to the other end.
        """
        self._host, _, port = service.rpartition(":")
        self._port = int(port)
        self._rate = bits_a_second / 8
        self._latency = latency
        self._free = {"up": 0.0, "down": 0.0}
        self.received: Counter[str] = Counter()
        """Bytes that came from the service, by path, headers included."""

    async def serve(self) -> asyncio.Server:
        """Listen on a free port."""
        return await asyncio.start_server(self._connect, "127.0.0.1", 0)

    async def _connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        to_reader, to_writer = await asyncio.open_connection(self._host, self._port)
        paths = [""]
        await asyncio.gather(
            self._forward(reader, to_writer, "up", paths), self._forward(to_reader, writer, "down", paths)
        )

    async def _forward(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, way: str, paths: list[str]
    ) -> None:
        loop = asyncio.get_running_loop()
        arriving: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()
        delivery = loop.create_task(_deliver(arriving, writer))
        with contextlib.suppress(ConnectionError):
            while data := await reader.read(CHUNK):
                if way == "up":
                    paths += [path.decode() for path in _REQUEST.findall(data)]
                else:
                    self.received[paths[-1]] += len(data)
                sent = max(self._free[way], loop.time()) + len(data) / self._rate
                self._free[way] = sent
                arriving.put_nowait((sent + self._latency, data))
                await asyncio.sleep(sent - loop.time())
        arriving.put_nowait((loop.time() + self._latency, b""))
        await delivery


async def _deliver(arriving: asyncio.Queue[tuple[float, bytes]], writer: asyncio.StreamWriter) -> None:
    """Write what arrives when it does; nothing is the end."""
    loop = asyncio.get_running_loop()
    with contextlib.suppress(ConnectionError):
        while True:
            due, data = await arriving.get()
            await asyncio.sleep(due - loop.time())
            if not data or writer.is_closing():
                break
            writer.write(data)
    writer.close()


async def _cancel_others() -> None:
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)


@contextlib.contextmanager
def slow_line(service: str, bits_a_second: float, latency: float) -> Iterator[tuple[str, Line]]:
    """Run a line to a service in a thread of its own; gives its 'host:port' and what has come through it."""
    line = Line(service, bits_a_second, latency)
    loop = asyncio.new_event_loop()
    server = loop.run_until_complete(line.serve())
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    try:
        host, port = server.sockets[0].getsockname()
        yield f"{host}:{port}", line
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        server.close()
        loop.run_until_complete(_cancel_others())
        loop.close()
