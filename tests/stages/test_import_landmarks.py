"""Tables of landmarks in the layouts that public projects write: all become the same raw data set."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from stages import preprocess
from stages.commands import import_landmarks
from stages.data.landmark_csv import read_table
from stages.data.raw import read_raw
from stages.errors import InputError

LETTERS = list("ABCKY")
RANDOM = np.random.default_rng(0)
HANDS = np.round(RANDOM.uniform(0.2, 0.8, (5, 21, 3)), 6)
"""Shares of a picture."""
FROM_WRIST = HANDS - HANDS[:, :1]
PIXELS = np.round(HANDS * [640, 480, 640])
SQUARE = 480
JOINTS = ["WRIST"] + [f"THUMB_{joint}" for joint in ("CMC", "MCP", "IP", "TIP")]
JOINTS += [f"{f}_FINGER_{j}" for f in ("INDEX", "MIDDLE", "RING") for j in ("MCP", "PIP", "DIP", "TIP")]
JOINTS += [f"PINKY_{j}" for j in ("MCP", "PIP", "DIP", "TIP")]


def named(pattern, hands=HANDS, first=0, axes="xyz"):
    """Columns for one landmark after the other."""
    return {
        pattern.format(axis=axis, point=point + first, joint=JOINTS[point]): hands[:, point, number]
        for point in range(21)
        for number, axis in enumerate(axes)
    }


def unnamed(hands):
    return dict(enumerate(hands.reshape(len(hands), -1).T))


def blocks(axes="xyz"):
    return {f"{axis}{point}": HANDS[:, point, number] for number, axis in enumerate(axes) for point in range(21)}


def table(*parts, **how):
    """Text of a table; parts are dictionaries of columns, in order."""
    columns = {name: column for part in parts for name, column in part.items()}
    return pd.DataFrame(columns).to_csv(**({"index": False} | how))


LABEL = {"label": LETTERS}
LAYOUTS = {
    "label, x0, y0, z0": (table(LABEL, named("{axis}{point}")), HANDS),
    "class, x1, y1, z1": (table({"class": LETTERS}, named("{axis}{point}", first=1)), HANDS),
    "x0, y0, z0, label": (table(named("{axis}{point}"), LABEL), HANDS),
    "0_x, 0_y": (table(LABEL, named("{point}_{axis}", axes="xy")), HANDS[..., :2]),
    "x0 to x20, y0 to y20": (table(LABEL, blocks("xy")), HANDS[..., :2]),
    "x0 to x20, y0 to y20, z0 to z20": (table(blocks(), {"Letter": LETTERS}), HANDS),
    "joints": (table({"Gesture": LETTERS}, named("{joint}_{axis}")), HANDS),
    "joints in blocks, other columns": (
        table(
            {"id": range(5), "gesture_num": [4, 3, 2, 1, 0], "gesture": LETTERS},
            {f"{JOINTS[point].lower()}_{a}": HANDS[:, point, n] for n, a in enumerate("xyz") for point in range(21)},
        ),
        HANDS,
    ),
    "session, subject, landmark_0_x": (
        table(
            {
                "session_id": ["s1"] * 5,
                "subject": ["ann", "ann", "bo", "bo", ""],
                "gesture": LETTERS,
                "timestamp": 5 * [1.5],
            },
            named("landmark_{point}_{axis}"),
        ),
        HANDS,
    ),
    "hand_label and places from the wrist": (
        table(LABEL, {"hand_label": [0, 1, 0, 1, 0]}, named("{axis}{point}", FROM_WRIST, first=1)),
        FROM_WRIST,
    ),
    "visibility": (table(LABEL, named("{axis}{point}"), {f"v{point}": [1.0] * 5 for point in range(21)}), HANDS),
    "header of numbers, target": (table(unnamed(FROM_WRIST[..., :2]), {"target": LETTERS}), FROM_WRIST[..., :2]),
    "no header, label last after a space": (
        "".join(
            ",".join(map(str, row)) + f", {letter}\n" for row, letter in zip(HANDS.reshape(5, -1), LETTERS, strict=True)
        ),
        HANDS,
    ),
    "no header, label first": (table(LABEL, unnamed(FROM_WRIST), header=False), FROM_WRIST),
    "no header, index, label last": (table(unnamed(HANDS), LABEL, header=False, index=True), HANDS),
    "index with an empty name": (table(unnamed(HANDS), LABEL, index=True), HANDS),
    "pixels": (table(LABEL, named("{axis}{point}", PIXELS.astype(int))), PIXELS),
    "semicolons and decimal commas": (table(LABEL, named("{axis}{point}"), sep=";", decimal=","), HANDS),
    "tabs, BOM, CRLF, blank lines": (
        "\ufeff\r\n" + table(LABEL, named("{axis}{point}"), sep="\t", lineterminator="\r\n\r\n"),
        HANDS,
    ),
    "a comma after each line, quotes": (
        table(LABEL, unnamed(HANDS), header=False, quoting=1).replace("\n", ",\n"),
        HANDS,
    ),
    "lower case": (table({"label": [letter.lower() for letter in LETTERS]}, named("{axis}{point}")), HANDS),
}


def write(folder, text, encoding="utf-8"):
    path = folder / "table.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode(encoding))
    return path


def run(monkeypatch, *arguments):
    monkeypatch.setattr("sys.argv", ["import_landmarks", *map(str, arguments)])
    import_landmarks.main()


def read(path):
    return read_raw(path, max_samples=100, max_gib=0.1)


@pytest.mark.parametrize(("text", "expected"), LAYOUTS.values(), ids=LAYOUTS.keys())
def test_layouts_of_public_projects_become_raw_data(text, expected, tmp_path, monkeypatch):
    run(monkeypatch, write(tmp_path, text), "--out", tmp_path / "raw.npz")
    raw = read(tmp_path / "raw.npz")
    assert raw.labels.tolist() == LETTERS
    assert raw.n_photos == 5
    hands = np.pad(expected, ((0, 0), (0, 0), (0, 3 - expected.shape[2])))
    np.testing.assert_allclose(raw.landmarks, hands if hands.max() > 2 else hands * SQUARE, rtol=1e-5, atol=1e-4)


def test_utf_16_of_a_spreadsheet_is_read(tmp_path):
    path = write(tmp_path, table(LABEL, named("{axis}{point}"), sep="\t"), "utf-16")
    assert read_table(path).labels.tolist() == LETTERS


@pytest.mark.parametrize(
    ("hands", "arguments", "factor", "size"),
    [
        (HANDS, ["--size", "640x480"], [640, 480, 640], [640, 480]),
        (HANDS, [], [480, 480, 480], [480, 480]),
        (PIXELS, ["--size", "640x480"], [1, 1, 1], [640, 480]),
        (PIXELS, [], [1, 1, 1], None),
    ],
)
def test_shares_become_pixels_of_the_size_given(hands, arguments, factor, size, tmp_path, monkeypatch, capsys):
    path = write(tmp_path, table(LABEL, named("{axis}{point}", hands)))
    run(monkeypatch, path, "--out", tmp_path / "raw.npz", *arguments)
    np.testing.assert_allclose(read(tmp_path / "raw.npz").landmarks, hands * factor, rtol=1e-5)
    with np.load(tmp_path / "raw.npz") as written:
        assert ("image_size" in written) == (size is not None)
        assert size is None or written["image_size"].tolist() == [size] * 5
    assert ("--size 640x480 --overwrite" in capsys.readouterr().out) == (hands is HANDS and not arguments)


def test_the_summary_says_how_the_table_was_read(tmp_path, monkeypatch, capsys):
    text, _ = LAYOUTS["session, subject, landmark_0_x"]
    monkeypatch.chdir(tmp_path)
    run(monkeypatch, write(tmp_path, text))
    assert read(Path("data/own/table.npz")).signers.tolist() == ["ann", "ann", "bo", "bo", ""]
    printed = capsys.readouterr().out.splitlines()
    for line in (
        "label: gesture; landmarks: 63 numbers from landmark_0_x to landmark_20_z, shares of the picture",
        "not read: session_id, timestamp",
        "A: 1",
        "signers: ann, bo",
        "all: hands in 5 of 5 rows; lines left out: 0",
        "wrote data/own/table.npz",
    ):
        assert line in printed


def test_signers_that_are_numbers_are_those_of_this_file_only(tmp_path):
    signers = {"subject_id": [1, 1, 2, 2, 3]}
    read_back = read_table(write(tmp_path, table(LABEL, signers, named("{axis}{point}"))))
    assert read_back.signers.tolist() == ["table_1", "table_1", "table_2", "table_2", "table_3"]


def test_unusable_lines_are_left_out_and_named(tmp_path, monkeypatch, capsys):
    """Lines without a hand count as tried; a line that is broken does not."""
    rows = table(LABEL, named("{axis}{point}")).splitlines()
    rows.insert(2, "B" + ",0.0" * 63)
    rows.insert(3, "B" + "," * 63)
    rows.insert(4, rows[1].replace(rows[1].split(",")[1], "0.1.2", 1))
    rows.insert(5, rows[1].rpartition(",")[0])
    rows.insert(6, rows[1] + ",0.5")
    rows.insert(7, rows[1][1:])
    rows.insert(8, rows[1].replace(rows[1].split(",")[2], "inf", 1))
    path = write(tmp_path, "\n".join([*rows[:9], "", *rows[9:]]))
    run(monkeypatch, path, "--out", tmp_path / "raw.npz", "--signer", "ann")
    raw = read(tmp_path / "raw.npz")
    assert (raw.labels.tolist(), raw.signers.tolist(), raw.n_photos) == (LETTERS, ["ann"] * 5, 7)
    printed = capsys.readouterr().out.splitlines()
    for line in (
        "left out: line 5: x0 is '0.1.2', which is no number",
        "left out: line 6: z20 is empty",
        "left out: line 7: it has more than 64 fields",
        "left out: line 8: it has no letter",
        "left out: line 9: y0 is 'inf', which is no number",
        "all: hands in 5 of 7 rows; lines left out: 5",
    ):
        assert line in printed


NUMBERS = {"label": [0, 1, 2, 9, 23]}


@pytest.mark.parametrize(
    ("labels", "letters", "expected"),
    [
        ([0, 1, 2, 9, 23], "ABCDEFGHIKLMNOPQRSTUVWXY", "ABCKY"),
        ([0.0, 1.0, 2.0, 10.0, 24.0], "ABCDEFGHIJKLMNOPQRSTUVWXYZ", "ABCKY"),
        ([1, 2, 3, 1, 2], ".abc", "ABCAB"),
        ([0, 1, 2, 1, 0], "A,space,nothing", ["A", "space", "nothing", "space", "A"]),
    ],
)
@pytest.mark.parametrize("header", [True, False])
def test_numbers_are_letters_as_told(labels, letters, expected, header, tmp_path, monkeypatch):
    path = write(tmp_path, table({"label": labels}, named("{axis}{point}", FROM_WRIST), header=header))
    run(monkeypatch, path, "--out", tmp_path / "raw.npz", "--letters", letters)
    assert read(tmp_path / "raw.npz").labels.tolist() == list(expected)


def two_hands():
    return table(LABEL, named("left_{axis}{point}"), named("right_{axis}{point}"))


REFUSED = {
    "numbers": (
        table(NUMBERS, named("{axis}{point}")),
        [],
        "0 to 23, .*If 0 is A and 23 is Y .*: --letters ABCDEFGHIKLM",
    ),
    "numbers from 1": (
        table({"label": [1, 2, 3, 10, 26]}, named("{axis}{point}")),
        [],
        r"--letters \.ABCDEFGHIJKLMNOPQRSTUVWXYZ\.",
    ),
    "too few letters": (table(NUMBERS, named("{axis}{point}")), ["--letters", "ABC"], "has 3 letters, but .* label 9"),
    "two hands": (two_hands(), [], r"2 sets of 21 landmarks \('left', 'right'\), perhaps of two hands\. Keep"),
    "two hands without names": (
        table(LABEL, unnamed(np.tile(HANDS[..., :2], (1, 2, 1)))),
        [],
        "84 .*two hands: keep one",
    ),
    "pictures of MNIST": (
        table(LABEL, {f"pixel{n + 1}": [n % 7] * 5 for n in range(784)}),
        [],
        "784 columns of numbers .*28 x 28 pixels",
    ),
    "one landmark in each line": (
        "Frame,Hand,Landmark,X,Y,Z\n0,0,0,0.3,0.6,0.0\n0,0,1,0.3,0.6,0.0\n",
        [],
        "one landmark in each line. Put the 21",
    ),
    "a body": (table(LABEL, {f"{a}{n}": 5 * [0.1] for n in range(33) for a in "xyz"}), [], "99 columns of numbers"),
    "no letters": (table(named("{axis}{point}")), [], "which column says the letter"),
    "two columns of text": (
        table({"a": LETTERS, "b": LETTERS}, named("{axis}{point}")),
        [],
        "which column says the letter. It may be one of 'a', 'b'. Name it with --label",
    ),
    "no such column": (table(LABEL, named("{axis}{point}")), ["--label", "lettre"], "--label lettre: there is no such"),
    "integers at both ends": (
        table({"label": [3, 1, 2, 3, 3]}, unnamed(PIXELS.astype(int)), header=False),
        [],
        "'column 1', .* say --label first or --label last",
    ),
    "mostly damaged": (
        table(LABEL, named("{axis}{point}")).replace("0.", "0,"),
        [],
        r"of its rows, 0 can be used, 5 cannot \(line 2: it has more than 64 fields\)",
    ),
    "signers named twice": (
        table(LABEL, {"user": ["ann"] * 5}, named("{axis}{point}")),
        ["--signer", "bo"],
        "column 'user' names the signers, and --signer bo names another",
    ),
    "a header alone": (table(LABEL, named("{axis}{point}")).splitlines()[0], [], "no rows but its header"),
    "empty": (b"", [], "this is empty"),
    "a web page": (b"\n<!DOCTYPE html>\n<html>, ; </html>", [], "this is a web page. Download the file itself"),
    "a spreadsheet": (b"PK\x03\x04" + bytes(100), [], "a zip archive or a spreadsheet"),
    "binary": (bytes(range(256)), [], "this is not text"),
    "prose": (b"Dear diary\n", [], "its first line has 1 columns"),
    "another encoding": (table({"label": ["Ä"] * 5}, named("{axis}{point}")).encode("latin-1"), [], "in UTF-8"),
    "fields without end": (table(LABEL, named("{axis}{point}")) + "A" + ",1" * 500, [], "this is no table .*saw 501"),
}


@pytest.mark.parametrize(("text", "arguments", "sentence"), REFUSED.values(), ids=REFUSED.keys())
def test_what_is_no_table_of_hands_is_refused_with_a_sentence(text, arguments, sentence, tmp_path, monkeypatch):
    path = write(tmp_path, text)
    with pytest.raises(InputError, match=f"^{re.escape(str(path))}: .*{sentence}"):
        run(monkeypatch, path, "--out", tmp_path / "raw.npz", *arguments)
    assert [file.name for file in tmp_path.iterdir()] == ["table.csv"]


def test_the_column_of_the_letters_can_be_named(tmp_path):
    path = write(tmp_path, table({"a": LETTERS, "b": list("VWXYV")}, named("{axis}{point}")))
    assert read_table(path, label="B").labels.tolist() == list("VWXYV")
    path = write(tmp_path, table({"label": [3, 1, 2, 3, 3]}, unnamed(PIXELS.astype(int)), header=False))
    assert read_table(path, label="first", letters="ABCD").labels.tolist() == list("DBCDD")


def test_a_file_that_is_missing_and_a_result_that_exists_are_refused(tmp_path, monkeypatch):
    with pytest.raises(InputError, match=r"table\.csv: cannot be read \(No such file"):
        run(monkeypatch, tmp_path / "table.csv", "--out", tmp_path / "raw.npz")
    (tmp_path / "raw.npz").touch()
    with pytest.raises(InputError, match=r"exists already.*--overwrite"):
        run(monkeypatch, write(tmp_path, table(LABEL, named("{axis}{point}"))), "--out", tmp_path / "raw.npz")


def test_a_long_table_is_read_in_parts(tmp_path, monkeypatch):
    monkeypatch.setattr("stages.data.landmark_csv.LINES", 3)
    path = write(tmp_path, table(LABEL, named("{axis}{point}")) + table(LABEL, named("{axis}{point}"), header=False))
    read_back = read_table(path)
    assert read_back.labels.tolist() == LETTERS * 2
    np.testing.assert_allclose(read_back.landmarks, np.tile(HANDS * SQUARE, (2, 1, 1)), rtol=1e-5)


def test_hands_that_were_stretched_to_squares_are_pointed_out(tmp_path, monkeypatch, capsys):
    low, high = HANDS.min(axis=1, keepdims=True), HANDS.max(axis=1, keepdims=True)
    path = write(tmp_path, table(LABEL, named("{axis}{point}", (HANDS - low) / (high - low))))
    run(monkeypatch, path, "--out", tmp_path / "raw.npz")
    assert "its shape is lost" in capsys.readouterr().out


def test_the_pipeline_reads_an_imported_table(shared, tmp_path, monkeypatch, capsys):
    """Real hands, written as a project with MediaPipe writes them: the stage finds the landmarks that they were."""
    with np.load(shared / "data" / "landmarks" / "t32rahman.npz") as hands:
        rows = np.flatnonzero(np.isin(hands["labels"], ["A", "B", "L"]))
        labels, landmarks = hands["labels"][rows], hands["landmarks"][rows]
    parts = ({"label": np.char.lower(labels)}, named("{axis}{point}", landmarks / [640, 480, 640]))
    path = write(tmp_path, table(*parts))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "params.yaml").write_text(
        "preprocess:\n  raw: raw.npz\n  validation: 0.3\n  seed: 7\n  max_samples: 1000\n  max_gib: 0.5\n"
    )
    run(monkeypatch, path, "--out", "raw.npz", "--size", "640x480", "--signer", "ann")
    preprocess.main()
    assert f"raw.npz: {len(rows)} of {len(rows)} landmarks kept (none dropped)" in capsys.readouterr().out
    raw = read_raw(tmp_path / "raw.npz", max_samples=1000, max_gib=0.1)
    assert raw.labels.tolist() == labels.tolist()
    np.testing.assert_allclose(raw.landmarks, landmarks, rtol=1e-4, atol=1e-2)
