"""`fingerspell enrol` without a window: from a labelled film, or letter by letter on the terminal; and `forget`."""

from __future__ import annotations

from contextlib import ExitStack, closing
from typing import TYPE_CHECKING, TextIO

import numpy as np

from client.capture.camera import open_source
from client.capture.film_labels import letter_at, read_spans
from client.capture.following import follow_hand
from client.errors import ClientError
from client.profile.enrolment import SAMPLES, Enrolment
from client.profile.own_hand import OwnHand
from client.profile.people import find_profile
from client.profile.people import forget as delete
from client.profile.profile_file import SUFFIX, Profile, read_profile
from client.profile.samples import LETTERS, Sample
from client.status import Search, Status
from client.stream.handover import Handover

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    import numpy.typing as npt

    from client.capture.film_labels import Span
    from client.frames import Frame
    from client.profile.own_hand import Make
    from client.stream.profile_request import Made

    Seen = tuple[Frame, npt.NDArray[np.float32] | None]


def run(
    path: Path, signer: str, *, source: str, labels: Path | None, hand_model: Path | None, make: Make, out: TextIO,
    terminal: TextIO,
) -> None:  # fmt: skip
    """Enrol a signer, have the correction made, and write the profile; letters that are shown replace those in it.

    Args:
        path: the profile to write, or to change.
        signer: the person's name.
        source: a camera's number, a film or an address.
        labels: which letter a film shows when; None: letters are asked for one after another.
        hand_model: a `.task` bundle, or None for MediaPipe's own.
        make: has the service make the correction; without it, that is done when the profile is first used.
        out: where progress is reported.
        terminal: where problems are reported.

    Raises:
        ClientError: any error the user can fix, as early as it can be found.
    """
    profile = begin_profile(path, signer)
    spans = None if labels is None else read_spans(labels)
    search = Search()
    with ExitStack() as stack:
        opened = stack.enter_context(closing(open_source(source, fast=True)))
        if spans is not None and opened.live:
            raise ClientError("--labels says what the frames of a film show. Name the film with --source.")
        frames = stack.enter_context(closing(Handover(opened, "capture", lossless=not opened.live)))
        find = stack.enter_context(follow_hand(hand_model, related=opened.related))

        def look() -> Iterator[Seen]:
            for frame in frames:
                hand = find(frame)
                search.add(frame.time, found=hand is not None)
                yield frame, None if hand is None else hand.landmarks

        samples = ask_for_letters(look(), out) if spans is None else take_labelled(look(), spans)
    if not samples:
        raise ClientError(
            f"{source}: no letter was seen in {search.frames} frames, {search.hands} of which show a hand. Hold each "
            "letter still for two seconds, or correct the frames in the --labels file, which count from 0."
        )
    own_hand = OwnHand(make, Status(terminal), background=False)
    own_hand.use(profile, path)
    own_hand.change(profile.enrolling(samples))
    if not path.is_file():
        raise ClientError(f"{path}: the profile could not be written.")
    letters = "".join(dict.fromkeys(sample.letter for sample in samples))
    out.write(f"{path}: {len(samples)} samples of {signer}'s {letters}\n")
    if own_hand.made is not None:
        out.writelines(f"{line}\n" for line in describe(own_hand.made))


def begin_profile(path: Path, signer: str) -> Profile:
    """Read the profile of a file, or begin one for this signer.

    Raises:
        ClientError: the name is no name, the path is not that of a profile, or the file is not one.
    """
    if path.suffix != SUFFIX:
        raise ClientError(f"{path}: a profile is a {SUFFIX} file. Call it {path.name}{SUFFIX}.")
    try:
        profile = Profile(signer.strip())
    except ValueError as error:
        raise ClientError(f"--signer {signer[:80]!a}: {error}. Any name will do.") from error
    return Profile(profile.name, read_profile(path).samples) if path.exists() else profile


def ask_for_letters(hands: Iterable[Seen], out: TextIO) -> list[Sample]:
    """Ask for one letter after another, a line each, until the last one is done or the frames end."""
    enrolment, began, asked = Enrolment(), 0.0, ""
    for frame, points in hands:
        if enrolment.letter != asked:
            asked, began = enrolment.letter, frame.time
            out.write(f"{asked} ({enrolment.asked + 1} of {len(LETTERS)}) ...")
            out.flush()
        enrolment.see(points, frame.time)
        if enrolment.letter != asked:
            out.write(f" done in {frame.time - began:.1f} s\n")
        if enrolment.finished:
            break
    if not enrolment.finished and asked:
        out.write("\n")
    return enrolment.samples


def take_labelled(hands: Iterable[Seen], spans: Sequence[Span]) -> list[Sample]:
    """Take a few hands of each letter of a labelled film, spread over the frames that show it."""
    found: dict[str, list[npt.NDArray[np.float32]]] = {}
    for frame, points in hands:
        letter = letter_at(spans, frame.index)
        if points is not None and letter in LETTERS:
            found.setdefault(str(letter), []).append(points)
    samples = []
    for letter in sorted(found):
        places = np.unique(np.linspace(0, len(found[letter]) - 1, SAMPLES).round().astype(int))
        samples += [Sample.from_hand(letter, found[letter][place]) for place in places]
    return samples


def describe(made: Made) -> list[str]:
    """Say in lines what a correction changes."""
    changed = [each for each in made.letters if each.after is not None and each.after != each.before]
    lines = [f"{each.letter}: {each.before:.0%} recognised before, {each.after:.0%} now" for each in changed]
    if len(changed) < len(made.letters):
        lines.append(f"{len(made.letters) - len(changed)} letters are recognised as before")
    lines += [f"{one} and {other} look alike: sign one of them again, more clearly" for one, other in made.alike]
    lines += [f"a sample of {each.letter} was left out, which looks like {each.reads}" for each in made.dropped]
    return lines


def forget(name: str, out: TextIO) -> None:
    """Delete a profile: a file, or a name in the folder of profiles.

    Raises:
        ClientError: there is no such profile, or it cannot be deleted.
    """
    path = find_profile(name)
    out.write(f"{delete(path)} is forgotten: {path} is deleted\n")
