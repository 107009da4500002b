"""How the panel "Your hand" and the question after a mistake look. No camera, no clock, no window."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, Final

import cv2

from client.letters import letter_pictures
from client.profile.enrolment import SAMPLES
from client.profile.samples import LETTERS, MOST_OF_A_LETTER
from client.window.drawing import (
    STEADY,
    TRACK,
    UNSURE,
    WAVERING,
    WRITING,
    draw_bar,
    draw_round,
    fit,
    measure,
    shade,
    write,
)

if TYPE_CHECKING:
    from client.profile.enrolment import Enrolment
    from client.profile.own_hand import OwnHand
    from client.stream.profile_request import LetterResult, Made
    from client.window.drawing import Colour, Picture
    from client.window.hand_panel import HandPanel
    from client.window.layout import Layout

LEFT: Final = 400
"""Width of the panel during enrolment: the picture beside it shows the signer's hand."""
EDGE: Final = 40
COLUMNS: Final = 4
ROWS: Final = 6
"""Letters on a page."""
WRAP: Final = 76
"""Characters of a line."""
AGAIN: Final = "A letter: sign it again (Y: with shift)     esc: close"
ADVICE: Final = {
    "ready": "Now this letter",
    "still": "Hold it still",
    "taking": "Move a little",
    "done": "Done",
}


def draw_hand_panel(canvas: Picture, layout: Layout, panel: HandPanel) -> None:
    """Draw the page of the panel over the camera's picture."""
    if panel.page == "enrol":
        _draw_enrolment(canvas, layout, panel.enrolment, panel.name)
        return
    shade(canvas, layout.picture, 0.93)
    if panel.page == "check":
        _draw_check(canvas, layout, panel.own_hand)
    elif panel.page == "hand":
        _draw_letters(canvas, layout, panel.own_hand)
    elif panel.page == "people":
        _write_title(canvas, layout, "Whose hand is it?", "")
        lines = [f"{chr(code)}   {label}" for code, label, _ in panel.keys[:-1]]
        _write_lines(canvas, layout, lines, 130, 30, WRITING)
    elif panel.page == "name":
        _write_title(
            canvas, layout, "Your hand in one minute", "Show 24 letters; each is taken by itself while you hold it."
        )
        _write_lines(canvas, layout, ["What is your name?"], 190, 26, UNSURE)
        _write_lines(canvas, layout, [f"{panel.typed}_"], 250, 44, WRITING)
        _write_lines(canvas, layout, ["Only the landmarks are kept, in a file on this computer."], 330, 20, UNSURE)
    elif panel.page == "forget":
        _write_title(canvas, layout, f"Forget {panel.own_hand.name}?", "")
        lines = textwrap.wrap(
            f"Enter deletes {panel.own_hand.path}. It cannot be brought back.", WRAP, break_on_hyphens=False
        )
        _write_lines(canvas, layout, lines, 140, 22, WAVERING)


def draw_question(canvas: Picture, layout: Layout, letter: str) -> None:
    """Ask which letter it was that was recognised as `letter`."""
    px = layout.px
    left, _, right, bottom = layout.picture
    shade(canvas, (left, bottom - px(96), right, bottom), 0.9)
    words = f"{letter} is wrong: which letter was it?"
    write(
        canvas,
        words,
        ((left + right) / 2, bottom - px(36)),
        fit(words, px(40), right - left - px(40)),
        WRITING,
        "middle",
    )


def _draw_enrolment(canvas: Picture, layout: Layout, enrolment: Enrolment, name: str) -> None:
    """Draw the letter, how it is signed, the ring around it, the samples and the letters that are done."""
    px = layout.px
    left, top, _, bottom = layout.picture
    width = min(px(LEFT), layout.picture[2])
    middle = left + width / 2
    shade(canvas, (left, top, left + width, bottom), 0.88)
    letter, phase = enrolment.letter, enrolment.phase
    colour = STEADY if phase == "taking" else WRITING
    write(canvas, letter, (left + px(28), top + px(104)), px(96), colour, bold=True)
    count = f"{min(enrolment.asked + 1, len(enrolment.letters))} of {len(enrolment.letters)}"
    write(canvas, count, (left + width - px(24), top + px(52)), px(26), WRITING, "right")
    write(canvas, name, (left + width - px(24), top + px(84)), fit(name, px(20), width / 2), UNSURE, "right")

    centre, radius = (round(middle), top + px(288)), px(158)
    cv2.circle(canvas, centre, radius, TRACK, max(1, px(14)), cv2.LINE_AA)
    share = 1.0 if phase == "taking" else enrolment.ring if phase == "still" else 0.0
    if share > 0.0:
        cv2.ellipse(canvas, centre, (radius, radius), -90, 0, 360 * share, STEADY, max(1, px(14)), cv2.LINE_AA)
    if letter in letter_pictures():
        draw_round(canvas, letter_pictures()[letter][:, ::-1], centre, radius - px(14))

    for number in range(SAMPLES):
        place = round(middle + (number - (SAMPLES - 1) / 2) * px(44)), top + px(486)
        colour, thickness = (STEADY, cv2.FILLED) if number < enrolment.count else (TRACK, max(1, px(3)))
        cv2.circle(canvas, place, px(13), colour, thickness, cv2.LINE_AA)
    advice = ADVICE[phase]
    write(canvas, advice, (middle, top + px(540)), fit(advice, px(28), width - px(40)), WRITING, "middle")
    draw_bar(canvas, (left, bottom - px(14), left + width, bottom), enrolment.asked / len(enrolment.letters), STEADY)


