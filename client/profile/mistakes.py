"""Learning from a mistake: the hold of a letter that was recognised wrongly joins the profile, or leaves it again."""

from __future__ import annotations

import getpass
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from client.profile.people import free_name, path_for
from client.profile.profile_file import MAX_NAME_LENGTH, Profile
from client.profile.samples import LETTERS, Sample, newest_of_each

if TYPE_CHECKING:
    from pathlib import Path

    from client.profile.holds import Hold
    from client.profile.own_hand import OwnHand

NOBODY: Final = "me"
"""Name of somebody whose name the system does not tell."""


@dataclass(frozen=True)
class Learned:
    """What a mistake has changed."""

    added: tuple[Sample, ...]
    replaced: tuple[Sample, ...]
    """Older samples of the letter that had to make room."""
    path: Path | None
    """The file of the profile."""


def usual_name() -> str:
    """Give the name under which this user is logged in, for a profile without a name."""
    try:
        name = getpass.getuser().strip()
    except (OSError, KeyError, ImportError):
        return NOBODY
    return name[:MAX_NAME_LENGTH] if name.isprintable() and name else NOBODY


def learn(own_hand: OwnHand, hold: Hold, letter: str) -> Learned | None:
    """Add the frames of a hold to the profile as another letter; begin a profile if there is none.

    Returns:
        What to hand to `unlearn`; None if the letter moves, which no picture shows, or the one that was recognised.
    """
    if letter not in LETTERS or not hold.hands:
        return None
    if own_hand.profile is None:
        name = free_name(usual_name())
        own_hand.use(Profile(name), path_for(name))
    profile = own_hand.profile
    assert profile is not None  # noqa: S101 - it has just begun
    added = tuple(Sample.from_hand(letter, points) for points in hold.hands)
    changed = profile.adding(added)
    kept = set(map(id, changed.samples))
    replaced = tuple(sample for sample in profile.samples if id(sample) not in kept)
    own_hand.change(changed)
    return Learned(added, replaced, own_hand.path)


def unlearn(own_hand: OwnHand, learned: Learned) -> bool:
    """Take the samples of a mistake out again, and put back those that made room.

    Returns:
        Whether the profile is still the one that they were added to.
    """
    profile = own_hand.profile
    if profile is None or own_hand.path != learned.path:
        return False
    gone = set(map(id, learned.added))
    kept = [sample for sample in profile.samples if id(sample) not in gone]
    own_hand.change(replace(profile, samples=newest_of_each([*learned.replaced, *kept]), correction=None))
    return True
