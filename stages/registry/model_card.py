"""The model card: what the champion is, how accurate it is on unseen signers, what it cannot do, what nobody knows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pandas as pd

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from stages.data.preprocess_report import PreprocessReport
    from stages.evaluation.moving import TrailReport
    from stages.evaluation.signer_scores import SignerReport, SignerScores
    from stages.registry.comparison import Compared
    from stages.registry.record import ChampionRecord
    from stages.registry.trail import TrailRecord

WEAKEST: Final = 5
"""Letters named as the least accurate, and as many as the most accurate."""

LIMITS: Final = """\
- It recognises letters that are held still, in one picture of one hand: no second hand, no face, no words. J and Z,
  which are drawn in the air, are recognised by another network (see above).
- A hand that shows no letter may be given one; see the figures above.
- It depends on the hand detector: a hand that the detector misses is not recognised at all.
- Photographs of one source resemble each other, and the signers are few, so the intervals are wide."""

ETHICS: Final = """\
- **Fingerspelling is not sign language.** It spells names and loan words; ASL has a grammar, a vocabulary and a
  community of its own. This is no translator and no substitute for an interpreter.
- Not to be used for decisions about people: no language tests, no grading, no identification, no surveillance,
  nothing in which a misunderstood letter harms someone.
- Photographs stay on the signer's machine; the network sees 21 points drawn on black."""

UNREPRESENTED: Final = """\
- **Skin tones, sleeves, light**: the network sees points, not skin, but the detector that finds them sees photographs.
  How often it misses which hands was not measured by skin tone.
- **Hands unlike an adult's with five mobile fingers**: missing, fused or extra fingers, arthritis, tremor, paralysis,
  children's hands, gloves, bandages and prostheses are in neither the training nor the test data. Untested.
- **Left hands** are mirror images in training; there is no figure for people who sign with theirs.
- **Fluent Deaf signers**: handshapes are learners' textbook shapes held for a camera. Regional and personal styles, and
  letters in the flow of spelling, are untested. Manual alphabets of other sign languages are not covered."""


def write_card(
    champion: Compared,
    record: ChampionRecord,
    data: PreprocessReport,
    reports: Mapping[str, SignerReport],
    moving: tuple[TrailRecord, TrailReport],
) -> str:
    """Write the card in Markdown.

    Args:
        champion: the network.
        record: the champion and the last decision.
        data: the account of this checkout's data, which may be other data than the champion was trained on.
        reports: scores of this very model on people and on the pipeline's test signers, by what these are called.
        moving: the champion among the trail networks, and scores of this checkout's.
    """
    return f"""# {record.model}, version {record.version}: {champion.name}

Recognises one hand that spells a letter of the ASL manual alphabet. Input: a mask, the hand's 21 landmarks drawn on
black; output: a probability for each letter. Made for learners and demonstrations.

Model file `{champion.model_hash[:16]}`, data `{record.data_hash[:16]}`, commit `{record.git_commit[:12]}`, MLflow run
`{champion.run_id}`.

## Data

{_data(data, record)}

## Accuracy

{_validation(champion)}
{"".join(_unseen(name, report) for name, report in reports.items())}
## J and Z

{_moving(*moving)}

{_every_letter(reports, moving[1])}
## Why it is the champion

{_why(record)}

## Limits

{LIMITS}

## Ethics

{ETHICS}

## Who is not represented

{UNREPRESENTED}
"""


def _data(data: PreprocessReport, record: ChampionRecord) -> str:
    if data.data_hash != record.data_hash:
        here = f"`{data.data_hash[:16]}`" if data.data_hash else "without a hash"
        other = f"Trained on other data, `{record.data_hash[:16]}`, than this checkout holds, {here}."
        return "\n".join([other, *_init(record)])
    train, validation = data.train, data.validation
    files = ", ".join(f"`{file.path}`" for file in data.files)
    sentences = [
        f"Trained on {train.samples:,} samples of {train.signers:,} known signers, validated on "
        f"{validation.samples:,} of {validation.signers:,} others (divided {data.split}), from {files}."
    ]
    sentences += _init(record)
    if all(file.path.endswith("/synthetic.npz") for file in data.files):
        sentences.append("All of them are **synthetic hands**: no person was photographed for its training.")
    return "\n".join([*sentences, f"Labels: {', '.join(data.classes)}."])


def _init(record: ChampionRecord) -> list[str]:
    return [f"Training started from earlier weights: `{record.init}`."] if record.init not in ("", "random") else []


def _validation(champion: Compared) -> str:
    text = f"In validation: macro F1 {champion.metrics['f1']:.3g}."
    if champion.speed:
        text += (
            f" One mask takes {champion.speed.latency_ms_median:.3g} ms on a CPU; the file has "
            f"{champion.speed.size_mib:.3g} MiB."
        )
    return text


