"""A signer's own hand and the real service: it is learned, put in force, made again, taken back, or reported."""

from __future__ import annotations

import io
import json
import subprocess
import sys
import threading
import time
from contextlib import closing, contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import onnx
import pytest
from network import answer, door
from serving import application, write_model
from websockets.sync.server import serve

from client.errors import ClientError
from client.frames import Frame
from client.landmarks import Hand
from client.mask import MASK_VERSION, render_mask
from client.profile.holds import Hold, HoldMemory
from client.profile.mistakes import learn, unlearn
from client.profile.own_hand import OwnHand
from client.profile.people import last_used, list_people
from client.profile.profile_file import Profile, read_profile, write_profile
from client.profile.samples import Sample
from client.status import Status
from client.stream.connection import Connection
from client.stream.correction import CorrectionLink, parse_message
from client.stream.pipeline import Detection
from client.stream.profile_request import NoProfilesError, make_correction
from client.stream.reply import Reply
from client.stream.retry import RetryingConnection
from service.batching import Batcher
from service.recogniser import Recogniser
from stages.hand.handshapes import read_handshapes
from stages.hand.signers import synthesize_hands

ROOT = Path(__file__).parents[2]
LETTERS = "ADEKMV"


@pytest.fixture(scope="module")
def hands():
    """Landmarks of one synthetic signer, by letter, six of each."""
    drawn = synthesize_hands(read_handshapes(), signers=1, samples_per_letter=6, seed=11, non_letters=0)
    return {letter: drawn.landmarks[drawn.labels == letter] for letter in sorted(set(drawn.labels.tolist()))}


@pytest.fixture(scope="module")
def host(shipped_model):
    with application(shipped_model) as host:
        yield host


@pytest.fixture
def terminal():
    return io.StringIO()


def keeper(host, terminal, *, background=False):
    return OwnHand(partial(make_correction, f"http://{host}", ""), Status(terminal), background=background)


@contextmanager
def connected(host, own_hand):
    stream = RetryingConnection(
        lambda: Connection(f"http://{host}", link=own_hand.link),
        Status(io.StringIO()),
        9.0,
        lossless=False,
        strict=True,
        opened=own_hand.stream_opened,
    )
    with closing(stream):
        yield stream


def read(stream, points):
    """The letter that the service reads in a hand."""
    frame = Frame(np.zeros((2, 2, 3), np.uint8), 0, 0.0)
    return stream.recognise(Detection(frame, Hand(points, "Right", 1.0), render_mask(points), 0.0, 0.0, 0.0)).letter


def swapped(hands, count=4):
    """Samples of somebody who signs K as others sign V, and V as others sign K."""
    signs = {"K": "V", "V": "K"}
    return [
        Sample.from_hand(letter, points) for letter in LETTERS for points in hands[signs.get(letter, letter)][:count]
    ]


def wait_for(condition):
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_what_is_enrolled_is_read_from_then_on_and_found_again(host, hands, terminal, folder, tmp_path):
    own_hand, path = keeper(host, terminal), tmp_path / "anna.fingerspell"
    with connected(host, own_hand) as stream:
        assert read(stream, hands["V"][5]) == "V"
        own_hand.use(Profile("Anna"), path)
        own_hand.change(Profile("Anna").enrolling(swapped(hands)))
        assert (read(stream, hands["V"][5]), own_hand.in_force) == ("K", True)
        assert read(stream, hands["A"][5]) == "A"
    changed = {each.letter: (each.before, each.after) for each in own_hand.made.letters}
    assert changed["K"] == (0.0, 1.0)
    assert read_profile(path).correction == own_hand.made.correction

    again = keeper(host, terminal)
    again.open(last_used())
    with connected(host, again) as stream:
        assert (read(stream, hands["V"][5]), again.in_force, again.made) == ("K", True, None), "as it was kept"
        again.use(None, None)
        assert (read(stream, hands["V"][5]), again.in_force) == ("V", False)
    assert terminal.getvalue() == ""


def test_it_is_in_force_after_a_reconnection(host, hands, terminal, tmp_path):
    own_hand = keeper(host, terminal)
    own_hand.use(Profile("Anna"), tmp_path / "anna.fingerspell")
    own_hand.change(Profile("Anna").enrolling(swapped(hands)))
    with connected(host, own_hand) as stream:
        assert read(stream, hands["V"][5]) == "K"
        stream.close()
        assert (read(stream, hands["V"][5]), own_hand.in_force) == ("K", True)


