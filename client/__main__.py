"""The command line: `fingerspell` or `python -m client`, and either with `record`, `enrol` or `forget`."""

from __future__ import annotations

import argparse
import os
import signal
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

from client.errors import ClientError, explain_missing_library

if TYPE_CHECKING:
    from collections.abc import Callable

MAX_PER_LETTER = 10_000
TERMINATED = 143
FAST = "read a file as fast as possible, every frame of it"
EPILOG = """\
keys in the window, each with a button:
  space bar   end the word           x   clear the text
  Backspace   delete the last        c   copy the text
              letter; twice: word    v   words on or off
  1, 2, 3     take a candidate       r   the last word as it was read; again: the word
  m           mirror the picture     s   read the text aloud
  p           pause: nothing is sent l   show how the letters are signed
  y           your hand: show it, or what is known of it
  w           the last letter is wrong: say which it was, and it is learned
  z           undo the last change of the text; up to 50 of them
  u           forget what was learned last
  h           help                   q   quit (Esc, too)

exit codes:
  0    done: the source ended, the window was closed, or nobody reads the output any more. If no hand was found in
       any frame, a warning says so: a film without a hand is spelled correctly as nothing. After a film, the window
       stays open with its last frame; --quit closes it
  1    an error, reported in one sentence
  2    the command line is wrong
  130  interrupted with Ctrl-C; 143: terminated. In both cases the text is still written.

If the service requires a token, the environment variable FINGERSPELL_TOKEN has it.

If the camera or the service is lost, the client tries again: until the window is closed, or for a minute without one.
A headless run writes a JSON line for each frame, with frame, time (seconds), hand (x0, y0, x1, y1 in pixels, or
null), letter, confidence, smoothed and committed, word (as_read and word if it ended one, else null), and at the end
one with the text.
Pictures stay on this machine: only the hand's landmarks, drawn on black, go to the service, and the letters of the
current word and your own words, to find out which word it is; with --no-words none of these.

A word ends when your hand has been away for a second, with the space bar or as a candidate.

Your own hand: show each letter once (key y), and letters are recognised as you sign them from then on. Only landmarks
are kept, in a file for each person; the window finds the last one again. Without a window, name it with --profile.
`%(prog)s enrol --help` explains how to make one from a film, and `%(prog)s forget NAME` deletes one.

`%(prog)s record --help` explains how to record your own data.
"""
RECORD_EPILOG = """\
keys in the window:
  space bar   start or pause recording frames of the letter shown
  n           next letter
  b           back: drop this letter's frames; if it has none, the last letter's. Of J and Z, drop the last take
  q, Esc      save what has been recorded and quit

Recorded frames are at least 0.2 seconds apart: move your hand a little meanwhile. If OUT.npz exists, the new hands are
added to it. A frame without a hand, while recording, counts as tried (n_photos).

J and Z move: each press of the space bar records one take of 2 seconds, which begins when a hand is in the picture.
Draw the letter then. Takes go to OUT_moving.npz, as sequences of landmarks; there are at most 10 of each letter.

Without a window, the terminal counts down to each letter of a camera. For a film, a file says what its frames show:
  [{"letter": "H", "first_frame": 0, "end_frame": 25}, ...]

Only landmarks are written, no pictures. Exit codes: see `fingerspell --help`. Ctrl-C saves what has been recorded, too.
"""
ENROL_EPILOG = """\
Each letter is taken by itself: hold it still, then move your hand a little. J and Z are left out, because they move.
If OUT.fingerspell exists, the letters that you show replace those in it.

Without --headless, a window opens. With it, the terminal asks for the letters of a camera or a film, or a file says
what a film's frames show:
  [{"letter": "H", "first_frame": 0, "end_frame": 25}, ...]

If the service is away, the profile is written all the same, and learned when it is first used. Exit codes: see
`fingerspell --help`.
"""


def main(arguments: list[str] | None = None) -> int:
    """Run the client, or record.

    Args:
        arguments: the command line without the program's name; if None, the process's own.

    Returns:
        The exit code; `--help` lists them.
    """
    if arguments is None:
        arguments = sys.argv[1:]
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(TERMINATED))  # cleans up on the way out
    try:
        _run(arguments)
    except ClientError as error:
        print(f"error: {error}", file=sys.stderr)  # noqa: T201 - for the terminal
        return 1
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        # Python would raise it again when it flushes stdout at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0


def _run(arguments: list[str]) -> None:
    command, rest = (arguments[0], arguments[1:]) if arguments[:1] and arguments[0] in COMMANDS else ("", arguments)
    options = vars(COMMANDS.get(command, _parse)(rest))
    try:
        from client import app  # noqa: PLC0415 - a missing library becomes a message
        from client.profile import enrol  # noqa: PLC0415
        from client.recording import record  # noqa: PLC0415
    except ImportError as error:
        raise explain_missing_library(error) from error
    if command == "record":
        record.run(**options, out=sys.stdout)
    elif command == "forget":
        enrol.forget(options["name"], sys.stdout)
    elif command == "enrol":
        app.enrol(**options, out=sys.stdout, terminal=sys.stderr)
    else:
        app.run(app.Options(**options), sys.stdout, sys.stderr)


