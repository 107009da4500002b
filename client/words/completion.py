"""Having the service complete the current word: the newest state of it wins, and whatever fails is said once."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Final

from client.errors import ClientError
from client.stream.words_request import Candidates, NoWordsError, Query

if TYPE_CHECKING:
    from collections.abc import Callable

    from client.status import Status

    Find = Callable[[Query], Candidates]
    """Asks the service for the words that a query may be."""

GOES_ON: Final = "Letters go on without words."


class Completion:
    """Keeps the candidates for what was asked last. Safe to use from several threads."""

    def __init__(self, find: Find, status: Status, *, background: bool) -> None:
        """Start with nothing asked.

        Args:
            find: asks the service.
            status: where failures are reported.
            background: whether a question is asked in a thread of its own; else its answer is waited for.
        """
        self.trouble = ""
        """Why there are no candidates, in a few words; "" if nothing is wrong."""
        self._find, self._status, self._background = find, status, background
        self._lock = threading.Lock()
        self._wanted: Query | None = None
        self._answered: tuple[Query, Candidates | None] | None = None
        self._is_asking = self._has_none = False
        self._said: set[str] = set()

    def stream_opened(self) -> None:
        """Note that a stream was opened: the service may be another one, which knows words."""
        self._has_none = False

    def ask(self, query: Query) -> None:
        """Ask for the candidates, instead of what is being waited for."""
        with self._lock:
            if query == self._wanted:
                return
            self._wanted = query
            if self._is_asking:
                return  # the thread sees that it has to ask again
            self._is_asking = True
        if self._background:
            threading.Thread(target=self._work, name="words", daemon=True).start()
        else:
            self._work()

    def answer_to(self, query: Query) -> Candidates | None:
        """Give the candidates; None if they are not there, or are for another state of the word."""
        with self._lock:
            return self._answered[1] if self._answered is not None and self._answered[0] == query else None

    def answer_now(self, query: Query) -> Candidates | None:
        """Give the candidates, and wait for them if need be; None if the service does not tell."""
        with self._lock:
            if self._answered is not None and self._answered[0] == query:
                return self._answered[1]
        return self._try(query)

    def _work(self) -> None:
        while True:
            with self._lock:
                query = self._wanted
            answer = None if query is None else self._try(query)
            with self._lock:
                if query is not None:
                    self._answered = query, answer
                if query is self._wanted:
                    self._is_asking = False
                    return

    def _try(self, query: Query) -> Candidates | None:
        if self._has_none or self._status.is_lost("service"):  # which has been said
            return None
        try:
            candidates = self._find(query)
        except ClientError as error:
            self._has_none = isinstance(error, NoWordsError)
            self._report(error)
            return None
        self.trouble = ""
        return candidates

    def _report(self, error: ClientError) -> None:
        self.trouble = "This service knows no words" if self._has_none else "No words at the moment"
        if str(error) not in self._said:
            self._said.add(str(error))
            self._status.warn(f"{error} {GOES_ON}")