def test_a_profile_without_a_correction_gets_one_when_the_stream_opens(host, hands, terminal, tmp_path):
    path = tmp_path / "anna.fingerspell"
    write_profile(path, Profile("Anna", tuple(swapped(hands))))
    own_hand = keeper(host, terminal)
    own_hand.open(path)
    with connected(host, own_hand) as stream:
        assert read(stream, hands["V"][5]) == "K"
    assert read_profile(path).correction is not None


def test_an_outdated_correction_is_made_again_by_itself_while_frames_go_on(shipped_model, hands, terminal, tmp_path):
    graph = onnx.load(shipped_model)
    graph.doc_string = "another file, so another version"
    onnx.save(graph, tmp_path / "newer.onnx")
    batcher, path = Batcher(Recogniser(shipped_model)), tmp_path / "anna.fingerspell"
    with application(shipped_model, batcher=batcher) as host:
        own_hand = keeper(host, terminal, background=True)
        own_hand.use(Profile("Anna"), path)
        own_hand.change(Profile("Anna").enrolling(swapped(hands)))
        wait_for(lambda: not own_hand.is_making)
        with connected(host, own_hand) as stream:
            assert read(stream, hands["V"][5]) == "K"
            before = own_hand.link.correction
            batcher.replace_model(Recogniser(tmp_path / "newer.onnx"))
            assert read(stream, hands["V"][5]) == "V", "a letter without the profile, not a pause"
            wait_for(lambda: own_hand.link.correction is not before)
            assert (read(stream, hands["V"][5]), own_hand.in_force) == ("K", True)
    assert read_profile(path).correction == own_hand.link.correction
    assert terminal.getvalue() == ""


def test_a_refused_correction_is_made_again_once(host, hands, terminal, tmp_path):
    made = make_correction(f"http://{host}", "", [(each.letter, each.mask()) for each in swapped(hands)])
    damaged = made.correction | {"weights": "not base64!"}
    path = tmp_path / "anna.fingerspell"
    write_profile(path, Profile("Anna", tuple(swapped(hands)), damaged))
    own_hand = keeper(host, terminal)
    own_hand.open(path)
    with connected(host, own_hand) as stream:
        read(stream, hands["A"][5])
        assert (read(stream, hands["V"][5]), own_hand.in_force) == ("K", True)
    assert read_profile(path).correction == made.correction
    assert terminal.getvalue() == ""


def test_a_correction_that_stays_refused_is_reported_once_and_letters_go_on(host, hands, terminal, tmp_path):
    def make_damaged(masks):
        made = make_correction(f"http://{host}", "", masks)
        return replace(made, correction=made.correction | {"weights": "!"})

    own_hand = OwnHand(make_damaged, Status(terminal), background=False)
    own_hand.use(Profile("Anna"), tmp_path / "anna.fingerspell")
    own_hand.change(Profile("Anna").enrolling(swapped(hands)))
    with connected(host, own_hand) as stream:
        for _ in range(4):
            assert read(stream, hands["V"][5]) == "V"
    assert terminal.getvalue().count("does not accept the profile of Anna") == 1
    assert (own_hand.in_force, own_hand.trouble) == (False, "your hand is not in force")


def test_a_mistake_is_learned_and_taken_back(host, hands, terminal, folder):
    own_hand, hold = keeper(host, terminal), Hold("V", tuple(hands["V"][:3]))
    with connected(host, own_hand) as stream:
        assert read(stream, hands["V"][0]) == "V"
        learned = learn(own_hand, hold, "K")
        assert read(stream, hands["V"][0]) == "K"
        (person,) = list_people()
        assert read_profile(person.path).counts == {"K": 3}, "of that letter only"
        assert unlearn(own_hand, learned)
        assert (read(stream, hands["V"][0]), own_hand.in_force) == ("V", False)
    assert read_profile(person.path).samples == ()