def _unseen(name: str, report: SignerReport) -> str:
    scores = report.networks[report.champion]
    photos = sum(source.n_photos for source in report.sources.values())
    signers = sum(source.signers for source in report.sources.values())
    people = "synthetic signers of another seed, which say little about people" if report.synthetic else "people"
    over_signers = (
        "95 % interval over signers {:.3f} to {:.3f}".format(*scores.interval) if scores.interval else "one signer"
    )
    rows = {
        source: {
            "accuracy": f"{score.accuracy:.3f}",
            "95 % interval": "{:.3f}-{:.3f}".format(*score.interval) if score.interval else "one signer",
            "hands found": f"{report.sources[source].detection_rate:.3f}",
        }
        for source, score in scores.sources.items()
    }
    at, letters = scores.at_threshold, scores.weakest_letters
    text = f"""
**{name}**: {photos:,} photographs, {signers or "an unknown number of"} {people}, none of them trained on; hands not
found count as errors. Accuracy, the mean of the sources: **{scores.mean:.3f}** ({over_signers});
macro F1 {scores.f1:.3f}, calibration error {scores.ece:.3f}.

{pd.DataFrame.from_dict(rows, orient="index").to_markdown(disable_numparse=True)}

{_personal(scores)}Least accurate: {_letters(scores, letters[:WEAKEST])}.
Most accurate: {_letters(scores, letters[::-1][:WEAKEST])}.
"""
    if at.risk is not None:
        text += (
            f"Above the service's threshold of {at.threshold:g}, a letter is given for {at.coverage:.0%} of the "
            f"photographs, and {at.risk:.1%} of these letters are wrong.\n"
        )
    if scores.non_letters:
        text += f"Of synthetic hands that show no letter, {scores.non_letters.letters_given:.0%} are given one.\n"
    return text


def _moving(record: TrailRecord, report: TrailReport) -> str:
    """Write how well J and Z are recognised."""
    synthetic = report.synthetic
    lines = [
        f"The trail network ({record.champion}, {record.model}, version {record.version}, file "
        f"`{record.model_hash[:16]}`) predicts J, Z or neither from the paths of three points of a moving hand. It "
        "learned from synthetic movement.",
        "",
        f"- Of {synthetic.trails:,} synthetic trails of another seed, J is found in {synthetic.recall['J']:.3f} and "
        f"Z in {synthetic.recall['Z']:.3f} of those just drawn; {synthetic.false:.3f} of the others are taken for one.",
    ]
    lines += [
        f"- {name}, takes of {takes.signers} people: found in "
        + " and ".join(f"{share:.3f} of {takes.takes[letter]} of {letter}" for letter, share in takes.recall.items())
        + f"; in {takes.false:.4f} of {takes.takes['others']:,} others."
        for name, takes in report.takes.items()
    ]
    return "\n".join(lines)


def _every_letter(reports: Mapping[str, SignerReport], moving: TrailReport) -> str:
    """Write the accuracy of all letters, those of the first report and J and Z of takes, if there are any."""
    title, report = next(iter(reports.items()))
    accuracy = {letter: score.accuracy for letter, score in report.networks[report.champion].letters.items()}
    recall = next((takes.recall for takes in moving.takes.values()), moving.synthetic.recall)
    where = "takes of people" if moving.takes else "synthetic trails"
    rows = {
        letter: {"accuracy": f"{share:.3f}", "measured on": title if letter in accuracy else where}
        for letter, share in sorted((accuracy | recall).items()) if len(letter) == 1
    }  # fmt: skip
    return pd.DataFrame.from_dict(rows, orient="index").to_markdown(disable_numparse=True) + "\n"


def _personal(scores: SignerScores) -> str:
    """Write what signers' own samples are worth, if it was measured."""
    if not scores.personal:
        return ""
    rows = {
        f"{count} samples of each letter" if count else "the network alone": {
            "accuracy": f"{each.mean:.3f}",
            "95 % interval": "{:.3f}-{:.3f}".format(*each.interval) if each.interval else "one signer",
            "of hands found": f"{each.hands:.3f}",
            "signers worse by more than a point": f"{len(each.worse)} of {len(each.signers)}" if count else "",
            "letters worse by more than a point": ", ".join(each.letters_worse) or ("none" if count else ""),
        }
        for count, each in scores.personal.items()
    }
    return (
        "With the signer's own hand enrolled (mean of the signers, on the last half of what each showed; the samples "
        f"are from the first):\n\n{pd.DataFrame.from_dict(rows, orient='index').to_markdown(disable_numparse=True)}\n\n"
    )


def _letters(scores: SignerScores, letters: Iterable[str]) -> str:
    return ", ".join(f"{letter} {scores.letters[letter].accuracy:.2f}" for letter in letters)


def _why(record: ChampionRecord) -> str:
    decision = record.decision
    reasons = [f"- {reason}" for reason in record.why_champion] or ["- The registry does not say."]
    if decision.model_hash != record.model_hash:
        reasons.append(
            f"- It is still the champion after the last decision, on {decision.candidate}, version {decision.version}: "
            + " ".join(decision.reasons)
        )
    return "\n".join(reasons)
