"""The signer's own words: the file, and the names of the people of this computer."""

from __future__ import annotations

import pytest

from client.errors import ClientError
from client.words.own_words import read_own_words, words_in_names


def test_a_file_has_a_word_in_each_line(tmp_path):
    path = tmp_path / "words.txt"
    path.write_text("\ufeffAnnika\n\n  Kiel \r\nANNIKA\n" + "X" * 32, encoding="utf-8")
    assert read_own_words(path) == ("ANNIKA", "KIEL", "X" * 32)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"Anna\nNew York\n", "line 2, 'New York', is not one word of 1 to 32 letters"),
        (b"O'Neil", 'line 1, "O\'Neil"'),
        ("Zoë".encode(), "line 1, 'Zoë'"),
        (b"A" * 33, "line 1"),
        (b"\xff\xfe\x00", "not a text file in UTF-8"),
        (b"\n".join(b"A" * (i % 25 + 1) + bytes([65 + i // 25]) for i in range(501)), "501 words, of which 500"),
    ],
)
def test_what_cannot_be_spelled_is_one_sentence(tmp_path, content, message):
    path = tmp_path / "words.txt"
    path.write_bytes(content)
    with pytest.raises(ClientError, match=message) as error:
        read_own_words(path)
    assert str(error.value).startswith(str(path))


def test_a_missing_file_is_reported(tmp_path):
    with pytest.raises(ClientError, match=r"cannot be read \(No such file"):
        read_own_words(tmp_path / "words.txt")


def test_names_have_words():
    assert words_in_names(["Anna Lee", "Zoë", "me 2", "anna", "J"]) == ("ANNA", "LEE", "ME")
