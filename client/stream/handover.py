"""From one thread to the next: a place for one item, in which the newest wins or nothing is lost."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Generic, Self, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

Item = TypeVar("Item")


class Handover(Generic[Item]):
    """Runs an iterable in a thread of its own and gives its items to the thread that iterates over this.

    One item at most waits. Where nothing may be lost the iterable is held up until it is taken; otherwise a newer
    item takes its place, so whoever is slower than the iterable gets the newest one. What the iterable raises is
    raised to whoever takes.

    Example:
        ```python
        with Handover(source, "camera", lossless=False) as frames:
            for frame in frames:
                look_at(frame)
        ```
    """

    def __init__(self, items: Iterable[Item], name: str, *, lossless: bool) -> None:
        """Start the thread.

        Args:
            items: run in the thread, and left at the latest when it gives its next item after `close`.
            name: of the thread.
            lossless: whether `items` waits for whoever takes.
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
        """Wait for the next item; None where there is none within so many seconds, and at the end.

        Raises:
            Exception: what the iterable raised, when what it gave before has been taken.
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
        """Whether there is and will be nothing more to take."""
        with self._changed:
            return self._closed or (self._ended and not self._waiting)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Give no more items to anyone."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        self._thread.join(timeout=1.0)  # what hangs in a driver or a socket is left behind: it is a daemon

    def _run(self) -> None:
        try:
            for item in self._items:
                if not self._put(item):
                    break
        except BaseException as error:  # noqa: BLE001 - it belongs to the other thread
            self._error = error
        with self._changed:
            self._ended = True
            self._changed.notify_all()

    def _put(self, item: Item) -> bool:
        """Put an item down; False where nobody will take it."""
        with self._changed:
            if self._lossless:
                self._changed.wait_for(lambda: not self._waiting or self._closed)
            self._waiting = [item]
            self._changed.notify_all()
            return not self._closed
