"""Broken and hostile profiles for a served model: no answer is a 5xx, memory stays, other streams read what they did.

`make fuzz-profiles` serves the packaged champion on loopback, makes a profile of a synthetic signer, and sends
mutations of it in messages of streams and in forms, and broken enrolments. Meanwhile another stream, a witness, sends
the same masks again and again, and every reply must be the one it got before. It exits with status 1 if anything is
wrong.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import math
import os
import random
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import httpx
from tqdm import tqdm
from websockets.asyncio.client import connect

from benchmarks.service import MODEL, memory, serve
from client.mask import render_mask
from client.stream.png import encode_png
from fuzz.service import ANSWER_SECONDS, Tally, conclude, mutate
from stages.errors import PipelineError, run_door
from stages.hand.handshapes import read_handshapes
from stages.hand.signers import synthesize_hands

if TYPE_CHECKING:
    from collections.abc import Callable

    from websockets.asyncio.client import ClientConnection

STREAMS: Final = 4
"""Streams that send broken profiles at a time."""
ENROLMENTS: Final = 0.01
"""Share of the inputs that are enrolments, each as much work as dozens of masks."""
FORMS: Final = 0.2
"""Share of the inputs that are a mask and a profile for `/predict`."""
MASKS: Final = 0.1
"""Share of the refused profiles after which a mask is sent, too."""
PAUSE: Final = 0.02
"""Seconds between two masks of the witness."""
VALUES: Final[tuple[Any, ...]] = (
    None, True, 0, -1, 1e308, -1e308, "", "x", "A" * 100_000, [], {}, [[]], {"a": {}}, 2**63, 1e-320, "\0", "../model",
    "__import__('os').system('x')", "gASVAAAA", [0.0] * 25, [1e3] * 25, [-1e3] * 25, ["nan"] * 25,
)  # fmt: skip


class Inputs:
    """A signer's samples, and broken profiles and enrolments made from them."""

    def __init__(self) -> None:
        hands = synthesize_hands(read_handshapes(), signers=1, samples_per_letter=2, seed=5, non_letters=0)
        masks = [encode_png(render_mask(each)) for each in hands.landmarks]
        self.samples = list(zip(hands.labels.tolist(), masks, strict=True))
        self.good: dict[str, Any] = {}
        """A correction of the service's own."""

    def broken_profile(self, rng: random.Random) -> str:
        """Break a good correction: its values, its text, or nothing but its numbers, so that it is accepted."""
        correction = dict(self.good)
        match rng.randrange(5):
            case 0:
                correction[rng.choice(list(correction))] = rng.choice(VALUES)
            case 1:
                correction["weights"] = mutate(correction["weights"].encode(), rng).decode("latin-1")
            case 2:
                correction["scale"] = [rng.choice((0.0, 1e3, -1e3, 1e-300, rng.random())) for _ in correction["scale"]]
                correction["bias"] = [rng.choice((0.0, 1e3, -1e3)) for _ in correction["bias"]]
            case 3:
                correction[rng.choice(("more", "model", "features"))] = rng.choice(VALUES)
            case _:
                return mutate(json.dumps(correction).encode(), rng).decode("utf-8", "replace")
        return json.dumps(correction)

    def enrolment(self, rng: random.Random) -> list[tuple[str, tuple[str, bytes, str]]]:
        """Break an enrolment: pictures, letters and how many there are."""
        chosen = rng.choices(self.samples, k=rng.choice((1, 2, 30, 60)))
        if rng.random() < 0.3:
            chosen += [chosen[0]] * 25
        damaged = rng.random() < 0.5
        return [
            (
                rng.choice((letter, rng.choice("ABCJZ"), "nothing", "\N{SNOWMAN}")) if damaged else letter,
                ("m.png", mutate(mask, rng) if damaged and rng.random() < 0.3 else mask, "image/png"),
            )
            for letter, mask in chosen
        ]


async def attack(host: str, count: int, seed: int) -> Tally:
    """Send so many broken inputs, several at a time, beside a witness."""
    tally, inputs = Tally(), Inputs()
    async with httpx.AsyncClient(base_url=f"http://{host}", timeout=ANSWER_SECONDS) as http:
        files = [(letter, ("m.png", mask, "image/png")) for letter, mask in inputs.samples]
        made = await http.post("/profile", files=files)
        inputs.good = made.json()["correction"]
        done = asyncio.Event()
        with tqdm(total=count, unit="input") as progress:
            async with asyncio.TaskGroup() as group:
                witness = group.create_task(watch(host, inputs, done, tally))
                enrolments, forms = round(count * ENROLMENTS), round(count * FORMS)
                rest = count - enrolments - forms
                numbers = [random.Random(f"{seed} {kind}") for kind in ("enrolments", "forms")]  # noqa: S311
                workers = [
                    group.create_task(enrol(http, inputs, enrolments, numbers[0], tally, progress.update)),
                    group.create_task(predict(http, inputs, forms, numbers[1], tally, progress.update)),
                ]
                for number in range(STREAMS):
                    share = rest // STREAMS + (number < rest % STREAMS)
                    rng = random.Random(f"{seed} {number}")  # noqa: S311 - not for secrets
                    workers.append(group.create_task(stream(host, inputs, share, rng, tally, progress.update)))
                await asyncio.wait(workers)
                done.set()
                await witness
        ready = await http.get("/readyz")
        if ready.status_code != 200:
            tally.wrong.append(f"afterwards: /readyz answers {ready.status_code}")
    return tally


