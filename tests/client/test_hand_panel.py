"""The panel "Your hand" and the question after a mistake: their pages, their keys, and what they keep from the text."""

from __future__ import annotations

import io

import numpy as np
import pytest
from drawn_hand import open_hand

from client.errors import ClientError
from client.frames import Frame
from client.landmarks import Hand
from client.letters import letter_shapes
from client.profile.own_hand import OwnHand
from client.profile.people import last_used, list_people, path_for
from client.profile.profile_file import Profile, read_profile, write_profile
from client.profile.samples import LETTERS, Sample
from client.status import Status
from client.stream.pipeline import Detection, Prediction
from client.stream.profile_request import DroppedSample, LetterResult, Made
from client.stream.reply import Reply
from client.window.controls import BACKSPACE, ENTER, ESCAPE, Controls
from client.window.layout import SIZE, Layout, find_button
from client.window.modes import NO_SERVICE, Modes
from client.window.screen import View, draw_screen
from client.words.spelling import Spelling
from client.words.text import read_text

GREY = np.full((480, 640, 3), 90, np.uint8)


@pytest.fixture(autouse=True)
def anna(monkeypatch):
    """Who is logged in."""
    monkeypatch.setenv("LOGNAME", "anna")


def away(masks):
    raise ClientError("No service. Start it.")


class Screen:
    """Modes without a service, shown the frames of a hand at 30 per second."""

    def __init__(self, text=""):
        self.controls = Controls(Spelling(read_text(text)))
        self.own_hand = OwnHand(away, Status(io.StringIO()), background=False)
        self.modes = Modes(self.controls, self.own_hand)
        self.frame = 0

    @property
    def text(self):
        return str(self.controls.spelling.text)

    @property
    def panel(self):
        return self.modes.panel

    def key(self, *keys):
        """Press keys as the session does; returns what the signer is told last."""
        note = ""
        for key in keys:
            code = ord(key) if isinstance(key, str) else key
            if self.modes.is_open:
                note = self.modes.press(code)
            elif action := self.controls.press(code, self.frame / 30):
                note = self.modes.begin(action)
        return note

    def show(self, points, seconds, letter=None, committed=None):
        """Show a hand; the service recognises a letter in it, and commits one in the last frame."""
        for number in range(round(seconds * 30)):
            last = number == round(seconds * 30) - 1
            hand = None if points is None else Hand(points, "Right", 1.0)
            detection = Detection(Frame(GREY, self.frame, self.frame / 30), hand, None, 0.0, 0.0, 0.0)
            self.frame += 1
            self.modes.see(detection)
            reply = Reply(self.frame, letter, 0.9, letter, committed if last else None)
            self.modes.commit(Prediction(detection, reply, 0.0, 0.0))

    def sign(self, letter):
        self.show(letter_shapes()[letter] * 120 + np.float32([320, 240, 0]), 2.5)
        self.show(None, 0.3)


def with_profile(letters="AB"):
    screen, path = Screen(), path_for("anna")
    write_profile(path, Profile("Anna", tuple(Sample.from_hand(letter, open_hand()) for letter in letters)))
    screen.own_hand.open(path)
    return screen


def test_the_first_enrolment_asks_for_a_name_and_keeps_what_was_taken_when_it_is_stopped(folder):
    screen = Screen("HI")
    screen.key("y")
    assert (screen.panel.page, screen.panel.typed) == ("name", "anna")
    screen.key("y")
    assert screen.panel.typed == "anna", "the key that opened the page, held for longer"
    screen.key(*"Xy q", BACKSPACE, ENTER)
    assert (screen.panel.page, screen.panel.name) == ("enrol", "Xy")
    for letter in "ABC":
        screen.sign(letter)
    assert screen.panel.enrolment.letter == "D"
    assert list_people() == []
    screen.key(ESCAPE)
    assert screen.panel.page == "check"
    (person,) = list_people()
    assert (person.name, person.path) == ("Xy", folder / "xy.fingerspell")
    assert read_profile(last_used()).counts == {"A": 5, "B": 5, "C": 5}
    assert screen.text == "HI"


