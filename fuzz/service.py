"""Broken requests, messages and frames for a served model: no answer is a 5xx, and the service stays ready.

`make fuzz-service` serves the packaged champion on loopback and sends a corpus of known attacks, then mutations of
valid requests from a seed. It exits with status 1 and names the input if an answer is wrong.
"""

from __future__ import annotations

import argparse
import asyncio
import collections
import io
import json
import os
import pickle
import random
import struct
import sys
import zlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
from PIL import Image
from tqdm import tqdm
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from benchmarks.service import MODEL, VOCABULARY, draw_masks, memory, serve
from client.stream.png import encode_png
from stages.errors import PipelineError, run_door

if TYPE_CHECKING:
    from collections.abc import Iterator

TRAIL: Final = MODEL.with_name("trail.onnx")
WORKERS: Final = 8
WAITING: Final = 0.01
"""Share of requests in which any byte may change, the length too: the service waits for the missing bytes."""
ANSWER_SECONDS: Final = 30.0
GROWTH_MIB: Final = 200.0
"""Memory by which the service may grow: caches of allocators and of ONNX Runtime."""
MANY: Final = 200_000_000
HANDSHAKE: Final = (
    b"GET /stream HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
)
INTERESTING: Final = (b"\0", b"\xff", b"\r\n", b"\r\n\r\n", b"IHDR", b"IDAT", b"IEND", b"\x89PNG", b"%00", b"../", b"{")
PATHS: Final = (
    "/predict", "/predict_batch", "/stream", "/model", "/", "/openapi.json", "/predict/", "/../etc/passwd", "/%00",
    "/predict?threshold=", "//", "/predict?threshold=1e999", "/predict?window=-1", "/predict?hold=nan", "/predict?a=b",
    "/words", "/stream?frame_rate=0", "/predict?mask_version=" + "x" * 3000, "/predict?threshold=0.5&threshold=2",
    "/stream?trail_version=" + "x" * 3000,
)  # fmt: skip
VALUES: Final = (
    None, True, -1, 0, 1.5, 1e999, float("nan"), 2**70, "", "x", "Ä", "\ud800", "\0", "A" * 100_000, [], {}, [[]],
    [None],
)  # fmt: skip
"""What replaces a value of a request for words."""
METHODS: Final = ("GET", "POST", "PUT", "DELETE", "HEAD", "OPTIONS", "PATCH", "TRACE", "BREW", "get")
TYPES: Final = (
    "image/png", "image/PNG; a=b", "text/plain", "application/json", "multipart/form-data; boundary=x",
    "multipart/form-data", "application/x-www-form-urlencoded", "", "image/png\x00", ";", "application/python-pickle",
)  # fmt: skip


@dataclass
class Tally:
    """What was sent and which answers came."""

    statuses: collections.Counter[str] = field(default_factory=collections.Counter)
    wrong: list[str] = field(default_factory=list)

    def add(self, kind: str, status: int | None, sent: bytes) -> None:
        """Record an answer; None is a connection that was closed without one."""
        self.statuses["closed" if status is None else str(status)] += 1
        if status is not None and status >= 500:
            self.wrong.append(f"{kind}: status {status} to {sent[:200]!r}")


class Connection:
    """A connection that is reopened whenever the server closes it."""

    def __init__(self, host: str) -> None:
        self._name, _, port = host.partition(":")
        self._port = int(port)
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def ask(self, data: bytes) -> int | None:
        """Send bytes and return the status of the answer, or None if the connection is closed without one."""
        reader, writer = self._streams or await asyncio.open_connection(self._name, self._port)
        self._streams = None
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                try:
                    writer.write(data)
                    await writer.drain()
                except ConnectionError:
                    pass  # the answer may come before the rest is read
                head = await reader.readuntil(b"\r\n\r\n")
                fields = head.lower()
                length = fields.partition(b"content-length:")[2].partition(b"\r\n")[0].strip()
                if length and not data.startswith(b"HEAD"):
                    await reader.readexactly(int(length))
                if b"connection: close" not in fields and length:
                    self._streams = reader, writer
                return int(head.split(b" ", 2)[1])
        except (asyncio.IncompleteReadError, asyncio.LimitOverrunError, ConnectionError):
            return None
        finally:
            if self._streams is None:
                writer.close()


