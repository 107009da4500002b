"""Files that are nearly raw data sets: the message says what to do, and that makes a raw data set of them."""

from __future__ import annotations

import re
import string

import cv2
import numpy as np
import pytest

from stages.data.raw import read_raw
from stages.errors import InputError

RANDOM = np.random.default_rng(0)
PHOTOS = RANDOM.integers(0, 256, (4, 20, 24, 3), dtype=np.uint8)
SQUARES = RANDOM.integers(0, 256, (4, 28, 28), dtype=np.uint8)
GREY = np.repeat(SQUARES[..., None], 3, axis=3)
HANDS = RANDOM.uniform(50, 400, (4, 21, 3)).astype(np.float32)
FLAT_HANDS = HANDS * np.float32([1, 1, 0])
LETTERS = np.array(list("ABKY"))
CODE = re.compile(r"`(\w+ = .+?)`")


def refusal(path, **arrays):
    np.savez(path, **arrays)
    with pytest.raises(InputError, match=f"^{re.escape(str(path))}: ") as caught:
        read(path)
    assert str(caught.value).endswith(".")
    return str(caught.value)


def read(path):
    return read_raw(path, max_samples=100, max_gib=0.1)


def follow(path, **arrays):
    """Do what the refusal says and read the file."""
    known = {"np": np, **arrays}
    exec(CODE.search(refusal(path, **arrays))[1], known)  # noqa: S102 - the advice is code to copy
    np.savez(path, **{name: known[name] for name in arrays})
    return read(path)


@pytest.mark.parametrize(
    ("images", "expected"),
    [
        ((PHOTOS / 255).astype(np.float32), PHOTOS),
        (PHOTOS.astype(np.float64), PHOTOS),
        (PHOTOS.astype(np.int64), PHOTOS),
        (PHOTOS.transpose(0, 3, 1, 2), PHOTOS),
        ((PHOTOS.transpose(0, 3, 1, 2) / 255).astype(np.float32), PHOTOS),
        (np.concatenate([PHOTOS, PHOTOS[..., :1]], axis=3), PHOTOS),
        (SQUARES, GREY),
        (SQUARES[..., None], GREY),
        (SQUARES.reshape(4, -1), GREY),
        (GREY.reshape(4, -1), GREY),
    ],
    ids=["0 to 1", "0 to 255", "int64", "CHW", "CHW 0 to 1", "RGBA", "grey", "grey, 1", "flat grey", "flat"],
)
@pytest.mark.parametrize("kind", ["images", "masks"])
def test_pictures_of_another_layout_are_read_after_what_the_message_says(kind, images, expected, tmp_path):
    raw = follow(tmp_path / "raw.npz", labels=LETTERS, **{kind: images})
    read_back = np.concatenate(list(raw.pictures.chunks(10)))
    assert np.abs(read_back.astype(int) - expected).max() <= 1


@pytest.mark.parametrize(
    ("landmarks", "expected"),
    [
        (HANDS.astype(np.float64), HANDS),
        (HANDS.reshape(4, 63), HANDS),
        (HANDS[..., :2], FLAT_HANDS),
        (HANDS[..., :2].reshape(4, 42), FLAT_HANDS),
        (HANDS.transpose(0, 2, 1), HANDS),
        (np.concatenate([HANDS, HANDS[..., :1]], axis=2), HANDS),
    ],
    ids=["float64", "63", "x and y", "42", "axes first", "visibility"],
)
def test_landmarks_of_another_layout_are_read_after_what_the_message_says(landmarks, expected, tmp_path):
    raw = follow(tmp_path / "raw.npz", labels=LETTERS, landmarks=landmarks)
    np.testing.assert_array_equal(raw.landmarks, expected)


ALL = np.array(list(string.ascii_uppercase))
STILL = np.array([letter for letter in string.ascii_uppercase if letter not in "JZ"])


