"""The threads that the service cannot do without."""

from __future__ import annotations

import logging
import os
import threading
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

FAILED: Final = 70
"""Exit status of a worker that lost a thread: an internal software error, by sysexits.h."""

logger = logging.getLogger("fingerspell")


def start_thread(name: str, target: Callable[[], None]) -> threading.Thread:
    """Start a thread that runs as long as the service; if it fails, the process ends at once, and the log says why.

    Without it the service would look ready and never answer. BentoML starts another worker, and clients reconnect.
    """

    def run() -> None:
        try:
            target()
        except BaseException:
            logger.critical("the thread '%s' failed, so this worker ends and another one starts", name, exc_info=True)
            os._exit(FAILED)  # sys.exit would end this thread only

    thread = threading.Thread(target=run, name=name, daemon=True)
    thread.start()
    return thread