def _parse(arguments: list[str]) -> argparse.Namespace:
    does = "Sign the ASL manual alphabet to a camera and read the letters."
    parser = _start_parser("fingerspell", does, EPILOG, "camera", "the first camera that works")
    _add_server(parser)
    own_hand = parser.add_mutually_exclusive_group()
    own_hand.add_argument(
        "--profile", metavar="NAME", help="your own hand: a .fingerspell file, or a name (default: the last one used)"
    )
    own_hand.add_argument("--no-profile", action="store_true", help="start without your own hand")
    parser.add_argument("--demo", action="store_true", help="the film of a rendered hand: no camera, no service")
    parser.add_argument("--fast", action="store_true", help=FAST)
    parser.add_argument("--quit", action="store_true", help="close the window when the film ends")
    parser.add_argument("--headless", action="store_true", help="no window: write one JSON line per frame")
    parser.add_argument("--text", action="store_true", dest="text_only", help="no window: write only the text")
    parser.add_argument("--record", type=Path, metavar="OUT.mp4", help="write what the window shows as a film")
    parser.add_argument("--timings", type=Path, metavar="OUT.json", help="write how long each step took")
    parser.add_argument(
        "--words", action=argparse.BooleanOptionalAction, default=True, help="make words of letters (default: --words)"
    )
    parser.add_argument(
        "--own-words", type=Path, metavar="FILE", help="names and other words that you spell: a text file, one a line"
    )
    parser.add_argument(
        "--threshold",
        type=_number(float, 0, 1, "share"),
        metavar="SHARE",
        help="lowest confidence at which a letter counts, 0 to 1 (default: the service's)",
    )
    parser.add_argument(
        "--hold",
        type=_number(float, 0, 10, "number of seconds"),
        metavar="SECONDS",
        help="how long a letter is held before it counts (default: the service's)",
    )
    return parser.parse_args(arguments)


def _parse_record(arguments: list[str]) -> argparse.Namespace:
    does = "Record your own hand, letter by letter, as training data."
    parser = _start_parser("fingerspell record", does, RECORD_EPILOG, "0", "0")
    parser.add_argument("path", type=Path, metavar="OUT.npz", help="the file to write, or to add to")
    parser.add_argument("--signer", required=True, metavar="NAME", help="who signs: the same name in every file")
    parser.add_argument("--letters", metavar="ABC", help="what to ask for (default: all 26)")
    parser.add_argument(
        "--per-letter",
        type=_number(int, 1, MAX_PER_LETTER, "number"),
        default=20,
        metavar="N",
        help="frames per letter, of J and Z takes, at most 10 (default: %(default)s)",
    )
    parser.add_argument("--headless", action="store_true", help="no window: count down on the terminal")
    parser.add_argument("--labels", type=Path, metavar="FILE", help="what the frames of a film show (with --headless)")
    parser.add_argument(
        "--countdown",
        type=_number(float, 0, 60, "number of seconds"),
        default=3.0,
        metavar="SECONDS",
        help="time to form each letter, with --headless (default: %(default)g)",
    )
    return parser.parse_args(arguments)


def _parse_enrol(arguments: list[str]) -> argparse.Namespace:
    does = "Show your own hand, letter by letter, so that your letters are recognised better."
    parser = _start_parser("fingerspell enrol", does, ENROL_EPILOG, "camera", "the first camera that works")
    parser.add_argument("path", type=Path, metavar="OUT.fingerspell", help="the profile to write, or to change")
    parser.add_argument("--signer", required=True, metavar="NAME", help="whose hand it is")
    _add_server(parser)
    parser.add_argument("--fast", action="store_true", help=f"{FAST} (with --headless always)")
    parser.add_argument("--headless", action="store_true", help="no window: one line a letter on the terminal")
    parser.add_argument("--labels", type=Path, metavar="FILE", help="what the frames of a film show (with --headless)")
    return parser.parse_args(arguments)


def _parse_forget(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="fingerspell forget", description="Delete the profile of somebody's hand.")
    parser.add_argument("name", metavar="NAME", help="the .fingerspell file, or its name in the folder of profiles")
    return parser.parse_args(arguments)


COMMANDS: Final[dict[str, Callable[[list[str]], argparse.Namespace]]] = {
    "record": _parse_record,
    "enrol": _parse_enrol,
    "forget": _parse_forget,
}


def _add_server(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--server", metavar="URL", help="the service that recognises the letters (default: http://127.0.0.1:3000)"
    )


def _start_parser(prog: str, does: str, epilog: str, source: str, shown: str) -> argparse.ArgumentParser:
    """Begin with the options of both commands; `source` is the default one, `shown` in the help."""
    parser = argparse.ArgumentParser(
        prog=prog, description=does, epilog=epilog, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--source",
        default=source,
        metavar="NUMBER|FILE|FOLDER|URL",
        help=f"a camera's number, a video file, a folder of pictures, or an http or rtsp address (default: {shown})",
    )
    parser.add_argument(
        "--hand-model",
        type=Path,
        metavar="FILE",
        help="a hand landmarker's .task file (default: the models inside mediapipe==0.10.21)",
    )
    return parser


def _number(kind: type[float], least: int, most: int, what: str) -> Callable[[str], float]:
    """Return what parses a number of a kind, `int` or `float`, within its bounds."""

    def parse(text: str) -> float:
        with suppress(ValueError):
            if least <= (number := kind(text)) <= most:
                return number
        raise argparse.ArgumentTypeError(f"{text!r} is not a {what} from {least} to {most}")

    return parse


if __name__ == "__main__":
    sys.exit(main())
