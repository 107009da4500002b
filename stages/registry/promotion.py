"""A version of the registered model is offered as the champion: examined, judged, and given the alias or refused.

What a network is, is the content of its file. So the same content is judged once:

- the champion's own content stays champion, for the reasons that made it so;
- content that was refused is refused again with the same words, as long as the terms are the same: the champion, the
  strangers, the validation data and the budgets; with other terms it is examined anew;
- content that was rolled back stays so, whatever the terms, until a person offers it again with `--again`.
"""

from __future__ import annotations

import hashlib
import json
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from client.mask import MASK_VERSION
from stages.data.loader import draw_masks
from stages.data.processed import data_hash, read_processed
from stages.errors import PipelineError
from stages.evaluation.networks import Network, load_network, measure_latency
from stages.evaluation.predictions import examine, examine_validation, stranger_files, strangers
from stages.evaluation.test_scores import Answers, calibration
from stages.files import content_hash
from stages.params import Evaluate, Preprocess, Promote, Synthesize, Test, read_params
from stages.registry.champion import ROLLED_BACK, Entry, fetch_model, move_champion, read_champion, read_entry, tag
from stages.registry.gate import Decision, Finding, Marks, decide

if TYPE_CHECKING:
    from collections.abc import Mapping

VERDICT: Final = "gate"
REASONS: Final = "gate_reasons"
TERMS: Final = "gate_terms"
PROMOTED: Final = "promoted"
REFUSED: Final = "refused"


@dataclass(frozen=True)
class Outcome:
    """What became of an offer."""

    candidate: Entry
    champion: Entry
    """Who has the alias now."""
    promoted: bool
    """Whether that is the candidate."""
    reasons: tuple[str, ...]
    """Full sentences."""


def crown(model_name: str, number: int) -> Outcome:
    """Make a version the champion where there is none to compare it with.

    Raises:
        PipelineError: there is one by now, or the store cannot be used.
    """
    reasons = ("There was no champion, so the best network by macro F1 in validation became it without a comparison.",)
    move_champion(model_name, None, number)
    tag(model_name, number, {VERDICT: PROMOTED, REASONS: reasons[0]})
    entry = read_entry(model_name, number)
    return Outcome(entry, entry, promoted=True, reasons=reasons)


def offer(model_name: str, number: int, model: Path, *, again: bool = False) -> Outcome:
    """Offer a version as the champion.

    Args:
        model_name: the registered model, which has a champion.
        number: version that is offered.
        model: its file.
        again: offer it even though it was rolled back, and examine it even though it was refused on these terms.

    Raises:
        PipelineError: there is no champion, it changed meanwhile, or something that the gate needs cannot be read.
    """
    candidate, champion = read_entry(model_name, number), read_champion(model_name)
    if champion is None:
        raise PipelineError(f"'{model_name}' has no champion to compare with. Make one: make repro")
    if candidate.model_hash == champion.model_hash:
        reasons = tuple(champion.tags.get(REASONS, "It is the champion already.").split("\n"))
        return Outcome(champion, champion, promoted=True, reasons=reasons)
    if ROLLED_BACK in candidate.tags and not again:
        reason = (
            "It was rolled back, so only a person can offer it again: python -m stages.commands.promote FILE --again"
        )
        return Outcome(candidate, champion, promoted=False, reasons=(reason,))
    budgets = read_params(Promote)
    terms = _terms(champion, budgets)
    if candidate.tags.get(VERDICT) == REFUSED and candidate.tags.get(TERMS) == terms and not again:
        return Outcome(candidate, champion, promoted=False, reasons=tuple(candidate.tags[REASONS].split("\n")))
    decision = _judge(model_name, champion, model, budgets)
    if decision.promoted:
        move_champion(model_name, champion.number, number)
    verdict = PROMOTED if decision.promoted else REFUSED
    tag(model_name, number, {VERDICT: verdict, REASONS: "\n".join(decision.reasons), TERMS: terms})
    return Outcome(
        candidate,
        read_entry(model_name, number) if decision.promoted else champion,
        promoted=decision.promoted,
        reasons=decision.reasons,
    )


def _judge(model_name: str, champion: Entry, model: Path, budgets: Promote) -> Decision:
    """Let both read the same samples on this machine, and ask the gate."""
    networks = {"candidate": load_network(model)}
    with tempfile.TemporaryDirectory() as folder:
        fetched = fetch_model(model_name, champion, Path(folder) / "model.onnx")
        try:
            networks["champion"] = load_network(fetched)
        except PipelineError as error:
            # The file is the one registered, so it is this checkout that cannot read it: it draws other masks.
            unreadable = Finding(True, f"The champion, version {champion.number}, cannot be examined: {error}")
            decision = decide(measure(networks)["candidate"], None, budgets)
            return Decision((unreadable, *decision.findings))
        marks = measure(networks)
    return decide(marks["candidate"], marks["champion"], budgets)


def measure(networks: dict[str, Network]) -> dict[str, Marks]:
    """Examine networks on the pipeline's strangers and its validation samples, and time them side by side.

    Raises:
        PipelineError: strangers or processed data cannot be read.
    """
    evaluate, exam = read_params(Evaluate), read_params(Test)
    given: dict[str, dict[str, Answers]] = {name: {} for name in networks}
    people = strangers(stranger_files(), exam, read_params(Preprocess), read_params(Synthesize).seed)
    for source, samples in people:
        for name, answers in examine(networks, source, samples).items():
            given[name][source] = answers
    processed = read_processed()
    validation = examine_validation(networks, processed)
    mask = draw_masks(processed.validation.samples[:1])[0]
    return {
        name: Marks(
            strangers=given[name],
            validation=validation[name],
            ece=max(_ece(given[name], exam.calibration_bins), _ece({"": validation[name]}, evaluate.calibration_bins)),
            latency_ms=float(measure_latency(network, mask, evaluate.latency_runs).min()),
        )
        for name, network in networks.items()
    }


def _ece(answers: Mapping[str, Answers], bins: int) -> float:
    return calibration(answers, bins).error


def _terms(champion: Entry, budgets: Promote) -> str:
    """Hash of all that a decision rests on besides the candidate."""
    exam = read_params(Test)
    people = {path.name: content_hash(path) for path in stranger_files()}
    terms = {
        "champion": champion.model_hash,
        "budgets": asdict(budgets),
        "strangers": people or [exam.seed, exam.signers, exam.samples_per_letter],
        "validation": data_hash(),
        "masks": MASK_VERSION,
    }
    return hashlib.sha256(json.dumps(terms, sort_keys=True).encode()).hexdigest()