def http(method: str, path: str, content_type: str, body: bytes, more: str = "") -> bytes:
    """Build a request with the right length."""
    head = f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: {content_type}\r\n{more}"
    head += f"Content-Length: {len(body)}"
    return head.encode("latin-1") + b"\r\n\r\n" + body


def frame(opcode: int, payload: bytes, *, final: bool = True, masked: bool = True, length: int | None = None) -> bytes:
    """Build a WebSocket frame, which may declare another length than it has. RFC 6455, section 5.2."""
    size, first = len(payload) if length is None else length, bytes([(0x80 if final else 0) | opcode])
    bit = 0x80 if masked else 0
    if size < 126:
        first += bytes([bit | size])
    elif size < 1 << 16:
        first += bytes([bit | 126]) + struct.pack(">H", size)
    else:
        first += bytes([bit | 127]) + struct.pack(">Q", size)
    return first + (bytes(4) if masked else b"") + payload


def mutate(data: bytes, rng: random.Random) -> bytes:
    """Damage some bytes: flip, delete, repeat, insert."""
    data_ = bytearray(data)
    for _ in range(rng.randint(1, 6)):
        at = rng.randrange(len(data_) + 1)
        match rng.randrange(5):
            case 0 if data_:
                data_[at % len(data_)] ^= 1 << rng.randrange(8)
            case 1:
                del data_[at : at + rng.randint(1, 64)]
            case 2:
                data_[at:at] = rng.choice(INTERESTING)
            case 3:
                data_[at:at] = data_[: rng.randint(0, 64)]
            case _:
                data_[at : at + 4] = rng.randbytes(4)
    return bytes(data_)


def form(parts: list[bytes]) -> bytes:
    """Build a form of files."""
    head = b'--x\r\nContent-Disposition: form-data; name="m"; filename="m.png"\r\nContent-Type: image/png\r\n\r\n'
    return b"".join(head + part + b"\r\n" for part in parts) + b"--x--\r\n"


def chunk(name: bytes, content: bytes) -> bytes:
    """Build a chunk of a PNG."""
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))


def bomb() -> bytes:
    """Build a PNG of 144 megapixels."""
    packer = zlib.compressobj(9)
    packed = b"".join(packer.compress(bytes(36_001)) for _ in range(12_000)) + packer.flush()
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", 12_000, 12_000, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", packed) + chunk(b"IEND", b"")


def corpus(good: bytes) -> Iterator[tuple[str, bytes]]:
    """Yield known attacks, each with all the bytes to send."""
    attacks = {
        "bomb": bomb(),
        "pickle": pickle.dumps({"mask": [1, 2, 3]}),
        "address": b"https://elsewhere.example/mask.png",
        "json": b'{"image": "http://127.0.0.1:1/mask.png"}',
        "cut": good[:-1],
        "empty": b"",
    }
    for name, body in attacks.items():
        for content_type in ("image/png", "application/json", "application/python-pickle"):
            yield name, http("POST", "/predict", content_type, body)
        yield f"{name} in a form", http("POST", "/predict_batch", "multipart/form-data; boundary=x", form([body]))
        yield f"{name} in a message", HANDSHAKE + frame(2, body)
    yield "200 MB", http("POST", "/predict", "image/png", bytes(MANY))
    yield "200 MB in a form", http("POST", "/predict_batch", "multipart/form-data; boundary=x", bytes(MANY))
    yield "a header of a million bytes", http("POST", "/predict", "image/png", good, "X: " + "a" * 1_000_000 + "\r\n")
    yield "100,000 headers", http("POST", "/predict", "image/png", good, "X: a\r\n" * 100_000)
    yield "an address of a million bytes", http("GET", "/" + "a" * 1_000_000, "", b"")
    yield "two lengths", http("POST", "/predict", "image/png", good, "Content-Length: 3\r\n")
    yield "a length and chunks", http("POST", "/predict", "image/png", good, "Transfer-Encoding: chunked\r\n")
    yield "a negative length", b"POST /predict HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: -5\r\n\r\n"
    yield (
        "a huge length",
        b"POST /predict_batch HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: " + b"9" * 30 + b"\r\n\r\n",
    )
    for name, frames in {
        "a frame that declares 2^63 bytes": frame(2, b"x", length=(1 << 63) - 1),
        "a frame without masking": frame(2, good, masked=False),
        "an unknown opcode": frame(11, good),
        "a continuation without a first frame": frame(0, good),
        "a message in many pieces": b"".join(frame(2 if n == 0 else 0, b"x", final=False) for n in range(5000)),
        "a long ping": frame(9, b"x" * 200),
        "no UTF-8": frame(1, b"\xff\xfe"),
        "a bad close": frame(8, b"\0"),
    }.items():
        yield name, HANDSHAKE + frames


