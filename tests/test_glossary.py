"""One vocabulary: no tracked text uses a coined word for which the field has a term (CONTRIBUTING.md, Glossary)."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import Final, NamedTuple

import pytest

ROOT: Final = Path(__file__).resolve().parents[1]


class Term(NamedTuple):
    """A coined word and the term to write instead."""

    coined: str
    """Regular expression, in any case, not inside a longer word; a space also matches `_`, a line break and `#`."""
    instead: str
    planted: str
    """Text in which the expression has to find the word."""
    legitimate: str
    """Text in which it must find nothing."""


TERMS: Final = (
    Term("strangers?", "unseen signers", "mean_of_strangers = 0.8", "unseen signers, strange light"),
    Term("exams?", "test set, evaluation", "class ExamReport:", "for example"),
    Term(
        "examine[ds]?|examining|examinations?",
        "evaluate",
        "The stage examines networks.",
        "The stage evaluates networks.",
    ),
    Term(
        "marks(?! (a|one|the) )(?!=pytest)", "scores", "letter_marks(rows)", "pytest.param(1, marks=pytest.mark.slow)"
    ),
    Term("told (from|apart)", "distinguished from", "# fists are told\n    # apart", "it is told to stop"),
    Term("tell(s|ing)? apart", "distinguish", "tell_apart(letters)", "tell a part of it"),
    Term(
        "stands|stood|stand in", "is, is in, is shown", "The range stands\nin params.yaml.", "understands, a stand-in"
    ),
    Term("bears?", "carries, withstands", "what it bears", "Authorization: Bearer"),
    Term("mend(s|ed|ing)?", "fix", "Mend it and run again.", "recommended, amends"),
    Term("let(s|ting)? go", "release", "when the hand lets go", "it lets Google in"),
    Term(r"(?<!\.)errs?(?!_msg)", "is wrong; landmark noise", "landmarks err by 2 %", "capsys.readouterr().err"),
    Term("dice", "RNG state, random generator", "dice = Random(0)", "indices"),
    Term(
        "views|(each|every|one|per|single) view|view logits",
        "augmented samples; the mask and its mirror image",
        "seconds_per_view",
        "class View: logits.view(-1), two hands in view, a view of MLflow",
    ),
    Term("crown(s|ed|ing)?", "promote the first champion", "def crown(version):", "Crownover"),
    Term("standing", "champion record", "write_standing(path)", "outstanding"),
    Term("offer(s|ed|ing)?", "propose, evaluate for promotion", "Offer one that fits.", "coffers"),
    Term("letterness", "p_letter", "given.letterness[0]", "p_letter, letters"),
    Term("(?-i:Answers)", "Predictions", "from scores import Answers", "it answers at once"),
    Term(
        r"(?<!_)(beside|alone)(?=\()",
        "atomic_write, store_lock",
        "with alone():",
        "def test_leaves_it_alone(): alone (no service)",
    ),
    Term("landed", "frame_done", "self._landed(frame)", "landmarks"),
    Term("reads? (right|wrong|best|worst)", "classify correctly, recognise", "U is read best", "read the rightmost"),
    Term(
        "reads? as(?! (fast|raw|text|they|utf) )",
        "predict, classify as",
        "M is read as A.",
        "a film is read as fast as can be",
    ),
    Term("misread(s|ing)?", "misclassify; landmark noise", "def _misread(seen):", "the file was read"),
    Term(
        "reads (a |the )?(letters?|hands?)", "recognise, predict", "It reads the letters.", "It reads the letterhead."
    ),
    Term("letters? read", "predicted letter", "Count the letters read.", "Read the letters on the screen."),
    Term("readings", "predictions", "bin_readings(rows)", "reading a file"),
)

EXCEPTIONS: Final = {
    (".gitignore", "exam"): "the former name of data/test/, where photographs may still be",
    ("stages/evaluation/test_sets.py", "exam"): "the same: files there are still found, with a warning",
    ("tests/stages/test_unseen_signers.py", "exam"): "the same",
    ("data/test/README.md", "exam"): "the same",
    ("client/recording/record.py", "views"): "what each frame of the camera shows",
    ("tests/client/test_screen.py", "marks"): "ticks on a bar",
    ("docs/protocol.md", "offers"): "the WebSocket protocol's own word for a subprotocol that a client names",
    ("service/guard.py", "offered"): "the same",
    ("service/web.py", "offered"): "the same",
    ("service/recogniser.py", "offered"): "ONNX Runtime's execution providers",
    ("service/recogniser.py", "offers"): "the same",
    ("tests/service/test_recogniser.py", "offered"): "the same",
}
"""Files and words in them that mean what the dictionary says, and why."""

NOT_OURS: Final = ("requirements/", "pretrained/", "dvc.lock", "client/web/package-lock.json", "docs/licences.md")
"""What other programs write, and the folder that training depends on, file by file."""


def tracked_texts() -> list[tuple[str, str]]:
    """Paths and contents of all tracked files but this one, as in the working tree; a binary file's content is ""."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    texts = []
    for name in listed.split("\0"):
        path = ROOT / name
        if name.startswith(NOT_OURS) or not path.is_file() or path == Path(__file__).resolve():
            continue
        content = path.read_bytes()
        texts.append((name, "" if b"\0" in content else content.decode()))
    return texts


def coined_words(text: str, term: Term) -> list[tuple[int, str]]:
    """Find a term's coined word in a text: the number of the line, from 1, and the word as written."""
    parted = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", text)  # `ExamReport` is two words, as `exam_report` is
    spaced = term.coined.replace(" ", r"[\s_#]+")
    found = re.finditer(rf"(?<![A-Za-z])(?:{spaced})(?![A-Za-z])", parted, re.IGNORECASE)
    return [(parted.count("\n", 0, match.start()) + 1, " ".join(match.group().split())) for match in found]


def test_every_text_uses_the_terms_of_the_field():
    hits = [  # line 0 is the path itself
        f"{path}:{line}: {word} -> {term.instead}"
        for path, text in tracked_texts()
        for term in TERMS
        for line, word in [*((0, word) for _, word in coined_words(path, term)), *coined_words(text, term)]
        if (path, word.lower()) not in EXCEPTIONS
    ]
    assert not hits, f"{len(hits)} coined words\n" + "\n".join(hits)


@pytest.mark.parametrize("term", TERMS, ids=lambda term: term.coined)
def test_a_planted_word_is_found_and_a_legitimate_one_passes(term):
    assert coined_words(f"first line\n{term.planted}\n", term)[0][0] == 2
    assert coined_words(term.legitimate, term) == []
