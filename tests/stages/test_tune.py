"""The search for better parameters: its space, its study in a real database, and the way back into params.yaml."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import optuna
import pytest
import tiny_models
import yaml

from stages.errors import InputError, StoreError
from stages.params import Augment, Phase, Range, Train, Tune, read_params, read_schedule, searchable
from stages.search.space import present_values, settings, shortened, study_name
from stages.search.study import HEARTBEAT, LOST_AFTER, _fail_lost, _run_one, open_study, search, store_name
from stages.search.write_back import replaced, write_back

SHIPPED = Path(__file__).resolve().parents[2] / "params.yaml"
SPACE = {"train.lr": Range(low=0.001, high=0.1, log=True), "augment.roll": Range(low=0.0, high=20.0, log=False)}
FIRST = {"train.lr": 0.01, "augment.roll": 10.0}


def unseen(trials):
    """Show no one."""


def open_here(folder, trials, startup=100, heartbeat=20, show=unseen):
    url = f"sqlite:///{folder / 'tune.db'}"
    return open_study(url, "s", FIRST, trials=trials, startup=startup, heartbeat=heartbeat, show=show)


def by_roll(values, report):
    """The less roll, the better: the accuracy is known at once."""
    accuracy = 1.0 - values["augment.roll"] / 20
    for epoch in range(4):
        report(epoch, accuracy)
    return accuracy


def test_the_shipped_space_contains_the_shipped_values_and_a_trial_gets_its_samples():
    tune, train, augment = read_params(Tune, SHIPPED), read_params(Train, SHIPPED), read_params(Augment, SHIPPED)
    assert set(present_values(tune.space, train, augment)) == set(tune.space)
    for end in ("low", "high"):
        settings(train, augment, {name: getattr(ends, end) for name, ends in tune.space.items()})
    schedule = shortened(read_schedule(tune.architecture, SHIPPED), tune.samples)
    assert sum(phase.epochs * phase.samples for phase in schedule) == pytest.approx(tune.samples, rel=0.01)
    assert {"train.lr", "augment.roll"} <= set(searchable())
    assert "train.batch_size" not in searchable()


def test_a_current_value_outside_its_range_is_refused():
    train, augment = read_params(Train, SHIPPED), read_params(Augment, SHIPPED)
    with pytest.raises(InputError, match=r"train\.lr is 0\.001, outside its range in tune\.space, 0\.1 to 1\.0"):
        present_values({"train.lr": Range(low=0.1, high=1.0, log=False)}, train, augment)


def test_a_study_is_named_by_what_its_trials_have_in_common():
    train, augment = read_params(Train, SHIPPED), read_params(Augment, SHIPPED)
    schedule = [Phase(epochs=1, image_size=224, samples=100, precision="fp32")]

    def name(data="d", space=SPACE, **values):
        return study_name("resnet18", "random", data, schedule, space, *settings(train, augment, values))

    assert name().startswith("resnet18-")
    assert name(**{"train.lr": 0.05}) == name(), "a searched value that was written back"
    assert len({name(), name("e"), name(**{"train.dropout": 0.3}), name(space={"train.lr": SPACE["train.lr"]})}) == 4


def test_a_search_tries_the_present_values_first_goes_on_and_never_ends_with_worse(tmp_path):
    shown = []
    study = open_here(tmp_path, 2, show=shown.append)
    assert shown == [[]], "the study is shown before any trial"
    search(study, SPACE, by_roll, shown.append)
    assert study.done[0].values == FIRST
    assert [trial.number for trials in shown for trial in trials] == [0, 1]

    again = open_here(tmp_path, 5, show=shown.append)
    search(again, SPACE, by_roll, shown.append)
    assert [trial.number for trials in shown for trial in trials] == [0, 1, 2, 3, 4]
    assert again.best.accuracy == max(trial.accuracy for trial in again.done) >= 0.5
    search(again, SPACE, pytest.fail, shown.append)
    assert all(value == float(f"{value:.3g}") for trial in again.done for value in trial.values.values())


def test_a_trial_that_falls_behind_ends_early_but_not_before_its_third_epoch(tmp_path):
    epochs = []

    def worse_each_time(values, report):
        epochs.append(0)
        for epoch in range(4):
            epochs[-1] += 1
            report(epoch, 1.0 / len(epochs))
        return 1.0 / len(epochs)

    study = open_here(tmp_path, 3, startup=1)
    search(study, SPACE, worse_each_time, unseen)
    assert epochs == [4, 3, 3]
    assert [trial.pruned for trial in study.done] == [False, True, True]
    assert study.best.number == 0


def test_a_database_that_loses_its_tables_is_reported(tmp_path):
    study = open_here(tmp_path, 2)

    def emptying(values, report):
        (tmp_path / "tune.db").write_bytes(b"")
        return 0.5

    message = r"tune\.db: .*no such table.*Check TUNE_STORAGE.*make tune goes on with the study, or creates it again"
    with pytest.raises(StoreError, match=message):
        search(study, SPACE, emptying, unseen)
    with pytest.raises(StoreError, match=message):
        _ = study.best
    with pytest.raises(StoreError, match=message):
        _ = study.busy


def test_a_study_that_is_deleted_is_reported(tmp_path):
    study = open_here(tmp_path, 2)

    def deleting(values, report):
        optuna.delete_study(study_name="s", storage=study.url)
        return 0.5

    with pytest.raises(StoreError, match=r"tune\.db: study 's' is gone\. Check TUNE_STORAGE"):
        search(study, SPACE, deleting, unseen)


def test_a_key_error_of_the_training_is_not_taken_for_a_missing_study(tmp_path):
    def wrong(values, report):
        raise KeyError("a bug")

    with pytest.raises(KeyError, match="a bug"):
        search(open_here(tmp_path, 2), SPACE, wrong, unseen)


def test_a_trial_that_raises_has_failed_and_another_takes_its_place(tmp_path):
    def interrupted(values, report):
        raise KeyboardInterrupt

    study = open_here(tmp_path, 2)
    with pytest.raises(KeyboardInterrupt):
        search(study, SPACE, interrupted, unseen)
    assert study.done == []
    search(open_here(tmp_path, 2), SPACE, by_roll, unseen)
    assert len(study.done) == 2
    states = [trial.state.name for trial in study.optuna_study.trials]
    assert states == ["FAIL", "COMPLETE", "COMPLETE"]


def test_a_trial_is_given_up_when_its_heartbeat_stops_and_not_before(tmp_path):
    study, beats = open_here(tmp_path, 1, heartbeat=1.0), {}
    trial = study.optuna_study.ask()
    for second in range(20):
        trial.set_user_attr(HEARTBEAT, second)
        _fail_lost(study, beats, float(second))
    assert study.busy
    for second in range(20, 19 + LOST_AFTER + 1):
        _fail_lost(study, beats, float(second))
        assert study.busy
    _fail_lost(study, beats, 19.0 + LOST_AFTER + 1)
    assert not study.busy


def test_a_running_trial_keeps_its_heartbeat_going(tmp_path):
    study, beats = open_here(tmp_path, 1, heartbeat=0.01), set()

    def long(values, report):
        end = time.monotonic() + 60.0
        while len(beats) < 3 and time.monotonic() < end:
            beats.add(study.optuna_study.trials[0].user_attrs.get(HEARTBEAT))
            time.sleep(0.01)
        return 0.5

    search(study, SPACE, long, unseen)
    assert len(beats - {None}) >= 2


def test_a_trial_that_others_gave_up_is_run_again(tmp_path):
    study = open_here(tmp_path, 1)

    def asleep(values, report):
        if len(study.optuna_study.trials) == 1:
            study.optuna_study.tell(0, state=optuna.trial.TrialState.FAIL)
        return by_roll(values, report)

    search(study, SPACE, asleep, unseen)
    assert [trial.state.name for trial in study.optuna_study.trials] == ["FAIL", "COMPLETE"]


KILLED = """
import os, signal, sys
from pathlib import Path
from stages.search.study import search
sys.path.insert(0, {tests!r})
from test_tune import SPACE, open_here, unseen
study = open_here(Path({folder!r}), 1, heartbeat=0.2)
search(study, SPACE, lambda values, report: os.kill(os.getpid(), signal.SIGKILL), unseen)
"""


def test_a_killed_worker_s_trial_is_marked_failed_and_run_again(tmp_path):
    script = KILLED.format(tests=str(Path(__file__).parent), folder=str(tmp_path))
    killed = subprocess.run(
        [sys.executable, "-c", script], cwd=tiny_models.ROOT, capture_output=True, text=True, timeout=120, check=False
    )
    assert killed.returncode == -9, killed.stderr
    study = open_here(tmp_path, 1, heartbeat=0.2)
    assert study.busy, "it still counts as running"
    search(study, SPACE, by_roll, unseen)
    assert [trial.state.name for trial in study.optuna_study.trials] == ["FAIL", "COMPLETE"]


def test_of_two_workers_that_begin_the_last_trial_at_once_one_gives_it_up(tmp_path):
    study = open_here(tmp_path, 1)
    other = study.optuna_study.ask()

    def unreachable(values, report):
        pytest.fail("there are as many trials as are needed")

    _run_one(study, SPACE, unreachable, unseen)
    study.optuna_study.tell(other, 0.5)
    search(study, SPACE, unreachable, unseen)
    assert [trial.state.name for trial in study.optuna_study.trials] == ["COMPLETE", "FAIL"]


def test_a_study_of_pruned_trials_only_says_what_to_raise(tmp_path):
    study = open_here(tmp_path, 1)
    trial = study.optuna_study.ask()
    study.optuna_study.tell(trial, state=optuna.trial.TrialState.PRUNED)
    with pytest.raises(InputError, match=r"every trial was pruned\. Raise tune\.startup"):
        _ = study.best


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("nowhere", r"is not the URL of a database\. Give one such as"),
        ("sqlite:////no/such/folder/tune.db", r"sqlite:////no/such/folder/tune\.db: .*unable to open.*TUNE_STORAGE"),
        ("nosuchdb://host/name", r"nosuchdb://host/name: .*Check TUNE_STORAGE"),
    ],
)
def test_a_database_that_cannot_be_used_is_refused(url, message):
    with pytest.raises(InputError if url == "nowhere" else StoreError, match=message):
        open_study(url, "s", FIRST, trials=1, startup=1, heartbeat=20, show=unseen)


def test_a_database_s_password_is_not_shown():
    assert store_name("postgresql://someone:secret@host/db") == "postgresql://someone:***@host/db"


TEXT = """# Kept.
train:
  lr: 0.001                 # highest learning rate
  dropout: 0.1  # short
