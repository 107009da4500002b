"""A queue of one item between two threads: the newest item wins, or nothing is lost."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

Item = TypeVar("Item")


class Handover(Generic[Item]):
    """Runs an iterable in a thread of its own and gives its items to the thread that iterates over this.

    At most one item waits. If nothing may be lost, the iterable waits until that item is taken; otherwise a newer item
    replaces it, so that a consumer slower than the iterable gets the newest one. What the iterable raises is raised
    again in the consumer.

    Example:
        ```python
        with closing(Handover(source, "camera", lossless=False)) as frames:
            for frame in frames:
                look_at(frame)
        ```
    """

    def __init__(self, items: Iterable[Item], name: str, *, lossless: bool) -> None:
        """Start the thread.

        Args:
            items: run in the thread, and abandoned at the latest when it gives its next item after `close`.
            name: of the thread.
            lossless: whether `items` waits for the consumer.
        """
        self._items, self._lossless = items, lossless
        self._changed = threading.Condition()
        self._waiting: list[Item] = []
        self._error: BaseException | None = None
        self._ended = self._closed = False
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def __iter__(self) -> Iterator[Item]:
        while (item := self.take()) is not None:
            yield item

    def take(self, seconds: float | None = None) -> Item | None:
        """Wait for the next item; None if there is none within so many seconds, and at the end.

        Raises:
            Exception: what the iterable raised, once all its items have been taken.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._ended or self._closed, seconds)
            if self._waiting and not self._closed:
                item = self._waiting.pop()
                self._changed.notify_all()
                return item
            if self._ended and not self._closed and self._error is not None:
                raise self._error
            return None

    @property
    def ended(self) -> bool:
        """Whether there is nothing more to take, now or later; an error remains to be taken."""
        with self._changed:
            return self._closed or (self._ended and not self._waiting and self._error is None)

    def close(self) -> None:
        """Give no more items."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        self._thread.join(timeout=1.0)  # a thread that hangs in a driver or a socket is left: it is a daemon

    def _run(self) -> None:
        try:
            for item in self._items:
                with self._changed:
                    if self._lossless:
                        self._changed.wait_for(lambda: not self._waiting or self._closed)
                    if self._closed:
                        break
                    self._waiting = [item]
                    self._changed.notify_all()
        except BaseException as error:  # noqa: BLE001 - raised again in the other thread
            self._error = error
        with self._changed:
            self._ended = True
            self._changed.notify_all()
