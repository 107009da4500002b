"""The `vocabulary` stage: the most frequent words of a language and their frequencies, for the service's word model."""

from __future__ import annotations

from stages.errors import run_door
from stages.export.vocabulary import VOCABULARY, list_words, write_vocabulary
from stages.params import Vocabulary, read_params


def main() -> None:
    """Write `data/vocabulary.tsv`."""
    parameters = read_params(Vocabulary)
    words = list_words(parameters.language, parameters.words)
    write_vocabulary(VOCABULARY, words, parameters.language)
    print(f"{VOCABULARY}: {len(words)} words of '{parameters.language}'")  # noqa: T201


if __name__ == "__main__":
    run_door(main)
