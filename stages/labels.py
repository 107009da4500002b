"""Labels: a letter has one name, however people wrote it."""

from __future__ import annotations

from typing import Final

MAX_LABEL_LENGTH: Final = 64
"""Characters in a label or in a signer's name: a letter, a word, not a document."""
NOTHING: Final = "nothing"
"""Label of a hand that shows no letter, or of a photograph without a hand."""
WORDS: Final = (NOTHING, "space", "del")
"""Labels that the clients do not write but heed: they add nothing, a space, or delete a letter."""


def clean_label(text: str) -> str:
    """Trim a label, and write a single letter in upper case and one of `WORDS` in lower case.

    Example:
        ```python
        [clean_label(text) for text in ("a", " A", "Space", "Hello")]  # ["A", "A", "space", "Hello"]
        ```
    """
    label = text.strip()
    if len(label.upper()) == 1:  # not so for ß, which has no single upper case
        return label.upper()
    return label.lower() if label.lower() in WORDS else label
