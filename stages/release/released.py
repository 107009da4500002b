"""The champion against the last release's model, both on the same hands of unseen signers."""

from __future__ import annotations

import shutil
import tarfile
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

from stages.errors import InputError, MaskVersionError
from stages.evaluation.intervals import Difference, compare_accuracy, compare_f1, compare_letters
from stages.evaluation.networks import load_network
from stages.evaluation.predictions import predictions_of
from stages.evaluation.sets import TestSets
from stages.export.bento import MODEL_FILE
from stages.registry.gate import letters_hold
from stages.registry.record import CHAMPION_FILES, champion_predictions
from stages.registry.unseen import count_people, leave_out, rows_trained_on
from stages.release.figures import Comparison, Figure

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from stages.params import Promote

SHOWN_LETTERS: Final = 3


def compare_released(path: Path, budgets: Promote) -> Comparison:
    """Compare the champion with a released model.

    Args:
        path: an exported network, or a Bento: its folder, or the archive that a release has.
        budgets: largest fall of a letter.

    Raises:
        InputError: the file holds no network, or the champion or the test sets are missing.
    """
    title = f"The champion compared with the released model, {path}, on the same hands:"
    with released_model(path) as model:
        try:
            trained_on = load_network(model).trained_on
        except MaskVersionError as error:
            return Comparison(title, (), (f"The released model cannot be evaluated here: {error}",))
        released = predictions_of(model, model.parent / "predictions").signers.unseen
    sets = TestSets.read().unseen
    rows = rows_trained_on(sets, [trained_on, load_network(CHAMPION_FILES / "model.onnx").trained_on])
    champion, released = (leave_out(each, rows) for each in (champion_predictions().signers.unseen, released))
    known = count_people(sets, rows)
    notes = (f"Left out: {known} signers of the test set on whom one of them was trained.",) if known else ()
    if not champion:
        return Comparison(title, (), (*notes, "Nobody is left, so nothing was compared."))
    figures = (
        _figure("accuracy on unseen signers", compare_accuracy(champion, released)),
        _figure("macro F1 on unseen signers", compare_f1(champion, released)),
        _letters(compare_letters(champion, released), budgets.letter_fall),
    )
    return Comparison(title, figures, notes)


@contextmanager
def released_model(path: Path) -> Iterator[Path]:
    """Take the network out of a Bento, or copy the file; it is removed with everything beside it after the block.

    Raises:
        InputError: there is no network at `path`.
    """
    with tempfile.TemporaryDirectory() as folder:
        model = Path(folder) / "model.onnx"
        inside = f"src/{MODEL_FILE}"
        try:
            if path.is_dir():
                shutil.copy(path / inside, model)
            elif path.suffix == ".onnx":
                shutil.copy(path, model)
            else:
                _extract(path, inside, model)
        except (OSError, tarfile.TarError) as error:
            raise InputError(
                f"{path}: there is no network in it ({error}). Name an .onnx file, or a Bento: its folder or .tar.gz."
            ) from None
        yield model


def _extract(archive: Path, inside: str, model: Path) -> None:
    with tarfile.open(archive, "r:gz") as bundle:
        for member in bundle:
            if member.isfile() and member.name.endswith(f"/{inside}"):
                stream = bundle.extractfile(member)
                assert stream is not None  # noqa: S101 - a regular file has one
                with stream, model.open("wb") as copy:
                    shutil.copyfileobj(stream, copy)
                return
    raise FileNotFoundError(f"no {inside}")


def _figure(name: str, difference: Difference) -> Figure:
    interval = "one signer, so no interval"
    if difference.low is not None and difference.high is not None:
        interval = f"difference {difference.low:+.3f} to {difference.high:+.3f}"
    return Figure(
        name, f"{difference.champion:.3f}", f"{difference.candidate:.3f} ({interval})", holds=not difference.worse
    )


def _letters(letters: Mapping[str, Difference], budget: float) -> Figure:
    """Show the letters with the largest falls; the gate's rule says whether any counts."""
    shown = sorted(letters, key=lambda letter: letters[letter].candidate - letters[letter].champion)[:SHOWN_LETTERS]
    return Figure(
        "letters with the largest falls",
        ", ".join(f"{letter} {letters[letter].champion:.2f}" for letter in shown),
        ", ".join(f"{letter} {letters[letter].candidate:.2f}" for letter in shown),
        holds=letters_hold(letters, budget).holds,
    )
