"""Recording one's own data: letter after letter from a camera or a film, kept as landmarks in a raw `.npz`."""

from __future__ import annotations

import math
import time
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TextIO

from client.capture.camera import Frame, Source, open_source
from client.capture.film_labels import Span, letter_at, read_spans
from client.errors import ClientError
from client.landmarks import Hand, HandLandmarker
from client.mask import render_mask
from client.recording.landmark_file import append, check_signer, check_target, from_samples
from client.recording.recorder import STATIC_LETTERS, Recorder
from client.stream.handover import Handover
from client.window.recording_screen import SIZE, draw_recording
from client.window.window import Window, check_display

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

ESCAPE: Final = 27
MAX_TRIES: Final = 3
"""Without a window nobody sees that the hand is missed: a letter is given up after so many tries a sample."""


@dataclass(frozen=True)
class View:
    """One frame and the hand in it."""

    frame: Frame
    hand: Hand | None

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of the frame in pixels."""
        return self.frame.rgb.shape[1], self.frame.rgb.shape[0]


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
    """Record until every letter is there, the source ends or the user quits, and save what there is, however it ends.

    Args:
        path: the `.npz` to write or to add to.
        signer: who signs.
        source: a camera's number, a video file or an address.
        letters: what to ask for, each once; the letters of the film, or the 24 static ones, where it is None.
        per_letter: samples to take of each.
        headless: count down on the terminal instead of opening a window.
        labels: which letter a film shows when; needed for a film without a window.
        countdown: seconds to form a letter in a headless run.
        hand_model: a `.task` bundle, or None for MediaPipe's own.
        out: where is told what was taken.

    Raises:
        ClientError: anything the user can mend, found as early as it can be.
    """
    signer = check_signer(signer)
    spans = None if labels is None else read_spans(labels)
    recorder = Recorder(_letters(letters, spans), per_letter)
    check_target(path)
    if not headless:
        check_display("count down on the terminal instead")
    with ExitStack() as stack:
        opened = stack.enter_context(open_source(source, fast=True))
        _check_mode(source, opened, headless=headless, labels=labels)
        frames = stack.enter_context(Handover(opened, "capture", lossless=not opened.live))
        views = watch(frames, stack.enter_context(HandLandmarker("video", hand_model)))
        try:
            if not headless:
                show_window(views, recorder, 0.0 if opened.live else 1.0 / opened.frame_rate)
            elif spans is not None:
                follow_labels(views, recorder, spans, out)
            else:
                follow_countdown(views, recorder, countdown, out)
        finally:
            save(path, recorder, signer, out)
    if headless and not recorder.samples:
        raise ClientError(
            f"{source}: no hand was seen in {recorder.n_tried} frames. Look at it in a window (leave --headless out): "
            "one hand, whole, in light."
        )


def watch(frames: Iterable[Frame], landmarker: HandLandmarker) -> Iterator[View]:
    """Find the hand in each frame, one by one."""
    for frame in frames:
        yield View(frame, landmarker.detect_in_video(frame.rgb, round(frame.time * 1000)))


def show_window(views: Iterable[View], recorder: Recorder, seconds_per_frame: float) -> None:
    """Record at a window, with keys, until the letters or the views end or the user quits.

    Args:
        views: one for each frame.
        recorder: what to ask for.
        seconds_per_frame: how long a frame of a film stays; 0.0 for a live source, which has its own pace.
    """
    due = time.monotonic()
    with Window(SIZE) as window:
        for view in views:
            recorder.see(view.frame.time, view.hand, view.size)
            if recorder.finished:
                break
            points = None if view.hand is None else view.hand.landmarks
            picture = draw_recording(
                view.frame.rgb,
                points,
                None if points is None else render_mask(points),
                letter=recorder.letter,
                taken=recorder.taken,
                wanted=recorder.per_letter,
                recording=recorder.recording,
                size=window.size,
            )
            due = max(due + seconds_per_frame, time.monotonic())
            key = window.show(picture, round((due - time.monotonic()) * 1000))
            if key is None or key == ESCAPE or key == ord("q"):
                break
            press_key(recorder, key)
            if recorder.finished:
                break


def press_key(recorder: Recorder, key: int) -> None:
    """Apply a key: the space bar begins or pauses, `n` asks for the next letter, `b` drops this one's samples."""
    if key == ord(" ") and not recorder.recording:
        recorder.begin()
    elif key == ord(" "):
        recorder.pause()
    elif key == ord("n"):
        recorder.next_letter()
    elif key == ord("b"):
        recorder.go_back()