async def watch(host: str, inputs: Inputs, done: asyncio.Event, tally: Tally) -> None:
    """Ask the same masks on a stream of its own until the others are done: every reply must stay the same."""
    masks = [mask for _, mask in inputs.samples[::2]]
    first: dict[int, object] = {}
    async with connect(f"ws://{host}/stream", compression=None) as socket:
        number = 0
        while not done.is_set() or number < 2 * len(masks):
            place = number % len(masks)
            top = (await ask(socket, masks[place]))["top"]
            if first.setdefault(place, top) != top:
                tally.wrong.append(f"witness: {top} instead of {first[place]}")
            tally.statuses["witness"] += 1
            number += 1
            await asyncio.sleep(PAUSE)


async def stream(
    host: str, inputs: Inputs, count: int, rng: random.Random, tally: Tally, advance: Callable[[], object]
) -> None:
    """Send broken profiles as messages, and masks after those that are in force and some others: replies are finite."""
    async with connect(f"ws://{host}/stream", compression=None) as socket:
        for _ in range(count):
            correction = inputs.broken_profile(rng)
            text = f'{{"profile": {correction}}}' if rng.random() < 0.9 else correction
            state = await ask(socket, text)
            tally.statuses[str(state.get("profile"))] += 1
            if state.get("profile") not in ("in force", "none", "refused", "outdated"):
                tally.wrong.append(f"stream: {str(state)[:100]} to {text[:100]}")
            reply = {"confidence": 0.0}
            if state.get("profile") == "in force" or rng.random() < MASKS:
                reply = await ask(socket, rng.choice(inputs.samples)[1])
            if not math.isfinite(reply.get("confidence", math.nan)):
                tally.wrong.append(f"stream: {str(reply)[:100]} after {text[:100]}")
            advance()


async def predict(
    http: httpx.AsyncClient, inputs: Inputs, count: int, rng: random.Random, tally: Tally, advance: Callable[[], object]
) -> None:
    """Send a mask and a broken profile to `/predict`."""
    for _ in range(count):
        profile = inputs.broken_profile(rng).encode()
        files = {"mask": rng.choice(inputs.samples)[1], "profile": profile}
        tally.add("form", await post(http, "/predict", files), profile)
        advance()


async def enrol(
    http: httpx.AsyncClient, inputs: Inputs, count: int, rng: random.Random, tally: Tally, advance: Callable[[], object]
) -> None:
    """Send broken enrolments, one after the other."""
    for _ in range(count):
        files = inputs.enrolment(rng)
        sent = repr([name for name, _ in files]).encode()
        tally.add("enrolment", await post(http, "/profile", files), sent)
        advance()


async def post(http: httpx.AsyncClient, path: str, files: Any) -> int:  # noqa: ANN401 - as httpx takes it
    """Send a form; returns the status of the answer.

    A connection may have been closed between two requests, or before a body is read that is refused: one more is tried.
    """
    try:
        return (await http.post(path, files=files)).status_code
    except httpx.TransportError:
        return (await http.post(path, files=files)).status_code


async def ask(socket: ClientConnection, message: str | bytes) -> dict[str, Any]:
    """Send a message and wait for its reply."""
    await socket.send(message)
    async with asyncio.timeout(ANSWER_SECONDS):
        reply: dict[str, Any] = json.loads(await socket.recv())
    return reply


def main() -> None:
    """Serve a model, send broken profiles, and print the answers."""
    parser = argparse.ArgumentParser(prog="python -m fuzz.profiles", description=__doc__)
    parser.add_argument("--count", type=int, default=20_000, help="broken profiles and enrolments (default: 20000)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--model", type=Path, default=MODEL, help="the model to serve (default: the Bento's)")
    options = parser.parse_args()
    if not options.model.is_file():
        raise PipelineError(f"{options.model} is missing. Make it, or name another: make repro")
    os.environ["FINGERSPELL_RATE"] = "0"
    with serve(options.model.resolve()) as (host, process):
        asyncio.run(attack(host, min(500, options.count), options.seed + 1))  # caches fill
        before = memory(process)
        tally = asyncio.run(attack(host, options.count, options.seed))
        growth = (memory(process) - before) / 2**20
    conclude(tally, options.count, growth)


if __name__ == "__main__":
    run_door(main)
