"""The file of a profile: what is written is read again, and what is damaged is reported and left as it is."""

from __future__ import annotations

import base64
import json
import re

import numpy as np
import pytest
from drawn_hand import open_hand

from client.errors import ClientError
from client.mask import MASK_VERSION, render_mask
from client.profile import people
from client.profile.profile_file import Profile, read_profile, write_profile
from client.profile.samples import MOST_OF_A_LETTER, Sample

CORRECTION = {"model": "26248bcb4154", "rows": [0.25, 1e-9, "ü"]}


def sample(letter="A", shift=0.0):
    points = open_hand()
    points[4] += shift
    return Sample.from_hand(letter, points)


def test_a_profile_comes_back_as_it_was_written(tmp_path):
    profile = Profile("Änne 2", (sample("A"), sample("B", 9.0)), CORRECTION)
    write_profile(tmp_path / "new" / "a.fingerspell", profile)
    read = read_profile(tmp_path / "new" / "a.fingerspell")
    assert (read.name, read.correction) == ("Änne 2", CORRECTION)
    assert [each.letter for each in read.samples] == ["A", "B"]
    assert all(np.array_equal(a.landmarks, b.landmarks) for a, b in zip(read.samples, profile.samples, strict=True))
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["a.fingerspell"]


def test_the_file_is_what_the_page_reads(tmp_path):
    write_profile(tmp_path / "a.fingerspell", Profile("Anna", (sample("K"),)))
    fields = json.loads((tmp_path / "a.fingerspell").read_text())
    (kept,) = fields.pop("samples")
    assert fields == {
        "format": "fingerspell profile", "version": 1, "name": "Anna", "mask_version": MASK_VERSION, "correction": None,
    }  # fmt: skip
    assert kept["letter"] == "K"
    numbers = np.frombuffer(base64.b64decode(kept["landmarks"]), "<u2")
    assert numbers.shape == (42,)
    assert np.array_equal(numbers[:2], sample().landmarks[0]), "x0, y0, x1 ..."


def test_a_mask_drawn_again_is_the_mask_that_was_sent():
    mask, again = render_mask(open_hand()), sample().mask()
    assert np.mean(np.any(mask != again, axis=2)) < 0.002


def test_new_samples_replace_the_oldest_of_their_letter_and_a_new_enrolment_all_of_it():
    old = [sample("A", shift) for shift in range(MOST_OF_A_LETTER)]
    profile = Profile("Anna", (*old, sample("B")), CORRECTION)
    new = [sample("A", 40.0), sample("A", 50.0)]
    added = profile.adding(new)
    assert [each for each in added.samples if each.letter == "A"] == [*old[2:], *new]
    assert added.counts == {"A": MOST_OF_A_LETTER, "B": 1}
    assert added.correction is None
    assert [each for each in profile.enrolling(new).samples if each.letter == "A"] == new
    assert profile.enrolling(new).counts == {"A": 2, "B": 1}


def fields(**changes):
    whole = {
        "format": "fingerspell profile", "version": 1, "name": "Anna", "mask_version": MASK_VERSION,
        "samples": [{"letter": "A", "landmarks": sample().encode()}], "correction": CORRECTION,
    }  # fmt: skip
    return json.dumps(whole | changes)


