"""The real window on a virtual display reads the film of a rendered hand with a real service and its words."""

from __future__ import annotations

import pytest
from display import has_ended, quit_and_read, start, wait_for

from client.capture.demo import FILM


@pytest.mark.serial
@pytest.mark.slow
def test_the_window_reads_hello_world(words_service, screen):
    display, pixels = screen
    with start(screen, "--source", FILM, "--fast", "--server", words_service) as client:
        wait_for(lambda: has_ended(pixels), client)
        assert quit_and_read(client, display) == "HELLO WORLD\n"
