"""The vocabulary: words as they are spelled with the manual alphabet, in a file that the service reads."""

from __future__ import annotations

import pytest

from service.vocabulary import Vocabulary
from stages import vocabulary
from stages.errors import InputError
from stages.export.vocabulary import VOCABULARY, list_words, write_vocabulary


def test_the_most_frequent_words_come_first():
    words = list_words("en", 500)
    assert len(words) == 500
    assert list(words.values()) == sorted(words.values(), reverse=True)
    assert [*words][:3] == ["THE", "TO", "AND"]


def test_apostrophes_and_accents_are_left_out():
    assert {"DONT", "ITS"} <= list_words("en", 300).keys()
    assert {"ETRE", "TRES"} <= list_words("fr", 500).keys()


def test_letters_are_no_words_but_some():
    letters = {word for word in list_words("en", 5000) if len(word) == 1}
    assert letters == {"A", "I", "O"}


@pytest.mark.parametrize(
    ("language", "count", "message"),
    [
        ("xx", 10, r"vocabulary\.language is 'xx'. Choose from: .*en"),
        ("is", 10**7, r"'is' has \d+ that can be spelled"),
    ],
)
def test_what_there_is_not_is_refused(language, count, message):
    with pytest.raises(InputError, match=message):
        list_words(language, count)


def test_the_service_reads_what_is_written(tmp_path):
    words = list_words("en", 2000)
    write_vocabulary(tmp_path / "vocabulary.tsv", words, "en")
    read = Vocabulary.read(tmp_path / "vocabulary.tsv")
    assert set(read.trie.words) == words.keys()
    assert "CC BY-SA 4.0" in (tmp_path / "vocabulary.tsv").read_text().splitlines()[0]


def test_the_stage_writes_the_file_that_params_ask_for(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "params.yaml").write_text("vocabulary: {language: de, words: 100}\n")
    vocabulary.main()
    assert len(Vocabulary.read(VOCABULARY).trie.words) == 100
    assert capsys.readouterr().out == "data/vocabulary.tsv: 100 words of 'de'\n"
