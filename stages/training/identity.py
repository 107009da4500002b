"""What a training run depends on, in one hash: an unfinished run goes on only if nothing of it has changed."""

from __future__ import annotations

import hashlib
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Final

from stages.files import content_hash

ROOMS: Final = ("client", "stages")
LIBRARIES: Final = ("lightning", "torch")
"""Those that write checkpoints and compute what is in them."""


def run_hash(*inputs: object) -> str:
    """Hash inputs, the project's code that this process has loaded, and the versions of torch and Lightning.

    Args:
        inputs: whatever else the run depends on; the `repr` of each must say all that matters.

    Returns:
        16 hex digits.
    """
    loaded = {
        name: module.__file__
        for name, module in sys.modules.items()
        if name.partition(".")[0] in (*ROOMS, "__main__") and getattr(module, "__file__", None)
    }
    code = sorted((name, content_hash(Path(file))) for name, file in loaded.items() if file)
    return hashlib.sha256(repr((inputs, code, [version(name) for name in LIBRARIES])).encode()).hexdigest()[:16]
