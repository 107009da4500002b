"""Asking the service for words: the newest state wins, and what fails is said once."""

from __future__ import annotations

import io
import json
import threading
import time

import pytest
from network import answer, door

from client.errors import ClientError
from client.status import Status
from client.stream.reply import Segment
from client.stream.words_request import Candidates, NoWordsError, Query, find_words
from client.words.completion import Completion
from client.words.text import spell

FOUND = Candidates(("WORLD", "WORKED"), "WORLD")


def query(letters):
    return Query(spell(letters))


def wait_for(condition):
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.005)


class Service:
    """Gives an answer when it may, and keeps what it was asked."""

    def __init__(self):
        self.asked, self.goes, self.error = [], threading.Event(), None
        self.goes.set()

    def find(self, asked):
        self.asked.append(asked)
        self.goes.wait(30)
        if self.error is not None:
            raise self.error
        return Candidates(("".join(segment.letter for segment in asked.segments),), "")


@pytest.fixture
def terminal():
    return io.StringIO()


def test_without_a_window_the_answer_is_waited_for(terminal):
    service = Service()
    completion = Completion(service.find, Status(terminal), background=False)
    completion.ask(query("WO"))
    completion.ask(query("WO"))
    assert completion.answer_to(query("WO")).words == ("WO",)
    assert completion.answer_to(query("W")) is None
    assert len(service.asked) == 1, "nothing is asked twice"
    assert completion.answer_now(query("W")).words == ("W",)


def test_in_the_window_only_the_newest_state_is_asked_for_next(terminal):
    service = Service()
    completion = Completion(service.find, Status(terminal), background=True)
    service.goes.clear()
    for letters in ("W", "WO", "WOR"):
        completion.ask(query(letters))
        assert completion.answer_to(query(letters)) is None, "it does not wait"
    service.goes.set()
    wait_for(lambda: completion.answer_to(query("WOR")))
    assert [len(asked.segments) for asked in service.asked] == [1, 3]
    assert completion.answer_to(query("W")) is None


def test_what_fails_is_said_once_and_tried_again(terminal):
    service = Service()
    completion = Completion(service.find, Status(terminal), background=False)
    service.error = ClientError("It is too busy. Wait.")
    for letters in ("W", "WO"):
        completion.ask(query(letters))
        assert (completion.answer_to(query(letters)), completion.trouble) == (None, "No words at the moment")
    assert terminal.getvalue() == "warning: It is too busy. Wait. Letters go on without words.\n"
    service.error = None
    completion.ask(query("WOR"))
    assert (completion.answer_to(query("WOR")).words, completion.trouble) == (("WOR",), "")


def test_a_service_without_words_is_not_asked_again_until_there_may_be_another(terminal):
    service = Service()
    completion = Completion(service.find, Status(terminal), background=False)
    service.error = NoWordsError("It knows no words.")
    for letters in ("W", "WO", "WOR"):
        completion.ask(query(letters))
    assert (len(service.asked), terminal.getvalue().count("\n")) == (1, 1)
    assert completion.trouble == "This service knows no words"
    service.error = None
    completion.stream_opened()
    completion.ask(query("WORL"))
    assert completion.answer_to(query("WORL")).words == ("WORL",)


def test_a_lost_service_is_reported_by_the_stream_alone(terminal):
    service, status = Service(), Status(terminal)
    status.lost("service", "No service.")
    completion = Completion(service.find, status, background=False)
    completion.ask(query("W"))
    assert (service.asked, terminal.getvalue()) == ([], "No service. Trying again.\n")


def test_what_is_sent_and_what_comes_back():
    body = json.dumps({"words": [{"word": "WORLD", "probability": 0.9}, {"word": "WORKED", "probability": 0.1}],
                       "as_read": {"word": "WORKD", "probability": 0.0}, "accepted": "WORLD"}).encode()  # fmt: skip
    with door(answer(body)) as host:
        assert find_words(f"http://{host}/", "", ["ANNIKA"], query("WORKD")) == FOUND
    with door(answer(body.replace(b'"accepted": "WORLD"', b'"accepted": null'))) as host:
        assert find_words(f"http://{host}", "", [], query("WORKD")).accepted == ""


@pytest.mark.parametrize(
    ("sent", "kind", "message"),
    [
        (answer(b"{}", "404 Not Found"), NoWordsError, "of an older release, which knows no words"),
        (answer(b"{}", "405 Method Not Allowed"), NoWordsError, "of an older release, which knows no words"),
        (answer(b'{"detail": "No vocabulary."}', "501 Not Implemented"), NoWordsError, r"501\). No vocabulary"),
        (answer(b'{"detail": "Too many."}', "429 Too Many Requests"), ClientError, r"429\). Too many"),
        (answer(b"{}"), ClientError, "is not the fingerspelling service"),
        (answer(b'{"words": [7], "accepted": null}'), ClientError, "is not the fingerspelling service"),
        (b"", ClientError, "No service at"),
    ],
)
def test_what_is_no_answer_is_one_sentence(sent, kind, message):
    with door(sent) as host, pytest.raises(kind, match=message):
        find_words(f"http://{host}", "", [], Query((Segment.certain("A"),)))