def test_nothing_is_kept_of_an_enrolment_that_is_stopped_before_its_first_letter(folder):
    screen = Screen()
    screen.key("y", ENTER, ESCAPE)
    assert (screen.panel.page, screen.modes.is_open, screen.own_hand.profile, folder.exists()) == (
        "",
        False,
        None,
        False,
    )


def test_all_letters_lead_to_the_check_page_without_a_key():
    screen = Screen()
    screen.key("y", ENTER)
    for letter in LETTERS:
        screen.sign(letter)
    assert screen.panel.page == "check"
    assert screen.own_hand.profile.counts == dict.fromkeys(LETTERS, 5)
    screen.key("y")
    assert not screen.modes.is_open


def test_a_letter_key_signs_that_letter_again_and_replaces_it():
    screen = with_profile("AAAB")
    screen.key("y")
    assert screen.panel.page == "hand"
    screen.key("a")
    assert (screen.panel.page, screen.panel.enrolment.letters) == ("enrol", ("A",))
    screen.sign("A")
    assert (screen.panel.page, screen.own_hand.profile.counts) == ("check", {"A": 5, "B": 1})
    screen.key("Y")
    assert screen.panel.enrolment.letters == ("Y",), "y closes, Y is the letter"
    screen.key("y", "j")
    assert screen.panel.page != "enrol"


def test_skip_and_back_are_keys():
    screen = Screen()
    screen.key("y", ENTER, "n", "n", "b")
    assert screen.panel.enrolment.letter == "B"
    screen.key("b", *["n"] * 24)
    assert screen.panel.page == "", "nothing was taken"


def test_other_people_are_chosen_by_their_number():
    screen = with_profile()
    write_profile(path_for("bob"), Profile("Bob"))
    screen.key("y", "2")
    assert [label for _, label, _ in screen.panel.keys] == ["Anna", "Bob", "New", "Nobody", "Close"]
    screen.key("2")
    assert (screen.own_hand.name, screen.panel.page, read_profile(last_used()).name) == ("Bob", "hand", "Bob")
    screen.key("2", "0")
    assert (screen.own_hand.profile, screen.modes.is_open) == (None, False)
    screen.key("y")
    assert screen.panel.page == "people"
    screen.key("n")
    assert screen.panel.page == "name"


def test_a_profile_is_forgotten_only_after_a_confirmation():
    screen = with_profile()
    path = screen.own_hand.path
    screen.key("y", "3", "x", ESCAPE)
    assert path.exists()
    assert screen.panel.page == "hand"
    assert screen.key("3", ENTER) == "Anna is forgotten"
    assert (path.exists(), screen.own_hand.profile, screen.modes.is_open, last_used()) == (False, None, False, None)


def test_keys_in_the_panel_do_nothing_to_the_text_and_nothing_is_committed():
    screen = with_profile()
    screen.controls.spelling.text = read_text("HI")
    screen.key("y", " ", BACKSPACE, "p", "m", ENTER)
    screen.show(open_hand(), 0.5, "A", "A")
    assert (screen.text, screen.controls.paused, screen.controls.mirrored) == ("HI", False, True)
    screen.key(ESCAPE, ESCAPE)
    screen.show(open_hand(), 0.5, "A", "A")
    assert screen.text == "HIA"


def test_a_wrong_letter_is_corrected_learned_and_taken_back():
    screen = Screen("H")
    screen.show(open_hand(), 0.5, "V", "V")
    screen.key(" ")
    assert screen.key("w") == ""
    assert screen.modes.is_open
    assert screen.key("k") == "That was K: learned"
    assert (screen.text, screen.own_hand.profile.counts) == ("HK ", {"K": 3})
    assert screen.own_hand.name == "anna"
    screen.key("a")
    screen.show(open_hand(), 0.5, "A", "A")
    assert screen.key("u") == "K is V again"
    assert (screen.text, screen.own_hand.profile.samples) == ("HV A", ())
    assert screen.key("u") == "Nothing was learned that could be taken back"


