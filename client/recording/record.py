"""Recording your own data: letter by letter from a camera or a film, saved as landmarks in a raw `.npz`.

J and Z, which move, are saved as sequences in a second file.
"""

from __future__ import annotations

import math
import time
from contextlib import ExitStack, closing
from typing import TYPE_CHECKING, Final, TextIO

from client.capture.camera import open_source
from client.capture.film_labels import Span, letter_at, read_spans
from client.capture.following import follow_hand
from client.errors import ClientError
from client.letters import MOVING_LETTERS
from client.recording.landmark_file import append, check_signer, check_target, from_samples
from client.recording.recorder import LETTERS, Recorder
from client.recording.sequence_file import SequenceFile, from_takes, moving_path
from client.recording.takes import MOST_TAKES, TAKE_SECONDS
from client.status import Search
from client.stream.handover import Handover
from client.window.recording_screen import SIZE, draw_recording
from client.window.window import Window, check_display

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from pathlib import Path

    from client.capture.camera import Camera, Film
    from client.frames import Frame
    from client.landmarks import Hand

    FrameAndHand = tuple[Frame, Hand | None]

ESCAPE: Final = 27
MAX_TRIES: Final = 3
"""Tries per sample before a letter is given up: without a window, nobody sees that the hand is missed."""


def run(
    path: Path,
    signer: str,
    *,
    source: str,
    letters: str | None,
    per_letter: int,
    headless: bool,
    labels: Path | None,
    countdown: float,
    hand_model: Path | None,
    out: TextIO,
) -> None:
    """Record until every letter is complete, the source ends or the user quits; save the samples in any case.

    Args:
        path: the `.npz` to write or to add to; takes go to `moving_path` of it.
        signer: who signs.
        source: a camera's number, a video file or an address.
        letters: what to ask for, each once; if None, the letters of the film, or all 26.
        per_letter: samples to record of each, as `Recorder` takes it.
        headless: count down in the terminal instead of opening a window.
        labels: which letter a film shows when; needed for a film without a window.
        countdown: seconds to form a letter in a headless run.
        hand_model: a `.task` bundle, or None for MediaPipe's own.
        out: where progress is reported.

    Raises:
        ClientError: any error the user can fix, as early as it can be found.
    """
    signer = check_signer(signer)
    spans = None if labels is None else read_spans(labels)
    recorder = Recorder(_letters(letters, spans), per_letter)
    check_target(path)
    if set(recorder.letters) & set(MOVING_LETTERS):
        check_target(moving_path(path), SequenceFile)
    if not headless:
        check_display("count down in the terminal instead")
    with ExitStack() as stack:
        opened = stack.enter_context(closing(open_source(source, fast=True)))
        _check_mode(source, opened, headless=headless, labels=labels)
        frames = stack.enter_context(closing(Handover(opened, "capture", lossless=not opened.live)))
        find = stack.enter_context(follow_hand(hand_model, related=opened.related))
        search = Search()
        hands = _find_hands(frames, find, search)
        try:
            if not headless:
                show_window(hands, recorder, paced=not opened.live)
            elif spans is not None:
                follow_labels(hands, recorder, spans, out)
            else:
                follow_countdown(hands, recorder, countdown, out)
        finally:
            save(path, recorder, signer, out)
        if not headless and (said := search.conclude(ended=frames.ended)):
            _write(out, f"warning: {said}\n")
    n_tries = recorder.n_tried + recorder.n_takes_tried
    if headless and search.frames and not n_tries:
        raise ClientError(
            f"{source}: none of its {search.frames} frames shows one of the letters. Correct the frames in the "
            "--labels file, which count from 0."
        )
    if headless and not recorder.samples and not recorder.takes:
        if not recorder.n_tried:
            raise ClientError(
                f"{source}: no hand moved in any of {recorder.n_takes_tried} takes. Draw the letter within "
                f"{TAKE_SECONDS:.0f} seconds, with one whole hand in the picture, upright and well lit."
            )
        raise ClientError(
            f"{source}: no hand was found in any of {recorder.n_tried} frames. Check in a window (without --headless) "
            "that one whole hand is visible, upright and well lit."
        )


def _find_hands(
    frames: Iterable[Frame], find: Callable[[Frame], Hand | None], search: Search
) -> Iterator[FrameAndHand]:
    for frame in frames:
        hand = find(frame)
        search.add(frame.time, found=hand is not None)
        yield frame, hand


def show_window(hands: Iterable[FrameAndHand], recorder: Recorder, *, paced: bool) -> None:
    """Record in a window, with keys, until the letters or the frames end or the user quits.

    Args:
        hands: each frame and the hand in it.
        recorder: asks for the letters.
        paced: whether a frame is shown no sooner than it is due; a live source has its own pace.
    """
    due, before = time.monotonic(), 0.0
    with Window(SIZE) as window:
        for frame, hand in hands:
            recorder.see(frame.time, hand, frame.size)
            if recorder.finished:
                break
            picture = draw_recording(
                frame.rgb,
                None if hand is None else hand.landmarks,
                letter=recorder.letter,
                taken=recorder.taken,
                wanted=recorder.wanted,
                recording=recorder.recording,
                moves=recorder.moves,
                progress=recorder.progress,
                missed=recorder.missed_take,
                size=window.size,
            )
            due, before = max(due + frame.time - before, time.monotonic()), frame.time
            shown = [(None, due - time.monotonic()), (picture, 0.0)] if paced else [(picture, 0.0)]
            for each, seconds in shown:
                key = window.show(each, round(seconds * 1000))
                if key is None or key == ESCAPE or key == ord("q"):
                    return
                press_key(recorder, key)


