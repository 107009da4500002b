"""The command line: `fingerspell` or `python -m client`, and either with `record`."""

from __future__ import annotations

import argparse
import os
import signal
import sys
from pathlib import Path

from client.errors import ClientError, explain_missing_library

MAX_PER_LETTER = 10_000
TERMINATED = 143
EPILOG = """\
keys in the window, each with a button:
  space bar   add a space            x   clear; once more brings the text back
  Backspace   delete the last        c   copy the text
  m           mirror the picture     s   read the text aloud
  p           pause: nothing is sent l   show how the letters are signed
  h           help                   q   quit (Esc, too)

exit codes:
  0    done: the source ended, the window was closed, or the reader of the output went away
  1    trouble, told in one sentence
  2    the command line is wrong
  130  interrupted with Ctrl-C; 143: told to end. The text is written all the same.

A camera or a service that is lost is tried again: until the window is closed, or for a minute without a window.
A headless run writes a JSON line for each frame, with frame, time (seconds), hand (x0, y0, x1, y1 in pixels, or
null), letter, confidence, smoothed and committed, and at its end one with the text.
Pictures stay on this machine: only the hand's landmarks, drawn on black, go to the service.

`%(prog)s record --help` tells how to record data of your own.
"""
RECORD_EPILOG = """\
keys in the window:
  space bar   begin to take frames of the letter shown, or pause
  n           next letter
  b           back: drop this letter's frames, or the last letter's where there are none
  q, Esc      save what there is and quit

The frames that are taken are at least 0.2 seconds apart: move your hand a little meanwhile. Where OUT.npz exists, the
new hands are added to it. A frame without a hand, while frames are taken, counts as tried (n_photos).

Without a window, the letters of a camera are counted down on the terminal. What a film shows is said in a file:
  [{"letter": "H", "first_frame": 0, "end_frame": 25}, ...]

Only landmarks are written, no picture. Exit codes: as `fingerspell --help` lists them; what was taken is saved
on Ctrl-C, too.
"""


def main(arguments: list[str] | None = None) -> int:
    """Run the client, or record.

    Args:
        arguments: the command line without the program's name; the process's own where None.

    Returns:
        The exit code, as `--help` lists them.
    """
    if arguments is None:
        arguments = sys.argv[1:]
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(TERMINATED))  # nothing half-written is left behind
    recording = arguments[:1] == ["record"]
    options = _parse_record(arguments[1:]) if recording else _parse(arguments)
    try:
        if recording:
            _record(options)
        else:
            _read(options)
    except ClientError as error:
        print(f"error: {error}", file=sys.stderr)  # noqa: T201 - this is the terminal's door
        return 1
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        # Python would complain once more when it flushes stdout at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0


def _read(options: argparse.Namespace) -> None:
    try:
        from client.app import Options, run  # noqa: PLC0415 - a library that is missing becomes a sentence
    except ImportError as error:
        raise explain_missing_library(error) from error
    run(Options(**vars(options)), sys.stdout, sys.stderr)


def _record(options: argparse.Namespace) -> None:
    try:
        from client.recording.record import run  # noqa: PLC0415 - a library that is missing becomes a sentence
    except ImportError as error:
        raise explain_missing_library(error) from error
    run(
        options.out,
        options.signer,
        source=options.source,
        letters=options.letters,
        per_letter=options.per_letter,
        headless=options.headless,
        labels=options.labels,
        countdown=options.countdown,
        hand_model=options.hand_model,
        out=sys.stdout,
    )


def _parse(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="fingerspell",
        description="Sign the ASL manual alphabet at a camera and read the letters.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    _add_source(parser, "camera", "the first camera that works")
    parser.add_argument(
        "--server", metavar="URL", help="the service that reads the letters (default: http://127.0.0.1:3000)"
    )
    parser.add_argument("--demo", action="store_true", help="a synthetic hand spells: no camera, no service")
    parser.add_argument("--fast", action="store_true", help="read a file as fast as can be, every frame of it")
    parser.add_argument("--headless", action="store_true", help="no window: write one JSON line a frame")
    parser.add_argument("--text", action="store_true", dest="text_only", help="no window: write only the text")
    parser.add_argument("--record", type=Path, metavar="OUT.mp4", help="write what the window shows as a film")
    parser.add_argument("--timings", type=Path, metavar="OUT.json", help="write how long each step took")
    parser.add_argument(
        "--threshold",
        type=_share,
        default=0.5,
        metavar="SHARE",
        help="least confidence of a letter that counts, 0 to 1 (default: %(default)g)",
    )
    parser.add_argument(
        "--hold", type=_hold, metavar="SECONDS", help="how long a letter is held before it counts (default: 0.3)"
    )
    _add_hand_model(parser)
    return parser.parse_args(arguments)


def _parse_record(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="fingerspell record",
        description="Record your own hand, letter after letter, as data to train on.",
        epilog=RECORD_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("out", type=Path, metavar="OUT.npz", help="the file to write, or to add to")
    parser.add_argument("--signer", required=True, metavar="NAME", help="who signs: the same name in every file")
    _add_source(parser, "0", "0")
    parser.add_argument("--letters", metavar="ABC", help="what to ask for (default: the 24 that are held still)")
    parser.add_argument(
        "--per-letter", type=_positive, default=20, metavar="N", help="frames of each letter (default: %(default)s)"
    )
    parser.add_argument("--headless", action="store_true", help="no window: count down on the terminal")
    parser.add_argument("--labels", type=Path, metavar="FILE", help="what the frames of a film show (with --headless)")
    parser.add_argument(
        "--countdown",
        type=_seconds,
        default=3.0,
        metavar="SECONDS",
        help="time to form each letter, with --headless (default: %(default)g)",
    )
    _add_hand_model(parser)
    return parser.parse_args(arguments)


def _add_source(parser: argparse.ArgumentParser, default: str, says: str) -> None:
    parser.add_argument(
        "--source",
        default=default,
        metavar="NUMBER|FILE|FOLDER|URL",
        help=f"a camera's number, a video file, a folder of pictures, or an http or rtsp address (default: {says})",
    )


def _add_hand_model(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--hand-model",
        type=Path,
        metavar="FILE",
        help="a hand landmarker's .task file (default: the models inside mediapipe==0.10.21)",
    )


def _positive(text: str) -> int:
    if not (text.isascii() and text.isdigit() and 0 < int(text) <= MAX_PER_LETTER):
        message = f"{text!r} is no number from 1 to {MAX_PER_LETTER}"
        raise argparse.ArgumentTypeError(message)
    return int(text)


def _number(text: str, most: float, what: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = float("nan")
    if not 0.0 <= number <= most:
        message = f"{text!r} is no {what} from 0 to {most:g}"
        raise argparse.ArgumentTypeError(message)
    return number


def _seconds(text: str) -> float:
    return _number(text, 60.0, "number of seconds")


def _hold(text: str) -> float:
    return _number(text, 10.0, "number of seconds")


def _share(text: str) -> float:
    return _number(text, 1.0, "share")


if __name__ == "__main__":
    sys.exit(main())
