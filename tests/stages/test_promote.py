"""Promotion, refusal, rollback and two at once, against a real sqlite store."""

from __future__ import annotations

import json
import multiprocessing
import shutil

import numpy as np
import pytest
import tiny_models
from racing import ROUNDS, race

from stages import register as register_stage
from stages.commands import promote, rollback
from stages.data.people import hash_name, pack_people
from stages.errors import PipelineError
from stages.evaluation.networks import measure_latency
from stages.evaluation.sets import EvaluationSet, TestSets
from stages.registry.champion import move_champion, read_champion, roll_back
from stages.registry.store import open_store

MODEL = "tiny-model"


@pytest.fixture
def checkout(tmp_path, monkeypatch):
    """Three networks that confuse B and C, one of them champion."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path / 'mlflow.db'}")
    tiny_models.write_checkout(tmp_path, tiny_models.SWAPPED)
    tiny_models.write_people(tmp_path)
    register_stage.main()
    return tmp_path


def propose(monkeypatch, capsys, *arguments):
    """Propose a file by hand; returns exit status and both outputs."""
    monkeypatch.setattr("sys.argv", ["promote", *(str(argument) for argument in arguments)])
    capsys.readouterr()
    try:
        promote.main()
        status = 0
    except SystemExit as stop:
        status = stop.code
    captured = capsys.readouterr()
    return status, captured.out, captured.err


def report(checkout):
    return json.loads((checkout / "reports/register.json").read_text())


def versions():
    with open_store() as client:
        return {int(version.version): version for version in client.search_model_versions(f"name='{MODEL}'")}


def test_worse_is_refused_better_is_promoted_and_given_back(checkout, monkeypatch, capsys):
    first = report(checkout)["version"]
    worse, better = checkout / "proposals/custom_cnn/worse.onnx", checkout / "proposals/custom_cnn/better.onnx"
    tiny_models.write_network(worse, classes=("B", "C", "A"))
    tiny_models.write_network(better)

    status, out, _ = propose(monkeypatch, capsys, worse)
    assert status == 2
    assert "Accuracy on unseen signers: 0.000 against the champion's 0.333" in out
    assert "fall by more than 0.15 and the noise: A (1.00 to 0.00)" in out
    assert read_champion(MODEL).number == first
    assert versions()[4].tags["gate"] == "refused"
    assert "does not beat the champion" in versions()[4].tags["gate_reasons"]
    assert report(checkout)["decision"]["promoted"] is False

    status, same, progress = propose(monkeypatch, capsys, worse)
    assert (status, same) == (2, out), "the same content on the same terms is refused with the same words"
    assert "people" not in progress, "and not evaluated again"
    assert len(versions()) == 4
    assert "does not beat" in propose(monkeypatch, capsys, worse, "--again")[1]

    status, out, _ = propose(monkeypatch, capsys, better)
    assert status == 0
    assert "version 5 of tiny-model, is the champion" in out
    assert "Next: make repro" in out
    assert read_champion(MODEL).number == 5
    assert report(checkout)["version"] == 5
    assert (checkout / "models/champion/model.onnx").read_bytes() == better.read_bytes()
    assert versions()[5].tags["previous_champion"] == str(first)
    assert propose(monkeypatch, capsys, better)[:2] == (0, out), (
        "proposed again, it is the champion for the same reasons"
    )

    register_stage.main()
    assert read_champion(MODEL).number == 5, "the pipeline's own network does not beat the one proposed by hand"
    assert report(checkout)["models"]["mobilenet_v2"]["version"] == first

    monkeypatch.setattr("sys.argv", ["rollback"])
    rollback.main()
    assert f"version {first} of {MODEL}, is the champion again" in capsys.readouterr().out
    assert read_champion(MODEL).number == first
    assert report(checkout)["version"] == first
    own = (checkout / "models/mobilenet_v2/model.onnx").read_bytes()
    assert (checkout / "models/champion/model.onnx").read_bytes() == own
    with pytest.raises(PipelineError, match=rf"version {first} .* is the champion, and there is none before"):
        rollback.main()

    status, out, _ = propose(monkeypatch, capsys, better)
    assert status == 2
    assert "It was rolled back, so only a person can propose it again" in out
    shutil.copy(better, checkout / "models/custom_cnn/model.onnx")
    tiny_models.write_metrics(checkout, "custom_cnn", 1.0)
    register_stage.main()
    assert read_champion(MODEL).number == first, "the pipeline does not promote what was rolled back"
    assert propose(monkeypatch, capsys, better, "--again")[0] == 0
    assert read_champion(MODEL).number == 5
    assert "rolled_back" not in versions()[5].tags


def write_test_set(checkout, own="BC" * 30):
    """Write a test set in which one signer, on whom the champion was trained, makes it look better than it is.

    The champion takes B for C and C for B; `own` is what this signer's hands look like, with labels to please it.
    Four others sign every letter as it is.
    """
    others = "ABC" * 4
    labels = np.array([*own.translate(str.maketrans("BC", "CB")), *others])
    signers = np.array([*["anna"] * len(own), *np.repeat(["bo", "cy", "di", "ed"], 3)])
    people = EvaluationSet("people", tiny_models.masks_of(own + others), labels, signers, len(labels) + 24)
    nothing = EvaluationSet("non_letters", people.samples[:3], np.full(3, "nothing"), signers[:3], 3, synthetic=True)
    shutil.rmtree(checkout / "data/test_sets")
    TestSets((people,), nothing).write(checkout / "data/test_sets")


def promote_a_confused_network(checkout, monkeypatch, capsys, *names):
    """Make a network champion that confuses B and C and says on whom it was trained."""
    path = checkout / "proposals/custom_cnn/champion.onnx"
    facts = {"trained_on": pack_people(frozenset(map(hash_name, names)))} if names else {}
    tiny_models.write_network(path, classes=tiny_models.SWAPPED, sharpness=9.0, **facts)
    status, *_ = propose(monkeypatch, capsys, path)
    number = max(versions())
    if status:
        move_champion(MODEL, read_champion(MODEL).number, number)
    return number


@pytest.mark.parametrize("known", [True, False])
def test_the_champion_is_not_scored_on_signers_it_was_trained_on(checkout, monkeypatch, capsys, known):
    """What is counted of the photographs without a hand is the part of the signers that stay."""
    write_test_set(checkout)
    promote_a_confused_network(checkout, monkeypatch, capsys, *(["anna"] if known else []))
    better = checkout / "proposals/custom_cnn/better.onnx"
    tiny_models.write_network(better, trained_on=pack_people(frozenset()))
    status, out, _ = propose(monkeypatch, capsys, better)
    if not known:
        assert status == 2, "an older file: the champion is scored on its own signer"
        assert "The file of the champion does not say on whom it was trained" in out
        assert "were left out" not in out
        return
    assert status == 0, out
    assert "0.750 against the champion's 0.250" in out, "12 and 4 of 16: of 24 photographs without a hand, 4 are left"
    assert "1 of 5 signers of the test set were left out" in out
    assert "does not say" not in out


def test_without_anybody_left_nothing_is_promoted_and_the_next_step_is_named(checkout, monkeypatch, capsys):
    write_test_set(checkout)
    number = promote_a_confused_network(checkout, monkeypatch, capsys, "anna", "bo")
    better = checkout / "proposals/custom_cnn/better.onnx"
    tiny_models.write_network(better, trained_on=pack_people(frozenset(map(hash_name, ("cy", "di", "ed")))))
    status, out, _ = propose(monkeypatch, capsys, better)
    assert status == 2
    assert "the candidate or the champion was trained on all 5 signers of the test set. Add files of other" in out
    assert read_champion(MODEL).number == number


def test_a_champion_that_this_checkout_cannot_use_leaves_the_decision_to_the_budgets(checkout, monkeypatch, capsys):
    other = checkout / "proposals/custom_cnn/other.onnx"
    tiny_models.write_network(other, classes=tiny_models.SWAPPED, sharpness=1.0)
    monkeypatch.setattr("stages.registry.promotion.load_network", _refuse_the_champion)
    status, out, _ = propose(monkeypatch, capsys, other)
    assert status == 0
    assert "was trained on masks" in out


def _refuse_the_champion(path):
    from stages.evaluation.networks import load_network

    if "proposals" not in path.parts:
        raise PipelineError(f"{path} was trained on masks 'of old'.")
    return load_network(path)


def test_the_time_of_a_network_proposed_by_hand_is_measured_once(checkout, monkeypatch, capsys):
    timed = []

    def count(network, *arguments):
        timed.append(network.classes)
        return measure_latency(network, *arguments)

    monkeypatch.setattr("stages.registry.promotion.measure_latency", count)
    tiny_models.write_network(checkout / "proposals/custom_cnn/better.onnx")
    assert propose(monkeypatch, capsys, "proposals/custom_cnn/better.onnx")[0] == 0
    assert timed == [tiny_models.CLASSES, tiny_models.SWAPPED], "once for report and gate, then the champion"


def test_without_a_champion_nothing_is_proposed_by_hand(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path / 'mlflow.db'}")
    tiny_models.write_params(tmp_path)
    tiny_models.write_people(tmp_path)
    tiny_models.write_network(tmp_path / "custom_cnn/model.onnx")
    with pytest.raises(PipelineError, match="has no champion to compare with"):
        propose(monkeypatch, capsys, "custom_cnn/model.onnx")
    with pytest.raises(PipelineError, match=r"'tiny-model' has no version 'champion'"):
        roll_back(MODEL)
    tiny_models.write_reference(tmp_path / "reference.onnx")
    with pytest.raises(PipelineError, match="takes landmarks, but the service gives it masks"):
        propose(monkeypatch, capsys, "reference.onnx")


def empty_versions(count):
    with open_store() as client:
        client.create_registered_model(MODEL)
        for _ in range(count):
            client.create_model_version(MODEL, source="/nowhere", tags={"architecture": "custom_cnn"})


def test_rollback_skips_what_was_rolled_back_and_never_loops(tmp_path, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path / 'mlflow.db'}")
    empty_versions(4)
    for expected, number in ((None, 1), (1, 2), (2, 3)):
        move_champion(MODEL, expected, number)
    assert roll_back(MODEL)[1].number == 2
    move_champion(MODEL, 2, 4)
    move_champion(MODEL, 4, 3)
    assert [roll_back(MODEL)[1].number for _ in range(3)] == [4, 2, 1]
    with pytest.raises(PipelineError, match="there is none before"):
        roll_back(MODEL)


@pytest.mark.slow
def test_of_two_at_once_one_wins_and_the_other_is_refused(tmp_path, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path / 'mlflow.db'}")
    empty_versions(3)
    processes = multiprocessing.get_context("spawn")
    barrier, results = processes.Barrier(3), processes.Queue()
    racers = [processes.Process(target=race, args=(MODEL, number, barrier, results), daemon=True) for number in (2, 3)]
    for racer in racers:
        racer.start()
    for _ in range(ROUNDS):
        with open_store() as client:
            client.set_registered_model_alias(MODEL, "champion", "1")
        barrier.wait(120)
        barrier.wait(120)
        (winner, said), (loser, refusal) = sorted(
            (results.get(timeout=60) for _ in racers), key=lambda result: result[1]
        )
        assert said == ""
        assert f"while version {loser} of '{MODEL}' was being evaluated, version {winner} became champion" in refusal
        assert read_champion(MODEL).number == winner
    for racer in racers:
        racer.join(60)