def _draw_check(canvas: Picture, layout: Layout, own_hand: OwnHand) -> None:
    """Draw what the correction changes: letters that change, letters that look alike, samples left out."""
    made = own_hand.made
    if made is None or own_hand.is_making:
        waiting = "The service is learning it ..." if own_hand.is_making else own_hand.trouble
        _write_title(canvas, layout, f"{own_hand.name}: {_count(own_hand)}", waiting)
        kept = "It is kept in its file; the service learns it as soon as it can."
        _write_lines(canvas, layout, [] if own_hand.is_making else [kept], 150, 22, UNSURE)
        return
    changed = [each for each in made.letters if each.after is not None and each.after != each.before]
    same = len(made.letters) - len(changed)
    head, words = "All letters are recognised as before", ""
    if changed:
        head = f"{len(changed)} of {len(made.letters)} letters are recognised differently now"
        words = "Share of your samples that is recognised, before and now"
    _write_title(canvas, layout, f"{own_hand.name}: {head}", words)
    for number, each in enumerate(changed):
        colour = STEADY if _is_better(each) else WAVERING
        _draw_cell(canvas, layout, number, each.letter, _describe_change(each), colour)
    rows = min(ROWS, -(-len(changed) // COLUMNS)) if changed else 0
    top = 158 + 50 * rows
    if changed and same:
        _write_lines(canvas, layout, [f"The other {same} are recognised as before."], top, 20, UNSURE)
        top += 40
    _write_lines(canvas, layout, _remarks(made), top, 20, WAVERING)
    _write_foot(canvas, layout, AGAIN)


def _draw_letters(canvas: Picture, layout: Layout, own_hand: OwnHand) -> None:
    """Draw which letters there are samples of."""
    profile = own_hand.profile
    counts = {} if profile is None else profile.counts
    state = "The service is learning it ..." if own_hand.is_making else own_hand.trouble
    if own_hand.in_force and not own_hand.is_making:
        state = "In force: your letters are recognised with it"
    _write_title(canvas, layout, f"{own_hand.name}: {_count(own_hand)}", state)
    for number, letter in enumerate(LETTERS):
        count = counts.get(letter, 0)
        words = f"{count} of {MOST_OF_A_LETTER}" if count else "none yet"
        _draw_cell(canvas, layout, number, letter, words, WRITING if count else UNSURE)
    _write_foot(canvas, layout, AGAIN)


def _draw_cell(canvas: Picture, layout: Layout, number: int, letter: str, words: str, colour: Colour) -> None:
    px = layout.px
    left, top, right, _ = layout.picture
    wide = (right - left - px(2 * EDGE)) / COLUMNS
    x, y = left + px(EDGE) + (number % COLUMNS) * wide, top + px(158) + (number // COLUMNS) * px(50)
    write(canvas, letter, (x, y), px(30), colour, bold=True)
    write(canvas, words, (x + px(42), y - px(3)), fit(words, px(20), wide - px(52)), colour)


def _describe_change(result: LetterResult) -> str:
    return f"{result.before:.0%} to {result.after:.0%}"


def _is_better(result: LetterResult) -> bool:
    return result.after is not None and result.after > result.before


def _remarks(made: Made) -> list[str]:
    lines = []
    if made.alike:
        pairs = ", ".join(f"{one} and {other}" for one, other in made.alike)
        lines += textwrap.wrap(f"You sign these alike: {pairs}. Sign one of them again, more clearly.", WRAP)
    if made.dropped:
        left_out = ", ".join(
            f"{each.letter} (looks like {each.reads})" if each.reads else each.letter for each in made.dropped[:8]
        )
        lines += textwrap.wrap(f"Left out, because they are unlike your others: {left_out}.", WRAP)
    return lines


def _count(own_hand: OwnHand) -> str:
    count = 0 if own_hand.profile is None else len(own_hand.profile.counts)
    return f"{count} letter" + ("" if count == 1 else "s")


def _write_title(canvas: Picture, layout: Layout, title: str, words: str) -> None:
    px = layout.px
    left, top, right, _ = layout.picture
    room = right - left - px(2 * EDGE)
    write(canvas, title, (left + px(EDGE), top + px(60)), fit(title, px(32), room, bold=True), WRITING, bold=True)
    write(canvas, words, (left + px(EDGE), top + px(98)), fit(words, px(20), room), UNSURE)


def _write_lines(canvas: Picture, layout: Layout, lines: list[str], top: int, size: int, colour: Colour) -> None:
    px = layout.px
    left, upper, right, _ = layout.picture
    for number, line in enumerate(lines):
        y = upper + px(top) + number * px(1.6 * size)
        write(canvas, line, (left + px(EDGE), y), fit(line, px(size), right - left - px(2 * EDGE)), colour)


def _write_foot(canvas: Picture, layout: Layout, words: str) -> None:
    px = layout.px
    left, _, right, bottom = layout.picture
    size = min(px(18), fit(words, px(18), right - left - px(2 * EDGE)))
    write(canvas, words, (right - px(EDGE) - measure(words, size), bottom - px(20)), size, UNSURE)