@pytest.mark.parametrize(
    ("contents", "message"),
    [
        ("", "Expecting value"),
        (fields()[:-30], "not a profile, or a damaged one"),
        (b"\xff\xfe", "utf-8"),
        ("[" * 100_000, "not a profile, or a damaged one"),
        ("7", 'no "format"'),
        (fields(format="other"), 'no "format"'),
        (fields(version=2), "its version is 2, this client reads 1: update it"),
        (fields(version=True), "its version is True"),
        (fields(name=7), "its name is not text"),
        (fields(name="  "), "a name has 1 to 60"),
        (fields(name="x" * 61), "a name has 1 to 60"),
        (fields(name="a\nb"), "a name has 1 to 60"),
        (fields(samples={}), "its samples are not a list"),
        (fields(samples=[7]), "its samples are not a list of objects"),
        (fields(samples=[{"letter": "a", "landmarks": ""}]), "sample 0: letter 'a' is not one of A to Z"),
        (fields(samples=[{"letter": "A", "landmarks": "%"}]), "sample 0: landmarks are not base64"),
        (fields(samples=[{"letter": "A", "landmarks": "AAAA"}]), "sample 0: landmarks are 3 bytes, not 84"),
        (fields(samples=[{"letter": "A"}]), "sample 0: landmarks are 0 bytes"),
        (fields(samples=[{"letter": "A", "landmarks": sample().encode()}] * 11), "11 samples of A, more than 10"),
        (fields(correction=[1]), "its correction is not an object"),
        (" " * (1 << 20) + fields(), "larger than 1024 KiB"),
    ],
)
def test_a_damaged_file_is_one_sentence_and_stays_as_it_is(tmp_path, contents, message):
    path = tmp_path / "a.fingerspell"
    contents = contents if isinstance(contents, bytes) else contents.encode()
    path.write_bytes(contents)
    with pytest.raises(ClientError, match=re.escape(message)) as raised:
        read_profile(path)
    assert str(raised.value).startswith(f"{path}: ")
    assert "Name another file with --profile" in str(raised.value)
    assert path.read_bytes() == contents


def test_unknown_members_are_ignored_and_a_correction_for_other_masks_is_made_anew(tmp_path):
    path = tmp_path / "a.fingerspell"
    path.write_text(fields(mood="good"))
    assert read_profile(path).correction == CORRECTION
    path.write_text(fields(mask_version="finger-colours-2"))
    assert read_profile(path).correction is None
    assert len(read_profile(path).samples) == 1


def test_a_file_that_cannot_be_written_is_reported(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(ClientError, match=r"cannot be written.*What was there before still is"):
        write_profile(tmp_path / "file" / "a.fingerspell", Profile("Anna"))


def test_a_bare_name_is_looked_up_in_the_folder_unless_it_is_a_file_here(folder, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_profile(folder / "anna.fingerspell", Profile("Anna"))
    assert people.find_profile("anna.fingerspell") == people.find_profile("anna") == folder / "anna.fingerspell"
    assert not people.find_profile("bob").exists()
    assert people.find_profile("./anna.fingerspell").resolve() == tmp_path / "anna.fingerspell"
    write_profile(tmp_path / "anna.fingerspell", Profile("Anna here"))
    assert read_profile(people.find_profile("anna.fingerspell")).name == "Anna here"


def test_several_people_have_files_and_names_of_their_own(folder):
    assert people.list_people() == []
    for name in ("bob", "Änne Müller", "../../etc"):
        write_profile(people.path_for(name), Profile(name))
    (folder / "damaged.fingerspell").write_text("{")
    assert [person.name for person in people.list_people()] == ["../../etc", "bob", "Änne Müller"]
    assert {person.path.parent for person in people.list_people()} == {folder}
    assert people.path_for("bob") == folder / "bob-2.fingerspell"
    assert (people.free_name("bob"), people.free_name("Eve")) == ("bob 2", "Eve")


def test_the_last_one_used_is_found_again_until_it_is_forgotten(folder):
    assert people.last_used() is None
    path = people.path_for("bob")
    write_profile(path, Profile("bob"))
    people.remember(path)
    assert people.last_used() == path
    assert people.forget(path) == "bob"
    assert people.last_used() is None
    assert list(folder.iterdir()) == []


def test_what_is_no_profile_is_not_deleted(folder, tmp_path):
    (tmp_path / "letter.txt").write_text("Dear Anna")
    with pytest.raises(ClientError, match="not a profile"):
        people.forget(tmp_path / "letter.txt")
    assert (tmp_path / "letter.txt").exists()
