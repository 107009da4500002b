"""The command line: `python -m client`."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from client.errors import ClientError, explain_missing_library

EPILOG = """\
keys in the window:
  q, Esc      quit
  Backspace   delete the last letter
  space bar   add a space

exit codes:
  0    done: the source ended, the window was closed, or the reader of the output went away
  1    trouble, told in one sentence
  2    the command line is wrong
  130  interrupted with Ctrl-C

A headless run writes a JSON line for each frame, with frame, time (seconds), hand (x0, y0, x1, y1 in pixels, or
null), letter, confidence, smoothed and committed, and at its end one with the text.
Pictures stay on this machine: only the hand's landmarks, drawn on black, go to the service.
"""


def main(arguments: list[str] | None = None) -> int:
    """Run the client.

    Args:
        arguments: the command line without the program's name; the process's own where None.

    Returns:
        The exit code, as `--help` lists them.
    """
    options = _parse(arguments)
    try:
        try:
            from client.app import run  # noqa: PLC0415 - a library that is missing becomes a sentence
        except ImportError as error:
            raise explain_missing_library(error) from error
        run(options.source, options.server, options.headless, options.hand_model, sys.stdout)
    except ClientError as error:
        print(f"error: {error}", file=sys.stderr)  # noqa: T201 - this is the terminal's door
        return 1
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        # Python would complain once more when it flushes stdout at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0


def _parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m client",
        description="Sign the ASL manual alphabet at a camera and read the letters.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--source",
        default="0",
        metavar="NUMBER|FILE|URL",
        help="a camera's number, a video file, or an http or rtsp address (default: 0)",
    )
    parser.add_argument(
        "--server",
        default="http://127.0.0.1:3000",
        metavar="URL",
        help="the service that reads the letters (default: %(default)s)",
    )
    parser.add_argument("--headless", action="store_true", help="no window: write one JSON line a frame")
    parser.add_argument(
        "--hand-model",
        type=Path,
        metavar="FILE",
        help="a hand landmarker's .task file (default: the models inside mediapipe==0.10.21)",
    )
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
