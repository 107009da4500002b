"""Keep the weights of a finished training as initial weights of later ones.

Usage: python -m stages.commands.keep_weights custom_cnn [...]
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from stages.errors import run_door
from stages.params import ARCHITECTURES, PRETRAINED
from stages.training.weights import halve


def main() -> None:
    """Write `models/<architecture>/weights.safetensors` as `pretrained/<architecture>.safetensors`, in float16."""
    parser = argparse.ArgumentParser(prog="python -m stages.commands.keep_weights", description=main.__doc__)
    parser.add_argument("architectures", nargs="+", choices=(*ARCHITECTURES, "trail"))
    for architecture in parser.parse_args().architectures:
        kept = PRETRAINED / f"{architecture}.safetensors"
        halve(Path("models") / architecture / "weights.safetensors", kept)
        sys.stdout.write(f"{kept}: {kept.stat().st_size / 2**20:.1f} MiB\n")


if __name__ == "__main__":
    run_door(main)
