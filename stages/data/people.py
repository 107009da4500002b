"""Who is in data, as hashes: a network carries those of everybody it was trained on, so that nobody is tested on them.

A named signer is known by the name, in whatever file. A sample without a name is known by its content: the hash is
that of the hand's place- and size-free landmarks, rounded, or of the mask's bytes. So another photograph of the same
unnamed person is not recognised, nor a mask that was drawn from unnamed landmarks.

Hashes of names are not secret: whoever has a model and guesses a name can check whether it is among them.
"""

from __future__ import annotations

import base64
import json
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from safetensors import SafetensorError, safe_open

from stages.data.duplicates import LANDMARK_TOLERANCE, describe_samples, mirror_features
from stages.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import numpy.typing as npt

    from stages.data.processed import Processed

People = frozenset[bytes]
"""A hash of `HASH_BYTES` for each named signer and for each sample without a name."""
HASH_BYTES: Final = 8
"""Among a million people, the chance that somebody else's hash is one of theirs is 1 in 18 million million."""
TRAINED_ON: Final = "trained_on"
"""Key in the metadata of networks and of files of weights."""


def hash_name(name: str) -> bytes:
    """Hash a signer's name."""
    return blake2b(json.dumps(["signer", name]).encode(), digest_size=HASH_BYTES).digest()


def people_in(data: Processed) -> People:
    """Hash everybody in training and validation: validation chose when training ended."""
    people: set[bytes] = set()
    for split in (data.train, data.validation):
        people.update(hash_name(name) for name in set(split.signers.tolist()) - {""})
        people.update(_sample_hashes(split.samples[split.signers == ""], mirrored=False))
    return frozenset(people)


def rows_of(people: People, samples: npt.NDArray[Any], signers: npt.NDArray[np.str_]) -> npt.NDArray[np.bool_]:
    """Find the rows of one source that show any of these people.

    If one row is recognised by its content, so is every row under the same name, or without one: it is one person.

    Args:
        people: hashes of everybody to look for.
        samples: (N,21,3) landmarks or (N,224,224,3) masks; mirror images are recognised, too.
        signers: (R,) names, R at least N: the first N are of the samples.

    Returns:
        (R,) whether the row shows one of them.
    """
    named = {name: name != "" and hash_name(name) in people for name in set(signers.tolist())}
    found = np.array([named[name] for name in signers.tolist()], dtype=np.bool_)
    for mirrored in (False, True):
        found[: len(samples)] |= np.array([each in people for each in _sample_hashes(samples, mirrored=mirrored)], bool)
    return np.isin(signers, np.unique(signers[found]))


def pack_people(people: People) -> str:
    """Write hashes as text, 11 characters for each; the same people always give the same text."""
    return base64.b64encode(b"".join(sorted(people))).decode()


def unpack_people(text: str) -> People:
    """Read what `pack_people` wrote.

    Raises:
        ValueError: it is something else.
    """
    try:
        packed = base64.b64decode(text, validate=True)
    except ValueError as error:
        raise ValueError(f"'{TRAINED_ON}' is damaged: {error}") from None
    if len(packed) % HASH_BYTES:
        raise ValueError(f"'{TRAINED_ON}' is damaged: it has {len(packed)} bytes")
    return frozenset(packed[start : start + HASH_BYTES] for start in range(0, len(packed), HASH_BYTES))


def read_people(metadata: Mapping[str, str]) -> People | None:
    """Read from a file's metadata on whom the network was trained; None if an older or foreign file does not say.

    Raises:
        ValueError: what it says is damaged.
    """
    return unpack_people(metadata[TRAINED_ON]) if TRAINED_ON in metadata else None


def people_of_weights(path: Path) -> People | None:
    """Read on whom weights in a safetensors file were trained, without loading them; None if the file does not say.

    Raises:
        InputError: the file is missing or damaged.
    """
    try:
        with safe_open(path, "numpy") as file:
            return read_people(file.metadata() or {})
    except (SafetensorError, OSError, ValueError) as error:
        raise InputError(f"{path} is not a complete safetensors file ({error}). Copy it again.") from None


def _sample_hashes(samples: npt.NDArray[Any], *, mirrored: bool) -> list[bytes]:
    if samples.ndim == 4:
        contents = [mask[:, ::-1].tobytes() if mirrored else mask.tobytes() for mask in samples]
    else:
        features = describe_samples(samples)[0]
        features = mirror_features(features) if mirrored else features
        # Half steps are rounded to even, so a mirror image is rounded as the hand is.
        contents = [hand.tobytes() for hand in np.round(features / LANDMARK_TOLERANCE).astype(np.int8)]
    return [blake2b(content, digest_size=HASH_BYTES, person=b"sample").digest() for content in contents]
