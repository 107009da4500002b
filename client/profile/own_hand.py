"""The profile in use: kept in its file, corrected by the service in the background, put in force by the stream."""

from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from client.errors import ClientError
from client.profile.people import remember
from client.profile.profile_file import Profile, read_profile, write_profile
from client.profile.samples import LETTERS
from client.stream.correction import CorrectionLink, ProfileAnswer
from client.stream.profile_request import Made, NoProfilesError, older_release

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy as np
    import numpy.typing as npt

    from client.profile.samples import Sample
    from client.status import Status

    Make = Callable[[Sequence[tuple[str, npt.NDArray[np.uint8]]]], Made]
    """Has the service make a correction of letters and masks."""

MOST_TRIES: Final = 3
"""Corrections in a row that the service may find outdated before it is given up."""


class OwnHand:
    """Keeps one person's profile, has its correction made, and gives it to the stream.

    Safe to use from several threads. Whatever fails is reported once; letters go on without the profile.
    """

    def __init__(self, make: Make, status: Status, *, background: bool) -> None:
        """Start without a profile.

        Args:
            make: has the service make a correction.
            status: where failures are reported.
            background: whether frames go on while a correction is made; else the first one is waited for.
        """
        self.link = CorrectionLink(heard=self._hear)
        self.profile: Profile | None = None
        self.path: Path | None = None
        self.made: Made | None = None
        """What the newest correction does for each letter; None if it was not made in this run."""
        self.is_making = False
        self.in_force = False
        """Whether the service uses the profile for this stream."""
        self.trouble = ""
        """Why it does not, in a few words."""
        self._make, self._status, self._background = make, status, background
        self._lock = threading.RLock()
        self._wanted = 0
        self._outdated = self._refused = 0
        self._said: set[str] = set()

    @property
    def name(self) -> str:
        """Whose profile it is; "" without one."""
        return "" if self.profile is None else self.profile.name

    def open(self, path: Path) -> None:
        """Use the profile of a file.

        Raises:
            ClientError: it is not a profile.
        """
        self.use(read_profile(path), path)
        self._remember(path)

    def use(self, profile: Profile | None, path: Path | None) -> None:
        """Use a profile, or none."""
        with self._lock:
            self.profile, self.path, self.made = profile, path, None
            self.trouble, self._outdated, self._refused = "", 0, 0
            self._wanted += 1  # what is being made now is for somebody else
            self.link.correction = None if profile is None else profile.correction

    def change(self, profile: Profile) -> None:
        """Put other samples in the profile, save it, and have its correction made again."""
        with self._lock:
            self.profile = profile
            self._outdated = self._refused = 0
            self._save()
        if self.path is not None:
            self._remember(self.path)
        self.make_again()

    def stream_opened(self) -> None:
        """Note that a stream was opened: the service may be another one, and nothing is in force there."""
        with self._lock:
            self.in_force = False
            self._outdated = self._refused = 0
        self.make_if_missing()

    def make_if_missing(self) -> None:
        """Have the correction made if the profile has none."""
        with self._lock:
            is_missing = self.profile is not None and bool(self.profile.samples) and self.profile.correction is None
        if is_missing and not self.is_making:
            self.make_again()

    def make_again(self) -> None:
        """Have the correction made of the samples there are now."""
        with self._lock:
            self._wanted += 1
            if self.profile is not None:
                self.profile = replace(self.profile, correction=None)
            if self.is_making:
                return  # the thread sees that it has to begin again
            self.is_making = True
        if self._background:
            threading.Thread(target=self._work, name="correction", daemon=True).start()
        else:
            self._work()

    def _work(self) -> None:
        while True:
            with self._lock:
                number, profile = self._wanted, self.profile
            is_done = profile is None or profile.correction is not None
            made, error = self._try(() if profile is None or is_done else profile.samples)
            with self._lock:
                if number != self._wanted:
                    continue
                if made is not None and profile is not None:
                    self._accept(made, profile)
                elif error is not None:
                    self._report(error)
                elif not is_done:  # no samples are left
                    self.link.correction = None
                self.is_making = False
                return

    def _try(self, samples: Sequence[Sample]) -> tuple[Made | None, ClientError | None]:
        usable = [sample for sample in samples if sample.letter in LETTERS]
        if not usable:
            return None, None
        try:
            return self._make([(sample.letter, sample.mask()) for sample in usable]), None
        except ClientError as error:
            return None, error

    def _accept(self, made: Made, profile: Profile) -> None:
        self.made, self.trouble = made, ""
        self.profile = replace(profile, correction=made.correction)
        self.link.correction = made.correction
        self._save()

    def _hear(self, answer: ProfileAnswer) -> None:
        """Handle what the service says of the correction; called by the thread of the stream."""
        again = False
        with self._lock:
            if answer.state != "refused":  # what held before still does
                self.in_force = answer.state == "in force"
            if self.in_force:
                self._outdated, self._refused, self.trouble = 0, 0, ""
            elif answer.state == "outdated":
                self._outdated += 1
                again = self._outdated <= MOST_TRIES
            elif answer.state == "refused":
                self._refused += 1
                again = self._refused == 1
        if again:
            self.make_again()
        elif answer.state in ("outdated", "refused"):
            reason = f" ({answer.error})" if answer.error else ""
            self._report(
                ClientError(
                    f"The service does not accept the profile of {self.name}{reason}. Letters go on without it; "
                    "check that client and service come from the same release."
                )
            )
        elif answer.state == "unsupported":
            self._report(older_release("The service"))

    def _report(self, error: ClientError) -> None:
        """Say once what is wrong."""
        old = isinstance(error, NoProfilesError)
        self.trouble = "this service learns no hands" if old else "your hand is not in force"
        key = "an older release" if old else str(error)
        if key not in self._said:
            self._said.add(key)
            self._status.warn(str(error))

    def _save(self) -> None:
        if self.path is None or self.profile is None:
            return
        try:
            write_profile(self.path, self.profile)
        except ClientError as error:
            self._status.warn(str(error))

    def _remember(self, path: Path) -> None:
        try:
            remember(path)
        except ClientError as error:
            self._status.warn(str(error))
