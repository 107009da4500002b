"""Coverage-guided fuzzing of the code that reads raw data sets, with Atheris (libFuzzer).

`make fuzz` runs it. Any exception but `InputError`, a crash, a file that takes too long, or memory beyond the limit
ends it with a status other than 0; the file is kept in `.fuzz/`.
"""

from __future__ import annotations

import argparse
import random
import resource
import sys
from pathlib import Path
from typing import Final

import atheris

with atheris.instrument_imports(include=["stages", "zipfile", "numpy.lib.format"]):
    import zipfile  # noqa: F401 - to be instrumented before anything else loads it

    from fuzz.mutations import MAX_BYTES, mutate, seeds
    from stages.data.raw import read_raw
    from stages.errors import InputError

SECONDS: Final = 5
"""Time limit for one file; a few milliseconds are usual."""
RESIDENT_MIB: Final = 512
ADDRESS_MIB: Final = 4096
"""Limit of the address space, of which libraries and libFuzzer reserve most without using it."""
MAX_GIB: Final = 0.05
"""Uncompressed size that is allowed, well below the memory limit."""
ARTEFACTS: Final = Path(".fuzz")
_CURRENT: Final = ARTEFACTS / "current.npz"
_COUNTS: Final = {"read": 0, "refused": 0, "files": 0}


def read_everything(contents: bytes) -> None:
    """Read a file as preprocessing does, to the last picture."""
    _CURRENT.write_bytes(contents)
    try:
        raw = read_raw(_CURRENT, max_samples=1000, max_gib=MAX_GIB)
        if raw.pictures is not None:
            for chunk in raw.pictures.chunks(16):
                chunk.max(initial=0)
    except InputError as error:
        if not str(error).startswith(f"{_CURRENT}: "):
            raise ValueError(str(error)) from error
        _COUNTS["refused"] += 1
    else:
        _COUNTS["read"] += 1
    if _COUNTS["read"] + _COUNTS["refused"] == _COUNTS["files"]:  # libFuzzer ends the process without returning
        sys.stdout.write(f"{_COUNTS['read']} files were read, {_COUNTS['refused']} refused with an error message\n")
        sys.stdout.flush()


def change(contents: bytes, most: int, seed: int) -> bytes:
    """Mutate as libFuzzer does, or with knowledge of the format."""
    rng = random.Random(seed)  # noqa: S311 - not for cryptography
    changed = atheris.Mutate(contents, most) if rng.random() < 0.25 else mutate(contents, rng)
    return changed[:most]


def main() -> None:
    """Run the fuzzer over as many files as the command line says."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--files", type=int, default=20_000, help="mutated files to read (default 20000)")
    parser.add_argument("--seed", type=int, default=1, help="of the mutations (default 1)")
    options = parser.parse_args()
    _COUNTS["files"] = options.files
    corpus = ARTEFACTS / "corpus"
    corpus.mkdir(parents=True, exist_ok=True)
    for number, contents in enumerate(seeds()):
        (corpus / f"seed-{number}.npz").write_bytes(contents)
    resource.setrlimit(resource.RLIMIT_AS, (ADDRESS_MIB << 20, ADDRESS_MIB << 20))
    arguments = [
        sys.argv[0],
        f"-runs={options.files}",
        f"-seed={options.seed}",
        f"-timeout={SECONDS}",
        f"-rss_limit_mb={RESIDENT_MIB}",
        f"-max_len={MAX_BYTES}",
        f"-artifact_prefix={ARTEFACTS}/",
        "-mutate_depth=1",  # a mutation is up to three changes already
        "-print_final_stats=1",
        str(corpus),
    ]
    atheris.Setup(arguments, read_everything, custom_mutator=change)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