@pytest.mark.parametrize("keys", [(), (BACKSPACE,), ("x",)])
def test_there_is_a_letter_to_correct_only_right_after_it(keys):
    screen = Screen("H")
    if keys:
        screen.show(open_hand(), 0.5, "V", "V")
    screen.key(*keys)
    assert screen.key("w") == "The text does not end in a letter that was just recognised"
    assert not screen.modes.is_open


def test_a_question_can_be_cancelled_and_a_letter_that_moves_is_corrected_only():
    screen = Screen()
    screen.show(open_hand(), 0.5, "I", "I")
    screen.key("w", ESCAPE)
    assert (screen.modes.is_open, screen.text, screen.own_hand.profile) == (False, "I", None)
    assert screen.key("w", "i") == "It was recognised as I"
    assert screen.key("w", "j") == "That was J: corrected, not learned, because J moves"
    assert (screen.text, screen.own_hand.profile) == ("J", None)
    assert screen.key("u") == "J is I again"
    assert screen.text == "I"


def test_a_drawn_letter_can_be_corrected_and_its_movement_is_not_learned():
    screen = Screen()
    screen.show(open_hand(), 0.5, "I", "J")
    assert screen.text == "J"
    assert screen.key("w", "i") == "That was I: corrected, not learned, because J moves"
    assert (screen.text, screen.own_hand.profile) == ("I", None)
    assert screen.key("u") == "I is J again"


def test_in_a_demonstration_there_is_nothing_to_learn():
    controls = Controls()
    modes = Modes(controls, None)
    assert {modes.begin(action) for action in ("hand", "wrong", "forget")} == {NO_SERVICE}
    assert (modes.is_open, modes.overlay, modes.state) == (False, None, ("", False))


RESULTS = tuple(LetterResult(letter, 5, 5, 0.2, 1.0) for letter in LETTERS)
MADE = Made({}, RESULTS, (DroppedSample("K", "V"), DroppedSample("M", None)), (("M", "N"), ("U", "V")))


@pytest.mark.parametrize("size", [SIZE, (640, 360), (480, 900), (3000, 400), (10, 10)])
def test_every_page_is_drawn_at_every_size_and_its_buttons_are_its_keys(size):
    screen = with_profile()
    for number in range(5):
        write_profile(path_for("x"), Profile(f"Somebody with a long name {number}"))
    view, seen = View(rgb=GREY, points=open_hand(), hand="your hand: Anna", is_own=True), []
    screen.show(open_hand(), 0.5, "V", "V")
    for keys in (("w",), (ESCAPE, "y"), ("2",), ("n",), (ENTER,), (ESCAPE, "y", "3"), (ESCAPE, "a")):
        screen.key(*keys)
        seen.append(draw_screen(view, screen.controls, size, screen.modes.overlay))
    screen.sign("A")
    assert screen.panel.page == "check"
    for made in (None, MADE, Made({}, RESULTS[:1]), Made({}, (LetterResult("A", 1, 1, 1.0, None),))):
        screen.own_hand.made = made
        seen.append(draw_screen(view, screen.controls, size, screen.modes.overlay))
    assert {picture.shape for picture in seen} == {(max(size[1], 180), max(size[0], 320), 3)}
    if size == SIZE:
        assert all(not np.array_equal(one, other) for i, one in enumerate(seen) for other in seen[:i])
    keys = screen.modes.overlay.keys
    for (left, top, right, bottom), key, _ in Layout.of(size, keys).buttons:
        if right > left:
            assert find_button((left + right) // 2, (top + bottom) // 2, size, keys) == key
