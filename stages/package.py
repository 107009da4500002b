"""The `package` stage: the registry's two champions, the vocabulary and the service's code become a Bento."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Final

from stages.errors import run_door
from stages.export.bento import BENTO, MODEL_FILE, TRAIL_FILE, build_bento
from stages.export.vocabulary import VOCABULARY
from stages.registry.champion import download_champion
from stages.registry.record import ChampionRecord
from stages.registry.trail import TrailRecord

WORK: Final = Path(".bentoml/build")
"""BentoML's store while it builds, inside the checkout, so that the last step is a rename."""


def main() -> None:
    """Fetch the champions from the registry and build the Bento."""
    champion, moving = ChampionRecord.read(), TrailRecord.read()
    with tempfile.TemporaryDirectory() as folder:
        model = download_champion(champion.model, champion.model_hash, Path(folder) / MODEL_FILE)
        trail = download_champion(moving.model, moving.model_hash, Path(folder) / TRAIL_FILE)
        build_bento(
            model, trail, VOCABULARY, BENTO, WORK,
            architecture=champion.champion, registered_model=champion.model, version=champion.version,
        )  # fmt: skip
    print(f"{BENTO}/: {champion.champion}, version {champion.version} of {champion.model}. Serve it: make serve")  # noqa: T201


if __name__ == "__main__":
    run_door(main)