@pytest.mark.parametrize(
    ("numbers", "expected", "sentence"),
    [
        (np.arange(26), ALL, "each number from 0 to 25 is. If 0 is A and 25 is Z, save"),
        (np.arange(1, 27), ALL, "each number from 1 to 26 is. If 1 is A and 26 is Z, save"),
        (np.arange(24, dtype=np.uint8), STILL, "0 to 23 is. If 0 is A and 23 is Y (J and Z left out), save"),
        (
            np.delete(np.arange(25), 9),
            STILL,
            "0 to 24 is. If 0 is A and 25 is Z (9 would be J, and is left out, as in Sign Language MNIST), save",
        ),
        (np.arange(26.0), ALL, "each number from 0 to 25 is"),
        (np.arange(26)[:, None], ALL, "each number from 0 to 25 is"),
        (np.eye(26, dtype=np.float32), ALL, "Each row seems to mark one of 26 letters. Nothing says which letter"),
        (np.eye(24), STILL, "(J and Z left out)"),
    ],
    ids=["A to Z", "from 1", "still letters", "MNIST", "floats", "a column", "one-hot", "one-hot, still letters"],
)
def test_numbers_become_letters_as_the_message_says(numbers, expected, sentence, tmp_path):
    hands = np.resize(HANDS, (len(numbers), 21, 3))
    assert sentence in refusal(tmp_path / "raw.npz", labels=numbers, landmarks=hands)
    assert follow(tmp_path / "raw.npz", labels=numbers, landmarks=hands).labels.tolist() == expected.tolist()


@pytest.mark.parametrize(
    "numbers",
    [np.arange(4) + 0.5, np.array([0, 1, 2, np.nan]), np.arange(4) - 1, np.arange(4) * 1e300, np.eye(4)[None]],
)
def test_numbers_that_are_no_letters_have_no_code(numbers, tmp_path):
    sentence = refusal(tmp_path / "raw.npz", labels=numbers, landmarks=HANDS)
    assert CODE.search(sentence) is None
    assert "export the file again." in sentence


@pytest.mark.parametrize(
    ("arrays", "sentence"),
    [
        (
            {"X": PHOTOS, "y": LETTERS},
            "'X' looks like images and 'y' like labels: {}images=data['X'], labels=data['y'])`.",
        ),
        ({"arr_0": np.arange(4), "arr_1": PHOTOS / 255}, "'arr_1' looks like images and 'arr_0' like labels"),
        ({"arr_0": HANDS.reshape(4, 63), "arr_1": np.eye(4)}, "'arr_0' looks like landmarks and 'arr_1' like labels"),
        (
            {"x_train": SQUARES, "y_train": LETTERS, "x_test": SQUARES[:3], "y_test": LETTERS[:3]},
            "{}images=data['x_train'], labels=data['y_train'])`, and 'x_test' with 'y_test' in a file of their own.",
        ),
        ({"images": PHOTOS, "y": LETTERS}, "{}images=data['images'], labels=data['y'])`."),
        ({"data": SQUARES.reshape(4, 784), "labels": LETTERS}, "{}images=data['data'], labels=data['labels'])`."),
        ({"X": PHOTOS, "y": LETTERS[:3]}, "'labels' is missing; it holds 'X', 'y'. Add the letter of each row"),
    ],
)
def test_other_names_are_guessed_from_their_shapes(arrays, sentence, tmp_path):
    save = "save them again with `np.savez_compressed('raw.npz', "
    assert sentence.format(save) in refusal(tmp_path / "raw.npz", **arrays)


def test_hands_are_found_in_grey_pictures_after_what_the_message_says(shared, tmp_path):
    from stages.data.cleaning import read_samples

    with np.load(shared / "data" / "photos_t32rahman.npz") as photos:
        grey = np.stack([cv2.cvtColor(image, cv2.COLOR_RGB2GRAY) for image in photos["images"][::24]])
        labels = photos["labels"][::24]
    follow(tmp_path / "raw.npz", labels=labels, images=grey)
    samples = read_samples(tmp_path / "raw.npz", max_samples=100, max_gib=0.1)
    assert len(samples.labels) >= 5, "of 6"
