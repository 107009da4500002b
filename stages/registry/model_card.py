"""The model card: what the champion is, how well it reads strangers, what it cannot do, and for whom nobody knows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

    from stages.registry.comparison import Compared

WEAKEST: Final = 5
"""Letters named as those read worst, and as many as those read best."""

LIMITS: Final = """\
- It reads letters that are held still. J and Z are drawn in the air and are not among them.
- It sees one hand in one picture: no movement, no second hand, no face, no words.
- A hand that shows no letter may be given one; see the figures above.
- It reads what the hand detector found. A hand that the detector misses is not read at all.
- Photographs of one source resemble each other, and the signers are few, so the intervals are wide."""

ETHICS: Final = """\
- **Fingerspelling is not sign language.** It spells names and loan words; ASL has a grammar, a vocabulary and a
  community of its own. This is no translator and no substitute for an interpreter.
- Not to be used for decisions about people: no tests of language, no grading, no identification, no surveillance,
  nothing where being misread costs somebody something.
- Photographs stay on the signer's machine; the network sees 21 points drawn on black."""

UNREPRESENTED: Final = """\
- **Skin tones, sleeves, light**: the network sees points, not skin, but the detector that finds them sees photographs.
  How often it misses which hands was not measured by skin tone.
- **Hands unlike an adult's with five mobile fingers**: missing, fused or extra fingers, arthritis, tremor, paralysis,
  children's hands, gloves, bandages and prostheses are in neither the training nor the exam. Untested.
- **Left hands** are mirror images in training; there is no figure for people who sign with theirs.
- **Fluent Deaf signers**: handshapes are learners' textbook shapes held for a camera. Regional and personal styles, and
  letters in the flow of spelling, are untested. Manual alphabets of other sign languages are not covered."""


def write_card(
    champion: Compared, registered: Mapping[str, Any], data: Mapping[str, Any], exams: Mapping[str, Mapping[str, Any]]
) -> str:
    """Write the card in Markdown.

    Args:
        champion: the network.
        registered: what `register.json` says.
        data: what `preprocess.json` says, and `init`, the weights that training started from; nothing where the
            champion was trained on other data.
        exams: `exam.json` layouts of exams that this very model took, by what they are called.
    """
    decision = registered["decision"]
    lines = [
        f"# {registered['model']}, version {registered['version']}: {champion.name}",
        "",
        "Reads one hand that spells a letter of the ASL manual alphabet. Input: a mask, the hand's 21 landmarks drawn",
        "on black; output: a probability for each letter. Made for learners and demonstrations.",
        "",
        f"Model file `{champion.model_hash[:16]}`, data `{registered['data_hash'][:16]}`, commit "
        f"`{registered['git_commit'][:12]}`, MLflow run `{champion.run_id}`.",
        "",
        "## Data",
        "",
        *_data(data),
        "",
        "## How well it reads",
        "",
        *_validation(champion.metrics),
        *(line for name, exam in exams.items() for line in _exam(name, exam)),
        "",
        "## Why it is the champion",
        "",
        *_why(registered, decision),
        "",
        "## Limits",
        "",
        LIMITS,
        "",
        "## Ethics",
        "",
        ETHICS,
        "",
        "## Who is not represented",
        "",
        UNREPRESENTED,
        "",
    ]
    return "\n".join(lines)


def _data(data: Mapping[str, Any]) -> list[str]:
    if not data:
        return ["Trained on other data than this checkout holds; its hash is above."]
    train, validation = data["train"], data["validation"]
    files = ", ".join(f"`{file['path']}`" for file in data["files"])
    synthetic = all(file["path"].endswith("/synthetic.npz") for file in data["files"])
    return [
        f"Trained on {train['samples']:,} samples of {train['signers']:,} known signers, validated on "
        f"{validation['samples']:,} of {validation['signers']:,} others (divided {data['split']}), from "
        f"{files}.",
        *([] if data["init"] == "random" else [f"Training started from earlier weights: `{data['init']}`."]),
        *(["All of them are **synthetic hands**: no person was photographed for its training."] if synthetic else []),
        f"Labels: {', '.join(data['classes'])}.",
    ]


def _validation(metrics: Mapping[str, float]) -> list[str]:
    known = {
        "macro F1": metrics.get("f1"),
        "expected calibration error": metrics.get("ece"),
        "one mask on CPU, ms": metrics.get("latency_ms_median"),
        "size, MiB": metrics.get("size_mib"),
    }
    named = ", ".join(f"{name} {value:.3g}" for name, value in known.items() if value is not None)
    return [f"In validation: {named}."]


def _exam(name: str, exam: Mapping[str, Any]) -> list[str]:
    marks, about = exam["champion"], exam["about"]
    photos = sum(source["n_photos"] for source in about["sources"].values())
    signers = sum(source["signers"] for source in about["sources"].values())
    people = "synthetic signers of another seed, which says little about people" if about["synthetic"] else "signers"
    low, high = marks["interval"]
    letters = sorted(marks["letters"], key=lambda letter: marks["letters"][letter]["accuracy"])
    at = marks["at_threshold"]
    lines = [
        "",
        f"**{name}**: {photos:,} photographs, {signers or 'an unknown number of'} {people}, none of them trained on; "
        f"hands not found count as errors. Accuracy, the mean of the sources: **{marks['mean']:.3f}** (95 % interval "
        f"{low:.3f} to {high:.3f}); calibration error {marks['ece']:.3f}.",
        "",
        "| source | accuracy | 95 % interval | hands found |",
        "| --- | --- | --- | --- |",
        *(
            f"| {source} | {each['accuracy']:.3f} | {each['interval'][0]:.3f}-{each['interval'][1]:.3f} | "
            f"{about['sources'][source]['detection_rate']:.3f} |"
            for source, each in marks["sources"].items()
        ),
        "",
        f"Read worst: {_letters(marks, letters[:WEAKEST])}. Read best: {_letters(marks, letters[::-1][:WEAKEST])}.",
    ]
    if at["risk"] is not None:
        lines.append(
            f"Above the service's threshold of {at['threshold']:g}, {at['coverage']:.0%} are read, "
            f"{at['risk']:.1%} of them wrong."
        )
    if "non_letters" in marks:
        given = marks["non_letters"]["letters_given"]
        lines.append(f"Of synthetic hands that show no letter, {given:.0%} are given one.")
    return lines


def _letters(marks: Mapping[str, Any], letters: list[str]) -> str:
    return ", ".join(f"{letter} {marks['letters'][letter]['accuracy']:.2f}" for letter in letters)


def _why(registered: Mapping[str, Any], decision: Mapping[str, Any]) -> list[str]:
    if decision["version"] == registered["version"]:
        return [f"- {reason}" for reason in decision["reasons"]]
    return [f"- It stayed: {decision['candidate']}, version {decision['version']}, was offered and not promoted."]
