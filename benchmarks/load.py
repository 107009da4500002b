"""Load on a service on loopback: streams that send as fast as replies come, or at a fixed rate.

Also streams that reconnect each time the service's worker is killed.
"""

from __future__ import annotations

import asyncio
import json
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import aiohttp
import numpy as np
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake

if TYPE_CHECKING:
    from collections.abc import Sequence

MAX_BEHIND: Final = 5.0
"""Seconds to wait for replies after the last frame."""
RETRY: Final = 0.05
"""Seconds between two attempts to reconnect."""


@dataclass
class Load:
    """The outcome of some load."""

    seconds: float = 0.0
    sent: int = 0
    latencies: list[float] = field(default_factory=list)
    """Seconds from when a frame was due to its reply."""
    dropped: int = 0
    """Frames that the service reports as overtaken by a newer one."""
    errors: int = 0
    """Refusals, replies out of order, and lost connections."""

    @property
    def rate(self) -> float:
        """Replies a second."""
        return len(self.latencies) / self.seconds

    def percentiles(self) -> dict[str, float]:
        """Latency in milliseconds."""
        p50, p95, p99 = np.percentile(self.latencies, [50, 95, 99]) * 1000
        return {"p50_ms": round(float(p50), 2), "p95_ms": round(float(p95), 2), "p99_ms": round(float(p99), 2)}


def ask_in_turn(host: str, masks: Sequence[bytes], streams: int, seconds: float) -> Load:
    """Let each stream send its next frame when the reply to the last one has come: the service's highest throughput."""
    return asyncio.run(_side_by_side(host, masks, streams, seconds, None))


def ask_at_a_rate(host: str, masks: Sequence[bytes], streams: int, seconds: float, rate: float) -> Load:
    """Let each stream send `rate` frames a second, whether replies come or not, as cameras do."""
    return asyncio.run(_side_by_side(host, masks, streams, seconds, rate))


@dataclass
class Survival:
    """What streams received from a service whose worker was killed."""

    answered: int = 0
    wrong: int = 0
    """Replies with another sequence number or letter than that of the frame just sent."""
    outages: list[float] = field(default_factory=list)
    """Seconds from each lost connection to the first reply on the next one."""


def ask_through_kills(
    host: str, masks: Sequence[bytes], letters: Sequence[str | None], streams: int, seconds: float
) -> Survival:
    """Let each stream send as in `ask_in_turn`, reconnect when it is cut off, and check every reply.

    Args:
        host: address and port of the service.
        masks: PNGs.
        letters: the letter of each of them in a reply.
        streams: number of streams.
        seconds: length of the load.
    """

    async def stream(survival: Survival, first: int, until: float) -> None:
        broken: float | None = None
        while time.perf_counter() < until:
            try:
                async with connect(f"ws://{host}/stream", compression=None) as socket:
                    sequence = 0
                    while time.perf_counter() < until:
                        number = (first + sequence) % len(masks)
                        await socket.send(masks[number])
                        reply = json.loads(await socket.recv())
                        survival.answered += 1
                        survival.wrong += (reply["sequence"], reply.get("letter", "")) != (sequence, letters[number])
                        sequence += 1
                        if broken is not None:
                            survival.outages.append(time.perf_counter() - broken)
                            broken = None
            except (OSError, ConnectionClosed, InvalidHandshake):
                broken = broken or time.perf_counter()
                await asyncio.sleep(RETRY)

    async def run() -> Survival:
        survival = Survival()
        until = time.perf_counter() + seconds
        async with asyncio.TaskGroup() as group:
            for number in range(streams):
                group.create_task(stream(survival, number, until))
        return survival

    return asyncio.run(run())


def post_in_turn(host: str, masks: Sequence[bytes], clients: int, seconds: float) -> Load:
    """The same load as `ask_in_turn` on `POST /predict`."""

    async def client(load: Load, session: aiohttp.ClientSession, until: float) -> None:
        while (begun := time.perf_counter()) < until:
            async with session.post(
                f"http://{host}/predict", data=masks[load.sent % len(masks)], headers={"content-type": "image/png"}
            ) as answer:
                load.sent += 1
                await answer.read()
                load.errors += answer.status != 200
            load.latencies.append(time.perf_counter() - begun)

    async def run() -> Load:
        load = Load()
        begun = time.perf_counter()
        async with aiohttp.ClientSession() as session, asyncio.TaskGroup() as group:
            for _ in range(clients):
                group.create_task(client(load, session, begun + seconds))
        load.seconds = time.perf_counter() - begun
        return load

    return asyncio.run(run())


async def _side_by_side(host: str, masks: Sequence[bytes], streams: int, seconds: float, rate: float | None) -> Load:
    load = Load()
    begun = time.perf_counter()
    async with asyncio.TaskGroup() as group:
        for number in range(streams):
            if rate is None:
                group.create_task(_in_turn(load, host, masks, begun + seconds))
            else:
                group.create_task(_at_a_rate(load, host, masks, seconds, rate, number / streams / rate))
    load.seconds = time.perf_counter() - begun if rate is None else seconds
    return load


async def _in_turn(load: Load, host: str, masks: Sequence[bytes], until: float) -> None:
    while time.perf_counter() < until:
        try:
            await _converse(load, host, masks, until)
        except ConnectionClosed:
            load.errors += 1


async def _converse(load: Load, host: str, masks: Sequence[bytes], until: float) -> None:
    async with connect(f"ws://{host}/stream", compression=None) as socket:
        sequence = 0
        while (begun := time.perf_counter()) < until:
            await socket.send(masks[load.sent % len(masks)])
            load.sent += 1
            reply = json.loads(await socket.recv())
            load.latencies.append(time.perf_counter() - begun)
            load.errors += "error" in reply or reply["sequence"] != sequence
            sequence += 1


async def _at_a_rate(load: Load, host: str, masks: Sequence[bytes], seconds: float, rate: float, offset: float) -> None:
    count = round(seconds * rate)
    async with connect(f"ws://{host}/stream", compression=None) as socket:
        start = time.perf_counter() + offset

        async def send() -> None:
            for number in range(count):
                await asyncio.sleep(max(0.0, start + number / rate - time.perf_counter()))
                await socket.send(masks[number % len(masks)])
                load.sent += 1

        sender = asyncio.create_task(send())
        last, dropped = -1, 0
        while last < count - 1:
            async with asyncio.timeout(seconds + MAX_BEHIND):
                reply = json.loads(await socket.recv())
            load.latencies.append(time.perf_counter() - start - reply["sequence"] / rate)
            load.errors += "error" in reply or reply["sequence"] <= last
            last, dropped = reply["sequence"], reply["dropped"]
        load.dropped += dropped
        await sender