def follow_labels(views: Iterable[View], recorder: Recorder, spans: Sequence[Span], out: TextIO) -> None:
    """Record a film of which is known what it shows; letters that were not asked for are passed over."""
    before = None
    for view in views:
        letter = letter_at(spans, view.frame.index)
        if letter is None or letter not in recorder.letters:
            recorder.pause()
        else:
            recorder.go_to(letter)
        recorder.see(view.frame.time, view.hand, view.size)
        if letter is not None and letter != before:
            _tell(out, f"frame {view.frame.index}: {letter}\n")
        before = letter


def follow_countdown(views: Iterable[View], recorder: Recorder, countdown: float, out: TextIO) -> None:
    """Record a camera without a window: count down, take the letter, go on to the next one.

    Args:
        views: one for each frame.
        recorder: what to ask for.
        countdown: seconds to form each letter.
        out: where the letters are asked for and counted down.
    """
    asked, begins, left = "", 0.0, 0
    for view in views:
        if recorder.letter != asked:
            asked, begins, left = recorder.letter, view.frame.time + countdown, math.ceil(countdown) + 1
            _tell(out, f"{asked}:")
        seconds = math.ceil(begins - view.frame.time)
        if 0 < seconds < left:
            left = seconds
            _tell(out, f" {seconds}")
        elif seconds <= 0 and not recorder.recording:
            recorder.begin()
            _tell(out, " hold it ...")
        recorder.see(view.frame.time, view.hand, view.size)
        if recorder.tried >= MAX_TRIES * recorder.per_letter:
            recorder.next_letter()
        if recorder.letter != asked:
            _tell(out, f" {recorder.count(asked)} of {recorder.per_letter}\n")
        if recorder.finished:
            break


def save(path: Path, recorder: Recorder, signer: str, out: TextIO) -> None:
    """Write or add what was taken, and say how much of what.

    Raises:
        ClientError: the file cannot be written or added to.
    """
    samples = recorder.samples
    if not samples:
        _tell(out, f"nothing was recorded; {path} is as it was\n")
        return
    rows = append(path, from_samples(samples, signer, recorder.n_tried))
    short = {letter: recorder.count(letter) for letter in recorder.letters}
    short = {letter: count for letter, count in short.items() if count < recorder.per_letter}
    if short:
        listed = ", ".join(f"{letter} {count}" for letter, count in short.items())
        _tell(out, f"fewer than {recorder.per_letter}: {listed}\n")
    _tell(out, f"{path}: {len(samples)} hands of {signer} from {recorder.n_tried} frames tried; {rows} hands in all\n")


def _letters(asked: str | None, spans: Sequence[Span] | None) -> str:
    if asked is None:
        return STATIC_LETTERS if spans is None else "".join(dict.fromkeys(span.letter for span in spans))
    letters = asked.upper()
    if not letters.isalnum() or len(set(letters)) < len(letters):
        raise ClientError(f"--letters {asked}: name each letter once and nothing else, for example --letters ABC.")
    if spans is not None and not set(letters) & {span.letter for span in spans}:
        raise ClientError(f"--letters {asked}: the file of --labels has none of these. Name one that it has.")
    return letters


def _check_mode(source: str, frames: Source, *, headless: bool, labels: Path | None) -> None:
    if labels is not None and (frames.live or not headless):
        raise ClientError(
            "--labels says what the frames of a film show, and goes with --headless and a film as --source. Leave it "
            "out to be asked for letters."
        )
    if headless and labels is None and not frames.live:
        raise ClientError(
            f"{source}: nobody can ask a film for letters. Say what its frames show with --labels FILE, or leave "
            "--headless out and press space when a letter is signed."
        )


def _tell(out: TextIO, words: str) -> None:
    out.write(words)
    out.flush()