def test_what_made_room_for_a_mistake_comes_back(host, hands, terminal, tmp_path):
    own_hand = keeper(host, terminal)
    own_hand.use(Profile("Anna"), tmp_path / "anna.fingerspell")
    old = [Sample.from_hand("K", hands["K"][number % 6] + number) for number in range(10)]
    own_hand.change(Profile("Anna").adding([*old, *swapped(hands)[:4]]))
    before = own_hand.profile.samples
    learned = learn(own_hand, Hold("V", tuple(hands["V"][:3])), "K")
    assert own_hand.profile.counts["K"] == 10
    assert len(learned.replaced) == 3
    assert unlearn(own_hand, learned)
    assert set(map(id, own_hand.profile.samples)) == set(map(id, before))
    assert learn(own_hand, Hold("V", tuple(hands["V"][:3])), "J") is None, "it moves"
    learned = learn(own_hand, Hold("V", tuple(hands["V"][:3])), "K")
    own_hand.use(Profile("Bob"), tmp_path / "bob.fingerspell")
    assert not unlearn(own_hand, learned)
    assert own_hand.profile.samples == ()


def test_the_frames_of_a_hold_are_those_since_the_letter_became_what_it_is(hands):
    memory, points = HoldMemory(), hands["A"]

    def reply(smoothed, committed=None):
        return Reply(0, smoothed, 0.9, smoothed, committed)

    assert memory.see(points[0], reply(None)) is None
    assert memory.see(points[1], reply("V")) is None
    for number in (2, 3, 4):
        assert memory.see(points[number], reply("A")) is None
    hold = memory.see(points[5], reply("A", "A"))
    assert hold.letter == "A"
    assert [int(np.argmax([each is one for one in points])) for each in hold.hands] != []
    assert np.array_equal(np.stack(hold.hands), points[[2, 4, 5]]) or np.array_equal(
        np.stack(hold.hands), points[[2, 3, 5]]
    )
    assert memory.see(None, reply(None)) is None
    assert memory.see(None, reply("A", "A")) is None, "there is no hand to learn from"


def test_a_service_of_an_older_release_is_reported_once_and_letters_go_on(tmp_path, hands, terminal):
    with application(write_model(tmp_path / "old.onnx")) as host:
        own_hand = keeper(host, terminal)
        own_hand.use(Profile("Anna"), tmp_path / "anna.fingerspell")
        own_hand.change(Profile("Anna").enrolling(swapped(hands)))
        with connected(host, own_hand) as stream:
            for _ in range(2):
                stream.close()
                read(stream, hands["A"][5])
    assert terminal.getvalue().count("\n") == 1
    assert "release without profiles. Export it again: make repro. Letters go on without your hand." in (
        terminal.getvalue()
    )
    assert own_hand.trouble == "this service learns no hands"
    assert len(read_profile(tmp_path / "anna.fingerspell").samples) == 24


@pytest.mark.parametrize("status", ["404 Not Found", "405 Method Not Allowed"])
def test_a_service_without_such_a_door_is_of_an_older_release(status, hands):
    with door(answer(b"{}", status)) as host, pytest.raises(NoProfilesError, match=r"of an older release.*update"):
        make_correction(f"http://{host}", "", [("A", render_mask(hands["A"][0]))])


@pytest.mark.parametrize(
    ("sent", "message"),
    [
        (answer(b"{}"), "is not the fingerspelling service"),
        (answer(b'{"correction": 7, "letters": [], "dropped": [], "alike": []}'), "is not the fingerspelling service"),
        (answer(b'{"detail": "Too large."}', "413 Content Too Large"), r"refuses the client \(HTTP status 413\). Too"),
        (b"", "No service at"),
    ],
)
def test_what_is_no_correction_is_one_sentence(sent, message, hands):
    with door(sent) as host, pytest.raises(ClientError, match=message):
        make_correction(f"http://{host}", "", [("A", render_mask(hands["A"][0]))])


def test_a_letter_that_the_model_does_not_know_is_reported_in_the_services_words(host, hands):
    with pytest.raises(ClientError, match=r"HTTP status 422.*does not know the letter 'J'"):
        make_correction(f"http://{host}", "", [("J", render_mask(hands["A"][0]))])


def test_an_older_stream_that_takes_it_for_a_mask_goes_on(hands):
    """A stream of the release before this one, which answers a text message as a bad mask, and counts it."""

    def handle(socket):
        for number, message in enumerate(socket):
            reply = {"sequence": number, "letter": "A", "confidence": 1.0, "smoothed": "A", "committed": None}
            bad = {"sequence": number, "error": "A text message is not a mask.", "status": 415}
            socket.send(json.dumps(bad if isinstance(message, str) else reply))

    def about(connection, request):
        if request.path == "/model":
            return connection.respond(200, json.dumps({"mask_version": MASK_VERSION}))
        return None

    heard = []
    with serve(handle, "127.0.0.1", 0, process_request=about) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        address = f"http://127.0.0.1:{server.socket.getsockname()[1]}"
        with closing(Connection(address, link=CorrectionLink({"model": "x"}, heard.append))) as connection:
            replies = [connection.ask(render_mask(hands["A"][0])) for _ in range(3)]
        server.shutdown()
    assert [reply.sequence for reply in replies] == [1, 2, 3]
    assert [each.state for each in heard] == ["unsupported"]