augment: {roll: 10.0, tilt: 8.0}   # in one line
"""


def test_numbers_change_in_place_and_comments_keep_their_column():
    values = {"train.lr": 0.00123, "train.dropout": 0.25, "augment.tilt": 12.5, "augment.roll": 10.0}
    assert replaced(TEXT, values, "p") == (
        TEXT.replace("0.001     ", "0.00123   ").replace("0.1  #", "0.25 #").replace("tilt: 8.0}   #", "tilt: 12.5}  #")
    )


def test_a_small_number_is_read_back_as_a_number():
    assert yaml.safe_load(replaced(TEXT, {"train.lr": 1e-05}, "p"))["train"]["lr"] == 1e-05


@pytest.mark.parametrize("name", ["train.speed", "train", "nothing.lr", "train.lr.low"])
def test_a_missing_number_is_refused(name):
    with pytest.raises(InputError, match=rf"p: there is no number '{name}' to write to"):
        replaced(TEXT, {name: 1.0}, "p")


def test_the_shipped_file_is_written_as_a_diff_of_the_changed_lines_alone(tmp_path):
    path = tmp_path / "params.yaml"
    path.write_text(SHIPPED.read_text())
    first = present_values(read_params(Tune, path).space, read_params(Train, path), read_params(Augment, path))
    assert write_back(first, path) == ""
    diff = write_back(first | {"train.lr": 0.00217, "augment.jitter": 0.0123}, path)
    lines = [line for line in diff.splitlines() if line[0] in "+-"]
    assert lines[:2] == ["--- a/params.yaml", "+++ b/params.yaml"]
    assert sorted(line[:18].split(":")[0] for line in lines[2:]) == ["+  jitter", "+  lr", "-  jitter", "-  lr"]
    assert read_params(Train, path).lr == 0.00217
    assert [each.name for each in tmp_path.iterdir()] == ["params.yaml"]
    changed = zip(SHIPPED.read_text().splitlines(), path.read_text().splitlines(), strict=True)
    assert all(old.partition("#")[2] == new.partition("#")[2] for old, new in changed)
