"""The division into training and validation."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stages.data.splits import MAX_CLASSES, divide, rows_to_group
from stages.errors import InputError

LETTERS = st.sampled_from("ABCD")
KNOWN = st.sampled_from(["ann", "bo", "cy", "di", "ed"])
SHARES = st.floats(0.05, 0.95)
SEEDS = st.integers(0, 5)


def split(labels, signers, validation=0.2, seed=0, groups=None):
    groups = None if groups is None else np.array(groups)
    return divide(
        np.array(labels), np.array(signers), groups=groups, validation=validation, seed=seed, where="data/raw"
    )


def full(signers, letters="ABCD", times=3):
    """Every signer signs every letter a few times."""
    rows = [(letter, signer) for signer in signers for letter in letters for _ in range(times)]
    return [row[0] for row in rows], [row[1] for row in rows]


@settings(max_examples=200, deadline=None)
@given(rows=st.lists(st.tuples(LETTERS, KNOWN), min_size=2, max_size=60), share=SHARES, seed=SEEDS)
def test_a_signer_is_on_one_side_and_every_label_in_training(rows, share, seed):
    labels, signers = (np.array(column) for column in zip(*rows, strict=True))
    try:
        division = split(labels, signers, share, seed)
    except InputError:
        lone = [
            signer for signer in set(signers) if not set(labels[signers == signer]) <= set(labels[signers != signer])
        ]
        too_few = len(set(labels)) < 2 or len(rows) == len(set(labels))
        assert too_few or set(lone) == set(signers), "refused although a signer could be spared"
        return
    held_out = division.validation
    assert held_out.any()
    assert set(labels[~held_out]) == set(labels)
    if len(set(signers)) >= 2:
        assert division.method == "by signer"
        assert not set(signers[held_out]) & set(signers[~held_out])


@settings(max_examples=100, deadline=None)
@given(
    labels=st.lists(LETTERS, min_size=2, max_size=60), share=SHARES, seed=SEEDS, unknown=st.sampled_from(["", "ann"])
)
def test_without_signers_every_repeated_label_is_on_both_sides(labels, share, seed, unknown):
    signers = [unknown] * len(labels)
    counts = {label: labels.count(label) for label in set(labels)}
    if len(counts) < 2 or max(counts.values()) < 2:
        with pytest.raises(InputError, match=r"^data/raw: "):
            split(labels, signers, share, seed)
        return
    division = split(labels, signers, share, seed)
    assert division.method == "stratified"
    for label, count in counts.items():
        held_out = int(division.validation[np.array(labels) == label].sum())
        assert (1 <= held_out < count) if count >= 2 else held_out == 0
        assert abs(held_out - share * count) <= 1


@settings(max_examples=200, deadline=None)
@given(rows=st.lists(st.tuples(LETTERS, st.integers(0, 6)), min_size=2, max_size=60), share=SHARES, seed=SEEDS)
def test_without_signers_a_group_is_on_one_side_and_every_label_in_training(rows, share, seed):
    labels = np.array([label for label, _ in rows])
    groups = np.array([100 * "ABCD".index(label) + number for label, number in rows])
    groups_of = {label: len(set(groups[labels == label])) for label in set(labels.tolist())}
    if len(groups_of) < 2 or max(groups_of.values()) < 2:
        with pytest.raises(InputError, match=r"^data/raw: "):
            split(labels, [""] * len(rows), share, seed, groups)
        return
    division = split(labels, [""] * len(rows), share, seed, groups)
    held_out = division.validation
    assert not set(groups[held_out]) & set(groups[~held_out])
    assert set(labels[~held_out]) == set(labels)
    assert set(labels[held_out]) == {label for label, count in groups_of.items() if count >= 2}
    assert division.groups == sum(groups_of.values())
    only = {label for label, count in groups_of.items() if count == 1 and (labels == label).sum() > 1}
    assert set(division.undivided) == only


def test_groups_fill_the_share_that_was_asked_for():
    labels = np.repeat(["A", "B"], 100)
    held_out = split(labels, [""] * 200, 0.2, groups=np.arange(200) // 5).validation
    assert [held_out[:100].sum(), held_out[100:].sum()] == [20, 20]


@given(seed=SEEDS)
@settings(max_examples=6, deadline=None)
def test_the_same_seed_divides_alike(seed):
    labels, signers = full([f"signer {number}" for number in range(12)])
    np.testing.assert_array_equal(
        split(labels, signers, seed=seed).validation, split(labels, signers, seed=seed).validation
    )


def test_another_seed_divides_differently():
    labels, signers = full([f"signer {number}" for number in range(12)])
    divisions = {split(labels, signers, seed=seed).validation.tobytes() for seed in range(6)}
    assert len(divisions) > 1


@pytest.mark.parametrize(
    ("people", "share", "expected"),
    [(2, 0.01, 1), (2, 0.99, 1), (5, 0.2, 1), (10, 0.2, 2), (10, 0.34, 3), (10, 0.99, 9)],
)
def test_the_share_of_signers_is_the_one_asked_for(people, share, expected):
    labels, signers = full([f"signer {number}" for number in range(people)])
    held_out = split(labels, signers, share).validation
    assert len(set(np.array(signers)[held_out])) == expected


@pytest.mark.parametrize("seed", range(5))
def test_a_signer_with_most_samples_stays_in_training(seed):
    """Signers bring unequal numbers of samples: the share of the samples decides between signers."""
    labels, signers = full(["ann"], times=90)
    more_labels, more_signers = full(["bo", "cy"], times=10)
    held_out = split(labels + more_labels, signers + more_signers, 0.2, seed).validation
    assert "ann" not in np.array(signers + more_signers)[held_out]


def test_the_only_signer_of_a_label_stays_in_training():
    labels, signers = full(["ann", "bo", "cy"])
    held_out = split([*labels, "Z"], [*signers, "bo"], 0.9).validation
    assert set(np.array([*signers, "bo"])[held_out]) == {"ann", "cy"}


def test_one_unnamed_sample_leaves_the_named_signers_undivided():
    labels, signers = full([f"signer {number}" for number in range(10)])
    division = split([*labels, "A"], [*signers, ""])
    assert division.method == "by signer, unnamed rows by near-duplicates"
    people = np.array([*signers, ""])
    assert not (set(people[division.validation]) - {""}) & set(people[~division.validation])
    assert len(set(people[division.validation]) - {""}) == 2


@settings(max_examples=300, deadline=None)
@given(
    rows=st.lists(st.tuples(LETTERS, st.one_of(KNOWN, st.just("")), st.integers(0, 4)), min_size=2, max_size=60),
    share=SHARES,
    seed=SEEDS,
)
def test_named_and_unnamed_samples_together(rows, share, seed):
    """A signer and a group of unnamed samples are on one side, every label is in training, and nothing is lost."""
    labels, signers = np.array([row[0] for row in rows]), np.array([row[1] for row in rows])
    groups = np.array([100 * "ABCD".index(label) + number for label, _, number in rows])
    named = signers != ""
    if named.all() or len(set(signers[named])) < 2:
        return
    try:
        held_out = split(labels, signers, share, seed, groups).validation
    except InputError:
        return
    assert set(labels[~held_out]) == set(labels)
    assert set(signers[held_out & named]).isdisjoint(signers[~held_out & named])
    for group in set(groups[~named]):
        own = groups == group
        assert len(set(held_out[own & ~named])) == 1, "unnamed near-duplicates are on one side"
        people = held_out[own & named]
        if people.size:
            expected = bool(people.all())
            assert held_out[own & ~named].all() == expected, "that of the named signer they are near, else training"


def test_an_unnamed_near_duplicate_of_a_named_signer_goes_to_their_side():
    labels, signers = full([f"signer {number}" for number in range(10)], times=1)
    groups = np.arange(40)
    copies = split([*labels, *labels], [*signers, *[""] * 40], 0.3, groups=np.tile(groups, 2)).validation
    np.testing.assert_array_equal(copies[:40], copies[40:])
    assert 0 < copies.sum() < 80


def test_an_unnamed_sample_can_keep_a_label_in_training():
    """Ann alone signs Z among the named; since somebody unnamed does, too, she can validate."""
    labels, signers = full(["ann", "bo"])
    named = split([*labels, "Z"], [*signers, "ann"], 0.5).validation
    assert "ann" not in np.array([*signers, "ann"])[named]
    rows = [*labels, "Z", "Z"], [*signers, "ann", ""]
    sides = [set(np.array(rows[1])[split(*rows, 0.5, seed).validation]) for seed in range(8)]
    assert {"ann"} in sides


def test_only_labels_with_unnamed_samples_need_near_duplicates():
    labels, signers = np.array(list("AABB")), np.array(["ann", "bo", "ann", ""])
    assert rows_to_group(labels, signers).tolist() == [False, False, True, True]
    assert not rows_to_group(labels[:3], signers[:3]).any(), "all are named"
    assert rows_to_group(labels, np.array(["ann", "ann", "ann", ""])).all(), "one signer cannot be kept out"


@pytest.mark.parametrize(
    ("labels", "signers", "sentence"),
    [
        (["A"] * 4, ["ann", "ann", "bo", "bo"], "has only the label 'A'. A classifier needs at least two"),
        (["A", "B"], ["", ""], "every label has one sample, or one group of samples that are near-duplicates"),
        (["A", "A", "B", "B"], ["ann", "ann", "bo", "bo"], r"no signer can be kept for validation.* \(A, B\)\. Add"),
        ([str(n) for n in range(MAX_CLASSES + 1)], [""] * (MAX_CLASSES + 1), "has 1001 different labels"),
    ],
)
def test_what_cannot_be_divided_is_refused(labels, signers, sentence):
    with pytest.raises(InputError, match=f"^data/raw: .*{sentence}"):
        split(labels, signers)


def test_many_signers_are_divided_in_a_moment():
    rows = 50_000
    labels = np.resize(np.array(list("ABCDEFGHIKLMNOPQRSTUVWXY")), rows)
    signers = np.arange(rows).astype(np.str_)
    held_out = split(labels, signers).validation
    assert held_out.sum() == rows // 5
