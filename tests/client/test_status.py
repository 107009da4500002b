"""What a run says at its end if no hand was found."""

from __future__ import annotations

import pytest

from client.status import Search


@pytest.mark.parametrize(
    ("times", "hands", "ended", "says"),
    [
        ([], 0, True, ""),
        ([0.0], 0, True, "no hand was found in the only frame. Check"),
        ([0.0, 0.1, 0.2], 0, True, "no hand was found in any of 3 frames. Check"),
        ([0.0, 0.5, 0.9], 0, False, ""),
        ([0.0, 0.5, 1.0], 0, False, "no hand was found in any of 3 frames. Check"),
        ([0.0, 0.5, 1.0], 1, True, ""),
    ],
)
def test_a_run_without_a_hand_says_so_unless_it_was_quit_at_once(times, hands, ended, says):
    search = Search()
    for number, seconds in enumerate(times):
        search.add(seconds, found=number < hands)
    said = search.conclude(ended=ended)
    assert said.startswith(says)
    assert bool(said) == bool(says)