def test_what_this_client_does_not_know_of_a_profile_is_one_sentence():
    with pytest.raises(ClientError, match=r"says 'on fire' of your hand's profile.*same release"):
        parse_message('{"profile": "on fire"}', "http://127.0.0.1:3000")


def run_client(*arguments):
    return subprocess.run(
        [sys.executable, "-m", "client", *map(str, arguments)],
        cwd=ROOT, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip


def test_the_letters_of_a_film_change_once_the_signer_is_enrolled(host, he_video, tmp_path, folder):
    """Somebody who signs H as others sign E, and E as others sign H, by the same film."""
    labels, path, service = tmp_path / "labels.json", tmp_path / "anna.fingerspell", ("--server", f"http://{host}")
    spans = [("E", 0, 25), ("H", 33, 58)]
    labels.write_text(
        json.dumps([{"letter": name, "first_frame": first, "end_frame": end} for name, first, end in spans])
    )
    source = ("--source", he_video)
    plain = run_client(*source, *service, "--text", "--fast", "--no-words")
    done = run_client("enrol", path, "--signer", "Anna", *source, *service, "--labels", labels, "--headless")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(f"{path}: 10 samples of Anna's EH\n")
    assert read_profile(path).counts == {"E": 5, "H": 5}
    own = run_client(*source, *service, "--text", "--fast", "--no-words", "--profile", path)
    assert (plain.stdout, own.stdout, own.stderr) == ("HE\n", "EH\n", "")
    assert run_client(*source, *service, "--text", "--fast", "--no-words").stdout == "HE\n", (
        "without a window, only if it is named"
    )
    forgotten = run_client("forget", path)
    assert (forgotten.returncode, forgotten.stdout) == (0, f"Anna is forgotten: {path} is deleted\n")
    assert not path.exists()


def test_the_terminal_asks_for_the_letters_of_a_film_and_the_service_may_be_away(he_video, tmp_path):
    path = tmp_path / "anna.fingerspell"
    done = run_client(
        "enrol", path, "--signer", "Anna", "--source", he_video, "--headless", "--server", "http://127.0.0.1:9"
    )
    assert done.returncode == 0
    assert done.stdout.startswith("A (1 of 24) ... done in 1.")
    assert done.stderr == (
        "warning: No service at http://127.0.0.1:9. Start it with `make serve`, or name another with --server.\n"
    )
    profile = read_profile(path)
    assert (profile.name, profile.correction) == ("Anna", None)
    assert profile.counts["A"] == 5


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["enrol", "anna.txt", "--signer", "Anna", "--headless"], "a profile is a .fingerspell file"),
        (["enrol", "a.fingerspell", "--signer", " ", "--headless"], "a name has 1 to 60"),
        (["enrol", "a.fingerspell", "--signer", "Anna", "--labels", "x.json"], "--labels needs --headless"),
        (["enrol", "damaged.fingerspell", "--signer", "Anna", "--headless"], "not a profile, or a damaged one"),
        (["forget", "nobody"], "nobody: there is no such profile"),
        (["--profile", "nobody", "--text", "--source", "EMPTY"], "nobody: there is no such profile"),
        (["enrol", "a.fingerspell", "--signer", "Anna", "--headless", "--source", "EMPTY"], "no letter was seen in 12"),
    ],
)
def test_an_error_is_one_sentence(arguments, message, empty_video, tmp_path, monkeypatch, capsys):
    from client.__main__ import main

    monkeypatch.chdir(tmp_path)
    (tmp_path / "damaged.fingerspell").write_text("{")
    assert main([str(empty_video) if each == "EMPTY" else each for each in arguments]) == 1
    printed = capsys.readouterr().err
    assert printed.count("\n") == 1
    assert message in printed
    assert (tmp_path / "damaged.fingerspell").read_text() == "{"
    assert not (tmp_path / "a.fingerspell").exists()