def press_key(recorder: Recorder, key: int) -> None:
    """Apply a key: the space bar starts or pauses, `n` asks for the next letter, `b` drops this one's samples."""
    if key == ord(" ") and not recorder.recording:
        recorder.start()
    elif key == ord(" "):
        recorder.pause()
    elif key == ord("n"):
        recorder.next_letter()
    elif key == ord("b"):
        recorder.go_back()


def follow_labels(hands: Iterable[FrameAndHand], recorder: Recorder, spans: Sequence[Span], out: TextIO) -> None:
    """Record a labelled film; letters that were not asked for are skipped. J or Z, labelled once, is one take."""
    before = None
    for frame, hand in hands:
        letter = letter_at(spans, frame.index)
        if letter != before:
            recorder.end_take()
        if letter is None or letter not in recorder.letters:
            recorder.pause()
        elif letter not in MOVING_LETTERS or letter != before:
            recorder.go_to(letter)
        recorder.see(frame.time, hand, frame.size)
        if letter is not None and letter != before:
            _write(out, f"frame {frame.index}: {letter}\n")
        before = letter
    recorder.end_take()


def follow_countdown(hands: Iterable[FrameAndHand], recorder: Recorder, countdown: float, out: TextIO) -> None:
    """Record from a camera without a window: count down, record the letter or one take, continue with the next one.

    Args:
        hands: each frame and the hand in it.
        recorder: asks for the letters.
        countdown: seconds to form each letter.
        out: where the letters are asked for and counted down.
    """
    asked, begins, left = "", 0.0, 0
    for frame, hand in hands:
        if recorder.letter != asked:
            asked, begins, left = recorder.letter, frame.time + countdown, math.ceil(countdown) + 1
            _write(out, f"{asked}:")
        seconds = math.ceil(begins - frame.time)
        if 0 < seconds < left:
            left = seconds
            _write(out, f" {seconds}")
        elif seconds <= 0 and not recorder.recording:
            recorder.start()
            _write(out, " draw it ..." if recorder.moves else " hold it ...")
        wanted, was_recording = recorder.wanted, recorder.recording
        recorder.see(frame.time, hand, frame.size)
        if was_recording and not recorder.recording:  # after a take
            begins, left = frame.time + countdown, math.ceil(countdown) + 1
        if recorder.tried >= MAX_TRIES * recorder.wanted:
            recorder.next_letter()
        if recorder.letter != asked:
            _write(out, f" {recorder.count(asked)} of {wanted}\n")
        if recorder.finished:
            break


def save(path: Path, recorder: Recorder, signer: str, out: TextIO) -> None:
    """Write or add the samples and the takes, and report how many there are of each letter.

    Raises:
        ClientError: a file cannot be written or extended.
    """
    samples, takes = recorder.samples, recorder.takes
    if not samples and not takes:
        _write(out, f"nothing was recorded; {path} is unchanged\n")
        return
    still = [letter for letter in recorder.letters if letter not in MOVING_LETTERS]
    moving = [letter for letter in recorder.letters if letter in MOVING_LETTERS]
    try:
        if samples:
            rows = append(path, from_samples(samples, signer, recorder.n_tried))
            _report_short(still, recorder, recorder.per_letter, out)
            hands = f"{len(samples)} hands of {signer} from {recorder.n_tried} frames tried"
            _write(out, f"{path}: {hands}; {rows} hands in all\n")
    finally:  # one file may be written although the other cannot be
        if takes:
            rows = append(moving_path(path), from_takes(takes, signer))
            _report_short(moving, recorder, min(recorder.per_letter, MOST_TAKES), out)
            _write(out, f"{moving_path(path)}: {len(takes)} takes of {signer}; {rows} takes in all\n")


def _report_short(letters: Sequence[str], recorder: Recorder, wanted: int, out: TextIO) -> None:
    """Name the letters of which there are fewer samples or takes than wanted."""
    short = [f"{letter} {recorder.count(letter)}" for letter in letters if recorder.count(letter) < wanted]
    if short:
        _write(out, f"fewer than {wanted}: {', '.join(short)}\n")


def _letters(asked: str | None, spans: Sequence[Span] | None) -> str:
    if asked is None:
        return LETTERS if spans is None else "".join(dict.fromkeys(span.letter for span in spans))
    letters = asked.upper()
    if not letters.isalnum() or len(set(letters)) < len(letters):
        raise ClientError(f"--letters {asked}: name each letter once and nothing else, for example --letters ABC.")
    if spans is not None and not set(letters) & {span.letter for span in spans}:
        raise ClientError(f"--letters {asked}: the --labels file has none of these. Name one that it has.")
    return letters


def _check_mode(source: str, frames: Film | Camera, *, headless: bool, labels: Path | None) -> None:
    if labels is not None and (frames.live or not headless):
        raise ClientError(
            "--labels says what the frames of a film show, and needs --headless and a film as --source. Leave it out "
            "to be asked for letters."
        )
    if headless and labels is None and not frames.live:
        raise ClientError(
            f"{source}: a film cannot be asked for letters. Say what its frames show with --labels FILE, or leave "
            "--headless out and press space when a letter is signed."
        )


def _write(out: TextIO, text: str) -> None:
    out.write(text)
    out.flush()