def random_words(rng: random.Random) -> bytes:
    """Build a body for `/words` that is valid or almost."""

    def value(usual: object) -> object:
        return rng.choice(VALUES) if rng.random() < 0.03 else usual

    def segment() -> object:
        letters = rng.sample("ABCDEFGHIJKLMNOPQRSTUVWXYZ", rng.randint(1, 5))
        return {
            "alternatives": value([{"letter": value(each), "confidence": value(rng.random())} for each in letters]),
            "seconds": value(rng.random() * 2),
            "committed": value(rng.random() < 0.7),
        }

    own = ["".join(rng.choices("AEIOBN", k=rng.randint(1, 12))) for _ in range(rng.choice((0, 0, 3, 500)))]
    body = {
        "segments": value([value(segment()) for _ in range(rng.choice((1, 5, 9, 64, 65)))]),
        "own": value(own),
    }
    return json.dumps(body).encode("utf-8", "surrogatepass")


def random_request(good: bytes, rng: random.Random) -> tuple[str, bytes]:
    """Build a request that is broken in some way; most keep the connection open."""
    if rng.random() < WAITING:
        return "bytes", mutate(http("POST", "/predict", "image/png", good[:300]), rng) + b"\r\n\r\n"
    match rng.randrange(4):
        case 3:
            words = random_words(rng)
            return "words", http(
                "POST", "/words", "application/json", mutate(words, rng) if rng.random() < 0.5 else words
            )
        case 0:
            return "body", http("POST", "/predict", "image/png", mutate(good, rng))
        case 1:
            parts = [good if rng.random() < 0.5 else mutate(good, rng) for _ in range(rng.randint(0, 4))]
            body = form(parts)
            if rng.random() < 0.5:
                body = mutate(body, rng)
            return "form", http("POST", "/predict_batch", "multipart/form-data; boundary=x", body)
        case _:
            body = rng.choice((b"", good, b"{}", rng.randbytes(rng.randint(1, 300))))
            return "head", http(rng.choice(METHODS), rng.choice(PATHS), rng.choice(TYPES), body)


def with_trail(mask: bytes, height: int) -> bytes:
    """Change the height in a PNG's header, with a checksum that matches again: pixels are missing, or too many."""
    header = mask[12:20] + struct.pack(">I", height) + mask[24:29]
    return mask[:12] + header + struct.pack(">I", zlib.crc32(header)) + mask[33:]


def random_message(good: bytes, moving: bytes, rng: random.Random) -> bytes | str:
    """Build a message of a stream: broken, or a mask with its trail, in which more or less is broken."""
    match rng.randrange(10):
        case 0:
            return "a text"
        case 1:
            return moving
        case 2:
            return with_trail(rng.choice((good, moving)), rng.choice((0, 1, 224, 447, 448, 449, 672, 1 << 31)))
        case 3 | 4 | 5:
            return mutate(moving, rng)
        case _:
            return mutate(good, rng)


