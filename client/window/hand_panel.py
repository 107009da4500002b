"""The panel "Your hand": what its keys do, page by page. No camera, no clock, no window."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal

from client.errors import ClientError
from client.profile import people
from client.profile.enrolment import Enrolment
from client.profile.mistakes import usual_name
from client.profile.profile_file import MAX_NAME_LENGTH, Profile
from client.profile.samples import LETTERS
from client.window.controls import BACKSPACE, ENTER, ESCAPE, Key

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import numpy as np
    import numpy.typing as npt

    from client.profile.own_hand import OwnHand

Page = Literal["", "name", "enrol", "check", "hand", "people", "forget"]
"""What the panel shows; "" while it is closed."""

MOST_PEOPLE: Final = 9
"""People that can be chosen, each by a digit."""
LETTER_KEYS: Final[tuple[Key, ...]] = tuple((ord(letter), letter, f"sign {letter} again") for letter in LETTERS)
"""A key for each letter. Lower case does the same, but `y` closes the panel."""
CLOSE: Final[Key] = (ESCAPE, "Close", "close the panel")
PAGES: Final[dict[Page, tuple[Key, ...]]] = {
    "name": ((ENTER, "Start", "start"), CLOSE),
    "enrol": ((ord("n"), "Skip", "leave this letter out"), (ord("b"), "Back", "one letter back"), (ESCAPE, "Stop", "")),
    "check": (*LETTER_KEYS, CLOSE),
    "hand": (
        (ord("1"), "Anew", "show all letters anew"),
        (ord("2"), "People", "somebody else signs"),
        (ord("3"), "Forget", "delete this profile"),
        *LETTER_KEYS,
        CLOSE,
    ),
    "forget": ((ENTER, "Forget", "delete it"), (ESCAPE, "Keep", "keep it")),
}
NEW: Final[Key] = (ord("n"), "New", "somebody new")
NOBODY: Final[Key] = (ord("0"), "Nobody", "go on without a profile")


class HandPanel:
    """Enrols a signer, shows what came of it, and chooses among the people of this computer."""

    def __init__(self, own_hand: OwnHand) -> None:
        self.own_hand = own_hand
        self.page: Page = ""
        self.enrolment = Enrolment(())
        self.typed = ""
        """The name of somebody new, so far."""
        self.people: list[people.Person] = []
        self._new: tuple[Profile, Path] | None = None
        """Somebody whose profile is used once the first letter is done, and its file."""
        self._typing_over = False

    @property
    def keys(self) -> tuple[Key, ...]:
        """The keys of the page, and their buttons."""
        if self.page == "people":
            chosen = [(ord(str(number)), person.name, "") for number, person in enumerate(self.people, 1)]
            nobody = (NOBODY,) if self.own_hand.profile is not None else ()
            return (*chosen, NEW, *nobody, CLOSE)
        return PAGES.get(self.page, ())

    @property
    def name(self) -> str:
        """Whose hand is being shown."""
        return self.own_hand.name if self._new is None else self._new[0].name

    def open(self) -> None:
        """Show the profile, or begin one if there is none."""
        self.people = people.list_people()[:MOST_PEOPLE]
        if self.own_hand.profile is not None:
            self.page = "hand"
        elif self.people:
            self.page = "people"
        else:
            self._ask_name()

    def enrol(self, letters: Sequence[str] = LETTERS) -> None:
        """Ask for these letters."""
        self.enrolment, self.page = Enrolment(letters), "enrol"

    def enrol_somebody(self, profile: Profile, path: Path) -> None:
        """Ask somebody new for all letters; the file is written once there is something to keep."""
        self._new = profile, path
        self.enrol()

    def see(self, points: npt.NDArray[np.float32] | None, time: float) -> None:
        """Handle a frame: its hand (21, 3) in pixels, or None, and its time in seconds."""
        if self.page == "enrol":
            self.enrolment.see(points, time)
            if self.enrolment.finished:
                self._finish()

    def press(self, key: int) -> str:
        """Do what a key does; returns what to tell the signer, or ""."""
        closes = key in (ESCAPE, ord("y"))
        if self.page == "name":
            self._press_in_name(key)
        elif self.page == "enrol":
            self._press_in_enrolment(key, stops=closes)
        elif self.page == "people" and not closes:
            return self._choose(key)
        elif self.page == "forget":
            return self._press_in_forget(key)
        elif closes:
            self.page = ""
        elif key >= 0 and (letter := chr(key).upper()) in LETTERS:
            self.enrol([letter])
        elif self.page == "hand":
            self._press_in_hand(key)
        return ""

    def _press_in_hand(self, key: int) -> None:
        if key == ord("1"):
            self.enrol()
        elif key == ord("2"):
            self.people, self.page = people.list_people()[:MOST_PEOPLE], "people"
        elif key == ord("3"):
            self.page = "forget"

    def _press_in_enrolment(self, key: int, *, stops: bool) -> None:
        if stops:
            self._finish()
        elif key >= 0 and chr(key).lower() == "n":
            self.enrolment.skip()
            if self.enrolment.finished:
                self._finish()
        elif key >= 0 and chr(key).lower() == "b":
            self.enrolment.back()

    def _press_in_name(self, key: int) -> None:
        if key == ESCAPE:
            self.page = ""
        elif key in (ENTER, ord("\n")) and self.typed.strip():
            self.enrol_somebody(*_new_profile(self.typed.strip()))
        elif key in (BACKSPACE, 127):
            self.typed, self._typing_over = ("" if self._typing_over else self.typed[:-1]), False
        elif self._typing_over and key == ord("y"):
            return  # the key that opened the page, held for longer
        elif key >= 0 and chr(key).isprintable() and len(self.typed) < MAX_NAME_LENGTH:
            self.typed, self._typing_over = ("" if self._typing_over else self.typed) + chr(key), False

    def _press_in_forget(self, key: int) -> str:
        if key not in (ENTER, ord("\n")):
            self.page = "hand" if key in (ESCAPE, ord("y")) else "forget"
            return ""
        self.page = ""
        path, name = self.own_hand.path, self.own_hand.name
        self.own_hand.use(None, None)
        try:
            if path is not None:
                people.forget(path)
        except ClientError as error:
            return str(error)
        return f"{name} is forgotten"

    def _choose(self, key: int) -> str:
        if key >= 0 and chr(key).lower() == "n":
            self._ask_name()
        elif key == ord("0"):
            self.own_hand.use(None, None)
            self.page = ""
        elif 0 < key - ord("0") <= len(self.people):
            try:
                self.own_hand.open(self.people[key - ord("1")].path)
            except ClientError as error:
                return str(error)
            self.own_hand.make_if_missing()
            self.page = "hand"
        return ""

    def _ask_name(self) -> None:
        self.typed, self._typing_over, self.page = people.free_name(usual_name()), True, "name"

    def _finish(self) -> None:
        """Keep the letters that are complete, and show what comes of them."""
        samples, new, self._new = self.enrolment.samples, self._new, None
        if not samples:
            self.page = ""
            return
        if new is not None or self.own_hand.profile is None:
            self.own_hand.use(*(new or _new_profile(usual_name())))
        profile = self.own_hand.profile
        if profile is not None:
            self.own_hand.change(profile.enrolling(samples))
        self.page = "check"


def _new_profile(name: str) -> tuple[Profile, Path]:
    free = people.free_name(name)
    return Profile(free[:MAX_NAME_LENGTH]), people.path_for(free)