async def broken_messages(host: str, good: bytes, count: int, rng: random.Random, tally: Tally) -> None:
    """Send broken messages on streams, one after the other, and check that every one gets a reply, in order."""
    mask = np.asarray(Image.open(io.BytesIO(good)))
    moving = encode_png(np.concatenate([mask, mask[::-1]]))
    sent = 0
    while sent < count:
        async with connect(f"ws://{host}/stream", compression=None) as socket:
            sequence = 0
            for _ in range(min(1000, count - sent)):
                message = random_message(good, moving, rng)
                try:
                    await socket.send(message)
                    async with asyncio.timeout(ANSWER_SECONDS):
                        reply = str(await socket.recv())
                except ConnectionClosed as closed:
                    tally.wrong.append(f"message: closed with {closed.rcvd} by {message[:200]!r}")
                    break
                sent += 1
                tally.statuses["message"] += 1
                expected = '"profile":"refused"' if isinstance(message, str) else f'"sequence":{sequence},'
                if expected not in reply:
                    tally.wrong.append(f"message: {reply[:100]} to number {sequence}")
                sequence += isinstance(message, bytes)


async def attack(host: str, good: bytes, count: int, seed: int) -> Tally:
    """Send the corpus, then `count` broken requests and messages, several at a time."""
    tally = Tally()
    for kind, data in corpus(good):
        tally.add(kind, await Connection(host).ask(data), data)

    async def worker(number: int) -> None:
        rng = random.Random(f"{seed} {number}")  # noqa: S311 - not for secrets
        connection = Connection(host)
        messages = count // WORKERS // 4
        await broken_messages(host, good, messages, rng, tally)
        progress.update(messages)
        for _ in range(count // WORKERS - messages):
            kind, data = random_request(good, rng)
            tally.add(kind, await connection.ask(data), data)
            progress.update()

    with tqdm(total=count, unit="input") as progress:
        async with asyncio.TaskGroup() as group:
            for number in range(WORKERS):
                group.create_task(worker(number))
    ready = await Connection(host).ask(b"GET /readyz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
    answer = await Connection(host).ask(http("POST", "/predict", "image/png", good))
    if (ready, answer) != (200, 200):
        tally.wrong.append(f"afterwards: /readyz answers {ready}, a good mask is answered with {answer}")
    return tally


def conclude(tally: Tally, sent: int, growth: float) -> None:
    """Print the answers and what was wrong, and end the process with status 1 if anything was.

    Args:
        tally: what came back.
        sent: number of inputs.
        growth: of the service's memory meanwhile, in MiB.
    """
    if growth > GROWTH_MIB:
        tally.wrong.append(f"memory grew by {growth:.0f} MiB")
    answers = ", ".join(f"{status}: {count:,}" for status, count in sorted(tally.statuses.items()))
    sys.stdout.write(f"{sent:,} sent. {answers}. Memory grew by {growth:.0f} MiB.\n")
    sys.stdout.writelines(f"WRONG {line}\n" for line in tally.wrong[:20])
    if tally.wrong:
        sys.exit(1)


def main() -> None:
    """Serve a model, attack it, and print the answers."""
    parser = argparse.ArgumentParser(prog="python -m fuzz.service", description=__doc__)
    parser.add_argument("--count", type=int, default=50_000, help="broken requests and messages (default: 50000)")
    parser.add_argument("--vocabulary", type=Path, default=VOCABULARY, help="default: the Bento's")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--model", type=Path, default=MODEL, help="the model to serve (default: the Bento's)")
    parser.add_argument("--trail", type=Path, default=TRAIL, help="the trail network (default: the Bento's, if any)")
    options = parser.parse_args()
    for path in (options.model, options.vocabulary):
        if not path.is_file():
            raise PipelineError(f"{path} is missing. Make it, or name another: make repro")
    os.environ |= {"FINGERSPELL_RATE": "0", "FINGERSPELL_VOCABULARY": str(options.vocabulary.resolve())}
    if options.trail.is_file():
        os.environ["FINGERSPELL_TRAIL"] = str(options.trail.resolve())
    good = encode_png(draw_masks()[0])
    with serve(options.model.resolve()) as (host, process):
        before = memory(process)
        tally = asyncio.run(attack(host, good, options.count, options.seed))
        growth = (memory(process) - before) / 2**20
    conclude(tally, tally.statuses.total(), growth)


if __name__ == "__main__":
    run_door(main)
